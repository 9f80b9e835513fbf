"""Files in: unpacked, decoded, moved to lon/lat, matched to fields, checked, and stored or kept in quarantine."""

from gridsvc.intake.admission import admit
from gridsvc.intake.load import load_file
from gridsvc.intake.report import LoadReport, NothingAcceptedError
from gridsvc.intake.storing import LoadOptions

__all__ = ["LoadOptions", "LoadReport", "NothingAcceptedError", "admit", "load_file"]
