"""Since when gaps stand, and whether they are older than the duties of those who answer for them (接任前).

Runs are compared day by day: of each day its newest run. A gap goes on from an earlier run where at least half of it
lay in gaps of the same indicator then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from itertools import starmap
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.observations import sightings
from gridsvc.coverage.responsible import OPEN
from gridsvc.coverage.scene import Scene
from gridsvc.crs import transform
from gridsvc.store import RunRecord, Store
from gridsvc.store.past import last_loads

HALF = 0.5
"""The part of a gap that must have been one before for it to go on."""
DAY = pd.Timedelta(days=1)
CHINA = dt.timezone(dt.timedelta(hours=8))
DAYS: Literal["datetime64[s]"] = "datetime64[s]"
AGE = ["since", "clear_on"]


class Past:
    """What the age of gaps of one day is told from; read when it is first asked for."""

    def __init__(self, store: Store, day: dt.date) -> None:
        """Of the days before *day*."""
        self._store = store
        self._computed: dict[str, bool] = {}
        self.before = run_before(store, day)
        """The run that is compared with."""

    @cached_property
    def gaps(self) -> gpd.GeoDataFrame:
        """The gaps of that run."""
        return self._store.result("gaps", self.run)

    def computed(self, names: Iterable[str]) -> set[str]:
        """Which of the indicators *names* that run has figures of."""
        for name in names:
            if name not in self._computed:
                mine = {"indicator": name}
                held = name in self._with_gaps or len(self._store.result("tallies", self.run, mine)) > 0
                self._computed[name] = held
        return {name for name in names if self._computed[name]}

    @cached_property
    def _with_gaps(self) -> set[str]:
        return set(self.gaps["indicator"])

    @property
    def run(self) -> int | None:
        """Id of that run."""
        return self.before.id if self.before else None

    def features(self, scene: Scene, layer: str, keys: set[str]) -> Any:
        """Rows of a layer as delivered; at least those of *keys*."""
        return scene.table(layer)

    def loaded(self, layer: str, keys: set[str]) -> dict[str, int]:
        """The load that brought each current row of a layer; at least of those of *keys*."""
        return last_loads(self._store, layer)


def with_age(
    scene: Scene, indicators: Iterable[Indicator], gaps: gpd.GeoDataFrame, past: Past | None = None
) -> gpd.GeoDataFrame:
    """*gaps* (metre CRS) of a new run with ``since``, ``clear_on`` and ``inherited``.

    ``since``: the first day from which the gap is known to stand without a break. ``clear_on``: the last day on which
    it is known not to have stood; NaT where there is none. *indicators*: those that the new run computes. *past*
    may be read already. The age of a gap does not depend on the other *gaps*.
    """
    if gaps.empty:
        return gaps
    past = past or Past(scene.store, scene.as_of)
    chosen = {one.id: one for one in indicators}
    today = pd.Timestamp(scene.as_of).as_unit("s")
    age = pd.DataFrame({"since": today, "clear_on": pd.NaT}, index=gaps.index).astype(
        dict.fromkeys(AGE, DAYS)
    )
    before = past.before
    known: set[str] = set()
    if before is not None:
        earlier = past.gaps[past.gaps["indicator"].isin(chosen)]
        known = past.computed(chosen)
        day = pd.Timestamp(before.as_of).as_unit("s")
        age.loc[gaps["indicator"].isin(known), "clear_on"] = day
        went_on = _carried(scene, gaps, earlier, day)
        age.loc[went_on.index] = went_on
    for one in chosen.values():
        rows = (gaps["indicator"] == one.id) & gaps["kind"].isin(["feature", "stretch"])
        if one.match and rows.any():
            found = _of_data(scene, one, gaps[rows], past, fresh=one.id not in known)
            age.loc[found.index] = found
    inherited = starmap(older, zip(gaps["taken_up"].fillna(""), age["since"], age["clear_on"], strict=True))
    return gaps.assign(**age, inherited=pd.array([together(each) for each in inherited], dtype="boolean"))


def run_before(store: Store, day: dt.date) -> RunRecord | None:
    """The newest run of the last day before *day* that has one."""
    earlier = [run for run in store.runs() if run.as_of < day.isoformat() and not run.pruned]
    return max(earlier, key=lambda run: (run.as_of, run.id), default=None)


# from one run to the next


def _carried(
    scene: Scene, gaps: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame, day: pd.Timestamp
) -> pd.DataFrame:
    """Age of the gaps that stood in the run of *day* already, whose gaps are *earlier*, by the index of *gaps*."""
    earlier = earlier.assign(since=earlier["since"].fillna(day)).reset_index(drop=True)
    pairs = pd.concat([_same(gaps, earlier), _along(gaps, earlier), _over(scene, gaps, earlier)])
    pairs = pairs.assign(since=earlier["since"].to_numpy()[pairs["old"].to_numpy(np.int64)])
    pairs = pairs.sort_values(["new", "since", "old"], kind="stable")
    reached = pairs.groupby("new")["part"].cumsum() >= HALF
    pairs = pairs[reached].drop_duplicates("new")
    old = earlier.iloc[pairs["old"].to_numpy(np.int64)].set_index(pd.Index(pairs["new"]))
    return _ages(old["since"], old["clear_on"])


def _pairs(new: object, old: object, part: object) -> pd.DataFrame:
    """Pairs of gaps (index of the new one, row of the earlier one), and the part of the new one that they share."""
    return pd.DataFrame({"new": np.asarray(new, np.int64), "old": np.asarray(old, np.int64), "part": part})


def _named(gaps: pd.DataFrame, kinds: list[str], by: list[str]) -> pd.DataFrame:
    chosen = gaps.loc[gaps["kind"].isin(kinds), [*by, "from_m", "to_m", "size"]]
    return chosen.assign(row=chosen.index)


def _same(gaps: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """The same feature, end of a road or unit."""
    kinds, by = ["feature", "end", "unit", "shortage"], ["indicator", "gap"]
    both = _named(gaps, kinds, by).merge(_named(earlier, kinds, by), on=by)
    return _pairs(both["row_x"], both["row_y"], 1.0)


def _along(gaps: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """Stretches of one road feature that overlap."""
    by = ["indicator", "road_id"]
    both = _named(gaps, ["stretch"], by).merge(_named(earlier, ["stretch"], by), on=by)
    shared = np.minimum(both["to_m_x"], both["to_m_y"]) - np.maximum(both["from_m_x"], both["from_m_y"])
    both, shared = both[shared > 0], shared[shared > 0]
    return _pairs(both["row_x"], both["row_y"], (shared / both["size_x"]).to_numpy(float))


def _over(scene: Scene, gaps: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame) -> pd.DataFrame:
    """Areas of one indicator that overlap."""
    mine, theirs = (np.flatnonzero(frame["kind"] == "area") for frame in (gaps, earlier))
    now = gaps.geometry.to_numpy(object)[mine]
    then = transform(earlier.geometry.to_numpy(object)[theirs], pyproj.CRS(earlier.crs), scene.crs)
    new, old = shapely.STRtree(then).query(now, predicate="intersects")
    same = gaps["indicator"].to_numpy(object)[mine[new]] == earlier["indicator"].to_numpy(object)[theirs[old]]
    new, old = new[same], old[same]
    # to degrees and back a shape loses some nanometres, and may no longer be valid
    shared = shapely.area(shapely.intersection(now[new], shapely.make_valid(then[old])))
    return _pairs(gaps.index.to_numpy()[mine[new]], theirs[old], shared / shapely.area(now[new]))


# from the data


def _of_data(
    scene: Scene, indicator: Indicator, gaps: pd.DataFrame, past: Past, *, fresh: bool
) -> pd.DataFrame:
    """Age of gaps that a field of the feature itself makes: by what was observed, else (*fresh*) was loaded."""
    layer = scene.layers[indicator.features.layer]
    key = gaps["feature_key"].where(gaps["kind"] == "feature", gaps["road_id"])
    found = _ages(pd.Series(dtype=DAYS, index=gaps.index[:0]), None)
    if fresh:
        days = {one.id: _day_of(one.finished) for one in scene.store.loads()}
        loaded = key.map(past.loaded(layer.name, set(key))).map(days).astype(DAYS)
        found = _ages(loaded[loaded <= pd.Timestamp(scene.as_of)], None)
    if layer.observed and layer.observed in indicator.match:
        rows = past.features(scene, layer.name, set(key))
        seen = sightings(layer, rows, past.features(scene, "observations", set(key)), scene.as_of)
        states = _of_states(seen, seen["value"].isin(list(indicator.match[layer.observed])))
        observed = states.reindex(key).set_axis(key.index).dropna(subset="since")
        found = pd.concat([found[~found.index.isin(observed.index)], observed])
    return found


def _day_of(moment: str) -> pd.Timestamp:
    """The day in China of a moment that the store has written."""
    at = dt.datetime.fromisoformat(moment)
    return pd.Timestamp((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).astimezone(CHINA).date())


def _of_states(seen: pd.DataFrame, good: pd.Series) -> pd.DataFrame:
    """Age by key: the first bad state after the last *good* one, and the day of that one."""
    place = pd.Series(np.arange(len(seen)), index=seen.index)
    last_good = seen[good].drop_duplicates("key", keep="last").set_index("key")["day"]
    after = seen["key"].map(place[good].groupby(seen["key"][good]).last()).fillna(-1) < place
    since = seen[after & ~good].drop_duplicates("key").set_index("key")["day"]
    # a day with both a good and a bad state is no clear day
    clear = last_good.reindex(since.index)
    return _ages(since, clear.where(clear < since))


def _ages(since: pd.Series, clear_on: pd.Series | None) -> pd.DataFrame:
    """Both columns; NaT where nothing is known."""
    clear = pd.Series(pd.NaT, index=since.index) if clear_on is None else clear_on
    return pd.DataFrame({"since": since.astype(DAYS), "clear_on": clear.astype(DAYS)})


# against duties


def older(taken_up: str, since: pd.Timestamp, clear_on: pd.Timestamp) -> list[bool | None]:
    """For each day of *taken_up* (separated by blanks) whether a gap stood before it; None where it is not known."""
    return [_before(day, since, clear_on) for day in taken_up.split()]


def _before(taken_up: str, since: pd.Timestamp, clear_on: pd.Timestamp) -> bool | None:
    if taken_up == OPEN or pd.isna(since):
        return None
    day = _day(taken_up)
    if since < day:
        return True
    return False if not pd.isna(clear_on) and day <= clear_on + DAY else None


def taken_over(gap: Mapping[Any, Any], holder: str) -> bool | None:
    """Whether a stored gap is older than the duty of one of those who answer for it."""
    names, days = (str(gap[name] or "") for name in ("chiefs", "taken_up"))
    each = zip(names.split(), older(days, gap["since"], gap["clear_on"]), strict=False)
    return together([one for name, one in each if name == holder])


_day = lru_cache(pd.Timestamp)


def together(each: list[bool | None]) -> bool | None:
    """Inherited by all who answer for a gap; not where one of them has had it from its beginning."""
    if False in each:
        return False
    return True if each and None not in each else None
