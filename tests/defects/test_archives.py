"""Archives and folders: what is in them is found; what would harm is refused before it is unpacked."""

import io
import stat
import struct
import zipfile

import numpy as np
import pytest
import shapely

from gridsvc.intake.archive import unpack

LAMPS = {"路灯编号": ["L1", "L2", "L3"], "所在道路": ["解放路"] * 3, "状态": ["亮", "灭", ""]}


@pytest.fixture
def parts(shapefile, points, tmp_path):
    """The bytes of a shapefile's parts, by suffix."""
    path = shapefile("灯", LAMPS, points(3))
    found = {part.suffix: part.read_bytes() for part in tmp_path.glob("灯.*")}
    for part in tmp_path.glob("灯.*"):
        part.unlink()
    assert not path.exists()
    return found


def pack(path, members, method=zipfile.ZIP_DEFLATED):
    """Write a zip of (name or ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def as_windows_does(data, *names):
    """The archive with these names in GBK and without the flag that says UTF-8 (they take the same room)."""
    for name in names:
        gbk = name.encode("gbk")
        data = data.replace(b"N" * len(gbk), gbk)
    return data


def packed(members):
    sink = io.BytesIO()
    pack(sink, members)
    return sink.getvalue()


def test_names_and_folders_in_gbk(deliver, parts, tmp_path):
    stem = "县局/路灯普查"
    blank = "N" * len(stem.encode("gbk"))
    path = tmp_path / "交付.zip"
    path.write_bytes(as_windows_does(packed((blank + suffix, data) for suffix, data in parts.items()), stem))
    ending = deliver("lamps", path).stored(changed=3)
    assert ending.report["files"][0]["name"] == "交付.zip/县局/路灯普查.shp"


@pytest.mark.parametrize(
    "name",
    ["数据/灯{}", "数据\\灯{}", "灯{}"],
    ids=["folder", "backslashes", "flat"],
)
def test_members_wherever_they_lie(deliver, parts, tmp_path, name):
    members = [(name.format(suffix.upper()), data) for suffix, data in parts.items()]
    ghosts = [(f"__MACOSX/._灯{suffix}", b"\0\5\x16\7") for suffix in parts]
    path = pack(tmp_path / "a.zip", [*members, *ghosts, ("read me.txt", b"x"), ("Thumbs.db", b"x")])
    deliver("lamps", path).stored(changed=3)


def test_a_zip_in_a_zip_one_level_deep(deliver, parts, tmp_path):
    inner = packed((f"灯{suffix}", data) for suffix, data in parts.items())
    deliver("lamps", pack(tmp_path / "a.zip", [("b.zip", inner)])).stored(changed=3)
    deeper = pack(tmp_path / "c.zip", [("b.zip", packed([("a.zip", inner)]))])
    deliver("lamps", deeper).refused("holds nothing to load")


def test_several_layers_are_listed_and_one_is_picked(deliver, parts, tmp_path):
    members = [(f"{name}{suffix}", data) for name in ("东片", "西片") for suffix, data in parts.items()]
    path = pack(tmp_path / "a.zip", members)
    deliver("lamps", path).refused(
        r"several layers \(东片, 西片\); choose one with --source-layer", exit_code=2
    )
    deliver("lamps", path, "--source-layer", "南片").refused("no layer called '南片'", exit_code=2)
    deliver("lamps", path, "--source-layer", "西片").stored(changed=3)


def test_a_zip_under_another_name(deliver, parts, tmp_path):
    path = pack(tmp_path / "灯.dat", [(f"灯{suffix}", data) for suffix, data in parts.items()])
    deliver("lamps", path).stored(changed=3)


def test_a_member_under_another_name_is_told_by_its_content(deliver, geojson, tmp_path):
    path = geojson("a", points_in_degrees(3), [{"lamp_id": f"L{n}"} for n in range(1, 4)])
    archive = pack(tmp_path / "a.zip", [("路灯.bak", path.read_bytes()), ("说明.txt", "说明".encode())])
    deliver("lamps", archive).stored(changed=3)


def points_in_degrees(count):
    return [shapely.Point(114.05, 34.51 + 0.01 * number) for number in range(count)]


@pytest.mark.parametrize("suffix", [".rar", ".zip", ".shp", ".gpkg"])
def test_a_rar_is_told_to_be_packed_as_zip_whatever_it_is_called(deliver, tmp_path, suffix):
    path = tmp_path / f"路灯{suffix}"
    path.write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(200))
    sentence = "not a shapefile" if suffix == ".shp" else "RAR archive.*pack the files again as zip"
    deliver("lamps", path).refused(sentence)


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b\x08", "gzip"), (b"BZh9", "bzip2")],
    ids=["7z", "gz", "bz2"],
)
def test_other_archives_are_named(deliver, tmp_path, start, kind):
    path = tmp_path / "a.7z"
    path.write_bytes(start + bytes(100))
    deliver("lamps", path).refused(f"is a {kind} archive")


# what would harm


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../evil.csv", id="up"),
        pytest.param("..\\..\\evil.csv", id="up-with-backslashes"),
        pytest.param("a/../../evil.csv", id="up-inside"),
        pytest.param("{here}/evil.csv", id="absolute"),
        pytest.param("C:\\evil.csv", id="drive"),
        pytest.param("\\\\server\\share\\evil.csv", id="share"),
    ],
)
def test_names_that_lead_out_are_refused(deliver, tmp_path, name):
    evil = name.replace("{here}", str(tmp_path))
    path = pack(tmp_path / "a.zip", [("good.csv", b"lamp_id\nL1\n"), (evil, b"x")])
    deliver("lamps", path).refused("points outside the archive; nothing was unpacked")


def test_a_symbolic_link_is_refused(deliver, tmp_path):
    link = zipfile.ZipInfo("灯.csv")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    secret = tmp_path / "secret.csv"
    secret.write_text("lamp_id\nL1\n")
    deliver("lamps", pack(tmp_path / "a.zip", [(link, str(secret))])).refused("points outside the archive")


@pytest.fixture(scope="module")
def bomb():
    """A zip of 300 kB whose one member has 300 MB."""
    return packed([("灯.csv", bytes(300_000_000))])


def test_a_bomb_is_refused(deliver, bomb, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(bomb)
    assert path.stat().st_size < 500_000
    deliver("lamps", path).refused("unpacks to far more than it may hold")


def test_a_bomb_inside_is_refused(deliver, bomb, tmp_path):
    path = pack(tmp_path / "a.zip", [("b.zip", bomb)], zipfile.ZIP_STORED)
    deliver("lamps", path).refused("b.zip: the archive unpacks to far more")


def test_a_bomb_that_gives_a_small_size_is_refused(deliver, bomb, tmp_path):
    """Both headers say 1,000 bytes; what follows is 300 MB."""
    data = bytearray(bomb)
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + offset, 1000)
    (tmp_path / "a.zip").write_bytes(data)
    deliver("lamps", tmp_path / "a.zip").refused("not a whole zip archive")


def test_a_shapefile_that_packs_to_a_tenth_is_no_bomb(tmp_path):
    """200 MB as they are delivered: the archive is judged, and only that."""
    size, path = 200_000_000, tmp_path / "县.zip"
    rng = np.random.default_rng(20261120)
    block = rng.integers(256, size=100_000, dtype="uint8").tobytes() + bytes(900_000)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("县.shp", "w") as sink,
    ):
        for _ in range(size // len(block)):
            sink.write(block)
    assert 9 < size / path.stat().st_size < 11
    unpack(path, tmp_path / "out")
    assert (tmp_path / "out" / "县.shp").stat().st_size == size


def test_entries_that_share_their_bytes_are_refused(deliver, tmp_path):
    """500 names for one member of a megabyte: half a gigabyte in one file of 50 kB."""
    data = bytearray(packed([("000.csv", bytes(1_000_000))]))
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, tail = bytes(data[start:end]), bytearray(data[end:])
    entries = b"".join(entry.replace(b"000.csv", b"%03d.csv" % number) for number in range(500))
    struct.pack_into("<HHI", tail, 8, 500, 500, len(entries))
    (tmp_path / "a.zip").write_bytes(bytes(data[:start]) + entries + bytes(tail))
    deliver("lamps", tmp_path / "a.zip").refused("unpacks to far more|not a whole zip")


def test_twenty_thousand_members_are_refused(deliver, tmp_path):
    path = pack(tmp_path / "a.zip", ((f"{n}.csv", b"") for n in range(20_000)), zipfile.ZIP_STORED)
    deliver("lamps", path).refused("holds 20000 files; at most 10000")


def test_a_member_that_stands_twice_is_refused(deliver, tmp_path):
    path = pack(tmp_path / "a.zip", [("灯.csv", b"lamp_id\nL1\n"), ("灯.CSV", b"lamp_id\nL2\n")])
    deliver("lamps", path).refused("holds '灯.csv' twice")
    nested = pack(tmp_path / "b.zip", [("a.csv", b"x"), ("a.csv/b.csv", b"x")])
    deliver("lamps", nested).refused("holds 'a.csv' twice")


def test_an_encrypted_archive_is_refused(deliver, parts, tmp_path):
    data = bytearray(packed((f"灯{suffix}", data) for suffix, data in parts.items()))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := data.find(mark, place + 1)) >= 0:
            data[place + offset] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    deliver("lamps", tmp_path / "a.zip").refused("is encrypted; pack it again without a password")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.995])
def test_a_truncated_archive_is_refused(deliver, parts, tmp_path, share):
    data = packed((f"灯{suffix}", data) for suffix, data in parts.items())
    (tmp_path / "a.zip").write_bytes(data[: int(len(data) * share)])
    deliver("lamps", tmp_path / "a.zip").refused("not a whole zip archive.*pack it again")


def test_a_damaged_member_is_refused(deliver, parts, tmp_path):
    data = bytearray(packed((f"灯{suffix}", data) for suffix, data in parts.items()))
    place = data.index(b"PK\x03\x04") + 40
    data[place : place + 8] = b"\xff" * 8
    (tmp_path / "a.zip").write_bytes(data)
    deliver("lamps", tmp_path / "a.zip").refused("not a whole zip archive")


def test_a_name_too_long_for_a_file_is_refused(deliver, tmp_path):
    path = pack(tmp_path / "a.zip", [("灯" * 200 + ".csv", b"lamp_id\nL1\n")])
    deliver("lamps", path).refused("not a whole zip archive")


def test_signs_in_names_do_not_reach_the_terminal(deliver, geojson, tmp_path):
    path = geojson("a", points_in_degrees(3), [{"lamp_id": f"L{n}"} for n in range(1, 4)])
    archive = pack(tmp_path / "a.zip", [("灯\x1b[31m\n2.geojson", path.read_bytes())])
    ending = deliver("lamps", archive).stored(changed=3)
    assert ending.report["files"][0]["name"].isprintable()
    assert deliver("lamps", pack(tmp_path / "b.zip", [("../\x1b[31m", b"x")])).sentence.isprintable()


@pytest.mark.parametrize("folder", [True, False], ids=["folder", "empty-zip"])
def test_nothing_to_load_is_told(deliver, tmp_path, folder):
    path = tmp_path / "空"
    if folder:
        path.mkdir()
    else:
        path = pack(tmp_path / "空.zip", [("照片.jpg", b"\xff\xd8\xff")])
    deliver("lamps", path).refused("holds nothing to load")


def test_a_zip_in_a_folder_is_looked_into(deliver, parts, tmp_path):
    folder = tmp_path / "交付"
    folder.mkdir()
    pack(folder / "灯.zip", [(f"灯{suffix}", data) for suffix, data in parts.items()])
    deliver("lamps", folder).stored(changed=3)


def test_a_zip_beside_a_table_is_a_second_layer_and_nothing_is_passed_over(deliver, parts, table, tmp_path):
    folder = tmp_path / "交付"
    folder.mkdir()
    pack(folder / "灯.zip", [(f"灯{suffix}", data) for suffix, data in parts.items()])
    table("更多", [["路灯编号"], ["L9"]]).rename(folder / "更多.csv")
    deliver("lamps", folder).refused(r"several layers \(更多, 灯\)", exit_code=2)


def test_an_archive_of_another_kind_in_a_folder_is_named(deliver, parts, tmp_path):
    folder = tmp_path / "交付"
    folder.mkdir()
    for suffix, data in parts.items():
        (folder / f"灯{suffix}").write_bytes(data)
    (folder / "其余.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))
    deliver("lamps", folder).refused("RAR")
