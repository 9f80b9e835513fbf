"""The yardstick: gridsvc on one city, or gridsvc and its peers on all of them in one go. See scripts/bench."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from _bench_peers import SPLITS, run_all, show, write_readme
from _city import DENOMINATORS, CityScene, CityStore, core_job

from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.measures import measure, prepare
from gridsvc.coverage.tallies import tally
from gridsvc.partition.workers import Workers, available_cores

ROOT = Path(__file__).resolve().parent.parent


def run_city(
    folder: Path, split: str, quad: int, threads: int, out: Path | None, parted: bool
) -> dict[str, Any]:
    """Compute the core job on one city: seconds, memory, and (written to *out*) its figures per grid."""
    steps: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        steps[name] = round(time.perf_counter() - begun, 3)

    with timed("read"):
        store = CityStore.open(folder)
    job = core_job()
    wall, cpu = time.perf_counter(), time.process_time()
    with Workers(threads) as workers:
        scene = CityScene(store, split, quad, workers, parted)
        with timed("prepare"):
            prepare(scene, job.values())

        def work(name: str) -> pd.DataFrame:
            with timed(name):
                return tally(scene, job[name], measure(scene, job[name]), owners=())

        tallies = dict(zip(job, workers.map(work, job), strict=True))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if out is not None:
        figures(tallies, store, split).to_parquet(out)
    return {
        "tool": "gridsvc",
        "split": split,
        "partition": parted,
        "quad": quad,
        "city": folder.name,
        "threads": workers.threads,
        "compute": round(wall, 2),
        "cpu": round(cpu, 2),
        "read": steps.pop("read"),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "steps": steps,
    }


def figures(tallies: dict[str, pd.DataFrame], store: CityStore, split: str) -> pd.DataFrame:
    """Numerators and denominators per grid in base units, under the names that the peers give them."""
    job, columns = core_job(), {}
    sides = [(name, name, "numerator") for name in job]
    sides += [(column, name, "denominator") for column, name in DENOMINATORS.items()]
    for column, name, side in sides:
        table = tallies[name]
        cells = table[table["subject_kind"] == "cell"].set_index("subject")[side]
        columns[column] = cells * quantities(job[name])[side == "denominator"]
    found = pd.DataFrame(columns).reindex(store.grid_id.index).fillna(0.0)
    found.index = pd.Index(store.grid_id, name="grid_id")
    if split == "two-sided":
        found = found.rename(columns={"road_len": "road_len_two_sided"})
    return found.sort_index()


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("city", nargs="?", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--split", choices=SPLITS, default="line")
    parser.add_argument("--quad", type=int, default=16)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--partition", action="store_true", help="node the grids first, which no peer does")
    parser.add_argument("--bench-dir", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--cities", type=Path, default=ROOT / "build" / "bench" / "cities")
    parser.add_argument("--large", action="store_true", help="city L too")
    parser.add_argument("--repeats", type=int, default=3, help="times that each tool runs on S and M")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    asked = parser.parse_args()
    if asked.city is not None:
        if not (asked.city / "grids.parquet").is_file():
            parser.error(f"{asked.city} is no city: it has no grids.parquet")
        told = run_city(
            asked.city.resolve(), asked.split, asked.quad, asked.threads, asked.out, asked.partition
        )
        print(json.dumps(told))
        return 0
    for name in ("make_city.py", "peers.py"):
        if not (asked.bench_dir / name).is_file():
            parser.error(f"{asked.bench_dir} has no {name}; name the yardstick's folder with --bench-dir")
    names, threads = ["S", "M", *(["L"] if asked.large else [])], asked.threads or available_cores()
    results = run_all(asked.bench_dir, asked.cities, names, asked.quad, threads, asked.repeats)
    if asked.readme:
        write_readme([ROOT / "README.md", ROOT / "README.zh-CN.md"], results)
    if asked.json:
        print(json.dumps(results))
    else:
        show(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
