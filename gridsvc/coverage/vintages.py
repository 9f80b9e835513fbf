"""All units that there are or were, each with the days on which it held: what became of which, between two days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from gridsvc.codes import LEVELS
from gridsvc.coverage.scene import Scene
from gridsvc.crs import transform
from gridsvc.partition.lineage import LINEAGE, beginnings, clean, endings, mapping
from gridsvc.partition.validity import valid_on
from gridsvc.store import Store
from gridsvc.store.past import first_loads, former_rows

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Vintages:
    """Units of all days, from the store's current rows and from what loads have ended."""

    units: gpd.GeoDataFrame
    """``code``, ``name``, ``level``, ``valid_to``, ``begins``, ``ends`` (first and last day; NaT: open),
    ``standing`` (a current row), ``fresh`` (came when others of its level had ended already), geometry in the
    metre CRS.

    Days are the unit's own ``valid_from`` and ``valid_to``; without them those of the lineage; without these, for
    units that came or went in a load that changed others, the day of that load."""
    lineage: pd.DataFrame
    """The lineage table, cleaned."""

    @classmethod
    def of(cls, scene: Scene) -> Vintages:
        """Read everything that the store of *scene* knows, whatever the scene's day."""
        store = scene.store
        lineage = clean(store.read(LINEAGE))
        days = {
            record.id: pd.Timestamp(record.finished[: len("YYYY-MM-DD")]).as_unit("s")
            for record in store.loads()
        }
        parts = [_level(store, scene, level, days) for level in LEVELS]
        units = pd.concat(parts, ignore_index=True)
        begun, lasts = beginnings(lineage, units["code"]), endings(lineage, units["code"]) - DAY
        units["begins"] = units["valid_from"].fillna(begun).fillna(units["came"])
        units["ends"] = units["valid_to"].fillna(lasts).fillna(units["left"])
        columns = ["code", "name", "level", "valid_to", "begins", "ends", "standing", "fresh", "geometry"]
        return cls(gpd.GeoDataFrame(units[columns], geometry="geometry", crs=scene.crs), lineage)

    def on(self, day: dt.date, level: str) -> gpd.GeoDataFrame:
        """The units of *level* that held on *day*."""
        frame = self.units[self.units["level"] == level]
        return gpd.GeoDataFrame(valid_on(frame, day, "begins", "ends"))

    def mapping(self, earlier: dt.date, later: dt.date, level: str) -> pd.DataFrame:
        """Where the ground of each unit of the day *earlier* went: see :func:`gridsvc.partition.lineage.mapping`."""
        return mapping(self.on(earlier, level), self.on(later, level), self.lineage, earlier, later)

    @cached_property
    def shapes(self) -> pd.Series:
        """Shape by code; of a code that was used twice the one that stands."""
        last = self.units.sort_values("standing", kind="stable").drop_duplicates("code", keep="last")
        shapes: pd.Series = last.set_index("code")["geometry"]
        return shapes


def _level(store: Store, scene: Scene, level: str, days: dict[int, pd.Timestamp]) -> pd.DataFrame:
    """Units of one level, current and former, with ``came`` and ``left`` where loads tell it."""
    name = scene.layers.units[level].name
    now, gone, first = store.read(name), former_rows(store, name), first_loads(store, name)
    began = min(gone["ended_by"], default=None)
    units = pd.concat([now.assign(standing=True), gone.assign(standing=False)], ignore_index=True)
    none = pd.Series(pd.NaT, index=units.index, dtype="datetime64[s]")
    came = units["key"].map(first)
    fresh = (came >= began).to_numpy(bool) if began is not None else np.zeros(len(units), dtype=bool)
    left = units["ended_by"].map(days) - DAY if len(gone) else none
    shapes = transform(units["geometry"].to_numpy(object), pyproj.CRS(store.crs), scene.crs)
    return pd.DataFrame(
        {
            "code": units["key"].to_numpy(object),
            "name": units.get("name"),
            "level": level,
            "valid_from": units.get("valid_from", none),
            "valid_to": units.get("valid_to", none),
            "came": came.map(days).where(fresh).astype("datetime64[s]"),
            "left": left.astype("datetime64[s]"),
            "standing": units["standing"].to_numpy(bool),
            "fresh": fresh,
            "geometry": shapes,
        }
    )
