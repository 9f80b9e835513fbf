"""Files out: frames as spreadsheets and as the formats of GIS desktops, whole files put in place at once."""

from gridsvc.export.files import FORMATS, file_format, write_file

__all__ = ["FORMATS", "file_format", "write_file"]
