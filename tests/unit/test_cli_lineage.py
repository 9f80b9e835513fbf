"""``gridsvc lineage`` on a village whose one grid was split, and whose part was later renumbered."""

import json

import pytest
from typer.testing import CliRunner

from gridsvc.cli import app

RUN = CliRunner()
C = "900001"
D, A = C + "001", C + "001001"
OLD, WEST, EAST, LAST = (f"{A}00{number}" for number in range(1, 5))


def call(*arguments, lang="en"):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": lang})


def square(west, east):
    return {
        "type": "Polygon",
        "coordinates": [[[west, 50], [east, 50], [east, 50.02], [west, 50.02], [west, 50]]],
    }


def units(path, *rows):
    """A GeoJSON file of (code, west, east, first day, last day)."""
    made = [
        {
            "type": "Feature",
            "geometry": square(west, east),
            "properties": {"code": code, "name": f"格{code[-1]}", "valid_from": first, "valid_to": last},
        }
        for code, west, east, first, last in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    """The old grid, its halves, and the eastern one under its later code."""
    folder = tmp_path_factory.mktemp("village")
    workspace = folder / "w"
    assert call("init", workspace, "--name", "村").exit_code == 0
    for layer, code in (("counties", C), ("districts", D), ("communities", A)):
        path = units(folder / f"{layer}.geojson", (code, 10, 10.02, None, None))
        assert call("load", layer, path, "-w", workspace).exit_code == 0
    grids = units(
        folder / "grids.geojson",
        (OLD, 10, 10.02, None, "2025-12-31"),
        (WEST, 10, 10.005, "2026-01-01", None),
        (EAST, 10.005, 10.02, "2026-01-01", "2026-06-30"),
        (LAST, 10.005, 10.02, "2026-07-01", None),
    )
    assert call("load", "grids", grids, "-w", workspace).exit_code == 0
    table = folder / "沿革.csv"
    table.write_text(
        f"变更类型,原编码,新编码,变更日期,文号\n改码,{EAST},{LAST},2026-07-01,〔2026〕9号\n"
        f"拆分,{OLD},{WEST},2026-01-01,〔2026〕1号\n拆分,{OLD},{EAST},2026-01-01,〔2026〕1号\n",
        encoding="utf-8",
    )
    assert call("load", "lineage", table, "-w", workspace).exit_code == 0
    return workspace


def answer(*arguments):
    return json.loads(call(*arguments, "--json").stdout)


def test_what_became_of_a_unit_is_followed_through_all_changes(village):
    told = answer("lineage", OLD, "-w", village)
    assert (told["level"], told["valid_from"], told["valid_to"], told["standing"]) == (
        "grid",
        None,
        "2025-12-31",
        True,
    )
    assert told["from"] == []
    steps = [[step[name] for name in ("date", "kind", "old_code", "new_code")] for step in told["became"]]
    assert steps == [
        ["2026-01-01", "split", OLD, WEST],
        ["2026-01-01", "split", OLD, EAST],
        ["2026-07-01", "renumber", EAST, LAST],
    ]
    # a parallel is no straight line in metres
    assert [step["share"] for step in told["became"]] == pytest.approx([0.25, 0.75, 1.0], abs=1e-5)


def test_where_a_unit_came_from_is_followed_back(village):
    told = answer("lineage", LAST, "-w", village)
    assert [(step["old_code"], step["name"]) for step in told["from"]] == [(OLD, "格1"), (EAST, "格3")]
    assert told["became"] == []


def test_all_changes_are_listed_by_date(village):
    assert answer("lineage", "-w", village)["changes"] == [
        {
            "date": "2026-01-01",
            "kinds": ["split"],
            "old_codes": [OLD],
            "new_codes": [WEST, EAST],
            "documents": ["〔2026〕1号"],
        },
        {
            "date": "2026-07-01",
            "kinds": ["renumber"],
            "old_codes": [EAST],
            "new_codes": [LAST],
            "documents": ["〔2026〕9号"],
        },
    ]


def test_people_read_it_in_their_language(village):
    shown = call("lineage", OLD, "-w", village, lang="zh").stdout
    assert f"网格 {OLD} 格1" in shown
    assert "有效期 … 至 2025-12-31" in shown
    assert "拆分" in shown
    assert "75.0%" in shown
    assert "Split" in call("lineage", "-w", village).stdout


def test_a_unit_without_changes_says_so(village):
    done = call("lineage", C, "-w", village)
    assert done.exit_code == 0
    assert "the lineage says nothing of it" in done.stdout


def test_a_code_that_never_was_is_refused(village):
    done = call("lineage", "123", "-w", village)
    assert done.exit_code == 2
    assert "there is and was no unit '123'" in done.output


def test_a_workspace_without_anything_says_what_to_do(tmp_path):
    assert call("init", tmp_path / "w").exit_code == 0
    done = call("lineage", "-w", tmp_path / "w")
    assert done.exit_code == 0
    assert "gridsvc load lineage FILE" in done.stdout
    assert call("lineage", C, "-w", tmp_path / "w").exit_code == 2


def test_neighbours_loads_are_told_apart(village, tmp_path):
    path = tmp_path / "lamps.geojson"
    lamp = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [9.999, 50.01]},
        "properties": {"lamp_id": "1"},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [lamp]}), encoding="utf-8")
    done = call("load", "lamps", path, "--context", "-w", village)
    assert done.exit_code == 0, done.output
    assert "of neighbouring counties" in done.stdout
    assert "load (neighbours)" in call("loads", "--layer", "lamps", "-w", village).stdout
    assert "入库（邻县）" in call("loads", "--layer", "lamps", "-w", village, lang="zh").stdout
    for option, rows in (((), 0), (("--context",), 1)):
        written = answer("export", "lamps", tmp_path / f"out{rows}.csv", *option, "-w", village)
        assert written["rows"] == rows
    refused = call("load", "grids", path, "--context", "-w", village)
    assert refused.exit_code == 2
