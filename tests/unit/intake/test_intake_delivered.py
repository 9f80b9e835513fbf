"""What is taken for delivered: a shapefile with its companions, a folder with all that is in it, an archive whole."""

import zipfile

import pytest

from gridsvc.intake.sources import handed_over
from gridsvc.store import open_store


@pytest.fixture
def lamps(shapefile, points):
    """A shapefile of two lamps."""
    return shapefile("路灯", {"编号": ["L1", "L2"]}, points(2))


@pytest.fixture
def kept(workspace, layers):
    """The names of the files kept with the newest load."""

    def names():
        with open_store(workspace, layers) as store:
            return [file.name for file in store.delivered(store.loads()[-1].id)]

    return names


def test_a_shapefile_is_kept_with_its_companions(load, lamps, kept, workspace, layers, tmp_path):
    load("lamps", lamps)
    assert kept() == [f"路灯{suffix}" for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg")]
    with open_store(workspace, layers) as store:
        for file in store.write_delivered(1, tmp_path / "back"):
            assert file.read_bytes() == lamps.with_suffix(file.suffix).read_bytes()


def test_a_companion_stands_for_its_shapefile(lamps):
    named = [lamps, lamps.with_suffix(".dbf")]
    assert handed_over(named) == handed_over([lamps]) == handed_over(named[1:])


def test_a_folder_is_kept_with_what_is_in_it(load, lamps, kept):
    (lamps.parent / "说明").mkdir()
    (lamps.parent / "说明" / "读我.doc").write_bytes(b"x")
    load("lamps", lamps.parent)
    names = kept()
    assert {f"{lamps.parent.name}/路灯.shp", f"{lamps.parent.name}/说明/读我.doc"} <= set(names)
    # the workspace lies in this folder, too
    assert not any("county" in name for name in names)


def test_an_archive_is_kept_as_it_is(load, lamps, kept, tmp_path):
    archive = tmp_path / "路灯.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(lamps.parent.glob("路灯.*")):
            if file != archive:
                packed.write(file, file.name)
    load("lamps", archive)
    assert kept() == ["路灯.zip"]


def test_files_of_one_name_from_two_folders_are_told_apart(tmp_path):
    paths = []
    for name in ("东", "西"):
        (tmp_path / name).mkdir()
        paths.append(tmp_path / name / "灯.csv")
        paths[-1].write_text(name, encoding="utf-8")
    assert [file.name for file in handed_over(paths)] == ["灯.csv", "2/灯.csv"]
