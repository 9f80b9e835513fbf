"""Which rows hold on a day: units, duties, exemptions and agreements from one day to another."""

from __future__ import annotations

import datetime as dt

import pandas as pd

UNIT_DATES = ("valid_from", "valid_to")


def valid_on(
    frame: pd.DataFrame, day: dt.date, begin: str = "date_from", end: str = "date_to"
) -> pd.DataFrame:
    """Rows whose dates *begin* and *end* include *day*, both the first and the last; a missing one is open."""
    at = pd.Timestamp(day)
    open_day = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[s]")
    first, last = frame.get(begin, open_day), frame.get(end, open_day)
    return frame[(first.isna() | (first <= at)) & (last.isna() | (last >= at))].reset_index(drop=True)


def units_on(frame: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Units that are valid on *day*: ``valid_from`` ≤ day ≤ ``valid_to``."""
    return valid_on(frame, day, *UNIT_DATES)
