"""Files in: unpacked, decoded, moved to lon/lat, matched to fields, checked, and stored or kept in quarantine."""

from gridsvc.intake.load import LoadOptions, load_file
from gridsvc.intake.report import LoadReport, NothingAcceptedError

__all__ = ["LoadOptions", "LoadReport", "NothingAcceptedError", "load_file"]
