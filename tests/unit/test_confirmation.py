"""What departments sign, on a county of two districts whose every sum was worked out by hand."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace
from gridsvc.store import Source, open_store
from gridsvc.text import bilingual

RUN = CliRunner()
EAST, NORTH = 500_000.0, 3_820_000.0


def call(*arguments, lang="en"):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": lang})


def degrees(shapes):
    return geopandas.GeoSeries(list(shapes), crs=4547).to_crs(4490).to_numpy()


def put(store, layers, layer, shapes=None, quarantine=None, /, **columns):
    """Store features of a layer; its first field is the key."""
    count = len(next(iter(columns.values())))
    fields = layers[layer].fields
    data = {name: columns.get(name, [None] * count) for name in fields}
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()})
    frame = frame.assign(key=frame[layers[layer].key[0]].astype(str), source_row=range(1, count + 1))
    if shapes is not None:
        frame = frame.assign(geometry=degrees(shapes))
    return store.apply(layer, frame, Source(f"{layer}.shp", "ab" * 32), "replace", quarantine)


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """Two districts of 1 km², side by side, west 110001001 and east 110001002."""
    folder = tmp_path_factory.mktemp("county") / "w"
    about = County(name=bilingual("Test", "测试县"), marking="内部 & 使用", metre_crs="EPSG:4547")
    workspace = init_workspace(folder, about)
    layers = load_layers(workspace)
    x, y = EAST, NORTH
    west, east = shapely.box(x, y, x + 1000, y + 1000), shapely.box(x + 1000, y, x + 2000, y + 1000)
    with open_store(workspace, layers, write=True) as store:
        put(store, layers, "counties", [shapely.union(west, east)], code=["110001"], name=["测试县"])
        put(store, layers, "districts", [west, east], code=["110001001", "110001002"], name=["西区", "东区"])
        lines = [
            # 300 m in the west and 100 m in the east, two-sided within one district each
            [(x + 700, y + 500), (x + 1100, y + 500)],
            # a divided road of twice 200 m counts 200 m
            [(x + 100, y + 200), (x + 300, y + 200)],
            [(x + 100, y + 230), (x + 300, y + 230)],
            # 50 m inside, 50 m outside
            [(x + 1950, y + 800), (x + 2050, y + 800)],
        ]
        put(
            store,
            layers,
            "roads",
            [shapely.LineString(line) for line in lines],
            road_id=["R1", "R2", "R3", "R4"],
            width=[10.0, 10.0, 10.0, 10.0],
            **{"class": ["branch", "arterial", "arterial", None]},
            carriageway=[None, "divided", "divided", None],
            machine_swept=[True, False, False, None],
        )
        places = [(10, 10), (20, 10), (1500, 10), (1500, 20), (3000, 10)]
        waiting = pd.DataFrame(
            {"source_row": [6], "reason": ["missing"], "reason_en": ["x"], "reason_zh": ["x"], "raw": ["{}"]}
        )
        put(
            store,
            layers,
            "lamps",
            shapely.points([(x + east, y + north) for east, north in places]),
            waiting,
            lamp_id=["L1", "L2", "L3", "L4", "L5"],
            light_points=[2, 3, None, 1, 1],
            state=["lit", "dark", "lit", None, "lit"],
            checked_on=[pd.Timestamp("2026-11-10"), None, None, None, None],
        )
        # 100 × 100 m, another half over it, and one across the border of the districts
        greens = [
            shapely.box(x, y, x + 100, y + 100),
            shapely.box(x + 50, y, x + 150, y + 100),
            shapely.box(x + 900, y, x + 1300, y + 100),
        ]
        kinds = ["park", "park", "square"]
        put(store, layers, "greenery", greens, green_id=["G1", "G2", "G3"], kind=kinds)
        put(store, layers, "chiefs", chief_id=["C1", "C2"], name=["张三", "李四"])
        digest = store.digest()
    return workspace.root, digest


@pytest.fixture(scope="module")
def form(county):
    done = call("confirm-data", "-w", county[0], "--as-of", "2026-11-20", "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def figures(form, layer):
    """Figures of a layer: (title, part) → total and by group."""
    (facts,) = [facts for facts in form["layers"] if facts["layer"] == layer]
    return {
        (one["title"]["en"], one["part"]["en"] if one["part"] else ""): (one["total"], one["by_group"])
        for one in facts["figures"]
    }


def test_features_are_counted_by_district_and_outside(form):
    assert [group["name"]["en"] for group in form["groups"]] == [
        *("西区", "东区"),
        *("Rest of the county", "Outside of the boundaries"),
    ]
    found = figures(form, "lamps")
    assert found["Features", ""] == (5, [2, 2, 0, 1])
    assert found["Light points", ""] == (7, [5, 1, 0, 1])
    assert found["Light points", "unknown"] == (1, [0, 1, 0, 0])
    assert found["State", "Burning"] == (3, [1, 1, 0, 1])
    assert found["State", "Dark"] == (1, [1, 0, 0, 0])
    assert found["State", "unknown"] == (1, [0, 1, 0, 0])


def test_roads_are_measured_as_figures_measure_them(form):
    found = figures(form, "roads")
    total, by_group = found["Length", ""]
    # 400 + 200 + 100 m; the last road lies half outside
    assert total == pytest.approx(0.7, abs=1e-9)
    assert by_group == pytest.approx([0.5, 0.15, 0, 0.05], abs=1e-9)
    assert found["Length of all lines drawn", ""][0] == pytest.approx(0.9, abs=1e-9)
    assert found["Road class", "Arterial"][0] == pytest.approx(0.2, abs=1e-9)
    assert found["Road class", "Branch"][1] == pytest.approx([0.3, 0.1, 0, 0], abs=1e-9)
    assert found["Road class", "unknown"][0] == pytest.approx(0.1, abs=1e-9)
    assert found["Swept by machine", "yes"][0] == pytest.approx(0.4, abs=1e-9)


def test_areas_are_told_as_drawn_and_as_they_cover_the_ground(form):
    found = figures(form, "greenery")
    assert found["Area", ""] == (
        pytest.approx(60_000, abs=1e-3),
        pytest.approx([20_000, 40_000, 0, 0], abs=1e-3),
    )
    total, by_group = found["Area in the county, overlaps once", ""]
    assert total == pytest.approx(55_000, abs=0.1)
    assert by_group == pytest.approx([25_000, 30_000, 0, 0], abs=0.1)
    assert found["Kind", "Park"][0] == pytest.approx(20_000, abs=1e-3)


def test_groups_add_up_to_the_total_exactly(form):
    for facts in form["layers"]:
        for one in facts["figures"]:
            if one["by_group"]:
                assert sum(one["by_group"]) == pytest.approx(one["total"], abs=1e-12 * max(1, one["total"]))


def test_a_layer_tells_where_it_came_from_and_what_is_unclear(form, county):
    (lamps,) = [facts for facts in form["layers"] if facts["layer"] == "lamps"]
    assert [(load["source"], load["sha256"]) for load in lamps["loads"]] == [("lamps.shp", "ab" * 32)]
    assert lamps["quarantine"] == 1
    assert {one["field"]["en"]: one["share"] for one in lamps["unknown"]} == {
        "Light points": 0.2,
        "State": 0.2,
    }
    assert form["digest"] == county[1]
    assert len(lamps["digest"]) == 64
    # tables have no place
    assert figures(form, "chiefs")["Features", ""] == (2, [])
    # lamps that stand near no road are no fault; nobody says which of two roads
    assert all(kind in {"tie", "contradiction"} for kind in lamps["findings"])


def test_states_are_those_of_the_day(county):
    """L1 was seen on 10 November."""

    def states(day):
        told = json.loads(call("confirm-data", "-w", county[0], "--as-of", day, "--json").stdout)
        found = figures(told, "lamps")
        return [found["State", part][0] for part in ("Burning", "Dark", "unknown")]

    assert states("2026-11-09") == [2, 1, 2]
    assert states("2026-11-10") == [3, 1, 1]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_form_is_printed_on_a4_with_lines_to_sign(county, form, tmp_path, open_sheet, lang):
    path = tmp_path / "form.xlsx"
    done = call("confirm-data", "-w", county[0], "--as-of", "2026-11-20", "--xlsx", path, "--lang", lang)
    assert str(path) in done.stdout
    import zipfile

    with zipfile.ZipFile(path) as book:
        names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        assert len(names) == 1 + len(form["layers"])
        titles = book.read("xl/workbook.xml").decode()
        assert titles.count("_xlnm.Print_Area") == titles.count("_xlnm.Print_Titles") == len(names)
        for name in names:
            page = book.read(name).decode()
            assert 'paperSize="9"' in page
            assert "&amp;P" in page
            assert "内部 &amp;&amp; 使用" in page
        texts = book.read("xl/sharedStrings.xml").decode()
    assert form["digest"] in texts
    signs = (
        ["填报人", "审核人", "单位负责人", "签字盖章", "日期"]
        if lang == "zh"
        else ["Checked by", "Signature"]
    )
    assert all(sign in texts for sign in signs)
    assert ("西区" in texts) and ("测试县" in texts if lang == "zh" else "Test" in texts)


def test_the_terminal_shows_the_same_numbers(county):
    shown = call("confirm-data", "-w", county[0], "--as-of", "2026-11-20", lang="zh").stdout
    assert "道路：长度（千米） 0.700；线条总长（千米） 0.900" in shown
    assert "状态 1 (20.0%)" in shown
    assert county[1] in shown


def test_before_boundaries_are_loaded_there_is_nothing_to_confirm(tmp_path):
    call("init", tmp_path / "w", "--name", "空")
    done = call("confirm-data", "-w", tmp_path / "w")
    assert done.exit_code == 2
    assert "load the boundaries first" in done.stderr
    assert call("confirm-data", "-w", tmp_path / "w", "--xlsx", "x.pdf").exit_code == 2


def test_length_and_area_are_those_of_the_figures(county, form, tmp_path):
    """The same numbers as an indicator over the whole county gives."""
    workspace = county[0]
    (workspace / "layers" / "indicators.toml").write_text(
        """
[length]
title = { zh = "长度", en = "Length" }
definition = { zh = "长度", en = "Length" }
kind = "density"
group = "roads"
of = { layer = "roads" }
measure = "length"
per = "area"
source = "a test"
year = 2026

[green]
title = { zh = "绿地", en = "Green" }
definition = { zh = "绿地", en = "Green" }
kind = "area_share"
group = "green"
of = { layer = "greenery" }
source = "a test"
year = 2026
""",
        encoding="utf-8",
    )
    try:
        done = call("compute", "-w", workspace, "--as-of", "2026-11-20")
        assert done.exit_code == 0, done.output
        told = json.loads(call("coverage", "-w", workspace, "--json").stdout)
    finally:
        (workspace / "layers" / "indicators.toml").unlink()
    rows = {row["indicator"]: row["numerator"] for row in told["figures"]}
    length, by_group = figures(form, "roads")["Length", ""]
    assert np.isclose(rows["length"] / 1000, length - by_group[-1], rtol=0, atol=1e-12)
    assert rows["green"] == figures(form, "greenery")["Area in the county, overlaps once", ""][0]
