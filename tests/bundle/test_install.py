"""What the installer of a bundle does on the machine it is carried to."""

import subprocess
import sys

import pytest

PYTHON = ".".join(map(str, sys.version_info[:2]))


def test_it_installs_tests_and_says_what_next_in_both_languages(bundle):
    one = bundle("9.9")
    done = one.install()
    assert done.returncode == 0, done.stderr
    assert one.answer() == "gridsvc 9.9"
    assert f"gridsvc 9.9 is ready: {one.bin}/gridsvc" in done.stdout
    assert f"gridsvc 9.9 已就绪：{one.bin}/gridsvc" in done.stdout
    assert f"add {one.bin} to PATH" in done.stdout
    assert [path.name for path in one.to.iterdir()] == [f"env-9.9-{next(one.to.iterdir()).name[-8:]}"]


def test_settings_of_pip_and_python_on_the_machine_do_not_count(bundle, tmp_path):
    (tmp_path / "gridsvc.py").write_text("raise SystemExit('the wrong one')")
    one = bundle("9.9")
    done = one.install(
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_REQUIRE_VIRTUALENV="1", PYTHONPATH=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert one.answer() == "gridsvc 9.9"


def test_a_second_run_keeps_what_is_there(bundle):
    one = bundle("9.9")
    one.install()
    (next(one.to.iterdir()) / "kept").write_text("")
    done = one.install()
    assert done.returncode == 0, done.stderr
    assert "is ready" in done.stdout
    assert (next(one.to.iterdir()) / "kept").exists()


def test_a_second_run_repairs_what_is_broken(bundle):
    one = bundle("9.9")
    one.install()
    (next(one.to.iterdir()) / "bin" / "gridsvc").unlink()
    assert one.install().returncode == 0
    assert one.answer() == "gridsvc 9.9"


def test_a_changed_wheel_is_refused_before_anything_is_installed(bundle):
    one = bundle("9.9")
    wheel = next((one.folder / "wheels").iterdir())
    wheel.write_bytes(wheel.read_bytes().replace(b"gridsvc 9.9", b"gridsvc 6.6"))
    done = one.install()
    assert done.returncode == 1
    assert "1 files of this bundle are not as they were made (wheels/gridsvc-9.9-py3" in done.stderr
    assert "安装包中有 1 个文件与制作时不一致" in done.stderr
    assert not one.to.exists()


def test_a_wheel_changed_together_with_its_checksum_is_refused_by_its_hash(bundle, make):
    one = bundle("9.9")
    wheel = next((one.folder / "wheels").iterdir())
    wheel.write_bytes(wheel.read_bytes().replace(b"gridsvc 9.9", b"gridsvc 6.6"))
    (one.folder / "SHA256SUMS").unlink()
    make.add_sums(one.folder)
    done = one.install()
    assert done.returncode == 1
    assert "error: the packages could not be installed" in done.stderr
    assert one.installed == []


def test_a_missing_and_an_added_file_are_refused(bundle):
    one = bundle("9.9")
    (one.folder / "requirements.txt").unlink()
    (one.folder / "wheels" / "evil-1.0-py3-none-any.whl").write_text("")
    done = one.install()
    assert done.returncode == 1
    assert "2 files" in done.stderr
    assert "requirements.txt, wheels/evil-1.0-py3-none-any.whl" in done.stderr


@pytest.mark.parametrize(
    ("facts", "en", "zh"),
    [
        (
            {"platform": "windows-x86_64"},
            "this bundle is for windows-x86_64, this machine is linux-",
            "而本机为 linux-",
        ),
        (
            {"glibc": "99"},
            "needs the GNU C library 2.99 or newer, this machine has glibc 2.",
            "Linux 版本过旧",
        ),
    ],
)
def test_another_machine_is_refused(bundle, facts, en, zh):
    one = bundle("9.9", **facts)
    done = one.install()
    assert done.returncode == 1
    assert en in done.stderr
    assert zh in done.stderr
    assert "Traceback" not in done.stderr
    assert not one.to.exists()


def test_a_machine_with_another_python_is_told_which_is_needed_and_which_was_found(bundle):
    one = bundle("9.9", python="3.99")
    done = one.install()
    assert done.returncode == 1
    assert "needs Python 3.99 (64 bit), which was not found on this machine" in done.stderr
    assert "需要 Python 3.99" in done.stderr
    assert "Python 3.1" in done.stderr.split("found / 现有:")[1]


def test_a_machine_without_python_is_told(bundle, tmp_path):
    one = bundle("9.9")
    (one.folder / "python").mkdir()
    (one.folder / "python" / "python-installer.deb").write_text("")
    for name in ("sh", "dirname", "cat", "ls"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        one.program(name, f'exec {found} "$@"')
    (one.folder / "install.sh").write_text(
        (one.folder / "install.sh").read_text().replace("/usr/bin/", f"{tmp_path}/none/")
    )
    done = one.install(path=str(tmp_path / "none"), PYTHON="")
    assert done.returncode == 1
    assert "was not found on this machine" in done.stderr
    assert "python-installer.deb" in done.stderr


def test_the_first_python_that_fits_is_taken(bundle):
    one = bundle("9.9")
    one.program("python3", 'echo "Python 3.8.20"; exit 1')
    one.program(f"python{PYTHON}", "exit 1")
    one.program("python", f'exec {sys.executable} "$@"')
    assert one.install(PYTHON="").returncode == 0
    assert one.answer() == "gridsvc 9.9"


def test_an_upgrade_keeps_workspaces_and_one_older_version(bundle):
    for version in ("9.7", "9.8", "9.9"):
        one = bundle(version)
        assert one.install().returncode == 0
        (one.to / "county").mkdir(exist_ok=True)
        (one.to / "county" / "county.toml").write_text("mine")
    assert one.answer() == "gridsvc 9.9"
    assert one.installed == ["9.8", "9.9"]
    assert (one.to / "county" / "county.toml").read_text() == "mine"


def test_going_back_is_running_the_older_bundle(bundle):
    old, new = bundle("9.8"), bundle("9.9")
    old.install()
    new.install()
    assert old.install().returncode == 0
    assert old.answer() == "gridsvc 9.8"


def test_an_upgrade_that_fails_its_test_leaves_the_old_version(bundle):
    bundle("9.8").install()
    one = bundle("9.9", good=False)
    done = one.install()
    assert done.returncode == 1
    assert "the sample county could not be built: the demo broke" in done.stderr
    assert one.answer() == "gridsvc 9.8"
    assert one.installed == ["9.8"]
    assert one.install("--no-demo").returncode == 0


def test_a_program_of_another_kind_is_not_replaced(bundle):
    one = bundle("9.9")
    one.bin.mkdir()
    (one.bin / "gridsvc").write_text("mine")
    done = one.install()
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert (one.bin / "gridsvc").read_text() == "mine"
    assert not one.to.exists()


def test_the_font_is_installed_where_there_is_none(bundle):
    one = bundle("9.9", font=True)
    one.program("fc-list", "")
    one.program("fc-cache", f'echo "$1" > {one.place}/cached')
    done = one.install()
    assert f"installed one in {one.fonts}" in done.stdout
    assert (one.fonts / "NotoSansCJKsc-Regular.otf").read_text() == "font"
    assert (one.place / "cached").read_text().strip() == str(one.fonts)


@pytest.mark.parametrize(("fonts", "options"), [("Noto Sans CJK SC", ()), ("", ("--no-font",))])
def test_no_font_is_installed_where_there_is_one_or_none_is_wanted(bundle, fonts, options):
    one = bundle("9.9", font=True)
    one.program("fc-list", f"echo {fonts}" if fonts else "")
    assert one.install(*options).returncode == 0
    assert not one.fonts.exists()


def test_uninstalling_leaves_workspaces(bundle):
    one = bundle("9.9", font=True)
    one.program("fc-list", "")
    one.install()
    (one.to / "county").mkdir()
    done = one.install("--uninstall")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in one.to.iterdir()] == ["county"]
    assert not (one.bin / "gridsvc").is_symlink()
    assert not one.fonts.exists()


def test_on_windows_the_command_is_a_script_beside_the_installation(installer, tmp_path, monkeypatch):
    monkeypatch.setattr(installer, "WINDOWS", True)
    path = installer.link(tmp_path / "env-9.9-0123abcd", tmp_path, tmp_path / "bin")
    assert path == tmp_path / "gridsvc.cmd"
    # of the script's own folder, so that a user's name in Chinese characters need not be written
    assert path.read_bytes() == b'@"%~dp0env-9.9-0123abcd\\Scripts\\gridsvc.exe" %*\r\n'
