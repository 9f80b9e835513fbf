"""``compute --follow`` and ``serve --follow``: figures follow what is loaded, in a process that stays."""

import json
import shutil
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gridsvc.cli import app

RUN = CliRunner()
CODES = {
    "counties": "900001",
    "districts": "900001001",
    "communities": "900001001001",
    "grids": "900001001001001",
}


def call(*arguments):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": "en"})


def write(path, *rows):
    made = [
        {"type": "Feature", "properties": values, "geometry": {"type": kind, "coordinates": at}}
        for kind, at, values in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}), encoding="utf-8")
    return path


def lamps(path, *states):
    rows = [
        (
            "Point",
            [10.002 + 0.001 * number, 50.01],
            {"lamp_id": f"L{number}", "state": state, "light_points": 1},
        )
        for number, state in enumerate(states)
    ]
    return write(path, *rows)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("village")
    workspace = tmp_path / "w"
    assert call("init", workspace, "--name", "村").exit_code == 0
    ring = [[10, 50], [10.02, 50], [10.02, 50.02], [10, 50.02], [10, 50]]
    for layer, code in CODES.items():
        file = write(tmp_path / f"{layer}.geojson", ("Polygon", [ring], {"code": code, "name": layer}))
        assert call("load", layer, file, "-w", workspace).exit_code == 0
    assert (
        call("load", "lamps", lamps(tmp_path / "lamps.geojson", "lit", "dark"), "-w", workspace).exit_code
        == 0
    )
    return workspace


@pytest.fixture
def village(loaded, tmp_path):
    """A workspace with boundaries and lamps, of which one of two burns."""
    return shutil.copytree(loaded, tmp_path / "w")


@pytest.fixture
def start(root, tmp_path):
    """Starts a command in a process of its own."""
    running = []

    def begin(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", "from gridsvc.cli import main; main()", *map(str, arguments)],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), "PYTHONUTF8": "1", "GRIDSVC_LANG": "en"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def burning(workspace):
    told = json.loads(call("coverage", "--indicator", "lamps_burning", "-w", workspace, "--json").stdout)
    return told["run"]["id"], told["figures"][0]["numerator"], told["figures"][0]["denominator"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_follower_computes_what_is_loaded_until_it_is_told_to_end(village, start, tmp_path, number):
    follower = start("compute", "--follow", "-w", village, "--json")
    begun = json.loads(follower.stdout.readline())
    assert begun["run"]["id"] == 1
    assert burning(village) == (1, 1.0, 2.0)
    assert (
        call("load", "lamps", lamps(tmp_path / "more.geojson", "lit", "lit", "lit"), "-w", village).exit_code
        == 0
    )
    told = json.loads(follower.stdout.readline())
    # the four units, and that the lamps are nobody's
    assert (told["run"]["id"], told["indicators"], told["figures"]) == (2, ["lamps_burning"], 4)
    assert burning(village) == (2, 3.0, 3.0)
    follower.send_signal(number)
    assert follower.wait(30) == 0
    assert "stopped" in follower.stderr.read()


def test_of_two_followers_one_works_and_the_other_takes_over(village, start, tmp_path):
    first = start("compute", "--follow", "-w", village, "--json")
    first.stdout.readline()
    second = start("compute", "--follow", "-w", village, "--json")
    assert "following" in second.stderr.readline()
    assert call("load", "lamps", lamps(tmp_path / "one.geojson", "lit", "lit"), "-w", village).exit_code == 0
    assert json.loads(first.stdout.readline())["run"]["id"] == 2
    first.kill()
    # whoever begins computes everything once
    assert json.loads(second.stdout.readline())["run"]["id"] == 3
    assert call("load", "lamps", lamps(tmp_path / "two.geojson", "dark", "lit"), "-w", village).exit_code == 0
    assert json.loads(second.stdout.readline())["run"]["id"] == 4


def test_the_service_follows_in_a_thread(village, start, tmp_path):
    service = start("serve", "--port", "0", "--follow", "-w", village)
    assert "serving" in service.stdout.readline()
    assert "run 1, as of" in service.stderr.readline()
    assert call("load", "lamps", lamps(tmp_path / "one.geojson", "lit", "lit"), "-w", village).exit_code == 0
    assert "run 2, as of" in (line := service.stderr.readline())
    assert "4 figures changed, of lamps_burning" in line
    service.send_signal(signal.SIGINT)
    assert service.wait(30) == 0


def test_a_follower_waits_for_boundaries(start, tmp_path):
    workspace = tmp_path / "w"
    assert call("init", workspace, "--name", "村").exit_code == 0
    follower = start("compute", "--follow", "-w", workspace, "--json")
    assert "following" in follower.stderr.readline()
    assert "nothing is loaded yet" in follower.stderr.readline()
    ring = [[10, 50], [10.02, 50], [10.02, 50.02], [10, 50.02], [10, 50]]
    file = write(tmp_path / "c.geojson", ("Polygon", [ring], {"code": "900001", "name": "county"}))
    assert call("load", "counties", file, "-w", workspace).exit_code == 0
    assert json.loads(follower.stdout.readline())["run"]["id"] == 1


def test_definitions_of_indicators_are_followed_too(village, start):
    follower = start("compute", "--follow", "-w", village, "--json")
    follower.stdout.readline()
    (village / "layers" / "indicators.toml").write_text(
        '[lamps_dark]\ntitle = { zh = "灭灯率", en = "Dark lamps" }\n'
        'definition = { zh = "试验", en = "trial" }\nkind = "count_share"\ngroup = "roads"\n'
        'of = { layer = "lamps" }\nmatch = { state = ["dark"] }\nsource = "trial"\nyear = 2026\n',
        encoding="utf-8",
    )
    told = json.loads(follower.stdout.readline())
    assert (told["run"]["id"], told["indicators"]) == (2, ["lamps_dark"])
