"""Units through time: dates that contradict each other, and codes that come back for another place.

A code is never used again (DESIGN, section 2). One that has ended may come back for the place it stood for, as
when a file lacked it by mistake.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridsvc.intake.delivery import Mask, Objects
from gridsvc.intake.problems import Positions, Problems
from gridsvc.layers import Layer
from gridsvc.partition.lineage import LINEAGE, endings
from gridsvc.partition.validity import UNIT_DATES
from gridsvc.store import Store
from gridsvc.store.past import former_rows
from gridsvc.text import bilingual

SAME_PLACE = 0.1
"""Share of the smaller polygon that two of one place have in common at least."""


def check_dates(frame: pd.DataFrame, candidates: Positions, problems: Problems) -> None:
    """Report units whose last day comes before their first."""
    if not set(UNIT_DATES) <= set(frame):
        return
    first, last = (frame[name].iloc[candidates] for name in UNIT_DATES)
    never = candidates[(last < first).to_numpy(bool)]
    text = bilingual("valid_to lies before valid_from", "停用日期早于启用日期")
    problems.add("range", never, text, UNIT_DATES[1])


def check_reuse(
    store: Store, layer: Layer, frame: pd.DataFrame, keys: Objects, candidates: Positions, problems: Problems
) -> None:
    """Report *candidates* whose code has ended (in a load, by its date, by the lineage) and stood elsewhere."""
    known = _ended(store, layer)
    codes = keys[candidates]
    place = pd.Index(known["key"], dtype=object).get_indexer(pd.Index(codes, dtype=object))
    candidates, codes, place = candidates[place >= 0], codes[place >= 0], place[place >= 0]
    if not len(candidates):
        return
    old = known.iloc[place].reset_index(drop=True)
    begins, ends = (_days(frame, name).iloc[candidates].reset_index(drop=True) for name in UNIT_DATES)
    # a row that tells of the days before the end is of the old unit itself
    later = old["gone"].to_numpy(bool) | ends.isna() | (ends > old["ended"]) | (begins > old["ended"])
    new = frame["geometry"].to_numpy(dtype=object)[candidates]
    again = later.to_numpy(bool) & ~_same_place(old["geometry"].to_numpy(dtype=object), new)
    problems.add(
        "reused",
        candidates[again],
        [
            bilingual(
                f"code {code} has ended and stood for another place; no code is used again: give the unit a new one",
                f"编码 {code} 已停用，且原属另一位置；编码不得重复使用，请另编新码",
            )
            for code in codes[again]
        ],
        layer.key[0],
    )


def _ended(store: Store, layer: Layer) -> pd.DataFrame:
    """Codes that have ended or will: ``key``, ``geometry``, ``ended`` (last day, NaT: not known), ``gone``."""
    former, now = former_rows(store, layer.name), store.read(layer.name)
    rows = pd.concat([former.assign(gone=True), now.assign(gone=False)], ignore_index=True)
    told = endings(store.read(LINEAGE), rows["key"]) - pd.Timedelta(days=1)
    ended = _days(rows, UNIT_DATES[1]).fillna(told)
    found = pd.DataFrame(
        {"key": rows["key"], "geometry": rows["geometry"], "ended": ended, "gone": rows["gone"].astype(bool)}
    )
    return found[found["gone"] | found["ended"].notna()].reset_index(drop=True)


def _days(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of days; a layer without it has none."""
    none = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[s]")
    days: pd.Series = frame.get(name, none)
    return days


def _same_place(old: Objects, new: Objects) -> Mask:
    """Pairs of polygons (longitude, latitude) that have much of the smaller one in common."""
    common = shapely.area(shapely.intersection(old, new))
    smaller = np.minimum(shapely.area(old), shapely.area(new))
    return np.asarray(common >= SAME_PLACE * smaller, dtype=bool)
