"""Bad input from a clerk's chair: a clear sentence, the exit code as designed, the store's content as before."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.layers import load_layers
from gridsvc.settings import open_workspace
from gridsvc.store import open_store

RUN = CliRunner()


def collection(path, kind, *rows):
    """A GeoJSON file of (coordinates, properties) of one kind of geometry."""
    made = [
        {"type": "Feature", "properties": named, "geometry": {"type": kind, "coordinates": place}}
        for place, named in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}), encoding="utf-8")
    return path


def square(west, south, side=0.01):
    east, north = west + side, south + side
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def run(workspace, lang, *arguments):
    words = [*map(str, arguments), "--workspace", str(workspace)]
    return RUN.invoke(app, words, env={"GRIDSVC_LANG": lang})


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    """A workspace with a county and one lamp."""
    tmp_path = tmp_path_factory.mktemp("village")
    folder = tmp_path / "w"
    made = ["init", str(folder), "--name", "某县", "--name-en", "A county"]
    assert RUN.invoke(app, made).exit_code == 0
    county = collection(
        tmp_path / "c.geojson", "Polygon", (square(115, 34), {"code": "419998", "name": "某县"})
    )
    lamp = collection(tmp_path / "l.geojson", "Point", ([115.005, 34.005], {"lamp_id": "L1"}))
    for layer, path in (("counties", county), ("lamps", lamp)):
        assert run(folder, "en", "load", layer, path).exit_code == 0
    return folder


@pytest.fixture
def workspace(village, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(village, tmp_path / "w")


def content(folder):
    opened = open_workspace(folder)
    with open_store(opened, load_layers()) as store:
        return store.digest(), len(store.loads())


def missing_file(folder):
    return ["load", "lamps", folder / "nowhere.shp"]


def empty_layer(folder):
    return ["load", "lamps", collection(folder / "empty.geojson", "Point")]


def unknown_layer(folder):
    return ["load", "lanterns", collection(folder / "x.geojson", "Point", ([115, 34], {"lamp_id": "L1"}))]


def polygons_for_points(folder):
    rows = (
        (square(115.001, 34.001, 0.001), {"lamp_id": "L2"}),
        (square(115.004, 34, 0.001), {"lamp_id": "L3"}),
    )
    return ["load", "lamps", collection(folder / "p.geojson", "Polygon", *rows)]


def no_parents(folder):
    rows = (square(115, 34, 0.005), {"code": "429998001", "name": "某街道"})
    return ["load", "districts", collection(folder / "d.geojson", "Polygon", rows)]


def broken_layer(folder):
    (folder / "layers" / "lamps.toml").write_text('title = { zh = "灯", en = "Lamps" \n', encoding="utf-8")
    return ["load", "lamps", collection(folder / "l2.geojson", "Point", ([115, 34], {"lamp_id": "L4"}))]


def broken_indicators(folder):
    text = '[lit_road]\nkind = "length_near"\ngroup = "roads"\n'
    (folder / "layers" / "indicators.toml").write_text(text, encoding="utf-8")
    return ["compute"]


CASES = [
    (missing_file, (2, 3), "nowhere.shp", "nowhere.shp"),
    (empty_layer, (3,), "empty.geojson", "empty.geojson"),
    (unknown_layer, (2,), "lanterns", "lanterns"),
    (polygons_for_points, (3,), "takes points", "只接受点"),
    (no_parents, (3,), "429998", "429998"),
    (broken_layer, (2,), "lamps.toml", "lamps.toml"),
    (broken_indicators, (2,), "lit_road", "lit_road"),
]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("make", "codes", "en", "zh"), CASES, ids=[make.__name__ for make, *_ in CASES])
def test_bad_input_is_told_and_changes_nothing(workspace, make, codes, en, zh, lang):
    before = content(workspace)
    done = run(workspace, lang, *make(workspace))
    told = done.stderr + done.stdout
    assert done.exit_code in codes, told
    assert (en if lang == "en" else zh) in told
    assert ("error" if lang == "en" else "错误") in told
    assert "Traceback" not in told
    assert content(workspace) == before


def test_overlapping_grids_are_not_refused_but_partitioned_and_reported(workspace, tmp_path):
    units = {
        "districts": [(square(115, 34), {"code": "419998001", "name": "甲"})],
        "communities": [(square(115, 34), {"code": "419998001001", "name": "乙"})],
        "grids": [
            (square(115, 34, 0.006), {"code": "419998001001001", "name": "一"}),
            (square(115.004, 34, 0.006), {"code": "419998001001002", "name": "二"}),
        ],
    }
    for layer, rows in units.items():
        path = collection(tmp_path / f"{layer}.geojson", "Polygon", *rows)
        assert run(workspace, "en", "load", layer, path).exit_code == 0
    told = json.loads(run(workspace, "en", "check", "--json").stdout)
    kinds = {row["kind"] for row in told["findings"]}
    assert {"overlap", "gap"} <= kinds
    assert run(workspace, "en", "compute").exit_code == 0
