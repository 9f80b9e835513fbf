"""gridsvc and its peers on the cities of the yardstick, each alone: ratios, agreement, growth."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DISCS = ("duckdb", "sedona")
"""Peers that make polygons of every distance."""
FAIREST = "duckdb-1d"
PEERS = (*DISCS, FAIREST)
SPLITS = ("line", "two-sided")
TWO_SIDED = ("15a_segments", "15b_two_sided")
"""Steps of the fairest peer that are no part of the core job."""
COUNTS = ("lamps", "lamps_lit", "pop", "pop_g", "toi")
ROUGH = {"len_g": 1e-3}
"""Columns that the peers have from polygons where gridsvc is exact: compared in total."""
TOLERANCE = 1e-9
ROADS = {"S": 5_000, "M": 60_000, "L": 400_000}
"""Size of a city: its road segments."""
HEAD = ("city", "tool", "wall s", f"of {FAIREST}", "cpu s", "peak MB")
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"


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
    told["core"] = round(told["compute"] - sum(told["steps"].get(step, 0.0) for step in TWO_SIDED), 2)
    return told


def run_all(
    bench: Path, cities: Path, names: list[str], quad: int, threads: int, repeats: int
) -> list[dict[str, Any]]:
    """Every tool on every city, in turns; of each the run with the median time."""
    results = []
    for city in names:
        if not (cities / city / "toi.parquet").is_file():
            print(f"making city {city}", file=sys.stderr)
            cities.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                [sys.executable, bench / "make_city.py", cities, city], check=True, stdout=subprocess.DEVNULL
            )
        outs = {name: cities / f"{city}-{name}.parquet" for name in (*PEERS, *SPLITS)}
        tools: dict[str, list[Any]] = {
            peer: [sys.executable, bench / "peers.py", peer, cities / city, threads, outs[peer]]
            for peer in PEERS
        }
        own = [sys.executable, Path(__file__).with_name("_bench.py"), cities / city, "--json"]
        own += ["--quad", quad, "--threads", threads]
        tools |= {split: [*own, "--split", split, "--out", outs[split]] for split in SPLITS}
        runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
        for turn in range(repeats if ROADS[city] < ROADS["L"] else 1):
            for tool, command in tools.items():
                print(f"{city}: {tool}, {turn + 1}", file=sys.stderr)
                runs[tool].append(call(command, QUAD=str(quad)))
        found = {
            tool: sorted(told, key=lambda one: one["core"])[len(told) // 2] for tool, told in runs.items()
        }
        for tool, told in found.items():
            told["ratio"] = round(told["core"] / found[FAIREST]["core"], 3)
            told["runs"] = [one["core"] for one in runs[tool]]
            if tool in SPLITS:
                told["differs"] = _differs(outs[tool], outs[FAIREST], tool)
        results += found.values()
    return results


def _differs(mine: Path, peer: Path, split: str) -> dict[str, float]:
    """Where gridsvc and the fairest peer differ; of two-sided roads that one has the length only."""
    found = disagreements(pd.read_parquet(mine), pd.read_parquet(peer))
    left = () if split == "line" else ("lit_len", "len_g")
    return {name: value for name, value in found.items() if name not in left}


def rows(results: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The table's cells."""
    return [
        (
            told["city"],
            f"{told['tool']}{', ' + told['split'] if 'split' in told else ''}",
            f"{told['core']:.2f}",
            f"{told['ratio']:.2f}",
            f"{told['cpu_with_reading']:.1f}",
            f"{told['peak_mb']:,}",
        )
        for told in results
    ]


def remarks(results: list[dict[str, Any]]) -> list[str]:
    """Agreement, growth with the city's size, and ratios to the peers that make discs."""
    said = []
    for told in results:
        if "differs" in told:
            bounds = {name: 0 if name in COUNTS else ROUGH.get(name, TOLERANCE) for name in told["differs"]}
            beyond = {name: value for name, value in told["differs"].items() if value > bounds[name]}
            state = ", ".join(f"{name} {value:.1e}" for name, value in beyond.items()) or "within bounds"
            said.append(f"{told['city']}, {told['split']}: agreement with {FAIREST}: {state}.")
    lines = [one for one in results if one.get("split") == "line"]
    for told in lines:
        discs = [one["core"] for one in results if one["city"] == told["city"] and one["tool"] in DISCS]
        said.append(
            f"{told['city']}: {told['core'] / min(discs):.2f} of the faster of {' and '.join(DISCS)}."
        )
    for small, big in pairwise(lines):
        size = np.log(ROADS[big["city"]] / ROADS[small["city"]])
        growth = np.log(big["core"] / small["core"]) / size
        said.append(
            f"{small['city']} to {big['city']}: time grows with the city's size to the power {growth:.2f}."
        )
    return said


def show(results: list[dict[str, Any]]) -> None:
    """The table, and what there is to say of it."""
    table = [HEAD, *rows(results)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEAD))]
    for row in table:
        print(
            "  ".join(
                f"{cell:<{w}}" if n < 2 else f"{cell:>{w}}"
                for n, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
        )
    print("wall: the core job without reading; cpu: with reading")
    for line in remarks(results):
        print(line)


def write_readme(paths: list[Path], results: list[dict[str, Any]]) -> None:
    """Put the table between the marks of each file; a file without them is left as it is."""
    cores = statistics.mode(str(told["threads"]) for told in results)
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|--:|--:|--:|--:|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(results)]
    lines += ["", *(f"- {line}" for line in remarks(results))]
    lines += [
        f"- {cores} threads, {platform.machine()}; wall: the core job without reading; cpu: with reading."
    ]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if BEGIN in text and END in text:
            head, rest = text.split(BEGIN, 1)
            path.write_text(
                head + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END, 1)[1], encoding="utf-8"
            )
