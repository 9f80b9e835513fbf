"""Encodings: decided from the bytes of names and records; what a side file claims is believed only when true."""

import pytest

LAMPS = {"路灯编号": ["L1", "L2", "L3"], "所在道路": ["解放路", "人民路", "建设路"], "状态": ["亮", "灭", ""]}
TRADITIONAL = {
    **LAMPS,
    "所在道路": ["臺灣大道一段", "學府路", "繁華街"],
    "备注": ["公廁旁", "國小門口", "廣場"],
}


@pytest.fixture
def lamps(shapefile, points):
    """Writes three lamps as a shapefile: ``lamps("GBK", cpg="UTF-8", driver=0x4D)``; a .cpg only when given."""

    def write(encoding, columns=LAMPS, cpg=None, driver=0):
        path = shapefile("灯", columns, points(3), encoding=encoding)
        path.with_suffix(".cpg").unlink(missing_ok=True)
        data = bytearray(path.with_suffix(".dbf").read_bytes())
        data[29] = driver
        path.with_suffix(".dbf").write_bytes(data)
        if cpg is not None:
            path.with_suffix(".cpg").write_text(cpg)
        return path

    return write


def dbf(path, columns, encoding, width=30):
    """A .dbf written here, names cut at ten bytes wherever that falls."""
    count = len(next(iter(columns.values())))
    head = bytearray(32)
    head[0] = 3
    head[4:8] = count.to_bytes(4, "little")
    head[8:10] = (33 + 32 * len(columns)).to_bytes(2, "little")
    head[10:12] = (1 + width * len(columns)).to_bytes(2, "little")
    for name in columns:
        field = bytearray(32)
        cut = name.encode(encoding)[:10]
        field[: len(cut)] = cut
        field[11:12], field[16] = b"C", width
        head += field
    rows = b"".join(
        b" " + b"".join(values[row].encode(encoding)[:width].ljust(width) for values in columns.values())
        for row in range(count)
    )
    path.write_bytes(bytes(head) + b"\r" + rows + b"\x1a")
    return path


def understood(ending):
    file = ending.report["files"][0]
    return file["encoding"], file["samples"]


@pytest.mark.parametrize(
    ("encoding", "cpg", "driver", "shown", "lie"),
    [
        pytest.param("GBK", None, 0, "GB18030", None, id="gbk-nothing-said"),
        pytest.param("GBK", "GBK", 0, "GB18030", None, id="gbk-cpg-true"),
        pytest.param("GBK", "936", 0, "GB18030", None, id="gbk-cpg-936"),
        pytest.param("GBK", None, 0x4D, "GB18030", None, id="gbk-driver-id"),
        pytest.param("GBK", "OEM", 0x57, "GB18030", None, id="gbk-cpg-oem"),
        pytest.param("GBK", "UTF-8", 0, "GB18030", "says its encoding is UTF-8", id="gbk-cpg-says-utf8"),
        pytest.param(
            "GBK", "ISO-8859-1", 0, "GB18030", "says its encoding is ISO-8859-1", id="gbk-cpg-latin1"
        ),
        pytest.param("GBK", "cp1251", 0, "GB18030", "says its encoding is cp1251", id="gbk-cpg-cyrillic"),
        pytest.param("GBK", "BIG5", 0, "GB18030", "says its encoding is BIG5", id="gbk-cpg-big5"),
        pytest.param(
            "GBK", "<html>404 Not Found</html>", 0, "GB18030", "holds '<html>404", id="gbk-cpg-html"
        ),
        pytest.param("UTF-8", None, 0, "UTF-8", None, id="utf8-nothing-said"),
        pytest.param("UTF-8", "UTF-8", 0, "UTF-8", None, id="utf8-cpg-true"),
        pytest.param("UTF-8", "GBK", 0, "UTF-8", "says its encoding is GBK", id="utf8-cpg-says-gbk"),
        pytest.param("UTF-8", None, 0x4D, "UTF-8", "says its encoding is 936", id="utf8-driver-id-lies"),
    ],
)
def test_the_bytes_decide(deliver, lamps, encoding, cpg, driver, shown, lie):
    # in UTF-8 three characters are all that a name holds
    short = dict(zip(("路灯号", "道路", "状态"), LAMPS.values(), strict=True))
    names = LAMPS if encoding == "GBK" else short
    path = lamps(encoding, names, cpg, driver)
    words = () if encoding == "GBK" else ("--map", "lamp_id=路灯号", "--map", "road_name=道路")
    ending = deliver("lamps", path, *words).stored(changed=3)
    assert understood(ending) == (shown, ["解放路", "人民路", "建设路"])
    assert deliver.read("lamps")["road_name"].tolist() == LAMPS["所在道路"]
    if lie:
        assert [text for text in ending.warnings if lie in text]
    else:
        assert ending.warnings == []


def big5(path):
    """The .dbf anew in Big5: traditional characters of everyday names."""
    columns = {"lamp_id": ["L1", "L2", "L3"], "道路": TRADITIONAL["所在道路"], "位置": TRADITIONAL["备注"]}
    dbf(path.with_suffix(".dbf"), columns, "big5")
    return path


def test_big5_is_asked_about_and_told_by_its_samples(deliver, lamps):
    path = big5(lamps("GBK"))
    ending = deliver("lamps", path).refused(
        "the encoding is not clear.*--encoding Big5 or --encoding GB18030"
    )
    assert "Big5: 臺灣大道一段" in ending.sentence
    assert "GB18030: " in ending.sentence
    words = ("--encoding", "Big5", "--map", "road_name=道路")
    assert understood(deliver("lamps", path, *words).stored(changed=3))[0] == "Big5"
    assert deliver.read("lamps")["road_name"].tolist() == TRADITIONAL["所在道路"]


def test_big5_that_says_so_is_believed(deliver, lamps):
    path = big5(lamps("GBK", cpg="950"))
    assert understood(deliver("lamps", path).stored(changed=3))[0] == "Big5"


def test_the_persons_word_decides_where_it_can_be_true(deliver, lamps):
    path = lamps("GBK", cpg="UTF-8")
    deliver("lamps", path, "--encoding", "utf-8").refused("not valid UTF-8, as --encoding says")
    deliver("lamps", path, "--encoding", "klingon").refused("'klingon' is not known", exit_code=2)
    ending = deliver("lamps", path, "--encoding", "gbk").stored(changed=3)
    assert ending.report["files"][0]["encoding_how"]["en"] == "as told by --encoding"


def test_names_cut_in_the_middle_of_a_character_are_read(deliver, lamps):
    path = lamps("GBK")
    columns = {"A路灯杆编号码": ["L1", "L2", "L3"], "A所在道路名称": ["解放路"] * 3}
    for encoding, id_name, road in (("gbk", "A路灯杆编", "A所在道路"), ("utf-8", "A路灯杆", "A所在道")):
        dbf(path.with_suffix(".dbf"), columns, encoding)
        ending = deliver("lamps", path, "--map", f"lamp_id={id_name}", "--map", f"road_name={road}")
        ending.stored(**({"changed": 3} if encoding == "gbk" else {"unchanged": 3}))


def test_columns_that_clash_after_the_cut_stay_apart(deliver, lamps):
    path = lamps("GBK")
    columns = {"路灯杆编号一": ["L1", "L2", "L3"], "路灯杆编号二": ["甲", "乙", "丙"], "状态": ["亮"] * 3}
    dbf(path.with_suffix(".dbf"), columns, "gbk")
    ending = deliver("lamps", path, "--map", "lamp_id=路灯杆编号", "--map", "road_name=路灯杆编号_2")
    ending.stored(changed=3)
    assert deliver.read("lamps")["road_name"].tolist() == ["甲", "乙", "丙"]


def test_values_cut_in_the_middle_of_a_character_lose_only_that(deliver, lamps):
    path = lamps("GBK")
    columns = {"lamp_id": ["L1", "L2", "L3"], "road_name": ["柘城县解放路", "人民路", "路"]}
    dbf(path.with_suffix(".dbf"), columns, "gbk", width=7)
    deliver("lamps", path).stored(changed=3)
    assert deliver.read("lamps")["road_name"].tolist() == ["柘城县", "人民路", "路"]


def test_one_character_that_is_two_letters_of_utf8_follows_the_file(deliver, lamps):
    path = lamps("GBK", driver=0x4D)
    dbf(path.with_suffix(".dbf"), {"lamp_id": ["L1", "L2", "L3"], "road_name": ["一"] * 3}, "gbk")
    path.with_suffix(".cpg").write_text("GBK")
    deliver("lamps", path).stored(changed=3)
    assert deliver.read("lamps")["road_name"].tolist() == ["一"] * 3
