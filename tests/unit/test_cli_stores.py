"""``gridsvc copy-store`` and a workspace whose store is a PostGIS database."""

import json

import pytest
from typer.testing import CliRunner

from gridsvc.cli import app

RUN = CliRunner()
LAMPS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"lamp_id": f"L{number}", "state": "on"},
            "geometry": {"type": "Point", "coordinates": [115 + number / 1000, 34.5]},
        }
        for number in range(5)
    ],
}


def call(*arguments):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": "en"})


def told(*arguments):
    done = call(*arguments, "--json")
    return json.loads(done.stdout)


@pytest.fixture
def county(tmp_path):
    """A workspace with a few lamps."""
    file = tmp_path / "lamps.geojson"
    file.write_text(json.dumps(LAMPS), encoding="utf-8")
    assert call("init", tmp_path / "county", "--name", "某县").exit_code == 0
    loaded = call("load", "lamps", file, "-w", tmp_path / "county")
    assert loaded.exit_code == 0, loaded.output
    return tmp_path / "county"


@pytest.mark.postgis
def test_a_workspace_moves_to_postgis_and_goes_on_there(county, postgres):
    url = f"{postgres}&schema=moved"
    before = told("loads", "-w", county)
    moved = told("copy-store", "sqlite:///layers/county.sqlite", url, "-w", county)
    assert moved["rows"]["layer_lamps"] == 5
    path = county / "county.toml"
    path.write_text(path.read_text("utf-8").replace("sqlite:///layers/county.sqlite", url), encoding="utf-8")
    (county / "layers" / "county.sqlite").unlink()
    assert told("loads", "-w", county) == before
    again = call("load", "lamps", county.parent / "lamps.geojson", "-w", county)
    assert again.exit_code == 0, again.output
    assert told("loads", "-w", county)["loads"][-1]["unchanged"] == 5
    assert (county / "layers" / "county.gpkg").exists()
    assert call("export", "lamps", county.parent / "out.csv", "-w", county).exit_code == 0
    assert call("rollback", 2, "-w", county).exit_code == 0
    back = told("copy-store", url, "sqlite:///layers/back.sqlite", "-w", county)
    assert back["rows"]["loads"] == 3


def test_places_that_make_no_sense_are_usage_errors(county):
    own = "sqlite:///layers/county.sqlite"
    for source, target in [(own, own), (own, "county.sqlite"), ("sqlite:///layers/none.sqlite", own)]:
        done = call("copy-store", source, target, "-w", county)
        assert done.exit_code == 2, done.output


def test_a_database_that_cannot_be_reached_is_told_without_the_password(county):
    url = "postgresql://clerk:s3cret@127.0.0.1:1/county"
    done = call("copy-store", "sqlite:///layers/county.sqlite", url, "-w", county)
    assert done.exit_code == 4
    assert "clerk:***@127.0.0.1" in done.output
    assert "s3cret" not in done.output
