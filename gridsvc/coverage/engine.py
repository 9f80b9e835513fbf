"""One computation: every indicator over the whole workspace, stored as a draft run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridsvc import __version__
from gridsvc.coverage.amounts import Gaps
from gridsvc.coverage.definitions import definitions_text
from gridsvc.coverage.gap_age import Past, with_age
from gridsvc.coverage.gaps import find_gaps
from gridsvc.coverage.indicators import REPORTED, Indicator, Indicators
from gridsvc.coverage.leftovers import HOMES
from gridsvc.coverage.measures import measure, prepare
from gridsvc.coverage.reports import newest, tally_reports
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.shortages import find_shortages, has_shortages
from gridsvc.coverage.tallies import asset_holders, tally
from gridsvc.crs import transform
from gridsvc.layers import Layers
from gridsvc.partition.cells import OUTSIDE
from gridsvc.partition.workers import Workers
from gridsvc.settings import Workspace
from gridsvc.store import NewRun, RunRecord, Store

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""
STEPS = 3
"""Steps beside those of the indicators."""


def compute(
    store: Store,
    workspace: Workspace,
    layers: Layers,
    indicators: Indicators,
    as_of: dt.date,
    progress: Progress | None = None,
    threads: int | None = None,
) -> RunRecord:
    """Compute all indicators as they stand on *as_of* and store them as a draft run.

    *store* must be open for writing. *threads* takes the place of the workspace's own setting; the figures do not
    depend on it. An indicator one of whose layers was never loaded has no tallies; its figures say so. Raises
    :class:`UsageError` when no boundaries are loaded.
    """
    with Workers(workspace.county.threads if threads is None else threads) as workers, store.snapshot():
        scene = Scene(store, workspace, layers, as_of, workers)
        versions = scene.versions()
        chosen = ready(indicators, versions)
        tables = results(scene, chosen, progress)
    record = store.write_run(new_run(scene, indicators, versions), tables)
    if progress is not None:
        progress("store", len(chosen) + STEPS, len(chosen) + STEPS)
    return record


def ready(indicators: Indicators, versions: Mapping[str, int]) -> list[Indicator]:
    """The indicators all of whose layers were loaded."""
    return [one for one in indicators.values() if all(versions[name] for name in one.layers)]


def new_run(scene: Scene, indicators: Indicators, versions: Mapping[str, int]) -> NewRun:
    """What a run of *scene* rests on."""
    return NewRun(
        as_of=scene.as_of.isoformat(),
        definitions=indicators.digest,
        content=definitions_text(indicators),
        versions=versions,
        libraries=software() | {"metre_crs": scene.crs.to_string()},
    )


def results(
    scene: Scene, indicators: list[Indicator], progress: Progress | None = None, past: Past | None = None
) -> dict[str, pd.DataFrame]:
    """What a run holds of *indicators*, by the name of the result. *past*: what ages of gaps are told from."""
    tell = progress or (lambda what, done, total: None)
    total = len(indicators) + STEPS
    tell("partition", 0, total)
    scene.read([HOMES])
    prepare(scene, indicators)
    tables = {"cells": in_degrees(scene, scene.partition.cells), "findings": _findings(scene)}
    tell("roads", 1, total)
    tables |= {
        "stretches": stretches(scene),
        "posts": scene.duties.posts,
        "assignments": assignments(scene, [layer.name for layer in scene.layers.of_role("asset")]),
    }
    told = count(2)

    def work(indicator: Indicator) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
        tell(indicator.id, next(told), total)
        return results_of(scene, indicator)

    done = scene.workers.map(work, indicators)
    tell("store", total - 1, total)
    gaps = with_age(scene, indicators, stack([gaps for _, gaps in done]), past)
    return tables | {"tallies": stack([tallies for tallies, _ in done]), "gaps": in_degrees(scene, gaps)}


def results_of(scene: Scene, indicator: Indicator) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    """Tallies and gaps (metre CRS, without their age) of one indicator."""
    if indicator.kind == REPORTED:
        rows = newest(scene.reports, indicator, scene.as_of)
        return tally_reports(rows, indicator), find_gaps(scene, indicator, Gaps())
    measured = measure(scene, indicator)
    tallies = tally(scene, indicator, measured)
    if has_shortages(indicator):
        return tallies, find_shortages(scene, indicator, tallies)
    return tallies, find_gaps(scene, indicator, measured.gaps)


def software() -> dict[str, str]:
    """Versions of what the numbers rest on."""
    return {
        "gridsvc": __version__,
        "geos": shapely.geos_version_string,
        "proj": pyproj.proj_version_str,
        "numpy": np.__version__,
        "shapely": shapely.__version__,
    }


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of the same columns as one."""
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def in_degrees(scene: Scene, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame in the metre CRS with its geometry in longitude and latitude."""
    if frame.empty:
        return frame
    target = scene.store.crs
    shapes = transform(frame["geometry"].to_numpy(object), scene.crs, target)
    moved: pd.DataFrame = gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=shapes, crs=target)
    return moved


def _findings(scene: Scene) -> pd.DataFrame:
    """Partition findings with positions in degrees."""
    found = scene.partition.findings
    points = shapely.points(found[["x", "y"]].to_numpy(float))
    moved = transform(points, scene.crs, scene.store.crs)
    return found.drop(columns=["x", "y"]).assign(
        part=found["part"].astype(str), lon=shapely.get_x(moved), lat=shapely.get_y(moved)
    )


def stretches(scene: Scene) -> pd.DataFrame:
    """Duties on roads with their lines and measures along the road features."""
    duties, roads = scene.duties.stretches, scene.roads
    row = duties["row"].to_numpy(np.int64)
    table = duties.drop(columns=["row", "start", "end"]).assign(
        road_id=roads.frame["key"].to_numpy(object)[row],
        from_m=roads.measure(duties["start"].to_numpy(np.int64), row),
        to_m=roads.measure(duties["end"].to_numpy(np.int64), row),
        geometry=roads.segments.stretches(duties["start"], duties["end"]),
    )
    key = ["holder", "role", "road_id", "from_m", "to_m", "date_from"]
    return in_degrees(scene, table.drop_duplicates(key))


def assignments(scene: Scene, names: Iterable[str]) -> pd.DataFrame:
    """Road, place and chiefs of every asset of some layers."""
    tables = []
    for name in names:
        found = scene.assignments(name)
        row = found["row"].to_numpy(np.int64)
        known = row != OUTSIDE
        chiefs = asset_holders(scene, name).groupby("row")["holder"].agg(" ".join)
        keys = np.append(scene.roads.frame["key"].to_numpy(object), "")
        tables.append(
            pd.DataFrame(
                {
                    "layer": name,
                    "asset_key": found["asset_key"],
                    "road_id": np.where(known, keys[row], None),
                    "at_m": np.where(
                        known, scene.roads.measure(found["place"].to_numpy(np.int64), row), np.nan
                    ),
                    "distance_m": found["distance_m"],
                    "how": found["how"],
                    "confirmed": found["confirmed"],
                    "chiefs": chiefs.reindex(found.index).fillna("").to_numpy(object),
                    "cell": np.append(scene.partition.cells["cell"].to_numpy(object), "")[
                        scene.cell_of(name)
                    ],
                }
            )
        )
    return stack(tables)
