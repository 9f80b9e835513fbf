"""All figures of a run as one file of whole numbers: its SHA-256 shows anybody that nothing was changed."""

from __future__ import annotations

from hashlib import sha256

import pandas as pd

from gridsvc.codes import LEVELS
from gridsvc.coverage.figures import Figures
from gridsvc.export.tables import csv_text

ORDER = ["indicator", "subject_kind", "subject"]
COLUMNS = [
    *ORDER, "numerator_int", "denominator_int", "unknown_int", "exempt_int", "display", "unit", "grade", "met",
]  # fmt: skip


def all_figures(figures: Figures) -> pd.DataFrame:
    """Every figure of the run once: units of every level with their remainders, roads, chiefs."""
    tables = [figures.table(level) for level in LEVELS]
    tables += [figures.table(roads=True), figures.table(chiefs=True)]
    # a remainder stands at every level below its own
    rows = pd.concat([table for table in tables if len(table)], ignore_index=True)
    return rows.drop_duplicates(ORDER, ignore_index=True)


def statement(figures: Figures) -> bytes:
    """The figures of a run as CSV in UTF-8, in one order and without words of any language."""
    rows = all_figures(figures).sort_values(ORDER, ignore_index=True)[COLUMNS]
    return csv_text(rows).encode("utf-8-sig")


def digest_of(figures: Figures) -> str:
    """SHA-256 of :func:`statement`."""
    return sha256(statement(figures)).hexdigest()
