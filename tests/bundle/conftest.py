"""A bundle small enough to install in a second: the real installer and pip, a gridsvc of twenty lines."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pip
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "_bundle"
HERE = f"{'windows' if os.name == 'nt' else 'linux'}-{sysconfig.get_platform().rpartition('-')[2]}"
PYTHON = ".".join(map(str, sys.version_info[:2]))
# what it does when asked: its version, or a demo, which fails where the wheel is a bad one
PROGRAM = """
import pathlib, sys
def main():
    if sys.argv[1] == "--version":
        print("gridsvc {version}")
    elif {good}:
        pathlib.Path(sys.argv[2]).mkdir()
    else:
        sys.exit("the demo broke")
"""


def load(name):
    """A module of scripts/_bundle."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def wheels():
    return load("wheels")


@pytest.fixture(scope="session")
def installer():
    return load("install")


@pytest.fixture(scope="session")
def make(wheels):
    return load("make")


@pytest.fixture(scope="session")
def add_wheel():
    """Writes a wheel: ``add_wheel(folder, "name-1.0-py3-none-any.whl", requires=[...], files={...})``."""

    def add(folder, filename, requires=(), files=None):
        name, version = filename.split("-")[:2]
        info = f"{name}-{version}.dist-info"
        metadata = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
        contents = {
            **(files or {}),
            f"{info}/METADATA": "\n".join(["Metadata-Version: 2.1", *metadata, ""]),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        }
        contents[f"{info}/RECORD"] = "".join(f"{one},,\n" for one in [*contents, f"{info}/RECORD"])
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / filename, "w") as archive:
            for path, text in contents.items():
                archive.writestr(path, text)
        return folder / filename

    return add


@pytest.fixture(scope="session")
def pip_wheel(tmp_path_factory):
    """The pip of this environment as one file that Python runs."""
    path = tmp_path_factory.mktemp("pip") / f"pip-{pip.__version__}-py3-none-any.whl"
    package = Path(pip.__file__).parent
    with zipfile.ZipFile(path, "w") as archive:
        for source in package.rglob("*"):
            if source.is_file() and source.suffix != ".pyc":
                archive.write(source, Path("pip") / source.relative_to(package))
    return path


class Bundle:
    """An unpacked bundle, and what its installer does with a folder."""

    def __init__(self, folder, place):
        self.folder = folder
        self.place = place
        self.to, self.bin, self.fonts = place / "to", place / "bin", place / "fonts"
        self.programs = place / "programs"

    def program(self, name, script):
        """Put a program on the installer's PATH, before all others."""
        self.programs.mkdir(exist_ok=True)
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)

    def install(self, *options, path="/usr/bin:/bin", **environment):
        places = ["--to", self.to, "--bin", self.bin, "--fonts", self.fonts]
        return subprocess.run(
            ["sh", self.folder / "install.sh", *places, *options],
            env={
                "PATH": f"{self.programs}:{path}",
                "HOME": str(self.place),
                "LANG": "C.UTF-8",
                "PYTHON": sys.executable,
                **environment,
            },
            cwd=self.place,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def answer(self):
        """What the installed command says of its version."""
        return subprocess.run(
            [self.bin / "gridsvc", "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()

    @property
    def installed(self):
        return sorted(path.name.split("-")[1] for path in self.to.glob("env-*"))


@pytest.fixture
def bundle(make, wheels, add_wheel, pip_wheel, tmp_path):
    """Makes bundles for this machine: ``bundle("9.9")``; other facts by name: ``bundle("9.9", platform=...)``."""

    def build(version="9.9", *, good=True, font=False, **facts):
        folder = tmp_path / f"bundle-{version}-{good}"
        program = {"gridsvc.py": PROGRAM.format(version=version, good=good)}
        own = add_wheel(folder / "wheels", f"gridsvc-{version}-py3-none-any.whl", files=program)
        (folder / "requirements.txt").write_text(wheels.requirements([wheels.Wheel.read(own)]))
        (folder / "pip").mkdir()
        shutil.copy(pip_wheel, folder / "pip")
        if font:
            (folder / "fonts").mkdir()
            (folder / "fonts" / "NotoSansCJKsc-Regular.otf").write_text("font")
        known = {"version": version, "platform": HERE, "python": PYTHON, "glibc": "17"}
        make.add_texts(folder, {**known, "extras": "-", "made": "2026-11-20", **facts}, windows=False)
        make.add_sums(folder)
        return Bundle(folder, tmp_path)

    return build
