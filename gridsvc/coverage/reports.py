"""Values that offices report for units (上报值): the newest on or before a day, never summed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from gridsvc.coverage.amounts import REPORT
from gridsvc.coverage.facts import EXACT, Facts, completed
from gridsvc.coverage.grades import exact
from gridsvc.coverage.indicators import REPORTED, Indicator
from gridsvc.coverage.tallies import COLUMNS
from gridsvc.layers import fold
from gridsvc.text import Text, bilingual

KIND = "reported"
"""Kind of subject in a run's tallies."""
BY = bilingual("reported {day} by {source}", "{source}，{day} 上报")
ON = bilingual("reported {day}", "{day} 上报")


def newest(reports: pd.DataFrame, indicator: Indicator, day: dt.date) -> pd.DataFrame:
    """Rows of the table ``reported`` that count on *day*, one a unit, in order of unit codes.

    A row names its indicator by id or title. Of two rows of one unit and date the later by key counts.
    """
    names = {fold(text) for text in (indicator.id, indicator.title.zh, indicator.title.en)}
    mine = reports["indicator"].map(lambda text: fold(str(text)) in names).astype(bool)
    rows = reports[mine & (reports["reported_on"] <= pd.Timestamp(day))]
    rows = rows.sort_values(["unit_code", "reported_on", "key"], kind="stable")
    return rows.drop_duplicates("unit_code", keep="last").reset_index(drop=True)


def whole(values: pd.Series) -> list[int]:
    """Values in whole parts of their unit (:data:`REPORT`)."""
    return [round(exact(value) / exact(REPORT)) for value in values]


def tally_reports(rows: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
    """The newest reports as tallies: a row a unit."""
    table = pd.DataFrame({"subject": rows["unit_code"], "numerator": whole(rows["value"])})
    table = table.assign(indicator=indicator.id, subject_kind=KIND, denominator=1, unknown=0, exempt=0)
    return table[COLUMNS]


def list_reports(rows: pd.DataFrame, unit: str) -> list[Facts]:
    """The report that a unit's figure is, as a fact; none where there is no report."""
    mine = rows[rows["unit_code"] == unit]
    if mine.empty:
        return []
    fields = [
        f"value={value:g}, reported_on={day:%Y-%m-%d}"
        for value, day in zip(mine["value"], mine["reported_on"], strict=True)
    ]
    found = pd.DataFrame(
        {
            "fact": "report",
            "layer": REPORTED,
            "key": mine["key"].to_numpy(object),
            "name": mine["source"].to_numpy(object),
            "fields": fields,
            EXACT["numerator"]: whole(mine["value"]),
            EXACT["denominator"]: 1,
        }
    )
    nowhere = np.full(len(mine), None, dtype=object)
    return [Facts(REPORTED, completed(found), np.arange(len(mine)), lambda: nowhere)]


def said_of(rows: pd.DataFrame) -> dict[str, Text]:
    """By unit: when and by whom its value was reported."""
    return {
        unit: ON.fill(day=f"{day:%Y-%m-%d}")
        if pd.isna(source)
        else BY.fill(day=f"{day:%Y-%m-%d}", source=source)
        for unit, day, source in zip(rows["unit_code"], rows["reported_on"], rows["source"], strict=True)
    }
