"""``gridsvc init`` and ``gridsvc layers``."""

import json

import pytest
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.settings import open_workspace

RUN = CliRunner()


def call(*arguments):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": "en"})


def test_init_makes_a_workspace_with_what_was_said(tmp_path):
    done = call(
        *(
            "init",
            tmp_path / "w",
            "--name",
            "样例县",
            "--name-en",
            "Sample county",
            "--code-layout",
            "6,3,3,2",
        ),
        *("--marking", "内部使用", "--metre-crs", "EPSG:4547"),
    )
    assert done.exit_code == 0
    county = open_workspace(tmp_path / "w").county
    assert (county.name.zh, county.name.en) == ("样例县", "Sample county")
    assert county.code_layout == (6, 3, 3, 2)
    assert (county.marking, county.metre_crs) == ("内部使用", "EPSG:4547")


def test_init_takes_the_name_of_the_folder(tmp_path):
    call("init", tmp_path / "west")
    assert open_workspace(tmp_path / "west").county.name.en == "west"


def test_init_leaves_an_existing_workspace_alone(tmp_path):
    call("init", tmp_path, "--name", "first")
    before = (tmp_path / "county.toml").read_bytes()
    assert call("init", tmp_path, "--name", "second").exit_code == 2
    assert (tmp_path / "county.toml").read_bytes() == before


@pytest.mark.parametrize("layout", ["6,3,3", "6,3,3,x", "6,3,3,0", ""])
def test_init_refuses_a_layout_that_is_none(tmp_path, layout):
    done = call("init", tmp_path / "w", "--code-layout", layout)
    assert done.exit_code == 2
    assert "6,3,3,3" in done.stderr
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:3857", "frob"])
def test_init_refuses_a_crs_that_does_not_measure_metres(tmp_path, crs):
    assert call("init", tmp_path / "w", "--metre-crs", crs).exit_code == 2
    assert not (tmp_path / "w").exists()


def test_layers_lists_every_layer(tmp_path):
    call("init", tmp_path)
    listed = json.loads(call("layers", "-w", tmp_path, "--json").stdout)["layers"]
    assert {"counties", "grids", "roads", "lamps", "duties"} <= {row["layer"] for row in listed}
    assert all(row["features"] == 0 and not row["own_definition"] for row in listed)


def test_layers_shows_a_layer_that_the_workspace_adds(tmp_path):
    call("init", tmp_path)
    (tmp_path / "layers" / "wells.toml").write_text(
        'title = { zh = "井盖", en = "Manholes" }\nrole = "asset"\ngeometry = ["Point"]\nkey = ["well"]\n'
        '[fields.well]\ntype = "text"\ntitle = { zh = "编号", en = "Number" }\naliases = ["井号"]\n',
        encoding="utf-8",
    )
    listed = json.loads(call("layers", "-w", tmp_path, "--json").stdout)["layers"]
    assert [row["own_definition"] for row in listed if row["layer"] == "wells"] == [True]
    shown = call("layers", "wells", "-w", tmp_path).stdout
    assert "Manholes" in shown
    assert "井号" in shown


def test_an_unknown_layer_is_refused_with_the_names_there_are(tmp_path):
    call("init", tmp_path)
    done = call("layers", "lamp", "-w", tmp_path)
    assert done.exit_code == 2
    assert "lamps" in done.stderr


def test_a_broken_definition_names_file_and_key(tmp_path):
    call("init", tmp_path)
    (tmp_path / "layers" / "wells.toml").write_text("frob = 1\n", encoding="utf-8")
    done = call("layers", "-w", tmp_path)
    assert done.exit_code == 2
    assert "wells.toml" in done.stderr
    assert "frob" in done.stderr


def test_a_table_keeps_its_columns_under_each_other_with_chinese_text(tmp_path):
    from rich.cells import cell_len

    call("init", tmp_path)
    lines = call("layers", "-w", tmp_path, "--lang", "zh").stdout.splitlines()
    widths = {cell_len(line) for line in lines if line.strip()}
    assert len(widths) == 1
