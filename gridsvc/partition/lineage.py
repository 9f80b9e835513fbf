"""x."""
LINEAGE = "lineage"
