"""The yardstick: gridsvc on one city, or gridsvc and its peers on all of them in one go. See scripts/bench."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _city import DENOMINATORS, CityScene, CityStore, core_job

from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.measures import measure, prepare
from gridsvc.coverage.tallies import tally
from gridsvc.partition.workers import Workers

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("duckdb", "duckdb-1d")
FAIREST = "duckdb-1d"
SPLITS = ("line", "two-sided")
TWO_SIDED = ("15a_segments", "15b_two_sided")
"""Steps of the fairest peer that are no part of the core job."""
COUNTS = ("lamps", "lamps_lit", "pop", "pop_g", "toi")
ROUGH = {"len_g": 1e-3}
"""Columns that the peers have from polygons where gridsvc is exact: compared in total."""
TOLERANCE = 1e-9


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


def disagreements(mine: pd.DataFrame, peer: pd.DataFrame) -> dict[str, float]:
    """Largest difference per grid in parts of the mean grid, for every column both have; 0 asked of counts."""
    found = {}
    for name in sorted(set(mine) & set(peer)):
        a, b = mine[name], peer[name].reindex(mine.index)
        if name in ROUGH:
            found[name] = abs(a.sum() - b.sum()) / max(abs(b.sum()), 1e-12)
        else:
            found[name] = float((a - b).abs().max()) / max(float(b.abs().mean()), 1e-12)
    return found


def call(command: list[Any], **environment: str) -> dict[str, Any]:
    """Run one tool in a process of its own; what it says of itself, with the processor seconds of all of it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    if done.returncode:
        sys.exit(f"error: {command[1]} failed\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    told["cpu_with_reading"] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)
    return told


def run_all(bench: Path, cities: Path, large: bool, quad: int, threads: int) -> list[dict[str, Any]]:
    """Every tool on every city, each alone, one after the other."""
    results = []
    for city in ["S", "M", *(["L"] if large else [])]:
        if not (cities / city / "toi.parquet").is_file():
            print(f"making city {city}", file=sys.stderr)
            cities.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                [sys.executable, bench / "make_city.py", cities, city], check=True, stdout=subprocess.DEVNULL
            )
        outs = {name: cities / f"{city}-{name}.parquet" for name in (FAIREST, *SPLITS)}
        for peer in PEERS:
            print(f"{city}: {peer}", file=sys.stderr)
            out = [outs[peer]] if peer in outs else []
            told = call(
                [sys.executable, bench / "peers.py", peer, cities / city, threads, *out], QUAD=str(quad)
            )
            told["core"] = round(told["compute"] - sum(told["steps"].get(step, 0.0) for step in TWO_SIDED), 2)
            results.append(told)
        fairest = results[-1]
        for split in SPLITS:
            print(f"{city}: gridsvc, {split}", file=sys.stderr)
            options = ["--split", split, "--quad", quad, "--threads", threads, "--out", outs[split]]
            told = call([sys.executable, __file__, cities / city, "--json", *options])
            told["core"] = told["compute"]
            told["differs"] = disagreements(pd.read_parquet(outs[split]), pd.read_parquet(outs[FAIREST]))
            if split == "two-sided":
                told["differs"] = {k: v for k, v in told["differs"].items() if k not in ("lit_len", "len_g")}
            results.append(told)
        for told in results[-len(PEERS) - len(SPLITS) :]:
            told["ratio"] = round(told["core"] / fairest["core"], 3)
    return results


def show(results: list[dict[str, Any]]) -> None:
    """The table, and where gridsvc and the fairest peer differ."""
    print(f"{'city':<5}{'tool':<22}{'threads':>8}{'wall s':>9}{'ratio':>8}{'cpu s*':>9}{'peak MB':>9}")
    for told in results:
        name = f"{told['tool']} {told.get('split', '')}"
        numbers = (told["threads"], told["core"], told["ratio"], told["cpu_with_reading"], told["peak_mb"])
        print(f"{told['city']:<5}{name:<22}{numbers[0]:>8}{numbers[1]:>9.2f}{numbers[2]:>8.2f}", end="")
        print(f"{numbers[3]:>9.1f}{numbers[4]:>9}")
    print(f"wall: the core job without reading; ratio: to {FAIREST} on the same city; * with reading")
    for told in results:
        if "differs" in told:
            worst = {
                name: value
                for name, value in told["differs"].items()
                if value > (0 if name in COUNTS else ROUGH.get(name, TOLERANCE))
            }
            state = ", ".join(f"{name} {value:.1e}" for name, value in worst.items()) or "within bounds"
            print(f"{told['city']} {told['split']}: agreement with {FAIREST}: {state}")
    lines = [one for one in results if one.get("split") == "line"]
    for small, big in pairwise(lines):
        size = np.log(GRIDS[big["city"]] / GRIDS[small["city"]])
        print(
            f"growth {small['city']} to {big['city']}: exponent {np.log(big['core'] / small['core']) / size:.2f}"
        )


GRIDS = {"S": 5_000, "M": 60_000, "L": 400_000}
"""Size of a city: its road segments."""


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
    parser.add_argument("--large", action="store_true")
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
    threads = Workers(asked.threads).threads
    results = run_all(asked.bench_dir, asked.cities, asked.large, asked.quad, threads)
    if asked.json:
        print(json.dumps(results))
    else:
        show(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
