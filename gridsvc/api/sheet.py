"""Tables as CSV that spreadsheets open rightly."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from gridsvc.export.tables import disarmed

BOM = "\ufeff"


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a byte-order mark, so that Excel reads it as UTF-8; None is an empty cell."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([disarmed(value) for value in row] for row in rows)
    return out.getvalue()
