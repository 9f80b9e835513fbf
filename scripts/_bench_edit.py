"""How soon all figures stand again after an edit: one lamp of a city switched, in a process that holds the city.

    scripts/bench edit CITYDIR [--edits N] [--check] [--days N]

Prints one JSON line: seconds to open, then medians and worst of the milliseconds (wall, and processor time) until the
figures of all units, roads and chiefs stand again, and until what a run stores is known as well. --check measures the
city as a whole at the end: the sums must be the same. --days instead loads the city into an SQLite store, and then on
each of N days 1,000 lamps' states, each followed by a run: what a year of that adds to the store.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
from _city import CRS, FILES, CityStore, core_job

from gridsvc.coverage.engine import ready, results
from gridsvc.coverage.gap_age import Past, with_age
from gridsvc.coverage.held import Edit, HeldScene
from gridsvc.coverage.held_figures import HeldFigures
from gridsvc.coverage.indicators import Indicators
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.sums import net
from gridsvc.coverage.warm import Edits, Warm, hold
from gridsvc.partition.workers import Workers
from gridsvc.settings import County, Workspace, init_workspace
from gridsvc.store import RunRecord, Source, open_store

DAY = dt.date(2026, 1, 1)
UNITS = {
    "communities": ("comm", "community"),
    "districts": ("dist", "district"),
    "counties": ("cty", "county"),
}
"""Files and columns with the codes of the units above grids."""


class WholeCity(CityStore):
    """A city with all its levels."""

    @classmethod
    def whole(cls, folder: Path) -> WholeCity:
        """Read all files of *folder*."""
        store = cls.open(folder)
        assert isinstance(store, WholeCity)  # noqa: S101
        grids = gpd.read_parquet(folder / "grids.parquet")
        for layer, (file, column) in UNITS.items():
            frame = gpd.read_parquet(folder / f"{file}.parquet")
            code = grids.drop_duplicates(f"{file}_id").set_index(f"{file}_id")[column]
            frame = frame.assign(code=frame[f"{file}_id"].map(code)).dropna(subset="code")
            frame = frame.sort_values("code", ignore_index=True)
            rows = store.read(layer).reindex(range(len(frame))).drop(columns="geometry")
            rows["key"] = rows["code"] = rows["name"] = frame["code"].to_numpy(object)
            store.frames[layer] = gpd.GeoDataFrame(rows, geometry=frame.geometry.to_numpy(), crs=CRS)
        for name, frame in store.frames.items():
            # as a store hands texts out
            texts = [
                "key",
                *(field for field, one in store.layers[name].fields.items() if one.type == "text"),
            ]
            store.frames[name] = frame.astype(dict.fromkeys(texts, object))
        return store

    def runs(self) -> list[Any]:
        """None."""
        return []

    loads = runs

    def layer_versions(self) -> dict[str, int]:
        """One load of every layer that there is."""
        return {name: int(count > 0) for name, count in self.counts().items()}


class CityPast(Past):
    """A city has none."""

    def features(self, scene: Scene, layer: str, keys: set[str]) -> Any:
        """Rows of *keys*."""
        rows = scene.table(layer)
        return rows[rows["key"].isin(keys)] if len(rows) else rows

    def loaded(self, layer: str, keys: set[str]) -> dict[str, int]:
        """Nothing is known of loads."""
        return {}


def run_edits(folder: Path, edits: int, threads: int, check: bool) -> dict[str, Any]:
    """Open a city and switch *edits* of its lamps, one after the other."""
    told: dict[str, Any] = {"tool": "gridsvc", "city": folder.name, "edits": edits}
    begun = time.perf_counter()
    store = WholeCity.whole(folder)
    told["read_s"] = round(time.perf_counter() - begun, 2)
    county = County(name={"en": "yardstick", "zh": "测速"}, metre_crs="EPSG:4547")
    workspace, indicators = Workspace(Path(), county), Indicators(core_job(), "yardstick")
    begun = time.perf_counter()
    with Workers(threads) as workers:
        scene = HeldScene(store, workspace, store.layers, DAY, workers)
        hold(scene, indicators)
        versions = scene.versions()
        found = results(scene, ready(indicators, versions), past=CityPast(store, DAY))
        scene.release()
    warm = Warm(scene, indicators, versions, found["tallies"])
    run = RunRecord(1, "", DAY.isoformat(), "draft", "", versions, {}, indicators.digest)
    figures = HeldFigures(store, workspace, store.layers, indicators, run, scene, warm.sums)
    told["open_s"] = round(time.perf_counter() - begun, 2)
    figures.changed(warm.sums.tallies().iloc[:1])
    lamps = store.frames["lamps"]
    chosen = np.random.default_rng(1).choice(len(lamps), edits + 1, replace=False)
    past = CityPast(store, DAY)

    def aged(gaps: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return with_age(warm.scene, indicators.values(), gaps.astype({"road_id": object}), past)

    taken: dict[str, list[float]] = {
        name: [] for name in ("figures", "figures_cpu", "run", "run_cpu", "rows")
    }
    for row in chosen:
        switched = lamps.iloc[[row]].reset_index(drop=True)
        switched["state"] = np.where(switched["state"] == "lit", "dark", "lit").astype(object)
        edit = Edit(switched["key"].to_numpy(object), switched)
        wall, cpu = time.perf_counter(), time.process_time()
        change = warm.change(Edits({("lamps", False): edit}, versions))
        shown = figures.changed(change.sums)
        taken["figures"].append(1000 * (time.perf_counter() - wall))
        taken["figures_cpu"].append(1000 * (time.process_time() - cpu))
        altered = change.altered({}, aged)
        taken["run"].append(1000 * (time.perf_counter() - wall))
        taken["run_cpu"].append(1000 * (time.process_time() - cpu))
        taken["rows"].append(len(shown) + sum(len(one.rows) for one in altered.values()))
    for name, values in taken.items():
        # the first one warms up
        told[name] = {"median": round(statistics.median(values[1:]), 1), "worst": round(max(values[1:]), 1)}
    told["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if check:
        told["same"] = _same(warm)
    return told


def run_days(folder: Path, days: int, threads: int) -> dict[str, Any]:
    """Load a city into a store, then the states of 1,000 lamps a day, and compute after each."""
    city = WholeCity.whole(folder)
    county = County(name={"en": "yardstick", "zh": "测速"}, metre_crs="EPSG:4547")
    indicators = Indicators(core_job(), "yardstick")
    told: dict[str, Any] = {"tool": "gridsvc", "city": folder.name, "days": days}
    with TemporaryDirectory() as place, Workers(threads) as workers:
        workspace = init_workspace(Path(place) / "w", county)
        with open_store(workspace, city.layers, write=True) as store:
            for name in (*UNITS, *FILES):
                frame = city.frames[name].to_crs(4490)
                store.apply(name, frame.assign(source_row=range(len(frame))), Source(name, "0" * 64))
            warm = Warm.open(store, workspace, city.layers, indicators, DAY, workers)
            sizes, seconds, dice = [store.database.size()], [], np.random.default_rng(1)
            for _ in range(days):
                rows = city.frames["lamps"].iloc[np.sort(dice.choice(len(city.frames["lamps"]), 1000, False))]
                states = np.where(rows["state"] == "lit", "dark", "lit").astype(object)
                rows = rows.to_crs(4490).assign(state=states, source_row=range(len(rows)))
                store.apply("lamps", rows, Source("lamps", "0" * 64), "upsert")
                begun = time.perf_counter()
                warm.update()
                seconds.append(time.perf_counter() - begun)
                sizes.append(store.database.size())
    told["store_mb"] = round(sizes[0] / 1e6, 1)
    told["a_day_mb"] = round(float(np.mean(np.diff(sizes))) / 1e6, 3)
    told["a_year_gb"] = round(365 * (sizes[-1] - sizes[0]) / days / 1e9, 3)
    told["update_s"] = {"median": round(statistics.median(seconds), 2), "worst": round(max(seconds), 2)}
    return told


def _same(warm: Warm) -> bool:
    """Whether the sums are what the city, measured as a whole, comes to."""
    past = CityPast(warm.scene.store, DAY)
    whole = results(warm.scene, ready(warm.indicators, warm.versions), past=past)
    return not len(net(warm.sums.tallies(), whole["tallies"]))


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="scripts/bench edit", description=__doc__)
    parser.add_argument("city", type=Path)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--days", type=int, default=0)
    asked = parser.parse_args()
    if not (asked.city / "grids.parquet").is_file():
        parser.error(f"{asked.city} is no city: it has no grids.parquet")
    if asked.days:
        print(json.dumps(run_days(asked.city.resolve(), asked.days, asked.threads)))
        return 0
    print(json.dumps(run_edits(asked.city.resolve(), asked.edits, asked.threads, asked.check)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
