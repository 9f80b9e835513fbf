"""Make an offline installation of gridsvc: scripts/bundle [OPTION...]

Run with the Python whose packages passed the tests: their versions are bundled, for every platform.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tarfile
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from wheels import (
    PLATFORMS,
    PYTHONS,
    Target,
    Wheel,
    collect,
    fetch,
    file_sha256,
    installed_versions,
    pip,
    requirements,
)

from gridsvc.errors import GridsvcError, UsageError, outcome

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MANUAL = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "docs")
EXTRAS = ("osm", "postgis")
# The package that carries the font among others, the font in it, and the hash of the file whose licence was read
FONT_PACKAGE, FONT = "mplfonts==0.0.11", "mplfonts/fonts/NotoSansCJKsc-Regular.otf"
FONT_SHA256 = "1652500938055a232cfbfa321de6ebaadfc5635dd9f75e369bc991d14a6512dd"


def arguments(words: list[str]) -> argparse.Namespace:
    """Options, with this machine's platform and Python where none are given."""
    machine = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(platform.machine(), "x86_64")
    here = f"linux-{machine}"
    python = ".".join(map(str, sys.version_info[:2]))
    # scripts/bundle holds the help
    parser = argparse.ArgumentParser(prog="scripts/bundle", add_help=False)
    parser.add_argument("--platform", choices=PLATFORMS, default=here)
    parser.add_argument("--python", choices=PYTHONS, default=python)
    parser.add_argument("--extras", default="")
    parser.add_argument("--no-font", action="store_true")
    parser.add_argument("--python-installer", type=Path)
    parser.add_argument("--constraints", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist")
    options = parser.parse_args(words)
    options.extras = sorted({name.strip() for name in options.extras.split(",")} - {""})
    for name in options.extras:
        if name not in EXTRAS:
            parser.error(f"no extra {name!r}; there are {', '.join(EXTRAS)}")
    for path in (options.python_installer, options.constraints):
        if path is not None and not path.is_file():
            parser.error(f"no file {path}")
    return options


def build_own(folder: Path) -> Wheel:
    """The project's own wheel, built of the checkout."""
    done = pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    if done.returncode:
        said = done.stderr.strip()[-500:]
        raise UsageError(
            f"the wheel of gridsvc could not be built: {said}", f"无法构建 gridsvc 的 wheel 文件：{said}"
        )
    return Wheel.read(next(folder.glob("gridsvc-*.whl")))


def add_pip(folder: Path, scratch: Path) -> None:
    """The newest pip into *folder*: the target's Python may have none, or an old one."""
    fetch(scratch, ["pip"], None, None)
    folder.mkdir()
    for path in scratch.glob("pip-*.whl"):
        shutil.move(path, folder)


def add_font(folder: Path, scratch: Path) -> None:
    """Noto Sans CJK SC and its licence into *folder*, out of the package that carries it."""
    fetch(scratch, [FONT_PACKAGE], None, None)
    folder.mkdir()
    path = folder / Path(FONT).name
    with zipfile.ZipFile(next(scratch.glob("mplfonts-*.whl"))) as archive:
        path.write_bytes(archive.read(FONT))
    if file_sha256(path) != FONT_SHA256:
        raise UsageError(
            f"{FONT_PACKAGE} holds another font than expected; without it: --no-font",
            f"{FONT_PACKAGE} 中的字体与预期不符；可用 --no-font 不带字体",
        )
    shutil.copy(HERE / "OFL.txt", folder)


def add_texts(folder: Path, facts: dict[str, str], windows: bool) -> None:
    """Installer, README and manual; ``bundle.txt`` tells the installer what the bundle is for."""
    shutil.copy(HERE / "install.py", folder)
    script = "install.cmd" if windows else "install.sh"
    for name in (script, "README.md", "no-python.txt"):
        text = (HERE / name).read_text(encoding="utf-8")
        for key, value in facts.items():
            text = text.replace(f"@{key}@", value)
        (folder / name).write_text(text, encoding="utf-8", newline="\r\n" if windows else "\n")
    (folder / script).chmod(0o755)
    lines = "".join(f"{key}={value}\n" for key, value in facts.items())
    (folder / "bundle.txt").write_text(lines, encoding="utf-8", newline="\n")
    manual = folder / "manual"
    manual.mkdir()
    for name in MANUAL:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, manual / name)


def add_sums(folder: Path) -> None:
    """``SHA256SUMS`` of every file, as ``sha256sum -c`` reads it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8", newline="\n")


def pack(folder: Path, archive: Path) -> None:
    """Pack *folder* as ``.zip`` or ``.tar.gz``, written aside and put in place; most of it is compressed already."""
    aside = archive.with_name(f".{archive.name}.part")
    paths = sorted(folder.rglob("*"))
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
                for path in paths:
                    packed.write(path, Path(folder.name) / path.relative_to(folder))
        else:
            with tarfile.open(aside, "w:gz", compresslevel=1) as packed:
                packed.add(folder, folder.name, filter=owned_by_nobody)
        aside.replace(archive)
    finally:
        aside.unlink(missing_ok=True)


def owned_by_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """*member* without the name of who packed it, readable by everyone."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode |= 0o755 if member.isdir() else 0o644
    return member


def make(options: argparse.Namespace, scratch: Path) -> tuple[Path, list[Wheel]]:
    """Gather everything in *scratch*, pack it, return the archive and the wheels in it."""
    target = Target(options.platform, options.python)
    downloads, fonts, own_folder = (scratch / name for name in ("pip", "fonts", "own"))
    own = build_own(own_folder)
    name = f"gridsvc-{own.version}-{target.platform}-py{target.python.replace('.', '')}"
    folder = scratch / name
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    constraints = options.constraints
    if constraints is None:
        constraints = scratch / "constraints.txt"
        pins = installed_versions()
        constraints.write_text("".join(f"{key}=={pins[key]}\n" for key in sorted(pins) if key != own.name))
    gathered = collect(wheels, own, options.extras, target, constraints)
    shutil.move(own.path, wheels)
    gathered = sorted(map(Wheel.read, wheels.glob("*.whl")), key=lambda wheel: wheel.name)
    (folder / "requirements.txt").write_text(requirements(gathered), encoding="utf-8", newline="\n")
    add_pip(folder / "pip", downloads)
    if not target.windows and not options.no_font:
        add_font(folder / "fonts", fonts)
    if options.python_installer:
        (folder / "python").mkdir()
        shutil.copy(options.python_installer, folder / "python")
    facts = {
        "version": own.version,
        "platform": target.platform,
        "python": target.python,
        "glibc": str(max(wheel.glibc for wheel in gathered)),
        "extras": ",".join(options.extras) or "-",
        "made": datetime.now(UTC).date().isoformat(),
    }
    add_texts(folder, facts, target.windows)
    add_sums(folder)
    options.output.mkdir(parents=True, exist_ok=True)
    archive = options.output / (name + (".zip" if target.windows else ".tar.gz"))
    pack(folder, archive)
    return archive, gathered


def main() -> int:
    """Make the bundle, say what is in it; an error is one sentence in both languages."""
    options = arguments(sys.argv[1:])
    try:
        # beside the result: the temporary folder of a machine may be small
        options.output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=options.output, prefix=".bundle-") as scratch:
            archive, gathered = make(options, Path(scratch))
    except (GridsvcError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        if isinstance(error, GridsvcError):
            print(f"错误：{error.text.zh}", file=sys.stderr)
        return outcome(error)[0] if isinstance(error, GridsvcError) else 2
    tried = installed_versions()
    other = [f"{one.name} {one.version}" for one in gathered if tried.get(one.name) != one.version]
    print(f"{archive} ({archive.stat().st_size / 1e6:.0f} MB, {len(gathered)} wheels)")
    print(f"sha256 {file_sha256(archive)}")
    if other:
        print(f"not in the version that this environment has: {', '.join(other)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
