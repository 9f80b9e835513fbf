"""The checkout as a whole: what stands in its files, what its modules import, what its documents cover."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
import typer

from gridsvc.cli import app

# floors from the ground up; a module imports from its own floor or below
FLOORS = [
    {"text", "errors", "settings", "crs", "shifts", "codes"},
    {"layers"},
    {"partition", "store", "export"},
    {"intake", "duties"},
    {"coverage"},
    {"checks", "maps"},
    {"api", "cli", "sample"},
]
TEXTS = {".py", ".toml", ".md", ".js", ".css", ".html", ".svg", ".sh", ".txt", ".json", ".yml", ".yaml", ""}
# written in parts, so that this file does not find itself
UNWANTED = {
    "a path of one machine": r"(?<![\w.])/(?:" + "|".join(["work", "root", "home", "tmp", "opt"]) + r")/\w",
    "a registry's host": "|".join(
        [r"pypi\." + "org", "python" + r"hosted\.", r"npmjs\." + "org", r"deb\." + "debian"]
    ),
    "unfinished work": r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b",
}


def tracked(root):
    """Files that are, or are about to be, part of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, capture_output=True, check=True
    )
    paths = [root / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.suffix in TEXTS and path.is_file()]


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_holds(root, what):
    pattern = re.compile(UNWANTED[what])
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path in tracked(root)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found


def imports(path):
    """Rooms of gridsvc that a module imports, with line numbers."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
            if node.module == "gridsvc":
                names = [f"gridsvc.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "gridsvc" and len(parts) > 1 and not parts[1].startswith("_"):
                yield parts[1], node.lineno


def test_imports_only_go_down_the_floors(root):
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for path in sorted((root / "gridsvc").rglob("*.py")):
        room = path.relative_to(root / "gridsvc").parts[0].removesuffix(".py")
        if room.startswith("_"):
            continue
        wrong += [
            f"{path.relative_to(root)}:{line}: {room} imports {other}"
            for other, line in imports(path)
            if floor[other] > floor[room]
        ]
    assert not wrong


def test_modules_have_a_size_that_can_be_read(root):
    long = {
        str(path.relative_to(root)): lines
        for path in (root / "gridsvc").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long


def commands():
    group = typer.main.get_command(app)
    return {name: group.get_command(None, name) for name in group.list_commands(None)}


def section(text, name):
    """The part of docs/commands.md about one command."""
    found = re.search(rf"^## gridsvc {name}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_is_documented(root, name):
    text = (root / "docs" / "commands.md").read_text(encoding="utf-8")
    head, own = text.split("\n## ", 1)[0], section(text, name)
    assert f"`gridsvc {name}" in own
    options = {
        option
        for parameter in commands()[name].params
        for option in parameter.opts
        if option.startswith("--")
    }
    common = {"--workspace", "--json", "--lang", "--debug"}
    assert common <= options
    assert all(f"`{option}" in head for option in common)
    missing = [option for option in options - common - {"--help"} if f"`{option}" not in own]
    assert not missing


def test_no_document_tells_of_a_command_that_is_not_there(root):
    known = set(commands())
    for path in [*root.glob("*.md"), *(root / "docs").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"`gridsvc ([a-z][a-z-]*)", text)) | set(
            re.findall(r"^\$ gridsvc ([a-z][a-z-]*)", text, re.MULTILINE)
        )
        assert named <= known, path.name


def test_both_readmes_account_for_every_dependency(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    names = {re.split(r"[<>=!~\[; ]", one)[0] for one in listed}
    for readme in ("README.md", "README.zh-CN.md"):
        text = (root / readme).read_text(encoding="utf-8")
        told = {
            name
            for line in text.splitlines()
            if line.startswith("| `")
            for name in re.findall(r"`([\w.-]+)`", line)
        }
        assert names <= told, readme


def test_scripts_can_be_run_from_anywhere(root, tmp_path):
    for name in ("scripts/run", "scripts/test", "scripts/bench", "scripts/bundle", ".ci/run"):
        assert (root / name).stat().st_mode & 0o111, name
    for name in ("scripts/run", "scripts/test", "scripts/bench", "scripts/bundle"):
        done = subprocess.run(
            [root / name, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert name in done.stdout
        assert not list(tmp_path.iterdir())


@pytest.fixture
def make_venv(root, tmp_path):
    """Runs the scripts' way to a virtual environment where every Python is the one given, and nobody is root."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    text = (root / "scripts" / "_venv.sh").read_text(encoding="utf-8")
    library = tmp_path / "_venv.sh"
    library.write_text(text.replace("/usr/bin/python3", str(binaries / "python3")), encoding="utf-8")

    def run(python):
        for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14", "python"):
            (binaries / name).write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
            (binaries / name).chmod(0o755)
        script = (
            f'root="{root}"; unset PYTHON; PATH="{binaries}:$PATH"; . "{library}"; is_root() {{ return 1; }}; '
            f'venv="{tmp_path}/venv"; make_venv'
        )
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    return run


def test_a_python_that_is_too_old_is_told(make_venv, tmp_path):
    done = make_venv('[ "$1" = --version ] && echo "Python 3.8.20" && exit 0; exit 1')
    assert done.returncode == 1
    assert "Python 3.11 or newer (found: Python 3.8.20)" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_without_ensurepip_is_told(make_venv, tmp_path):
    done = make_venv(f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_folder_that_is_no_virtual_environment_is_left_alone(make_venv, tmp_path):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "mine.txt").write_text("mine")
    done = make_venv(f'exec {sys.executable} "$@"')
    assert done.returncode == 1
    assert "is not a virtual environment" in done.stderr
    assert (tmp_path / "venv" / "mine.txt").read_text() == "mine"
