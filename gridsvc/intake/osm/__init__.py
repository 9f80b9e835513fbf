"""OpenStreetMap in: extracts read without GDAL, tags mapped to fields by a table, loaded like any other file."""

from gridsvc.intake.osm.load import OsmOptions, load_osm
from gridsvc.intake.osm.report import ATTRIBUTION, OsmReport

__all__ = ["ATTRIBUTION", "OsmOptions", "OsmReport", "load_osm"]
