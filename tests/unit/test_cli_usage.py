"""What people are told who mistype a command, and what a hostile file cannot do to their terminal."""

import io
import json

import pytest
from rich.text import Text as Line
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.cli.session import SafeConsole
from gridsvc.settings import masked

RUN = CliRunner()


def call(*arguments, lang="zh"):
    return RUN.invoke(app, list(arguments), env={"GRIDSVC_LANG": lang})


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["laod"], "没有命令 laod"),
        (["load"], "缺少 LAYER"),
        (["load", "--crsx", "1"], "没有选项 --crsx，是否想用 --crs"),
        (["coverage", "--sort"], "选项 --sort 需要取值"),
        (["quarantine", "lamps", "b"], "多余的参数 b"),
        (
            ["load", "lamps", "x", "--mode", "foo"],
            "--mode：“foo”不在可选值 'replace', 'append', 'upsert' 之内",
        ),
        (["quarantine", "--limit", "0"], "--limit：应不小于 1"),
        (["quarantine", "--limit", "x"], "--limit：应为整数"),
    ],
)
def test_wrong_usage_is_told_in_chinese(typed, told):
    done = call(*typed)
    assert done.exit_code == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_the_language_asked_for_on_the_line_holds_for_its_own_faults():
    assert "没有选项 --frob" in call("loads", "--frob", "--lang", "zh", lang="en").stderr
    assert "No such option" in call("loads", "--frob", "--lang=en").stderr


def test_without_a_command_the_help_is_shown():
    assert "confirm-data" in call().output


def test_nothing_that_is_printed_acts_on_the_terminal():
    out = io.StringIO()
    console = SafeConsole(file=out, width=200, force_terminal=True)
    console.print(Line("a\x1b[2J\x1b]0;title\x07b\x9b31mc\u202ed\te", style="bold"))
    text = out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert text.startswith("a[2J")


@pytest.mark.parametrize(
    "url", ["postgresql://clerk:123456", "postgresql://clerk:123456/county", "postgresql://clerk:123456?x=y"]
)
def test_a_password_of_digits_is_masked_where_a_host_is_missing(url):
    assert "123456" not in masked(url)


def test_maps_of_an_empty_workspace_say_that_nothing_is_computed(tmp_path):
    workspace = str(tmp_path / "w")
    assert call("init", workspace, "--name", "空").exit_code == 0
    done = call("map", "--overview", "lit_road", "-w", workspace, "--lang", "zh")
    assert "尚未计算" in done.stderr


def test_numbers_and_notes_of_a_dismissal_are_asked_for(tmp_path):
    workspace = str(tmp_path / "w")
    call("init", workspace, "--name", "空")
    assert "--note" in call("quarantine", "--dismiss", "1", "-w", workspace).stderr
    assert "逗号分隔" in call("quarantine", "--dismiss", "x", "--note", "y", "-w", workspace).stderr
    done = call("quarantine", "--dismiss", "7", "--note", "y", "-w", workspace, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["kind"] == "NotFoundError"
    assert "需要指明图层" in call("quarantine", "--export", "x.csv", "-w", workspace).stderr
    assert (
        "只能给一个"
        in call("quarantine", "lamps", "--export", "x.csv", "--reopen", "1", "-w", workspace).stderr
    )
