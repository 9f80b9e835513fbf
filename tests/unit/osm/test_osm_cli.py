"""``gridsvc osm`` as people and machines call it."""

import json

import pyogrio
import pytest
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.errors import StoreError
from gridsvc.store import Store

RUN = CliRunner()


@pytest.fixture
def call(workspace):
    def caller(*arguments, lang="en"):
        given = ["osm", *(str(argument) for argument in arguments), "--workspace", str(workspace.root)]
        return RUN.invoke(app, given, env={"GRIDSVC_LANG": lang})

    return caller


@pytest.fixture
def clean(village):
    """The village with everything in order."""
    village.nodes[102][2].pop("light:count")
    return village


def test_an_extract_in_order_ends_with_0_and_publishes(call, clean, write, workspace):
    done = call(write(clean.xml()), "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert {load["layer"]: load["counts"]["added"] for load in told["loads"]}["roads"] == 3
    assert told["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"
    assert workspace.geopackage_path.is_file()


@pytest.mark.parametrize(("lang", "words"), [("en", ["Roads 3/4", "by tag"]), ("zh", ["道路 3/4", "按标签"])])
def test_the_report_names_layers_and_contributors(call, clean, write, lang, words):
    done = call(write(clean.xml()), "--dry-run", lang=lang)
    assert all(word in done.stdout for word in [*words, "© OpenStreetMap contributors, ODbL 1.0"])


def test_what_needs_attention_ends_with_1(call, village, write):
    assert call(write(village.xml()), "--dry-run").exit_code == 1


def test_a_dry_run_stores_nothing(call, clean, write, workspace):
    assert call(write(clean.xml()), "--dry-run").exit_code == 0
    assert not workspace.geopackage_path.exists()


def test_reports_are_written_as_json_or_one_workbook_per_layer(call, clean, write, tmp_path):
    path = write(clean.xml())
    call(path, "--dry-run", "--report", tmp_path / "told.json")
    assert json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))["source"] == "village.osm"
    call(path, "--dry-run", "--layers", "roads,lamps", "--report", tmp_path / "told.xlsx")
    assert sorted(file.name for file in tmp_path.glob("*.xlsx")) == ["told-lamps.xlsx", "told-roads.xlsx"]
    assert call(path, "--report", tmp_path / "told.pdf").exit_code == 2


def test_options_name_their_layer_where_there_are_several(call, clean, write):
    path = write(clean.xml())
    assert call(path, "--dry-run", "--layers", "toilets", "--set", "seats=3").exit_code == 0
    assert call(path, "--dry-run", "--set", "toilets.seats=3").exit_code == 0
    wrong = call(path, "--set", "seats=3")
    assert wrong.exit_code == 2
    assert "LAYER.seats=3" in wrong.stderr


def test_wrong_usage_ends_with_2_and_refused_input_with_3(call, write):
    assert call("nowhere.osm.pbf").exit_code == 2
    assert call(write(b"name,lon,lat\n", "lamps.csv")).exit_code == 3


def test_a_refusal_writes_its_report_too(call, write, tmp_path, village):
    village.lose(400)
    path = tmp_path / "told.json"
    done = call(write(village.xml()), "--layers", "buildings", "--report", path)
    assert done.exit_code == 3, done.output
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["loads"] == []
    assert told["refused"]["buildings"]["rows"][0]["outcome"] == "quarantined"
    call(write(village.xml()), "--layers", "buildings", "--report", tmp_path / "told.xlsx")
    assert (tmp_path / "told-buildings.xlsx").is_file()


def test_layers_loaded_before_the_store_failed_are_published_and_told(
    call, clean, write, workspace, monkeypatch
):
    whole = Store.apply

    def failing(store, layer, *arguments, **options):
        if layer == "lamps":
            raise StoreError("the disk is full", "磁盘已满")
        return whole(store, layer, *arguments, **options)

    monkeypatch.setattr(Store, "apply", failing)
    done = call(write(clean.xml()))
    assert done.exit_code == 4
    assert "loaded before the failure" in done.stderr
    assert "roads (1)" in done.stderr
    assert len(pyogrio.read_dataframe(workspace.geopackage_path, layer="roads")) == 3
