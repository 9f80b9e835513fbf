"""``gridsvc diff``, ``delivered`` and ``prune``: what changed, what was handed over, what is taken out."""

import json
import zipfile

import pyogrio
import pytest
import python_calamine
from typer.testing import CliRunner

from gridsvc.cli import app

RUN = CliRunner()


def call(*arguments, lang="en"):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": lang})


def lamps(path, *rows):
    """Write a GeoJSON file of lamps: number, longitude, road."""
    features = [
        {
            "type": "Feature",
            "properties": {"lamp_id": key, "road_name": road},
            "geometry": {"type": "Point", "coordinates": [lon, 34.5]},
        }
        for key, lon, road in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """A county with three loads of lamps; the last from a folder with a read-me."""
    folder = tmp_path_factory.mktemp("county")
    made = folder / "county"
    assert call("init", made, "--name", "某县").exit_code == 0
    first = lamps(
        folder / "一.geojson", ("L1", 115.0, "人民路"), ("L2", 115.001, "人民路"), ("L3", 115.002, "=1+1")
    )
    second = lamps(
        folder / "二.geojson", ("L1", 115.0, "建设路"), ("L2", 115.0011, "人民路"), ("L4", 115.003, "x")
    )
    (folder / "三").mkdir()
    lamps(folder / "三" / "灯.geojson", ("L1", 115.0, "建设路"))
    (folder / "三" / "说明.doc").write_bytes(bytes(range(256)))
    for source in (first, second, folder / "三"):
        done = call("load", "lamps", source, "-w", made)
        assert done.exit_code == 0, done.output
    return made


@pytest.fixture
def inside(county, monkeypatch):
    monkeypatch.chdir(county)
    return county


def test_differences_are_told_field_by_field(inside):
    shown = call("diff", 1, 2)
    assert shown.exit_code == 0
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["Street", "lamps", "1", "1", "2"] in lines
    assert ["L1", "changed", "Road", "人民路", "建设路"] in lines
    # a ten-thousandth of a degree of longitude at 34.5° is 9.18 m
    assert ["L2", "changed", "geometry", "—", "9.18", "m"] in lines
    assert ["L3", "removed", "—", "L3", "=1+1", "—"] in lines
    assert "nothing changed" in call("diff", 3).stdout
    assert "2 of 3 features" in call("diff", 0, 1, "--limit", 2).stdout
    assert ["L1", "变更", "所在道路", "人民路", "建设路"] in [
        line.split() for line in call("diff", 1, 2, lang="zh").stdout.splitlines()
    ]


def test_differences_for_machines(inside):
    told = json.loads(call("diff", 1, "--layer", "lamps", "--json").stdout)
    (layer,) = told["layers"]
    assert (told["a"], told["b"], layer["added"], layer["removed"], layer["changed"]) == (1, None, 0, 2, 1)
    assert layer["features"][0] == {
        "key": "L1",
        "fid": 1,
        "change": "changed",
        "fields": ["road_name"],
        "before": {"road_name": "人民路"},
        "after": {"road_name": "建设路"},
        "moved_m": 0.0,
    }


def test_differences_as_files(inside, tmp_path):
    assert call("diff", 1, 2, "-o", tmp_path / "d.geojson").exit_code == 0
    shapes = pyogrio.read_dataframe(tmp_path / "d.geojson").set_index("key")
    assert shapes["change"].to_dict() == {"L1": "changed", "L2": "changed", "L3": "removed", "L4": "added"}
    # where they are now, and the removed one where it was
    assert shapes.geometry.x.round(4).to_dict() == {"L1": 115.0, "L2": 115.0011, "L3": 115.002, "L4": 115.003}
    assert call("diff", 1, 2, "-o", tmp_path / "d.xlsx").exit_code == 0
    rows = python_calamine.CalamineWorkbook.from_path(tmp_path / "d.xlsx").get_sheet_by_index(0).to_python()
    assert ["Street lamps", "L1", "changed", "Road", "人民路", "建设路"] in rows
    with zipfile.ZipFile(tmp_path / "d.xlsx") as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    assert call("diff", 3, "-o", tmp_path / "none.geojson").exit_code == 0
    assert json.loads((tmp_path / "none.geojson").read_text())["features"] == []


def test_moments_and_layers_that_are_not_there_are_refused(inside):
    for arguments in (("diff", 9), ("diff", 1, 9), ("diff", 1, "--layer", "nope"), ("delivered", 9, "x")):
        done = call(*arguments)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), arguments


def test_a_folder_comes_back_as_it_was_delivered(inside, tmp_path):
    done = call("delivered", 3, tmp_path / "back", "--json")
    assert done.exit_code == 0
    assert {file["name"] for file in json.loads(done.stdout)["files"]} == {"三/灯.geojson", "三/说明.doc"}
    given = inside.parent / "三"
    for name in ("灯.geojson", "说明.doc"):
        assert (tmp_path / "back" / "三" / name).read_bytes() == (given / name).read_bytes()
    assert call("delivered", 3, tmp_path / "back").exit_code == 2


def test_a_delivery_that_is_too_large_is_not_kept_and_that_is_said(tmp_path):
    assert call("init", tmp_path / "c", "--name", "某县").exit_code == 0
    config = tmp_path / "c" / "county.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("_mb = 512", "_mb = 0"), encoding="utf-8")
    source = lamps(tmp_path / "lamps.geojson", ("L1", 115.0, "x"))
    done = call("load", "lamps", source, "-w", tmp_path / "c")
    assert done.exit_code == 0
    assert "not kept with the load: they are larger than keep_delivered_mb = 0" in " ".join(
        done.stdout.split()
    )
    (record,) = json.loads(call("loads", "-w", tmp_path / "c", "--json").stdout)["loads"]
    assert record["options"]["delivered"] == {"files": 1, "bytes": source.stat().st_size, "kept": False}
    refused = call("delivered", 1, tmp_path / "back", "-w", tmp_path / "c")
    assert refused.exit_code == 2
    assert "larger than keep_delivered_mb allows" in refused.stderr


def test_what_is_old_must_be_said(inside):
    for arguments in ((), ("--before", 1, "--keep", 1), ("--before", "yesterday"), ("--before", 9)):
        assert call("prune", *arguments).exit_code == 2, arguments


def test_old_versions_go_and_what_is_beyond_is_refused(county, tmp_path, monkeypatch):
    monkeypatch.chdir(county)
    assert "nothing to prune" in call("prune", "--before", "2026-01-01").stdout
    told = call("prune", "--before", 2, "--dry-run").stdout
    assert "would go: row versions 3, results of drafts 0, deliveries 1, quarantined rows 0" in told
    assert call("export", "lamps", tmp_path / "before.csv", "--load", 1).exit_code == 0
    done = json.loads(call("prune", "--before", 2, "--json").stdout)
    assert (done["versions"], done["horizons"]) == ({"layer_lamps": 3}, {"lamps": 2})
    assert [record["pruned"] for record in json.loads(call("loads", "--json").stdout)["loads"]] == [
        True,
        False,
        False,
    ]
    assert "done, pruned" in call("loads").stdout
    for arguments in (("diff", 1), ("export", "lamps", tmp_path / "after.csv", "--load", 1), ("rollback", 2)):
        refused = call(*arguments)
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), arguments
    assert call("diff", 2).exit_code == 0
    assert call("delivered", 1, tmp_path / "back").exit_code == 2
