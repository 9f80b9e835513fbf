"""How soon all figures stand again after an edit: one lamp of a city switched, in a process that holds the city.

    scripts/bench edit CITYDIR [--edits N] [--check]

Prints one JSON line: seconds to open, then medians and worst of the milliseconds (wall, and processor time) until the
figures of all units, roads and chiefs stand again, and until what a run stores is known as well. --check measures the
city as a whole at the end: the sums must be the same.
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
from typing import Any

import geopandas as gpd
import numpy as np
from _city import CRS, CityStore, core_job

from gridsvc.coverage.engine import ready, results
from gridsvc.coverage.held import Edit, HeldScene
from gridsvc.coverage.held_figures import HeldFigures
from gridsvc.coverage.indicators import Indicators
from gridsvc.coverage.sums import net
from gridsvc.coverage.warm import Edits, Warm, hold
from gridsvc.partition.workers import Workers
from gridsvc.settings import County, Workspace
from gridsvc.store import RunRecord

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

    def layer_versions(self) -> dict[str, int]:
        """One load of every layer that there is."""
        return {name: int(count > 0) for name, count in self.counts().items()}


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
        found = results(scene, ready(indicators, versions))
        scene.release()
    warm = Warm(scene, indicators, versions, found["tallies"])
    run = RunRecord(1, "", DAY.isoformat(), "draft", "", versions, {}, indicators.digest)
    figures = HeldFigures(store, workspace, store.layers, indicators, run, scene, warm.sums)
    told["open_s"] = round(time.perf_counter() - begun, 2)
    figures.changed(warm.sums.tallies().iloc[:1])
    lamps = store.frames["lamps"]
    chosen = np.random.default_rng(1).choice(len(lamps), edits + 1, replace=False)
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
        altered = change.altered({})
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


def _same(warm: Warm) -> bool:
    """Whether the sums are what the city, measured as a whole, comes to."""
    whole = results(warm.scene, ready(warm.indicators, warm.versions))
    return not len(net(warm.sums.tallies(), whole["tallies"]))


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="scripts/bench edit", description=__doc__)
    parser.add_argument("city", type=Path)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    if not (asked.city / "grids.parquet").is_file():
        parser.error(f"{asked.city} is no city: it has no grids.parquet")
    print(json.dumps(run_edits(asked.city.resolve(), asked.edits, asked.threads, asked.check)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
