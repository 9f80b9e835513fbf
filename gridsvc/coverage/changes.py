"""What an edit changes: the sums that are others, and the rows in which a run differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import Measured
from gridsvc.coverage.engine import assignments, in_degrees, stack, stretches
from gridsvc.coverage.gaps import find_gaps
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.local import LocalScene
from gridsvc.coverage.measures import measure
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.sums import net
from gridsvc.coverage.tallies import SIDES, tally
from gridsvc.store import RESULTS, ResultChange


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
    def results(self) -> dict[str, ResultChange]:
        """Rows of results, other than tallies, that differ."""
        found = {"gaps": differing("gaps", *self._gaps())}
        if self.assets:
            both = (assignments(scene, self.assets) for scene in (self.before, self.after))
            found["assignments"] = differing("assignments", *both)
        if self.duties:
            found["stretches"] = differing("stretches", stretches(self.before), stretches(self.after))
        return found

    def _gaps(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        before = [find_gaps(self.before, one, was.gaps) for one, was, _ in self.measured]
        after = [find_gaps(self.after, one, is_.gaps) for one, _, is_ in self.measured]
        return in_degrees(self.before, stack(before)), in_degrees(self.after, stack(after))


@dataclass(frozen=True)
class Change:
    """What one update changed."""

    sums: pd.DataFrame
    """The sums, as they are now, of all subjects whose sums changed (units among them)."""
    near: Neighbourhood | None
    gaps: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """All gaps (longitude, latitude) of the indicators that were measured as a whole."""
    posts: pd.DataFrame | None = None
    """All duties on units, where any may have changed."""
    results: Mapping[str, pd.DataFrame] | None = None
    """Everything, where everything was computed anew."""

    def altered(self, stored: Mapping[str, pd.DataFrame]) -> dict[str, ResultChange]:
        """What a run differs in; *stored*: gaps that the run before holds, of each of :attr:`gaps`."""
        if self.results is not None:
            return {name: ResultChange(rows, whole=True) for name, rows in self.results.items()}
        found = {} if self.near is None else dict(self.near.results)
        for name, rows in self.gaps.items():
            key = list(RESULTS["gaps"].key)
            gone = stored[name].loc[~stored[name]["gap"].isin(rows["gap"] if len(rows) else []), key]
            found["gaps"] = _both(found.get("gaps"), ResultChange(rows, gone))
        sums = self.sums[self.sums["subject_kind"] != "unit"]
        some = (sums[list(SIDES)] != 0).any(axis=1)
        found["tallies"] = ResultChange(sums[some], sums[~some])
        if self.posts is not None:
            found["posts"] = ResultChange(self.posts, whole=True)
        return found

    @property
    def subjects(self) -> int:
        """Number of figures that changed."""
        return len(self.sums)


def _both(one: ResultChange | None, other: ResultChange) -> ResultChange:
    if one is None:
        return other
    parts = [part for part in (one.rows, other.rows) if len(part)]
    gone = [part for part in (one.gone, other.gone) if len(part)]
    return ResultChange(stack(parts), stack(gone))


def differing(name: str, before: pd.DataFrame, after: pd.DataFrame) -> ResultChange:
    """What differs in result *name* between two states of a part of it."""
    key = list(RESULTS[name].key)
    was, is_ = _contents(before, key), _contents(after, key)
    fresh = np.array([was.get(one) != content for one, content in is_.items()], dtype=bool)
    gone = np.array([one not in is_ for one in was], dtype=bool)
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


def whole(scene: Scene, indicator: Indicator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tallies and gaps (longitude, latitude) of an indicator, measured on all of *scene*."""
    measured = measure(scene, indicator)
    return tally(scene, indicator, measured), in_degrees(scene, find_gaps(scene, indicator, measured.gaps))
