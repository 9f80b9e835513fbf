"""What an edit changes: the sums that are others, and the rows in which a run differs from the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import Measured
from gridsvc.coverage.engine import assignments, stack, stretches
from gridsvc.coverage.gaps import find_gaps
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.local import LocalScene
from gridsvc.coverage.measures import measure
from gridsvc.coverage.shortages import has_shortages
from gridsvc.coverage.sums import UNIT, net
from gridsvc.coverage.tallies import SIDES, tally
from gridsvc.store import RESULTS, ResultChange

Aged = Callable[[gpd.GeoDataFrame], pd.DataFrame]
"""Gaps (metre CRS) as a run stores them: with their age, in longitude and latitude."""


@dataclass(frozen=True)
class Neighbourhood:
    """One neighbourhood before and after an edit, with what its indicators come to in it."""

    before: LocalScene
    after: LocalScene
    indicators: list[Indicator]
    assets: list[str]
    """Asset layers whose assets may have other roads, places or chiefs."""
    duties: bool
    """Whether stretches may have other chiefs, or other lines."""
    keys: set[str]
    """Features that were edited: their gaps may be older or younger, though they are as they were."""

    @cached_property
    def measured(self) -> list[tuple[Indicator, Measured, Measured]]:
        """What each indicator counts, before and after."""
        return [(one, measure(self.before, one), measure(self.after, one)) for one in self.indicators]

    @cached_property
    def tallies(self) -> pd.DataFrame:
        """What sums rise by."""
        before = stack([tally(self.before, one, was) for one, was, _ in self.measured])
        return net(before, stack([tally(self.after, one, is_) for one, _, is_ in self.measured]))

    @cached_property
    def gaps(self) -> ResultChange:
        """Gaps (metre CRS, without their age) that differ, or whose age may; without what units lack as a whole."""
        found = [one for one in self.measured if not has_shortages(one[0])]
        before = stack([find_gaps(self.before, one, was.gaps) for one, was, _ in found])
        after = stack([find_gaps(self.after, one, is_.gaps) for one, _, is_ in found])
        return differing("gaps", before, after, self.keys)

    @cached_property
    def results(self) -> dict[str, ResultChange]:
        """Rows of results, other than tallies and gaps, that differ."""
        found = {}
        if self.assets:
            was, is_ = (assignments(scene, self.assets) for scene in (self.before, self.after))
            found["assignments"] = differing("assignments", was, is_)
        if self.duties:
            found["stretches"] = differing("stretches", stretches(self.before), stretches(self.after))
        return found


@dataclass(frozen=True)
class Change:
    """What one update changed."""

    sums: pd.DataFrame
    """The sums, as they are now, of all subjects whose sums changed (units among them)."""
    near: Neighbourhood | None
    whole: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    """All gaps (metre CRS, without their age) of the indicators that were measured as a whole, by indicator."""
    shortages: tuple[ResultChange, ...] = ()
    """What units lack as a whole, where that differs."""
    results: Mapping[str, pd.DataFrame] | None = None
    """Everything, where everything was computed anew."""

    def altered(self, stored: Mapping[str, pd.DataFrame], aged: Aged) -> dict[str, ResultChange]:
        """What a run differs in; *stored*: gaps that the run before holds, of each of :attr:`whole`."""
        if self.results is not None:
            return {name: ResultChange(rows, whole=True) for name, rows in self.results.items()}
        found = {} if self.near is None else dict(self.near.results)
        gaps = [*self.shortages, *([] if self.near is None else [self.near.gaps])]
        for name, rows in self.whole.items():
            gone = ~stored[name]["gap"].isin(rows["gap"] if len(rows) else [])
            gaps.append(ResultChange(rows, stored[name].loc[gone, list(RESULTS["gaps"].key)]))
        rows = [one.rows for one in gaps if len(one.rows)]
        gone_keys = [one.gone for one in gaps if len(one.gone)]
        if rows or gone_keys:
            found["gaps"] = ResultChange(aged(stack(rows)) if rows else pd.DataFrame(), stack(gone_keys))
        sums = self.sums[self.sums["subject_kind"] != UNIT]
        some = (sums[list(SIDES)] != 0).any(axis=1)
        found["tallies"] = ResultChange(sums[some], sums[~some])
        return found


def differing(
    name: str, before: pd.DataFrame, after: pd.DataFrame, keys: Collection[str] = ()
) -> ResultChange:
    """What differs in result *name* between two states of a part of it, and gaps of the features *keys*."""
    key = list(RESULTS[name].key)
    was, is_ = _contents(before, key), _contents(after, key)
    fresh = np.array([was.get(one) != content for one, content in is_.items()], dtype=bool)
    gone = np.array([one not in is_ for one in was], dtype=bool)
    if keys and len(after):
        for column in ("feature_key", "road_id"):
            fresh |= after[column].isin(list(keys)).to_numpy(bool)
    rows = after[fresh] if len(after) else after
    return ResultChange(rows, before.loc[gone, key] if len(before) else before)


def _contents(frame: pd.DataFrame, key: Iterable[str]) -> dict[Any, Any]:
    """Content of every row by its key."""
    if not len(frame):
        return {}
    columns = []
    for name in frame.columns:
        values = frame[name]
        if name == "geometry":
            columns.append(shapely.to_wkb(values.to_numpy()).tolist())
        else:
            columns.append(values.astype(object).where(values.notna(), None).tolist())
    keys = zip(*(frame[name].astype(str) for name in key), strict=True)
    return dict(zip(keys, zip(*columns, strict=True), strict=True))
