"""The commands on a village of one road: files in, figures and gaps out, and back again."""

import io
import json
import shutil
import socket

import pyogrio
import pytest
import python_calamine
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.cli.tables import show_table

RUN = CliRunner()
# outside China, so that the metre CRS is the village's own: its road is about 1,290 m long
CODES = {
    "counties": "900001",
    "districts": "900001001",
    "communities": "900001001001",
    "grids": "900001001001001",
}


def call(*arguments):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": "en"})


def features(path, *rows):
    """Write a GeoJSON file of (geometry type, coordinates, properties)."""
    made = [
        {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}
        for kind, coordinates, properties in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}), encoding="utf-8")
    return path


def square(west, south, side):
    east, north = west + side, south + side
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What the village's office delivers; the last lamp has no number."""
    folder = tmp_path_factory.mktemp("files")
    for layer, code in CODES.items():
        features(
            folder / f"{layer}.geojson", ("Polygon", square(10, 50, 0.02), {"code": code, "name": layer})
        )
    zone = {"code": "B1", "name": "town", "kind": "built_up"}
    features(folder / "zones.geojson", ("Polygon", square(10, 50, 0.02), zone))
    road = {"road_id": "R1", "road_code": "R1", "road_name": "Long street", "class": "branch", "width": 10}
    features(folder / "roads.geojson", ("LineString", [[10.001, 50.01], [10.019, 50.01]], road))
    lamps = [
        (
            "Point",
            [10.002 + 0.0005 * n, 50.01005],
            {"lamp_id": f"L{n}", "road_name": "Long street", "state": "亮"},
        )
        for n in range(8)
    ]
    features(folder / "lamps.geojson", *lamps, ("Point", [10.01, 50.01], {"lamp_id": None}))
    (folder / "chiefs.csv").write_text("路长编号,姓名\nC1,张三\nC2,\n", encoding="utf-8")
    (folder / "duties.csv").write_text(
        "责任人编号,道路名称,开始日期\nC1,Long street,2026-01-01\n"
        "C2,Long street,2026-01-01\nC9,Lost lane,2026-01-01\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def computed(files, tmp_path_factory):
    """A workspace with everything loaded and one run."""
    workspace = tmp_path_factory.mktemp("village") / "w"
    assert call("init", workspace, "--name", "村").exit_code == 0
    for name in (*CODES, "zones", "roads", "lamps"):
        done = call("load", name, files / f"{name}.geojson", "-w", workspace)
        assert done.exit_code == (1 if name == "lamps" else 0), done.output
    for name in ("chiefs", "duties"):
        assert call("load", name, files / f"{name}.csv", "-w", workspace).exit_code == 0
    done = call("compute", "-w", workspace, "--as-of", "2026-11-01")
    assert done.exit_code == 0, done.output
    return workspace


@pytest.fixture
def village(computed, tmp_path):
    """A copy of the workspace that a test may change."""
    return shutil.copytree(computed, tmp_path / "w")


def answer(*arguments):
    return json.loads(call(*arguments, "--json").stdout)


def test_a_load_tells_what_became_of_every_row(village, files):
    done = call("load", "lamps", files / "lamps.geojson", "-w", village, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["counts"]["unchanged"] == 8
    assert told["counts"]["quarantined"] == 1
    assert sum(told["counts"].values()) == told["rows_read"] == 9


def test_a_dry_run_changes_nothing_and_writes_its_report(village, files, tmp_path):
    before = answer("loads", "-w", village)
    done = call(
        *("load", "lamps", files / "lamps.geojson", "-w", village, "--dry-run", "--set", "state=dark"),
        *("--report", tmp_path / "report.json"),
    )
    assert done.exit_code == 1
    assert "dry run" in done.stdout
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["counts"]["changed"] == 8
    assert answer("loads", "-w", village) == before


def test_columns_and_values_can_be_named(village, files):
    done = call(
        *("load", "lamps", files / "lamps.geojson", "-w", village, "--dry-run", "--json"),
        *("--map", "road_code=road_name", "--set", "light_points=2"),
    )
    columns = {column["field"]: column for column in json.loads(done.stdout)["files"][0]["columns"]}
    assert columns["road_code"]["column"] == "road_name"
    assert columns["light_points"]["how"] == "set"


@pytest.mark.parametrize(
    "wrong", [["--map", "frob"], ["--set", "=1"], ["--report", "x.doc"], ["--mode", "merge"]]
)
def test_wrong_options_of_load_are_wrong_usage(village, files, wrong):
    assert call("load", "lamps", files / "lamps.geojson", "-w", village, *wrong).exit_code == 2


def test_what_cannot_be_loaded_is_refused_and_nothing_is_stored(village, files, tmp_path):
    before = answer("loads", "-w", village)
    assert call("load", "lamps", tmp_path / "none.shp", "-w", village).exit_code == 2
    assert call("load", "frob", files / "lamps.geojson", "-w", village).exit_code == 2
    done = call("load", "lamps", files / "grids.geojson", "-w", village, "--json")
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert told["error"]["exit_code"] == 3
    assert "Traceback" not in done.output
    assert answer("loads", "-w", village) == before


def test_rollback_brings_back_what_was_there(village, files):
    call("load", "lamps", files / "lamps.geojson", "-w", village, "--set", "state=dark")
    newest = answer("loads", "-w", village)["loads"][-1]
    assert newest["changed"] == 8
    undone = answer("rollback", newest["id"], "-w", village)
    assert (undone["kind"], undone["undoes"], undone["changed"]) == ("rollback", newest["id"], 8)
    assert call("rollback", newest["id"], "-w", village).exit_code == 2


def test_quarantine_lists_rows_with_their_reasons(village):
    told = answer("quarantine", "lamps", "-w", village)
    assert told["rows"] == 1
    assert told["quarantine"][0]["source_row"] == 9
    shown = call("quarantine", "-w", village)
    assert told["quarantine"][0]["reason_en"].split(";")[0] in shown.stdout


def test_loads_lists_every_load(village):
    assert len(answer("loads", "-w", village)["loads"]) == 9
    shown = call("loads", "-w", village, "--layer", "lamps").stdout
    assert "lamps.geojson" in shown
    assert "roads.geojson" not in shown


def test_coverage_gives_value_numerator_and_denominator(village):
    told = answer("coverage", "-w", village, "--indicator", "lamps_burning", "--level", "grid")
    (figure,) = [row for row in told["figures"] if row["subject"] == CODES["grids"]]
    assert (figure["value"], figure["numerator_exact"], figure["denominator_exact"]) == (None, 0, 0)
    (lit,) = answer("coverage", "-w", village, "--indicator", "lit_road")["figures"]
    assert lit["denominator"] == pytest.approx(1290.2, abs=1)
    assert 0 < lit["numerator"] < lit["denominator"]
    assert lit["as_of"] == "2026-11-01"


def test_coverage_is_a_table_for_people(village):
    shown = call("coverage", "-w", village, "--indicator", "lit_road", "--level", "grid").stdout
    assert CODES["grids"] in shown
    assert "1,290." in shown
    assert "≥ 100" in shown


def test_coverage_of_a_chief(village):
    told = answer("coverage", "-w", village, "--chief", "C1", "--indicator", "lit_road")
    assert told["figures"][0]["name"] == "张三"
    assert call("coverage", "-w", village, "--chief", "C1", "--level", "grid").exit_code == 2


def test_coverage_can_be_sorted(village):
    told = answer("coverage", "-w", village, "--sort", "-value")
    values = [row["value"] for row in told["figures"] if row["value"] is not None]
    assert values == sorted(values, reverse=True)
    assert call("coverage", "-w", village, "--sort", "frob").exit_code == 2


def test_coverage_as_of_a_day_that_was_not_computed_is_refused(village):
    assert answer("coverage", "-w", village, "--as-of", "2026-11-01")["run"]["id"] == 1
    done = call("coverage", "-w", village, "--as-of", "2026-10-01")
    assert done.exit_code == 2
    assert "gridsvc compute --as-of 2026-10-01" in done.stderr
    assert call("coverage", "-w", village, "--as-of", "soon").exit_code == 2


@pytest.mark.parametrize("ending", ["csv", "json", "xlsx", "geojson"])
def test_coverage_is_written_in_every_form(village, tmp_path, ending):
    out = tmp_path / f"figures.{ending}"
    done = call("coverage", "-w", village, "--level", "grid", "--indicator", "lit_road", "-o", out)
    assert done.exit_code == 0, done.output
    if ending == "xlsx":
        head, *rows = python_calamine.CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()
        assert CODES["grids"] in [row[head.index("Code")] for row in rows]
    else:
        assert CODES["grids"] in out.read_text(encoding="utf-8-sig")
    if ending == "geojson":
        assert pyogrio.read_info(out)["geometry_type"] in ("Polygon", "MultiPolygon", "Unknown")


def test_a_form_that_does_not_fit_is_refused(village, tmp_path):
    assert call("coverage", "-w", village, "--format", "xlsx").exit_code == 2
    assert call("coverage", "-w", village, "--format", "geojson").exit_code == 2
    assert call("coverage", "-w", village, "--format", "csv", "-o", tmp_path / "x.xlsx").exit_code == 2
    assert call("coverage", "-w", village, "-o", tmp_path / "x.shp").exit_code == 2
    assert not list(tmp_path.glob("x.*"))


def test_figures_before_a_computation_are_refused(tmp_path):
    call("init", tmp_path)
    done = call("coverage", "-w", tmp_path)
    assert done.exit_code == 2
    assert "gridsvc compute" in done.stderr
    assert call("compute", "-w", tmp_path).exit_code == 2


def test_gaps_lists_dark_stretches_worst_first(village, tmp_path):
    told = answer("gaps", "lit_road", "-w", village)
    sizes = [row["size"] for row in told["gaps"]]
    assert sizes == sorted(sizes, reverse=True)
    assert told["count"] == len(sizes) > 0
    assert told["gaps"][0]["place"] == "Long street"
    shown = call("gaps", "lit_road", "-w", village, "--limit", "1").stdout
    assert "Long street" in shown
    call("gaps", "lit_road", "-w", village, "-o", tmp_path / "dark.geojson")
    assert pyogrio.read_info(tmp_path / "dark.geojson")["features"] == told["count"]
    assert call("gaps", "frob", "-w", village).exit_code == 2


def test_check_finds_the_vacant_post_and_the_lost_road(village, tmp_path):
    done = call(*("check", "-w", village, "--json", "--as-of", "2026-11-01"))
    kinds = [row["kind"] for row in json.loads(done.stdout)["findings"]]
    assert done.exit_code == 1
    assert {"vacant", "unknown_holder", "unknown_road", "quarantine"} <= set(kinds)
    shown = call(
        *("check", "-w", village, "--as-of", "2026-11-01", "--geojson", tmp_path / "f.geojson"),
        *("--xlsx", tmp_path / "f.xlsx"),
    ).stdout
    assert "Lost lane" in shown
    assert "need attention" in shown
    assert len(json.loads((tmp_path / "f.geojson").read_text(encoding="utf-8"))["features"]) == len(kinds)
    rows = python_calamine.CalamineWorkbook.from_path(tmp_path / "f.xlsx").get_sheet_by_index(0).to_python()
    assert len(rows) == len(kinds) + 1


def test_check_of_a_day_before_the_duties_finds_less(village):
    kinds = {row["kind"] for row in answer("check", "-w", village, "--as-of", "2025-01-01")["findings"]}
    assert not kinds & {"vacant", "unknown_holder", "unknown_road"}


def test_check_of_an_empty_workspace_asks_for_boundaries(tmp_path):
    call("init", tmp_path)
    done = call("check", "-w", tmp_path)
    assert done.exit_code == 1
    assert "no county is loaded" in done.stdout


@pytest.mark.parametrize("name", ["lamps.gpkg", "lamps.geojson", "lamps.shp", "lamps.csv", "lamps.xlsx"])
def test_a_layer_is_exported_and_comes_back_unchanged(village, tmp_path, name):
    done = call("export", "lamps", tmp_path / name, "-w", village)
    assert done.exit_code == 0, done.output
    # a spreadsheet does not say what its coordinates are
    crs = ["--crs", "EPSG:4326"] if name.endswith(("csv", "xlsx")) else []
    told = answer("load", "lamps", tmp_path / name, "-w", village, "--dry-run", *crs)
    if name.endswith("xlsx"):  # its numbers have 16 digits
        assert told["counts"]["unchanged"] + told["counts"]["changed"] == 8
    else:
        assert told["counts"]["unchanged"] == told["rows_read"] == 8, told


def test_a_layer_is_exported_as_it_was(village, files, tmp_path):
    first = answer("loads", "-w", village, "--layer", "lamps")["loads"][0]["id"]
    call("load", "lamps", files / "lamps.geojson", "-w", village, "--set", "state=dark")
    call("export", "lamps", tmp_path / "then.csv", "-w", village, "--load", first)
    assert "dark" not in (tmp_path / "then.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("name", ["r.gpkg", "r.geojson", "r.csv", "r.xlsx"])
def test_results_are_exported(village, tmp_path, name):
    done = call("export", "results", tmp_path / name, "-w", village)
    assert done.exit_code == 0, done.output
    assert (tmp_path / name).stat().st_size > 500


def test_export_does_not_overwrite_the_workspaces_own_files(village):
    before = (village / "layers" / "county.gpkg").read_bytes()
    assert call("export", "lamps", village / "layers" / "county.gpkg", "-w", village).exit_code == 2
    assert (village / "layers" / "county.gpkg").read_bytes() == before


def test_map_draws_the_pages_asked_for(village):
    told = answer("map", "-w", village, "--chief", "C1", "--overview", "lit_road", "--lang", "zh")
    names = sorted(name.removeprefix(str(village / "maps" / "out")) for name in told["pages"])
    assert names == ["/chiefs/C1.html", "/index.html", "/overview/lit_road.html"]
    assert "张三" in (village / "maps" / "out" / "chiefs" / "C1.html").read_text(encoding="utf-8")
    assert call("map", "-w", village, "--all").exit_code == 0
    assert (village / "maps" / "out" / "chiefs" / "C2.en.html").is_file()


@pytest.mark.parametrize("wrong", [[], ["--chief", "C7"], ["--overview", "frob"]])
def test_map_refuses_what_it_cannot_draw(village, wrong):
    assert call("map", "-w", village, *wrong).exit_code == 2
    assert not list((village / "maps" / "out").iterdir())


def test_a_taken_port_is_one_sentence(village):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = call("serve", "-w", village, "--port", other.getsockname()[1])
    assert done.exit_code == 2
    assert "is taken by another program" in done.stderr
    assert done.stderr.count("\n") == 1


def test_check_finds_units_whose_parent_went_away(village, tmp_path):
    other = features(
        tmp_path / "c.geojson", ("Polygon", square(10, 50, 0.01), {"code": "900001001002", "name": "x"})
    )
    assert call("load", "communities", other, "-w", village).exit_code == 0
    (orphan,) = [row for row in answer("check", "-w", village)["findings"] if row["kind"] == "orphan"]
    assert (orphan["unit_a"], orphan["unit_b"]) == (CODES["grids"], CODES["communities"])
    assert orphan["size"] == pytest.approx(3.19e6, rel=0.01)
    assert 10 < orphan["lon"] < 10.02


def test_check_counts_rows_in_quarantine_over_appended_loads(village, files, tmp_path):
    lamp = {"lamp_id": "L90", "road_name": "Long street", "state": "亮"}
    more = features(tmp_path / "more.geojson", ("Point", [10.012, 50.01005], lamp))
    assert call("load", "lamps", more, "-w", village, "--mode", "append").exit_code == 0
    waiting = [row for row in answer("check", "-w", village)["findings"] if row["kind"] == "quarantine"]
    assert [(row["layer"], row["size"]) for row in waiting] == [("lamps", 1)]


@pytest.mark.parametrize("asked", [("coverage",), ("gaps", "lit_road")])
def test_a_chief_that_does_not_exist_is_told(village, asked):
    done = call(*asked, "-w", village, "--chief", "LZ999")
    assert done.exit_code == 2
    assert "there is no road chief 'LZ999'" in done.stderr


def test_gaps_of_a_unit_that_does_not_exist_are_refused(village):
    done = call("gaps", "lit_road", "-w", village, "--unit", "41")
    assert done.exit_code == 2
    assert "there is no unit '41'" in done.stderr


def test_a_narrow_terminal_leaves_columns_out_and_breaks_no_number():
    text = io.StringIO()
    columns = [("Name", "left"), ("Code", "whole"), ("Rows", "right"), ("Spare", "right")]
    rows = [("东湖街道办事处" * 3, "419900001", 1234567, 7654321)]
    show_table(Console(file=text, width=40), columns, rows, spare=[["Spare"]])
    *lines, last = text.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= 40
    assert last == "not shown, the terminal is narrow: Spare; --json has everything"
    assert "1,234,567" in text.getvalue()
    assert "419900001" in text.getvalue()
    assert "7,654,321" not in text.getvalue()
