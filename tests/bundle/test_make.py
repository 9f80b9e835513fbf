"""What goes into a bundle: wheels that the target needs, exact versions, files that its system can read."""

import re
import stat
import subprocess
import tarfile
import zipfile

import pytest
from packaging.requirements import Requirement


@pytest.fixture
def shelf(wheels, add_wheel, tmp_path):
    """Wheels by name: ``shelf({"a-1.0": ["b>=2"]})``."""

    def build(contents):
        paths = (
            add_wheel(tmp_path, f"{name}-py3-none-any.whl", needs or ()) for name, needs in contents.items()
        )
        return {wheel.name: wheel for wheel in map(wheels.Wheel.read, paths)}

    return build


def needed(wheels, shelf, platform, root="a", python="3.11"):
    found, missing = wheels.closure(shelf, [Requirement(root)], wheels.Target(platform, python))
    return sorted(found), [str(one) for one in missing]


def test_what_only_the_target_needs_is_found(wheels, shelf):
    at_hand = shelf(
        {"a-1.0": ["b", 'colour>=0.4; sys_platform == "win32"', 'old; python_version < "3.12"'], "b-2.0": []}
    )
    assert needed(wheels, at_hand, "windows-x86_64") == (["a", "b"], ["colour>=0.4", "old"])
    assert needed(wheels, at_hand, "linux-x86_64", python="3.12") == (["a", "b"], [])


def test_machines_differ(wheels, shelf):
    at_hand = shelf({"a-1.0": ['b; platform_machine == "aarch64"', 'c; platform_machine == "AMD64"']})
    assert needed(wheels, at_hand, "linux-aarch64")[1] == ["b"]
    assert needed(wheels, at_hand, "windows-x86_64")[1] == ["c"]
    assert needed(wheels, at_hand, "linux-x86_64")[1] == []


def test_extras_bring_what_they_need_and_others_do_not(wheels, shelf):
    at_hand = shelf(
        {
            "a-1.0": ['b[fast]; extra == "db"', 'c; extra == "map"'],
            "b-2.0": ['d; extra == "fast"'],
            "d-1.0": [],
        }
    )
    assert needed(wheels, at_hand, "linux-x86_64", "a") == (["a"], [])
    assert needed(wheels, at_hand, "linux-x86_64", "a[db]") == (["a", "b", "d"], [])


def test_requirements_of_several_are_joined_and_a_wheel_that_does_not_fit_is_missing(wheels, shelf):
    at_hand = shelf({"a-1.0": ["b", "c", "e<2"], "b-1.0": ["d>=2"], "c-1.0": ["d<3"], "e-2.0": []})
    assert needed(wheels, at_hand, "linux-x86_64")[1] == ["d<3,>=2", "e<2"]


def test_circles_end(wheels, shelf):
    assert needed(wheels, shelf({"a-1.0": ["b"], "b-1.0": ["a"]}), "linux-x86_64") == (["a", "b"], [])


@pytest.mark.parametrize(
    ("tags", "glibc"),
    [
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", 17),
        ("cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64", 27),
        ("cp311-abi3-manylinux2014_aarch64", 17),
        ("py3-none-any", 0),
        ("cp311-cp311-win_amd64", 0),
    ],
)
def test_the_oldest_c_library_is_read_from_the_name(wheels, add_wheel, tmp_path, tags, glibc):
    assert wheels.Wheel.read(add_wheel(tmp_path, f"a-1.0-{tags}.whl")).glibc == glibc


def test_wheels_for_older_linux_are_asked_for_first(wheels):
    tags = wheels.Target("linux-aarch64", "3.11").tags
    assert tags.index("manylinux_2_17_aarch64") < tags.index("manylinux_2_28_aarch64")
    assert "manylinux2014_aarch64" in tags
    assert wheels.Target("windows-x86_64", "3.11").tags == ["win_amd64"]


def test_requirements_have_exact_versions_and_hashes(wheels, add_wheel, tmp_path):
    path = add_wheel(tmp_path, "a_b-1.0-py3-none-any.whl")
    told = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    assert wheels.requirements([wheels.Wheel.read(path)]) == f"a-b==1.0 --hash=sha256:{told}\n"


FACTS = {
    "version": "9.9",
    "platform": "p",
    "python": "3.12",
    "glibc": "28",
    "extras": "-",
    "made": "2026-11-20",
}


@pytest.mark.parametrize("windows", [True, False])
def test_texts_are_for_their_system_and_have_no_blanks_left(make, tmp_path, windows):
    make.add_texts(tmp_path, FACTS, windows)
    script = tmp_path / ("install.cmd" if windows else "install.sh")
    assert {path.name for path in tmp_path.iterdir()} == {
        *{"README.md", "bundle.txt", "install.py", "manual", "no-python.txt", script.name}
    }
    for name in (script.name, "README.md", "no-python.txt"):
        text = (tmp_path / name).read_bytes()
        assert (text.count(b"\r\n") == text.count(b"\n")) is windows
        assert not re.search(rb"@[a-z]+@", text)
        assert b"3.12" in text
    if windows:
        # cmd.exe reads its scripts in the code page of the machine
        assert script.read_bytes().isascii()


def test_the_manual_is_carried_with_links_that_lead_somewhere(make, tmp_path):
    make.add_texts(tmp_path, FACTS, windows=False)
    text = (tmp_path / "manual" / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", text)
    assert "docs/commands.md" in targets
    assert all((tmp_path / "manual" / one).exists() for one in targets)


def test_checksums_are_such_that_sha256sum_confirms_them(make, tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a.whl").write_text("a")
    (tmp_path / "说明.txt").write_text("b")
    make.add_sums(tmp_path)
    done = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.count(": OK") == 2


def test_archives_keep_what_can_be_run_and_who_packed_them_is_not_told(make, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "install.sh").write_text("")
    (folder / "install.sh").chmod(0o700)
    (folder / "private").write_text("")
    (folder / "private").chmod(0o600)
    make.pack(folder, tmp_path / "one.tar.gz")
    with tarfile.open(tmp_path / "one.tar.gz") as packed:
        modes = {member.name: stat.S_IMODE(member.mode) for member in packed}
        assert {(member.uid, member.uname) for member in packed} == {(0, "root")}
    assert modes["one/install.sh"] & 0o744 == 0o744
    assert modes["one/private"] == 0o644
    make.pack(folder, tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert set(packed.namelist()) == {"one/install.sh", "one/private"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "one.tar.gz", "one.zip"]


def test_help_names_every_option(root, make):
    text = subprocess.run(
        [root / "scripts" / "bundle", "--help"], capture_output=True, text=True, check=True
    ).stdout
    told = set(re.findall(r"(?<=\s)--[a-z-]+", text))
    source = (root / "scripts" / "_bundle" / "make.py").read_text(encoding="utf-8")
    assert told == set(re.findall(r'add_argument\((?:"-o", )?"(--[a-z-]+)"', source))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--extras", "osm,oracle"], "no extra 'oracle'"),
        (["--platform", "macos"], "invalid choice: 'macos'"),
        (["--python-installer", "nowhere.exe"], "no file nowhere.exe"),
    ],
)
def test_options_that_make_no_sense_are_refused(make, capsys, words, why):
    with pytest.raises(SystemExit, match="2"):
        make.arguments(words)
    assert why in capsys.readouterr().err


def test_a_package_without_a_wheel_is_named(wheels, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(
        wheels.UsageError, match=r"no wheels of nowhere for linux-aarch64, Python 3.11: ERROR"
    ):
        wheels.fetch(tmp_path, ["nowhere"], wheels.Target("linux-aarch64", "3.11"), None)
