"""Old workbooks (.xls), made by a small writer of BIFF8 in an OLE container: texts, numbers, errors, merged cells."""

import shutil
import struct

import xlsxwriter

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
ERRORS = {"#REF!": 0x17, "#N/A": 0x2A}


def record(kind, data):
    return struct.pack("<HH", kind, len(data)) + data


def text(value, size="<H"):
    return struct.pack(size, len(value)) + b"\x01" + value.encode("utf-16-le")


def cell(row, column, value):
    place = struct.pack("<HHH", row, column, 0)
    if value in ERRORS:
        return record(0x0205, place + bytes([ERRORS[value], 1]))
    if isinstance(value, str):
        return record(0x0204, place + text(value))
    return record(0x0203, place + struct.pack("<d", value))


def sheet(rows, merges):
    """The records of one sheet; *merges* are (first row, last row, first column, last column)."""
    width = max(len(row) for row in rows)
    parts = [
        record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)),
        record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0)),
        *(
            cell(number, column, value)
            for number, row in enumerate(rows)
            for column, value in enumerate(row)
            if value is not None
        ),
        record(
            0x00E5, struct.pack("<H", len(merges)) + b"".join(struct.pack("<4H", *merge) for merge in merges)
        ),
        record(0x000A, b""),
    ]
    return b"".join(parts)


def workbook(name, rows, merges=()):
    """The Workbook stream: globals that name one sheet, then the sheet."""
    begin = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + record(
        0x0042, struct.pack("<H", 1200)
    )
    bound = len(record(0x0085, struct.pack("<IBB", 0, 0, 0) + text(name, "<B")))
    start = len(begin) + bound + 4
    globals_ = (
        begin + record(0x0085, struct.pack("<IBB", start, 0, 0) + text(name, "<B")) + record(0x000A, b"")
    )
    return globals_ + sheet(rows, merges)


def entry(name, kind, child, start, size):
    """One entry of the container's directory."""
    raw = name.encode("utf-16-le")
    return (
        raw.ljust(64, b"\0")
        + struct.pack("<HBB", len(raw) + 2 if raw else 0, kind, 1)
        + struct.pack("<III", FREE, FREE, child)
        + bytes(16 + 4 + 16)
        + struct.pack("<IQ", start, size)
    )


def write_xls(path, name, rows, merges=()):
    """Write *rows* (texts, numbers, errors, None) as the sheet *name* of the .xls *path*."""
    # streams of less than 4096 bytes would stand elsewhere
    stream = workbook(name, rows, merges).ljust(4096, b"\0")
    count = -(-len(stream) // SECTOR)
    assert count + 2 <= SECTOR // 4
    directory = (
        entry("Root Entry", 5, 1, END, 0)
        + entry("Workbook", 2, FREE, 2, len(stream))
        + entry("", 0, FREE, 0, 0) * 2
    )
    chain = [FAT, END, *range(3, count + 2), END]
    fat = struct.pack(f"<{SECTOR // 4}I", *chain, *[FREE] * (SECTOR // 4 - len(chain)))
    header = (
        bytes.fromhex("d0cf11e0a1b11ae1")
        + bytes(16)
        + struct.pack("<HHHHH", 0x003E, 3, 0xFFFE, 9, 6)
        + bytes(6)
        + struct.pack("<9I", 0, 1, 1, 0, 4096, END, 0, END, 0)
        + struct.pack("<109I", 0, *[FREE] * 108)
    )
    path.write_bytes(header + fat + directory + stream.ljust(count * SECTOR, b"\0"))
    return path


HEAD = ["路长编号", "姓名", "电话", "职务"]


def test_an_old_workbook_loads_as_a_new_one_does(deliver, tmp_path):
    rows = [
        ["样例县路长名录", None, None, None],
        HEAD,
        ["001", "张三", "0370", "局长"],
        ["002", "李四", 13800000001.0, None],
    ]
    path = write_xls(tmp_path / "路长.xls", "路长", rows, [(0, 0, 0, 3)])
    deliver("chiefs", path).stored(added=2)
    people = deliver.read("chiefs").set_index("chief_id")
    assert people["phone"].to_dict() == {"001": "0370", "002": "13800000001"}


def test_merged_cells_of_an_old_workbook(deliver, tmp_path):
    rows = [
        ["路长编号", "责任人", None, "职务"],
        [None, "姓名", "电话", None],
        ["001", "张三", "1", "局长"],
        ["002", "李四", "2", None],
        ["003", "王五", "3", "科长"],
    ]
    merges = [(0, 1, 0, 0), (0, 0, 1, 2), (0, 1, 3, 3), (2, 3, 3, 3)]
    path = write_xls(tmp_path / "路长.xls", "路长", rows, merges)
    deliver("chiefs", path).stored(added=3).told("merged cells were filled down into 1 rows: 4")
    people = deliver.read("chiefs").set_index("chief_id")
    assert people["title"].to_dict() == {"001": "局长", "002": "局长", "003": "科长"}
    assert people["name"].to_dict() == {"001": "张三", "002": "李四", "003": "王五"}


def test_digits_lost_in_an_old_workbook(deliver, tmp_path):
    rows = [HEAD, [411424198001011234.0, "张三", "1", "局长"], ["002", "李四", "2", None]]
    done = deliver("chiefs", write_xls(tmp_path / "a.xls", "a", rows)).stored(added=1, quarantined=1)
    assert "last digits are lost" in done.reasons[2]


def test_an_old_workbook_that_is_cut_off_is_refused(deliver, tmp_path):
    path = write_xls(tmp_path / "a.xls", "a", [HEAD, ["001", "张三", "1", "局长"]])
    path.write_bytes(path.read_bytes()[:1500])
    deliver("chiefs", path).refused("workbook")


def test_a_new_workbook_that_is_called_xls(deliver, tmp_path):
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        page = book.add_worksheet("路长")
        page.write_row(0, 0, HEAD)
        page.write_row(1, 0, ["001", "张三", "1", "局长"])
    shutil.move(tmp_path / "a.xlsx", tmp_path / "a.xls")
    deliver("chiefs", tmp_path / "a.xls").stored(added=1)
