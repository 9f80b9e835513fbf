"""Install gridsvc from the bundle that this file lies in, without a network: a virtual environment of its own.

Run by install.sh and install.cmd with the Python that the bundle was made for. Every installation stands in a folder
``env-VERSION-HASH`` of its own; the command is switched over only when the new one has passed its test, and the one
before is kept. Workspaces are never touched.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"
PLATFORMS = {"linux-x86_64": "linux-x86_64", "linux-aarch64": "linux-aarch64", "win-amd64": "windows-x86_64"}
# in an installation: it was tested, and when
MARK = "gridsvc-tested"


class Refusal(Exception):
    """A reason to stop: one sentence in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        """Take the sentence in English and in Chinese."""
        super().__init__(en)
        self.en, self.zh = en, zh


def say(en: str, zh: str) -> None:
    """Print in both languages, at once."""
    print(en, zh, sep="\n", flush=True)


# 1. Does the bundle fit, and is it whole?


def read_facts() -> dict[str, str]:
    """What the bundle is for: ``bundle.txt``."""
    lines = (HERE / "bundle.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def require_fit(facts: dict[str, str]) -> None:
    """Refuse another platform, an older C library, another Python."""
    name = sysconfig.get_platform()
    here = PLATFORMS.get(name, name) if sys.maxsize > 2**32 else f"{name}, 32 bit"
    if here != facts["platform"]:
        raise Refusal(
            f"this bundle is for {facts['platform']}, this machine is {here}; "
            "make a bundle for it with scripts/bundle --platform",
            f"此安装包适用于 {facts['platform']}，而本机为 {here}；请用 scripts/bundle --platform 为本机制作安装包",
        )
    python = "{}.{}".format(*sys.version_info[:2])
    if python != facts["python"]:
        raise Refusal(
            f"this bundle is for Python {facts['python']}, {sys.executable} is {python}",
            f"此安装包适用于 Python {facts['python']}，而 {sys.executable} 的版本为 {python}",
        )
    library, version = platform.libc_ver()
    minor = int(version.split(".")[1]) if library == "glibc" else -1
    if not WINDOWS and minor < int(facts["glibc"]):
        found = f"{library} {version}".strip() or "another C library"
        raise Refusal(
            f"this bundle needs the GNU C library 2.{facts['glibc']} or newer, this machine has {found}: "
            "its Linux is too old, or of another kind",
            f"此安装包需要 GNU C 库 2.{facts['glibc']} 或更高版本，而本机为 {found}：Linux 版本过旧或种类不同",
        )


def require_whole() -> str:
    """Refuse a bundle with a file that was changed, is missing or does not belong; return what names its content."""
    sums = (HERE / "SHA256SUMS").read_bytes()
    listed = dict(reversed(line.split("  ", 1)) for line in sums.decode("utf-8").splitlines())
    bad = [name for name in listed if not (HERE / name).is_file() or hash_of(HERE / name) != listed[name]]
    for folder in ("wheels", "pip"):
        names = (path.relative_to(HERE).as_posix() for path in (HERE / folder).iterdir())
        bad += [name for name in names if name not in listed]
    if bad:
        shown = ", ".join(bad[:3]) + (" …" if len(bad) > 3 else "")
        raise Refusal(
            f"{len(bad)} files of this bundle are not as they were made ({shown}); copy the bundle again",
            f"安装包中有 {len(bad)} 个文件与制作时不一致（{shown}）；请重新复制安装包",
        )
    return hashlib.sha256(sums).hexdigest()[:8]


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


# 2. Installation


def binary(env: Path, name: str) -> Path:
    """A program of an installation."""
    return env / "Scripts" / f"{name}.exe" if WINDOWS else env / "bin" / name


def run(command: list[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program with an environment in which nothing of this machine's Python settings counts."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "GRIDSVC_"))
    }
    own.update(PYTHONUTF8="1", PIP_CONFIG_FILE=os.devnull)
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def require_done(done: subprocess.CompletedProcess[str], en: str, zh: str) -> None:
    """Refuse what a program could not do, with its last words."""
    if done.returncode:
        last = " ".join(done.stdout.strip().splitlines()[-3:])[-600:]
        raise Refusal(f"{en}: {last}", f"{zh}：{last}")


def install(env: Path) -> None:
    """Make the virtual environment *env* and install the bundle's wheels into it, by hash."""
    done = run([sys.executable, "-m", "venv", "--without-pip", "--clear", env], HERE)
    require_done(done, f"no virtual environment could be made in {env}", f"无法在 {env} 创建虚拟环境")
    tool = next((HERE / "pip").glob("pip-*.whl")) / "pip"
    options = ["--isolated", "--no-index", "--no-cache-dir", "--disable-pip-version-check", "--quiet"]
    wanted = ["--find-links", HERE / "wheels", "--require-hashes", "--requirement", HERE / "requirements.txt"]
    done = run([binary(env, "python"), tool, "install", *options, "--only-binary=:all:", *wanted], HERE)
    require_done(done, "the packages could not be installed", "软件包安装失败")


def test(env: Path, version: str, with_demo: bool) -> None:
    """Ask for the version; build the sample county, which needs every part, in a folder that is removed again."""
    gridsvc = binary(env, "gridsvc")
    done = run([gridsvc, "--version"], env)
    done.returncode = done.returncode or done.stdout.strip() != f"gridsvc {version}"
    require_done(done, "the installed gridsvc does not start", "安装后的 gridsvc 无法启动")
    if not with_demo:
        return
    say("Testing with the sample county (about a minute)", "正在用样例县测试（约一分钟）")
    with tempfile.TemporaryDirectory(dir=env.parent, prefix=".test-") as scratch:
        done = run([gridsvc, "demo", Path(scratch) / "demo"], Path(scratch))
    require_done(done, "the sample county could not be built", "样例县测试失败")


def is_installed(env: Path, version: str) -> bool:
    """True where this very bundle was installed before, and still starts."""
    try:
        test(env, version, with_demo=False)
    except (Refusal, OSError):
        return False
    return (env / MARK).is_file()


def link(env: Path, folder: Path, bin_folder: Path) -> Path:
    """Put the command ``gridsvc`` where it is found; replaced in one step when there is one from before."""
    if WINDOWS:
        path, aside = folder / "gridsvc.cmd", folder / "gridsvc.new"
        aside.write_text(f'@"%~dp0{env.name}\\Scripts\\gridsvc.exe" %*\r\n', encoding="ascii", newline="")
    else:
        bin_folder.mkdir(parents=True, exist_ok=True)
        path, aside = bin_folder / "gridsvc", bin_folder / ".gridsvc.new"
        aside.unlink(missing_ok=True)
        aside.symlink_to(binary(env, "gridsvc"))
    aside.replace(path)
    return path


def require_own(path: Path) -> None:
    """Refuse to replace a command that is not a link to an installation of gridsvc."""
    if path.exists() and not path.is_symlink():
        raise Refusal(
            f"{path} is there already and is no link made by this installer; move it away or choose --bin DIR",
            f"{path} 已存在，且不是本安装程序创建的链接；请移走它，或用 --bin 目录 另选位置",
        )


def remove_old(folder: Path, env: Path) -> None:
    """Remove installations but *env* and the newest other one, which may still be serving."""
    others = [path for path in folder.glob("env-*") if path != env]
    others.sort(key=lambda path: (path / MARK).stat().st_mtime if (path / MARK).is_file() else 0)
    for path in others[:-1]:
        shutil.rmtree(path, ignore_errors=True)


# 3. Font


def install_font(folder: Path) -> None:
    """Copy the carried font to *folder* where the machine shows no font with Chinese characters."""
    carried = sorted((HERE / "fonts").glob("*")) if not WINDOWS else []
    if not carried:
        return
    if shutil.which("fc-list") and run(["fc-list", ":lang=zh", "family"], HERE).stdout.strip():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for path in carried:
        shutil.copyfile(path, folder / path.name)
    if shutil.which("fc-cache"):
        run(["fc-cache", folder], HERE)
    say(
        f"This machine had no Chinese font: installed one in {folder}", f"本机没有中文字体：已安装到 {folder}"
    )


# 4. The whole way


def uninstall(folder: Path, command: Path, fonts: Path) -> None:
    """Remove installations, command and font; the folder itself only when nothing else is in it."""
    if command.is_symlink() and folder in command.readlink().parents:
        command.unlink()
    (folder / "gridsvc.cmd").unlink(missing_ok=True)
    for path in folder.glob("env-*"):
        shutil.rmtree(path)
    for name in ("NotoSansCJKsc-Regular.otf", "OFL.txt"):
        (fonts / name).unlink(missing_ok=True)
    for path in (folder, fonts):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    say(f"gridsvc is removed from {folder}; workspaces stay", f"已从 {folder} 卸载 gridsvc；工作区保留不动")


def install_all(options: argparse.Namespace, facts: dict[str, str]) -> None:
    """Check, install, test, switch over, tidy up."""
    say("Checking the bundle", "正在校验安装包")
    content = require_whole()
    folder, command = options.to, options.bin / "gridsvc"
    if not WINDOWS:
        require_own(command)
    env = folder / f"env-{facts['version']}-{content}"
    if not is_installed(env, facts["version"]):
        say(
            f"Installing gridsvc {facts['version']} in {env}", f"正在安装 gridsvc {facts['version']} 到 {env}"
        )
        folder.mkdir(parents=True, exist_ok=True)
        try:
            install(env)
            test(env, facts["version"], not options.no_demo)
        except BaseException:
            shutil.rmtree(env, ignore_errors=True)
            raise
    (env / MARK).touch()
    command = link(env, folder, options.bin)
    remove_old(folder, env)
    if not options.no_font:
        install_font(options.fonts)
    say(f"gridsvc {facts['version']} is ready: {command}", f"gridsvc {facts['version']} 已就绪：{command}")
    if WINDOWS or str(options.bin) not in os.environ.get("PATH", "").split(os.pathsep):
        place = command.parent
        say(f"To type only gridsvc, add {place} to PATH", f"要直接输入 gridsvc，请把 {place} 加入 PATH")
    say("Try it: gridsvc demo", "试一试：gridsvc demo")


def read_options() -> argparse.Namespace:
    """Options; where to install differs between root and a user, and between Linux and Windows."""
    if WINDOWS:
        local = Path(os.environ.get("LOCALAPPDATA") or Path.home())
        to = bin_folder = local / "gridsvc"
        fonts = to / "fonts"
    elif os.geteuid() == 0:
        local = Path("/usr/local")
        to, bin_folder, fonts = local / "lib/gridsvc", local / "bin", local / "share/fonts/gridsvc"
    else:
        local = Path.home() / ".local"
        to, bin_folder, fonts = local / "share/gridsvc", local / "bin", local / "share/fonts/gridsvc"
    parser = argparse.ArgumentParser(description="Install gridsvc without a network. 离线安装 gridsvc。")
    parser.add_argument(
        "--to", type=Path, default=to, metavar="DIR", help="folder to install in (%(default)s)"
    )
    parser.add_argument("--bin", type=Path, default=bin_folder, metavar="DIR", help="folder of the command")
    parser.add_argument("--fonts", type=Path, default=fonts, metavar="DIR", help="folder of the font")
    parser.add_argument("--no-demo", action="store_true", help="test the version only, not the sample county")
    parser.add_argument("--no-font", action="store_true", help="install no font")
    parser.add_argument("--uninstall", action="store_true", help="remove what was installed")
    options = parser.parse_args()
    for name in ("to", "bin", "fonts"):
        setattr(options, name, getattr(options, name).expanduser().absolute())
    return options


def main() -> int:
    """Install or remove; an error is one sentence in both languages."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    options = read_options()
    # what root installs is for everyone to read
    os.umask(0o022)
    try:
        if options.uninstall:
            uninstall(options.to, options.bin / "gridsvc", options.fonts)
        else:
            facts = read_facts()
            require_fit(facts)
            install_all(options, facts)
    except Refusal as refusal:
        print(f"error: {refusal.en}\n错误：{refusal.zh}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}\n错误：{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped\n已中止", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
