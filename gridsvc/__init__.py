"""Geospatial grid management for a Chinese county."""

__version__ = "0.1.0"
