"""Duties that are valid on a day: stretches of roads and units, each with who holds it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridsvc.duties.people import People
from gridsvc.duties.roads import Roads
from gridsvc.partition.faces import Ints
from gridsvc.partition.intervals import Intervals, spread
from gridsvc.partition.validity import valid_on

DUTIES = "duties"


@dataclass(frozen=True)
class Duties:
    """The duties of one day."""

    stretches: pd.DataFrame
    """``holder``, ``role``, ``level``, ``vacant``, ``date_from``, ``date_to``, ``row`` (road feature), ``start``,
    ``end`` (places on the roads' axis): one row per duty and road feature."""
    posts: pd.DataFrame
    """``holder``, ``role``, ``level``, ``unit``, ``vacant``, ``date_from``, ``date_to``."""
    faults: pd.DataFrame
    """Duties that name nobody or nothing: ``fault`` (``unknown_holder``, ``unknown_road``, ``unknown_unit``,
    ``ended_unit``, ``empty``; ``no_measures``: from–to metres that the road does not have), ``holder``, ``target``,
    ``key``."""

    @property
    def held(self) -> Intervals:
        """Stretches that somebody in office answers for."""
        filled = self.stretches[~self.stretches["vacant"].to_numpy(bool)]
        return Intervals.of(filled["start"], filled["end"])

    @property
    def vacant(self) -> Intervals:
        """Stretches on which a post is vacant, whoever else answers for them."""
        empty = self.stretches[self.stretches["vacant"].to_numpy(bool)]
        return Intervals.of(empty["start"], empty["end"])

    @property
    def bounds(self) -> Ints:
        """Places on the axis where a duty starts or ends."""
        both = np.concatenate([self.stretches["start"], self.stretches["end"]])
        return np.unique(both).astype(np.int64)

    def on_rows(self, rows: Ints, moved: Ints) -> Duties:
        """The duties on some road features (rising rows), on the axis that these have for themselves.

        *moved*: see :meth:`gridsvc.duties.roads.Roads.of_rows`.
        """
        row = self.stretches["row"].to_numpy(np.int64)
        found = np.minimum(np.searchsorted(rows, row), max(len(rows) - 1, 0))
        mine = np.flatnonzero(rows[found] == row) if len(rows) else found[:0]
        own = found[mine]
        ends = {name: self.stretches[name].to_numpy(np.int64)[mine] + moved[own] for name in ("start", "end")}
        return replace(
            self, stretches=self.stretches.iloc[mine].assign(row=own, **ends).reset_index(drop=True)
        )

    def holders_at(self, place: Ints) -> pd.DataFrame:
        """Who answers for each place on the axis: pairs ``row`` (of *place*), ``holder``, each once."""
        return self._held_at(place)[["row", "holder"]].drop_duplicates(ignore_index=True)

    def taken_up_at(self, place: Ints) -> pd.DataFrame:
        """The same pairs with ``date_from``: the first day of the holder's duty there, NaT where it is not known.

        Of several duties of one holder the earliest.
        """
        pairs = self._held_at(place).sort_values(
            ["row", "holder", "date_from"], kind="stable", na_position="first"
        )
        return pairs.drop_duplicates(["row", "holder"], ignore_index=True)

    def _held_at(self, place: Ints) -> pd.DataFrame:
        """Duties at each place on the axis: ``row`` (of *place*), ``holder``, ``date_from``, by row and holder."""
        order = np.argsort(place, kind="stable")
        at = place[order]
        first = np.searchsorted(at, self.stretches["start"].to_numpy(np.int64), side="left")
        last = np.searchsorted(at, self.stretches["end"].to_numpy(np.int64), side="left")
        stretch, found = spread(first, last)
        held = self.stretches[["holder", "date_from"]].iloc[stretch].assign(row=order[found])
        return held[held["holder"] != ""].sort_values(["row", "holder"], kind="stable", ignore_index=True)


def duties_on(
    day: dt.date,
    duties: pd.DataFrame,
    people: People,
    roads: Roads,
    units: set[str],
    ended: Collection[str] = (),
) -> Duties:
    """Place the duties of *day* on roads and *units*; *ended*: codes that name units on other days only.

    A duty names its road by code, else by name, whole or from–to metres along the road; or it names a unit. Where
    roads of several counties have the name, the unit named beside it says which county's is meant; without one the
    duty is on all of them. A holder that is empty or whose post has no name is vacant.
    """
    now = valid_on(duties, day)
    for name in ("holder", "road_code", "road_name", "unit_code", "role", "level"):
        now[name] = now[name].astype(object).where(now[name].notna(), "")
    on_road = (now["road_code"] != "") | (now["road_name"] != "")
    now["vacant"] = ~people.in_office(now["holder"], on_road)
    unknown = now[(now["holder"] != "") & ~now["holder"].isin(people.known)]
    stretches, road_faults = _on_roads(now[on_road], roads)
    on_units = now[(now["unit_code"] != "") & ~on_road]
    lost = on_units[~on_units["unit_code"].isin(units)]
    gone = lost["unit_code"].isin(list(ended))
    empty = now[(now["unit_code"] == "") & ~on_road]
    faults = [
        _fault(unknown, "unknown_holder", unknown["holder"]),
        *road_faults,
        _fault(lost[~gone], "unknown_unit", lost.loc[~gone, "unit_code"]),
        _fault(lost[gone], "ended_unit", lost.loc[gone, "unit_code"]),
        _fault(empty, "empty", empty["holder"]),
    ]
    posts = on_units[on_units["unit_code"].isin(units)].rename(columns={"unit_code": "unit"})
    posts = posts.drop_duplicates(["holder", "role", "unit", "date_from"])
    return Duties(
        stretches,
        posts[["holder", "role", "level", "unit", "vacant", "date_from", "date_to"]].reset_index(drop=True),
        pd.concat(faults, ignore_index=True),
    )


def _fault(rows: pd.DataFrame, fault: str, target: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fault": fault,
            "holder": rows["holder"].to_numpy(object),
            "target": target.to_numpy(object),
            "key": rows["key"].to_numpy(object),
        }
    )


def _on_roads(duties: pd.DataFrame, roads: Roads) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Each duty on every feature of its road, and what could not be placed."""
    features = pd.DataFrame({"row": np.arange(len(roads)), "county": roads.county})
    by_code = features.assign(road_code=roads.frame["road_code"].to_numpy(object)).dropna()
    by_name = features.assign(road_name=roads.frame["road_name"].to_numpy(object)).dropna()
    coded = duties["road_code"] != ""
    named = duties[~coded].merge(by_name, on="road_name")
    meant = [
        unit.startswith(county) for unit, county in zip(named["unit_code"], named["county"], strict=True)
    ]
    named = named[(named["unit_code"] == "") | np.array(meant, dtype=bool)]
    placed = pd.concat([duties[coded].merge(by_code, on="road_code"), named], ignore_index=True)
    lost = duties[~duties["key"].isin(placed["key"])]
    row = placed["row"].to_numpy(np.int64)
    from_m, to_m = placed["from_m"].to_numpy(float), placed["to_m"].to_numpy(float)
    start, end, known = roads.along(row, from_m, to_m, named=(placed["road_code"] == "").to_numpy(bool))
    placed = placed.assign(row=row, start=start, end=end)
    found = placed[known & (end > start)]
    # no measures at all on some feature, or none like these on any
    vague = placed[~known | ~placed["key"].isin(found["key"])].drop_duplicates("key")
    columns = ["holder", "role", "level", "vacant", "date_from", "date_to", "row", "start", "end"]
    return (
        found[columns].sort_values(["start", "end", "holder", "role"], ignore_index=True),
        [_fault(lost, "unknown_road", _named(lost)), _fault(vague, "no_measures", _named(vague))],
    )


def _named(duties: pd.DataFrame) -> pd.Series:
    """The road that each duty names."""
    return duties["road_code"].where(duties["road_code"] != "", duties["road_name"])
