"""What became of units when a county was gridded anew: by the lineage table, and by the ground itself.

A lineage row says that on a day an old code became a new one; a split of one into three is three rows, an empty side
means that a unit is new or has ended. The last day of the old units is the day before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.partition.cells import connected
from gridsvc.partition.faces import Faces, Ints, covering, draw_faces

LINEAGE = "lineage"
"""Name of the table's layer."""
REST = ""
"""Stands for the new code of what no new unit has."""
NOBODY = -1
SQUARE_MM = 1e6


def clean(lineage: pd.DataFrame) -> pd.DataFrame:
    """The table by date and codes; a code that is not given is the empty text."""
    filled = lineage.assign(
        **{name: lineage[name].fillna("").astype(object) for name in ("old_code", "new_code")}
    )
    return filled.sort_values(["changed_on", "old_code", "new_code"], kind="stable", ignore_index=True)


def endings(lineage: pd.DataFrame, codes: pd.Series) -> pd.Series:
    """First day on which each of *codes* is no longer one; a part that kept the code of the whole did not end it."""
    return _days(lineage, "old_code", "new_code", codes)


def beginnings(lineage: pd.DataFrame, codes: pd.Series) -> pd.Series:
    """First day of each of *codes*, where the lineage says when it was given."""
    return _days(lineage, "new_code", "old_code", codes)


def _days(lineage: pd.DataFrame, name: str, other: str, codes: pd.Series) -> pd.Series:
    """Earliest day of each code under *name* that does not stand under *other* on the same day; NaT for others."""
    rows = clean(lineage)
    both = set(zip(rows["changed_on"], rows[other], strict=True))
    alone = [pair not in both for pair in zip(rows["changed_on"], rows[name], strict=True)]
    days = rows[np.array(alone, dtype=bool)].groupby(name)["changed_on"].min()
    found = days.reindex(codes.to_numpy(object)).to_numpy("datetime64[s]")
    return pd.Series(found, index=codes.index)


@dataclass(frozen=True)
class Change:
    """What happened to some units on one day."""

    day: pd.Timestamp
    kinds: tuple[str, ...]
    old: frozenset[str]
    new: frozenset[str]
    documents: tuple[str, ...]


def changes(lineage: pd.DataFrame) -> Iterator[Change]:
    """Rows of one day that share a code, as one change; by date, then by the lowest code."""
    for day, rows in clean(lineage).groupby("changed_on"):
        # a side without a code is nobody else's
        names = [
            rows[side].where(rows[side] != "", [f"{side} {number}" for number in range(len(rows))])
            for side in ("old_code", "new_code")
        ]
        code, codes = pd.factorize(pd.concat(names))
        part = connected(len(codes), code[: len(rows)], code[len(rows) :])[code[: len(rows)]]
        for _, change in rows.groupby(part, sort=False):
            old, new = (frozenset(change[side]) - {""} for side in ("old_code", "new_code"))
            kinds, documents = (tuple(sorted(set(change[name].dropna()))) for name in ("kind", "document"))
            yield Change(pd.Timestamp(str(day)), kinds, old, new, documents)


def successors(lineage: pd.DataFrame, earlier: dt.date, later: dt.date) -> dict[str, set[str]]:
    """Codes of the day *later* that each code of the day *earlier* became, through all changes between them.

    Codes that nothing is said of are not among them; one that ended without successor has none.
    """
    rows = clean(lineage)
    between = rows["changed_on"].gt(pd.Timestamp(earlier)) & rows["changed_on"].le(pd.Timestamp(later))
    now: dict[str, set[str]] = {}
    made: set[str] = set()
    for _, change in rows[between].groupby("changed_on"):
        step = {
            str(old): set(part["new_code"]) - {""} for old, part in change.groupby("old_code") if old != ""
        }
        for origin, codes in now.items():
            now[origin] = {new for code in codes for new in step.get(code, {code})}
        now |= {old: new for old, new in step.items() if old not in made and old not in now}
        made |= set(change["new_code"])
    return now


def mapping(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, lineage: pd.DataFrame, earlier: dt.date, later: dt.date
) -> pd.DataFrame:
    """Where the ground of each old unit went: *old* are one level's units of the day *earlier*, *new* of *later*.

    Both have ``code`` and geometry in the same metre CRS. Returns ``old_code``, ``new_code`` (:data:`REST` for what
    no new unit has), ``area_mm2``, ``share`` of the old unit, and ``told``: True where the lineage says so (of the
    rest: that the unit has ended), or says nothing and the code has stayed. Exact by construction: the whole
    amounts of an old unit add up to its area, and its shares to 1. Where units of one day overlap, the lower code
    has the place, as in the figures.
    """
    found = _overlay(old, new)
    became = successors(lineage, earlier, later)
    pairs = zip(found["old_code"], found["new_code"], strict=True)
    found["told"] = [now in (became.get(code, {code}) or {REST}) for code, now in pairs]
    whole = found.groupby("old_code")["area_mm2"].transform("sum")
    found["share"] = found["area_mm2"] / whole
    return found[["old_code", "new_code", "area_mm2", "share", "told"]]


def _overlay(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.DataFrame:
    """Square millimetres that each old unit shares with each new one: sums of the faces that all borders draw."""
    old, new = old.sort_values("code", ignore_index=True), new.sort_values("code", ignore_index=True)
    if old.empty:
        return pd.DataFrame({"old_code": [], "new_code": [], "area_mm2": np.zeros(0, dtype=np.int64)})
    faces = draw_faces(np.concatenate([frame.geometry.to_numpy(object) for frame in (old, new)]))
    before, after = _owner(faces, old), _owner(faces, new)
    held = before != NOBODY
    table = pd.DataFrame(
        {
            "old_code": old["code"].to_numpy(object)[before[held]],
            "new_code": np.append(new["code"].to_numpy(object), REST)[after[held]],
            "area_mm2": np.rint(shapely.area(faces.polygons[held]) * SQUARE_MM).astype(np.int64),
        }
    )
    return table.groupby(["old_code", "new_code"])[["area_mm2"]].sum().reset_index()


def _owner(faces: Faces, units: gpd.GeoDataFrame) -> Ints:
    """Row of the unit that each face belongs to, the first that covers it; :data:`NOBODY` where none does."""
    unit, face = covering(faces, units.geometry.to_numpy(object))
    owner = np.full(len(faces.polygons), NOBODY, dtype=np.int64)
    first = np.unique(face, return_index=True)[1]
    owner[face[first]] = unit[first]
    return owner
