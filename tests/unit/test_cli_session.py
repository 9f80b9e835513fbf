"""How every command takes its options, gives its result and ends."""

import json

import pytest
import typer
from typer.testing import CliRunner

from gridsvc import __version__
from gridsvc.cli import app
from gridsvc.cli.session import command
from gridsvc.errors import DefinitionError, InputRefusedError, StoreBusyError, UsageError
from gridsvc.text import bilingual

RUN = CliRunner()


def call(*arguments, error=None, env=None):
    """Run a command that greets, or raises *error*."""
    app = typer.Typer(pretty_exceptions_enable=False)

    @command(app, "greet")
    def greet(session, name: str = "county", loud: bool = False):
        if error is not None:
            raise error
        session.note(bilingual("thinking", "正在思考"))
        session.answer({"hello": name, "loud": loud}, bilingual(f"hello {name}", f"你好 {name}"))
        return 1 if loud else None

    return RUN.invoke(app, arguments, env={"GRIDSVC_LANG": "en", **(env or {})})


def test_a_command_prints_its_answer_and_ends_with_its_own_code():
    done = call("--name", "样例县")
    assert (done.exit_code, done.stdout) == (0, "hello 样例县\n")
    assert call("--loud").exit_code == 1


def test_json_stands_alone_on_standard_output():
    done = call("--name", "样例县", "--json")
    assert json.loads(done.stdout) == {"hello": "样例县", "loud": False}
    assert "样例县" in done.stdout
    assert done.stderr == "thinking\n"


@pytest.mark.parametrize(("lang", "said"), [("zh", "你好 x\n"), ("en", "hello x\n")])
def test_the_language_is_the_one_asked_for(lang, said):
    assert call("--name", "x", "--lang", lang).stdout == said
    assert call("--name", "x", env={"GRIDSVC_LANG": lang}).stdout == said


def test_an_unknown_language_or_option_is_wrong_usage():
    assert call("--lang", "fr").exit_code == 2
    assert call("--frob").exit_code == 2


@pytest.mark.parametrize(
    ("kind", "code"),
    [(UsageError, 2), (DefinitionError, 2), (InputRefusedError, 3), (StoreBusyError, 4)],
)
def test_an_error_is_one_sentence_and_its_own_exit_code(kind, code):
    done = call(error=kind("the lamp is dark", "灯不亮"))
    assert (done.exit_code, done.stdout, done.stderr) == (code, "", "error: the lamp is dark\n")
    assert call("--lang", "zh", error=kind("the lamp is dark", "灯不亮")).stderr == "错误：灯不亮\n"


def test_machines_get_an_error_as_json():
    done = call("--json", error=InputRefusedError("empty", "空"))
    assert json.loads(done.stdout) == {
        "error": {"exit_code": 3, "kind": "InputRefusedError", "en": "empty", "zh": "空"}
    }


def test_an_unforeseen_fault_is_one_sentence_without_a_traceback():
    done = call(error=KeyError("road"))
    assert done.exit_code == 4
    assert done.stderr.count("\n") == 1
    assert "KeyError: 'road'" in done.stderr
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback():
    done = call("--debug", error=KeyError("road"))
    assert done.exit_code == 4
    assert "Traceback" in done.stderr


def test_what_the_system_refuses_names_the_file():
    done = call(error=PermissionError(13, "Permission denied", "county.toml"))
    assert done.exit_code == 4
    assert done.stderr == "error: the system refused: Permission denied: county.toml\n"


def test_an_interrupted_command_is_neither_done_nor_failed():
    assert call(error=KeyboardInterrupt()).exit_code == 130


def test_a_mistyped_command_is_told_those_like_it():
    done = RUN.invoke(app, ["lods"])
    assert done.exit_code == 2
    assert "'loads'" in done.stderr


def test_the_version_is_told():
    assert RUN.invoke(app, ["--version"]).stdout == f"gridsvc {__version__}\n"
