"""Where current rows came from: the load that read each from a file, and the row of that file."""

from __future__ import annotations

import pandas as pd

from gridsvc.store.database import Database
from gridsvc.store.schema import Table

COLUMNS = ["key", "load_id", "source", "source_row"]


def read_origins(db: Database, table: Table) -> pd.DataFrame:
    """``key``, ``load_id``, ``source`` (file names), ``source_row`` of the current rows of *table*, by key.

    A row that a rollback brought back, or whose shape was mended here, came from the file that it was read from
    before: of its versions the newest counts that a load, not undone since, read from a file (loads without a
    checksum read none). A row that never came from a file is not among them.
    """
    if not db.columns(table.name):
        return pd.DataFrame(columns=COLUMNS).astype({"load_id": "int64", "source_row": "Int64"})
    found = db.rows(
        f"SELECT v.key, l.id, l.source, v.source_row FROM {table.name} v "
        f"JOIN loads l ON l.id = v.load_in JOIN {table.name} c ON c.key = v.key AND c.load_out IS NULL "
        "WHERE l.kind = 'load' AND l.status = 'done' AND l.sha256 <> '' ORDER BY v.key, l.id"
    )
    frame = pd.DataFrame(found, columns=COLUMNS).astype({"load_id": "int64", "source_row": "Int64"})
    return frame.drop_duplicates("key", keep="last", ignore_index=True)
