"""The store: layers as row versions, loads, runs, and the GeoPackage for GIS desktops."""

from gridsvc.store.copying import Copied, copy_store
from gridsvc.store.database import BUSY_TIMEOUT
from gridsvc.store.deliveries import DeliveredFile, KeptFile
from gridsvc.store.leases import Lease
from gridsvc.store.loads import LoadRecord, Source
from gridsvc.store.publications import NewPublication, Publication
from gridsvc.store.results import RESULTS, ResultTable
from gridsvc.store.runs import NewRun, ResultChange, RunRecord
from gridsvc.store.store import Store, open_store

__all__ = [
    "BUSY_TIMEOUT",
    "RESULTS",
    "Copied",
    "DeliveredFile",
    "KeptFile",
    "Lease",
    "LoadRecord",
    "NewPublication",
    "NewRun",
    "Publication",
    "ResultChange",
    "ResultTable",
    "RunRecord",
    "Source",
    "Store",
    "copy_store",
    "open_store",
]
