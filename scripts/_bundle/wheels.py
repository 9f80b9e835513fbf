"""Wheels for a machine other than this one: which are needed there, fetched, pinned and hashed."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

from gridsvc.errors import UsageError

PYTHONS = ("3.11", "3.12", "3.13")
# the oldest C library first: of two wheels of one version, the one that runs on more machines is taken
GLIBC = (5, 12, 17, 24, 26, 27, 28)
ALIASES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True)
class Target:
    """The machine that the bundle is for."""

    platform: str
    """One of :data:`PLATFORMS`."""
    python: str
    """``3.11`` and the like."""

    @property
    def windows(self) -> bool:
        """True for Windows."""
        return self.platform.startswith("windows")

    @property
    def tags(self) -> list[str]:
        """Platform tags of wheels that run there."""
        if self.windows:
            return ["win_amd64"]
        machine = self.platform.partition("-")[2]
        names = (name for minor in GLIBC for name in (f"manylinux_2_{minor}", ALIASES.get(minor)) if name)
        return [f"{name}_{machine}" for name in names]

    @property
    def markers(self) -> dict[str, str]:
        """What conditions in a wheel's requirements are asked of, for instance ``sys_platform == 'win32'``."""
        machine = self.platform.partition("-")[2]
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "nt" if self.windows else "posix",
            "platform_machine": "AMD64" if self.windows else machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Windows" if self.windows else "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "win32" if self.windows else "linux",
        }


PLATFORMS = ("linux-x86_64", "linux-aarch64", "windows-x86_64")


@dataclass(frozen=True)
class Wheel:
    """One wheel file."""

    path: Path
    name: str
    """Normalised: lower case, hyphens."""
    version: str
    requires: tuple[Requirement, ...]

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """Name and version from the file's name, requirements from its metadata."""
        name, version, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            own = next(one for one in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", one))
            metadata = Parser().parsestr(archive.read(own).decode("utf-8"))
        requires = tuple(Requirement(text) for text in metadata.get_all("Requires-Dist") or ())
        return cls(path, name, str(version), requires)

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        return file_sha256(self.path)

    @property
    def glibc(self) -> int:
        """Minor version of the oldest GNU C library 2.x that it runs with; 0 where none is needed."""
        by_name = {name: minor for minor, name in ALIASES.items()}
        found = []
        for tag in parse_wheel_filename(self.path.name)[3]:
            old = re.match(r"manylinux(?:1|2010|2014)(?=_)", tag.platform)
            new = re.match(r"manylinux_2_(\d+)_", tag.platform)
            found.append(by_name[old[0]] if old else int(new[1]) if new else 0)
        return min(found)


def file_sha256(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def installed_versions() -> dict[str, str]:
    """Versions in this environment, which the tests passed with: name → version."""
    return {canonicalize_name(one.metadata["Name"]): one.version for one in distributions()}


def closure(
    wheels: dict[str, Wheel], roots: Iterable[Requirement], target: Target
) -> tuple[dict[str, Wheel], list[Requirement]]:
    """What *roots* need on the *target*, of the *wheels* at hand: the wheels needed, and what has none yet.

    pip weighs conditions such as ``sys_platform == 'win32'`` by the machine it runs on, also when it downloads for
    another; so what only the target needs has to be found here.
    """
    needed: dict[str, Wheel] = {}
    missing: dict[str, Requirement] = {}
    seen: set[tuple[str, str]] = set()
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        wheel = wheels.get(name)
        if wheel is None or not one.specifier.contains(wheel.version, prereleases=True):
            asked = missing[name].specifier if name in missing else SpecifierSet()
            missing[name] = Requirement(f"{name}{asked & one.specifier}")
            continue
        needed[name] = wheel
        for extra in {"", *one.extras} - {extra for done, extra in seen if done == name}:
            seen.add((name, extra))
            waiting += [
                need
                for need in wheel.requires
                if need.marker is None or need.marker.evaluate({**target.markers, "extra": extra})
            ]
    return needed, sorted(missing.values(), key=str)


def pip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run this environment's pip, with whatever configuration the machine has."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)


def fetch(folder: Path, wanted: Iterable[str], target: Target | None, constraints: Path | None) -> None:
    """Download wheels of *wanted* and of what pip finds they need; for any platform when *target* is None.

    Raises ``UsageError`` with pip's own last words when a package has no wheel for the target or none at all.
    """
    choice: list[str | Path] = ["--no-deps"]
    if target is not None:
        choice = ["--python-version", target.python, "--implementation", "cp"]
        choice += [word for tag in target.tags for word in ("--platform", tag)]
    limits: list[str | Path] = ["--constraint", constraints] if constraints else []
    wanted = list(wanted)
    done = pip("download", "--only-binary=:all:", "--dest", folder, *choice, *limits, *wanted)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = " ".join(said) or done.stderr.strip()[-500:]
        where = f"{target.platform}, Python {target.python}" if target else "any platform"
        raise UsageError(
            f"no wheels of {', '.join(wanted)[:200]} for {where}: {why}",
            f"下载不到 {', '.join(wanted)[:200]} 的 wheel 文件（{where}）：{why}",
        )


def collect(
    folder: Path, own: Wheel, extras: Iterable[str], target: Target, constraints: Path
) -> list[Wheel]:
    """Download into *folder* all that *own* needs on the *target*, and nothing else: by name, *own* among it."""
    root = Requirement(f"{own.name}[{','.join(extras)}]=={own.version}")
    needed, missing = closure({own.name: own}, [root], target)
    while missing:
        before = {one.name for one in missing}
        fetch(folder, map(str, missing), target, constraints)
        at_hand = {wheel.name: wheel for wheel in map(Wheel.read, folder.glob("*.whl"))}
        needed, missing = closure(at_hand | {own.name: own}, [root], target)
        if before & {one.name for one in missing}:
            names = ", ".join(map(str, missing))
            raise UsageError(f"what was downloaded does not fit: {names}", f"下载到的包不符合要求：{names}")
    for path in folder.glob("*.whl"):
        if path not in {wheel.path for wheel in needed.values()}:
            path.unlink()
    return [needed[name] for name in sorted(needed)]


def requirements(wheels: Iterable[Wheel]) -> str:
    """A requirements file with exact versions and hashes, for ``pip install --require-hashes``."""
    return "".join(f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n" for one in wheels)
