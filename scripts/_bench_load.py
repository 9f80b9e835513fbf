#!/usr/bin/env python3
"""How fast lamps are loaded: against plain pyogrio, loaded again, and how much memory two million take.

    scripts/bench load [--lamps N] [--many N] [--repeats N] [--only ROW,...] [--folder DIR]

Every measurement is a process of its own, from its start to its end; memory is the peak that it had.
Prints one JSON line per row, then a table. The exit code is 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

ROOT = Path(__file__).resolve().parent.parent

CRS, CENTRE, SIDE, SPACING = "EPSG:4547", (527_000.0, 3_831_000.0), 60_000.0, 30.0
CHANGED = 100
PLAIN = (
    "import sys, pyogrio; "
    "pyogrio.write_dataframe(pyogrio.read_dataframe(sys.argv[1], encoding='gb18030'), sys.argv[2])"
)
# At its end a process tells its own peak in KiB and its processor time. What the kernel reports to the parent may be
# the parent's: a new process begins in the memory of the old one.
PEAK = """
import atexit, os, re
def tell():
    with open("/proc/self/status") as status, open(os.environ["BENCH_PEAK"], "w") as file:
        print(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1], sum(os.times()[:2]), file=file)
atexit.register(tell)
"""
GRIDSVC = "from gridsvc.cli import main; main()"


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Row:
    """One row of the result."""

    row: str
    title: str
    features: int
    seconds: float
    """Median of the repetitions."""
    all_seconds: list[float]
    cpu_seconds: float
    """Median of the processor time, which tells more on a busy machine."""
    peak_mib: float
    """Largest of the repetitions."""
    ratio: float | None
    """To plain pyogrio, of the seconds."""
    cpu_ratio: float | None
    """The same of the processor time."""
    bar: str
    passed: bool | None
    """None where there is no bar."""


# 1. Files


def lamps(count: int, seed: int = 20_260_101) -> gpd.GeoDataFrame:
    """*count* lamps 30 m apart along streets of 200 lamps, east to west, with the columns of a usual delivery."""
    random = np.random.default_rng(seed)
    street, place = np.divmod(np.arange(count), 200)
    starts = random.uniform(-SIDE / 2, SIDE / 2 - 200 * SPACING, (street[-1] + 1, 2))
    x = CENTRE[0] + starts[street, 0] + place * SPACING + random.normal(0, 0.5, count)
    y = CENTRE[1] + starts[street, 1] + random.normal(0, 0.5, count)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 900, count), unit="D")
    columns = {
        "编号": np.char.add("LD", np.char.zfill(np.arange(count).astype(str), 8)),
        "名称": np.char.add("路灯", place.astype(str)),
        "所在道路": np.char.add(np.char.add("建设", (street + 1).astype(str)), "路"),
        "灯杆高": random.choice([6.0, 8.0, 10.0, 12.0], count),
        "功率": random.choice([60, 100, 150, 250], count).astype("int32"),
        "状态": random.choice(["亮", "灭", ""], count, p=[0.9, 0.03, 0.07]),
        "安装日期": days.date,
        "检查日期": np.full(count, pd.Timestamp("2026-11-01").date()),
    }
    return gpd.GeoDataFrame(columns, geometry=shapely.points(x, y), crs=CRS)


def write_shapefile(frame: gpd.GeoDataFrame, path: Path) -> Path:
    """Write as many offices deliver: GBK, without a .cpg that says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyogrio.write_dataframe(frame, path, driver="ESRI Shapefile", encoding="GBK")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    return path


def write_county(path: Path) -> Path:
    """The county around the lamps: one square."""
    half = SIDE / 2 + 100
    square = shapely.box(CENTRE[0] - half, CENTRE[1] - half, CENTRE[0] + half, CENTRE[1] + half)
    frame = gpd.GeoDataFrame({"code": ["411499"], "name": ["测试县"]}, geometry=[square], crs=CRS)
    path.parent.mkdir(parents=True, exist_ok=True)
    pyogrio.write_dataframe(frame.to_crs(4490), path)
    return path


# 2. Measuring


def measure(code: str, *words: str | Path) -> tuple[Run, str]:
    """Run Python *code* with arguments: what it took, its standard output. Stops where it fails."""
    with tempfile.NamedTemporaryFile("r") as told:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "BENCH_PEAK": told.name}
        command = [sys.executable, "-c", PEAK + code, *map(str, words)]
        began = time.perf_counter()
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            sys.exit(f"failed with {done.returncode}: {' '.join(command[3:])}\n{done.stdout[-2000:]}")
        peak, processor = told.read().split()
        return Run(seconds, float(processor), int(peak) / 1024), done.stdout


def load(workspace: Path, layer: str, path: Path) -> tuple[Run, dict[str, int]]:
    """Load a file with the command: what it took, the report's counts."""
    run, text = measure(GRIDSVC, "load", layer, path, "--workspace", workspace, "--json")
    counts: dict[str, int] = json.loads(text)["counts"]
    return run, counts


def workspace_in(folder: Path) -> Path:
    """A new workspace with the county's boundary."""
    measure(GRIDSVC, "init", folder, "--name", "测试县", "--json")
    load(folder, "counties", write_county(folder / "delivery" / "county.gpkg"))
    return folder


def require(counts: dict[str, int], **expected: int) -> None:
    """Stop when a load did something else than it was measured for."""
    found = {name: counts.get(name, 0) for name in expected}
    if found != expected:
        sys.exit(f"expected {expected}, but the load reports {counts}")


# 3. Rows


@dataclass
class Bench:
    """The folder and sizes of one run, and what plain pyogrio took in it (seconds, of the processor)."""

    folder: Path
    count: int
    many: int
    repeats: int
    plain: tuple[float, float] | None = None

    def row(self, name: str, title: str, features: int, runs: list[Run], bar: str = "") -> Row:
        """The row of *runs*; *bar* is ``<= 3 x`` plain pyogrio, or ``< 3 GB``."""
        seconds = statistics.median(run.seconds for run in runs)
        cpu = statistics.median(run.cpu_seconds for run in runs)
        if name == "plain":
            self.plain = seconds, cpu
        peak = max(run.peak_mib for run in runs)
        ratio = cpu_ratio = None
        if self.plain and features == self.count:
            ratio, cpu_ratio = round(seconds / self.plain[0], 2), round(cpu / self.plain[1], 2)
        passed = None
        if bar.endswith("x") and ratio is not None:
            passed = ratio <= float(bar.split()[1])
        elif bar.endswith("GB"):
            passed = peak * 1024**2 < float(bar.split()[1]) * 1e9
        every = [round(run.seconds, 2) for run in runs]
        took = round(seconds, 2), every, round(cpu, 2), round(peak)
        return Row(name, title, features, *took, ratio, cpu_ratio, bar, passed)

    def rows(self, only: set[str]) -> Iterator[Row]:
        """The rows in turn."""
        steps: dict[str, Callable[[], Row]] = {
            "plain": self.plain_row,
            "load": self.load_row,
            "again": self.again_row,
            "many": self.many_row,
        }
        for name, step in steps.items():
            if not only or name in only:
                yield step()

    def delivery(self) -> Path:
        """The shapefile, made once."""
        path = self.folder / "first" / "路灯.shp"
        return path if path.exists() else write_shapefile(lamps(self.count), path)

    def plain_row(self) -> Row:
        """Plain pyogrio: the shapefile to a GeoPackage."""
        runs = []
        for _ in range(self.repeats):
            target = self.folder / "plain.gpkg"
            target.unlink(missing_ok=True)
            runs.append(measure(PLAIN, self.delivery(), target)[0])
        return self.row("plain", "pyogrio: shapefile to GeoPackage", self.count, runs)

    def load_row(self) -> Row:
        """Into an empty layer, checks and the published GeoPackage included; the last workspace stays."""
        runs = []
        for _ in range(self.repeats):
            shutil.rmtree(self.folder / "county", ignore_errors=True)
            workspace = workspace_in(self.folder / "county")
            run, counts = load(workspace, "lamps", self.delivery())
            require(counts, added=self.count)
            runs.append(run)
        return self.row("load", "gridsvc load lamps", self.count, runs, "<= 3 x")

    def again_row(self) -> Row:
        """The same file once more, with the heights of 100 lamps changed each time."""
        workspace = self.folder / "county"
        if not workspace.exists():
            load(workspace_in(workspace), "lamps", self.delivery())
        frame, runs = lamps(self.count), []
        for repeat in range(self.repeats):
            frame.loc[: CHANGED - 1, "灯杆高"] = 20.0 + repeat
            path = write_shapefile(frame, self.folder / "second" / "路灯.shp")
            run, counts = load(workspace, "lamps", path)
            require(counts, changed=CHANGED, unchanged=self.count - CHANGED)
            runs.append(run)
        return self.row("again", f"gridsvc load lamps, {CHANGED} changed", self.count, runs, "<= 2 x")

    def many_row(self) -> Row:
        """Many lamps, once, for the memory that they take."""
        path = write_shapefile(lamps(self.many), self.folder / "many" / "路灯.shp")
        workspace = workspace_in(self.folder / "many-county")
        run, counts = load(workspace, "lamps", path)
        require(counts, added=self.many)
        return self.row("many", "gridsvc load lamps, many", self.many, [run], "< 3 GB")


def table(rows: list[Row]) -> str:
    """The rows for people."""
    lines = [f"{'':<38}{'features':>10}{'s':>8}{'cpu s':>8}{'peak MiB':>10}{'ratio':>8}{'cpu':>7}  bar"]
    for row in rows:
        ratio, cpu = ("" if one is None else f"{one:.2f}" for one in (row.ratio, row.cpu_ratio))
        verdict = {True: "passed", False: "MISSED", None: ""}[row.passed]
        took = f"{row.seconds:>8.2f}{row.cpu_seconds:>8.2f}{row.peak_mib:>10,.0f}{ratio:>8}{cpu:>7}"
        lines.append(f"{row.title:<38}{row.features:>10,}{took}  {row.bar} {verdict}".rstrip())
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--lamps", type=int, default=250_000)
    parser.add_argument("--many", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", metavar="ROW,...", help="of plain, load, again, many")
    parser.add_argument("--folder", type=Path, help="where files are made; a temporary folder when left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        bench = Bench(Path(scratch), options.lamps, options.many, options.repeats)
        rows = []
        for row in bench.rows(set(filter(None, options.only.split(",")))):
            rows.append(row)
            print(json.dumps(asdict(row), ensure_ascii=False), flush=True)
    print(table(rows))
    return int(any(row.passed is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
