import struct
import zipfile

import pytest

from gridsvc.errors import InputRefusedError, NotFoundError, UsageError
from gridsvc.intake import archive
from gridsvc.intake.archive import unpack, work_folder
from gridsvc.intake.formats import sniff
from gridsvc.intake.sources import digest, handed_over, open_sources


def packed(path, members, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data, **more)
    return path


def without_utf8_flag(path, name, encoding):
    """The archive with its one member's name in *encoding* and no flag, as Windows' own packer writes it."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"X" * len(name.encode(encoding)), name.encode(encoding)))
    return path


def names(folder):
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_chinese_member_names_without_a_flag(tmp_path, encoding):
    name = "路灯/路灯.csv"
    path = packed(tmp_path / "a.zip", {"X" * len(name.encode(encoding)): "编号\n1\n"})
    unpack(without_utf8_flag(path, name, encoding), tmp_path / "out")
    assert names(tmp_path / "out") == ["路灯/路灯.csv"]


def test_only_data_is_unpacked_and_suffixes_become_small(tmp_path):
    path = packed(
        tmp_path / "a.zip",
        {"a\\roads.SHP": "x", "roads.exe": "x", "__MACOSX/a/._roads.shp": "x", "说明.doc": "x", "b/": ""},
    )
    unpack(path, tmp_path / "out")
    assert names(tmp_path / "out") == ["a/roads.shp"]


def test_an_archive_inside_is_unpacked_one_level_deep(tmp_path):
    inner = packed(tmp_path / "inner.zip", {"a.csv": "x"})
    middle = packed(tmp_path / "middle.zip", {"inner.zip": inner.read_bytes(), "b.csv": "x"})
    unpack(packed(tmp_path / "outer.zip", {"middle.zip": middle.read_bytes()}), tmp_path / "out")
    assert names(tmp_path / "out") == ["middle/b.csv", "middle/inner.zip"]


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:\\evil.csv"]
)
def test_names_that_lead_outside_are_refused_before_anything_is_written(tmp_path, name):
    path = packed(tmp_path / "a.zip", {"good.csv": "x", name: "x"})
    with pytest.raises(InputRefusedError, match="outside"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_symbolic_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(InputRefusedError, match="outside"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "SMALL", 1024)
    path = packed(tmp_path / "a.zip", {"a.csv": b"\0" * 5_000_000})
    with pytest.raises(InputRefusedError, match="unpacks to far more"):
        unpack(path, tmp_path / "out")


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    with pytest.raises(InputRefusedError, match="holds 4 files"):
        unpack(packed(tmp_path / "a.zip", {f"{n}.csv": "x" for n in range(4)}), tmp_path / "out")


def test_an_encrypted_archive_is_named(tmp_path):
    path = packed(tmp_path / "a.zip", {"a.csv": "x"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", data, data.index(mark) + offset, 1)
    path.write_bytes(data)
    with pytest.raises(InputRefusedError, match="encrypted"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("cut", [10, 40, 60])
def test_a_damaged_archive_is_refused(tmp_path, cut):
    path = packed(tmp_path / "a.zip", {"a.csv": "x" * 1000})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputRefusedError, match="not a whole zip"):
        unpack(path, tmp_path / "out")


def test_the_work_folder_goes_even_after_an_error():
    with pytest.raises(RuntimeError), work_folder() as folder:
        (folder / "x").write_text("x")
        raise RuntimeError
    assert not folder.exists()


@pytest.fixture
def lamps(layers):
    return layers["lamps"]


def chosen(lamps, paths, source_layer=None):
    with open_sources(paths, lamps, source_layer) as found:
        return [(data.format, data.layer) for data in found]


def test_formats_are_told_by_content_before_name(tmp_path, workbook, geopackage, points):
    book = workbook("a", Sheet=[["x"]])
    assert sniff(book.rename(tmp_path / "a.csv")) == "xlsx"
    package = geopackage("b", layer=({"a": [1]}, points(1)))
    assert sniff(package.rename(tmp_path / "b.shp")) == "geopackage"
    for name, text, kind in (
        ("c.txt", '{"type": "FeatureCollection", "features": []}', "geojson"),
        ("d.json", '{"arcs": [], "type": "Topology"}', "topojson"),
        ("e.csv", "a,b\n", "csv"),
        ("f.pdf", "%PDF", None),
    ):
        path = tmp_path / name
        path.write_text(text)
        assert sniff(path) == kind


def test_the_companions_of_a_shapefile_may_be_named_with_it(shapefile, points, lamps):
    path = shapefile("灯", {"路灯编号": ["1"]}, points(1))
    named = sorted(path.parent.glob("灯.*"))
    assert chosen(lamps, named) == chosen(lamps, [path.parent]) == chosen(lamps, [path.with_suffix(".dbf")])


def test_several_layers_must_be_chosen_from(shapefile, points, lamps, tmp_path):
    for name in ("灯杆", "道路"):
        shapefile(name, {"路灯编号": ["1"]}, points(1))
    with pytest.raises(UsageError, match=r"several layers \(灯杆, 道路\).*--source-layer"):
        chosen(lamps, [tmp_path])
    assert chosen(lamps, [tmp_path], "灯杆") == [("shapefile", "灯杆")]
    with pytest.raises(UsageError, match="no layer called '公厕'; it holds: 灯杆, 道路"):
        chosen(lamps, [tmp_path], "公厕")


def test_the_layer_that_bears_the_title_is_taken(shapefile, points, lamps, tmp_path):
    for name in ("路灯", "道路"):
        shapefile(name, {"路灯编号": ["1"]}, points(1))
    (tmp_path / "说明.txt").write_text("read me")
    assert chosen(lamps, [tmp_path]) == [("shapefile", "路灯")]


def test_sheets_that_are_empty_do_not_count(workbook, lamps):
    assert chosen(lamps, [workbook("a", A=[["编号"]], B=[[]])]) == [("xlsx", "A")]


def test_missing_and_useless_paths(tmp_path, lamps):
    with pytest.raises(NotFoundError, match="no file"):
        chosen(lamps, [tmp_path / "nothing.shp"])
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(InputRefusedError, match="pack the files again as zip"):
        chosen(lamps, [tmp_path / "a.rar"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputRefusedError, match="holds nothing to load"):
        chosen(lamps, [empty])


def test_the_digest_covers_the_companions(shapefile, points):
    path = shapefile("a", {"路灯编号": ["1"]}, points(1))
    before = digest(handed_over([path]))
    assert digest(handed_over([path])) == before
    dbf = path.with_suffix(".dbf")
    dbf.write_bytes(dbf.read_bytes().replace(b"1", b"2"))
    assert digest(handed_over([path])) != before


def test_layers_of_one_name_are_told_apart_by_their_files(shapefile, points, lamps, tmp_path):
    path = shapefile("灯杆", {"路灯编号": ["1"]}, points(1))
    other = tmp_path / "旧"
    other.mkdir()
    for file in tmp_path.glob("灯杆.*"):
        (other / file.name).write_bytes(file.read_bytes())
    here = tmp_path.name
    with pytest.raises(UsageError, match=rf"{here}/旧/灯杆.shp"):
        chosen(lamps, [tmp_path])
    assert chosen(lamps, [tmp_path], f"{here}/{path.name}") == [("shapefile", "灯杆")]


def test_a_workbook_with_a_stray_cell_far_out_is_refused(workbook, lamps, monkeypatch):
    monkeypatch.setattr(archive, "MAX_CELLS", 1000)
    assert chosen(lamps, [workbook("a", A=[["编号"], *[["x"]] * 900])]) == [("xlsx", "A")]
    with pytest.raises(InputRefusedError, match="reaches to cell AB40"):
        chosen(lamps, [workbook("b", A=[["编号"], *[[]] * 38, [*[None] * 27, "x"]])])


def test_a_workbook_that_is_a_bomb_is_refused(tmp_path, lamps, monkeypatch):
    monkeypatch.setattr(archive, "SMALL", 10_000)
    path = packed(tmp_path / "a.xlsx", {"[Content_Types].xml": "", "xl/sharedStrings.xml": "x" * 1_000_000})
    with pytest.raises(InputRefusedError, match="unpacks to far more"):
        chosen(lamps, [path])
