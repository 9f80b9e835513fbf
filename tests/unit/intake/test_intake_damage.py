"""Damaged files: whatever byte is wrong, a load ends in a report that adds up or in one sentence."""

import shutil
import zipfile

import numpy as np
import pytest

from gridsvc.errors import GridsvcError

COLUMNS = {
    "路灯编号": ["L1", "L2", "L3"],
    "所在道路": ["解放路", "人民路", "解放路"],
    "状态": ["亮", "灭", ""],
}


@pytest.fixture
def files(shapefile, geopackage, workbook, table, points, tmp_path):
    """One small file of every format, by name."""
    path = shapefile("路灯", COLUMNS, points(3))
    archive = tmp_path / "z.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for part in tmp_path.glob("路灯.*"):
            file.write(part, part.name)
    rows = [list(COLUMNS), *map(list, zip(*COLUMNS.values(), strict=True))]
    lonlat = [[*rows[0], "经度", "纬度"], *([*row, 114.0, 34.5 + n] for n, row in enumerate(rows[1:]))]
    package = geopackage("g", a=(COLUMNS, points(3)))
    return {
        "shp": path,
        "dbf": path,
        "shx": path,
        "prj": path,
        "zip": archive,
        "gpkg": package,
        "xlsx": workbook("w", 路灯=lonlat),
        "csv": table("c", lonlat, "gb18030"),
    }


def damaged(data, rng):
    """The bytes with some of them overwritten, doubled, zeroed or cut off."""
    data = bytearray(data)
    place = int(rng.integers(len(data)))
    match int(rng.integers(5)):
        case 0:
            data[place] = int(rng.integers(256))
        case 1:
            data[int(rng.integers(min(len(data), 120)))] = int(rng.integers(256))
        case 2:
            del data[place:]
        case 3:
            data[place:place] = data[place : place + 40]
        case _:
            data[place : place + 16] = bytes(len(data[place : place + 16]))
    return bytes(data)


@pytest.mark.parametrize("suffix", ["shp", "dbf", "shx", "prj", "zip", "gpkg", "xlsx", "csv"])
def test_a_damaged_file_ends_in_a_load_or_a_refusal(load, files, tmp_path, suffix):
    rng = np.random.default_rng(20261120)
    whole = files[suffix]
    for number in range(12):
        folder = tmp_path / f"damaged{number}"
        folder.mkdir()
        for part in whole.parent.glob(f"{whole.stem}.*"):
            shutil.copy(part, folder)
        broken = folder / f"{whole.stem}.{suffix}"
        broken.write_bytes(damaged(broken.read_bytes(), rng))
        try:
            report = load("lamps", folder / whole.name, crs="EPSG:4547" if number % 2 else None, dry_run=True)
        except GridsvcError as error:
            assert error.text.zh
        else:
            assert sum(report.counts.values()) == report.rows_read
