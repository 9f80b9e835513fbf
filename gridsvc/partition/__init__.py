"""Units, zones and remainders as cells; points, pieces and areas in them."""
