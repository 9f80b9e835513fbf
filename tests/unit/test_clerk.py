"""A clerk's day: a delivery with a wrong .prj and ten bad rows, put right from what gridsvc says alone."""

import json
import re
import zipfile

import geopandas
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from rich.cells import cell_len
from typer.testing import CliRunner

from gridsvc.cli import app, session

RUN = CliRunner()
EAST, NORTH = 500_000.0, 3_820_000.0
CODE = "411424"


def call(*arguments, lang="zh"):
    return RUN.invoke(app, [str(argument) for argument in arguments], env={"GRIDSVC_LANG": lang})


def answer(*arguments):
    return json.loads(call(*arguments, "--json").stdout)


def shapefile(path, columns, shapes, kind):
    """A shapefile in GBK without a .cpg, as an office's desktop writes it."""
    data = [np.asarray(values, dtype=object) for values in columns.values()]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.asarray(shapes, dtype=object)),
        data,
        list(columns),
        driver="ESRI Shapefile",
        geometry_type=kind,
        crs="EPSG:4547",
        encoding="GBK",
    )
    path.with_suffix(".cpg").unlink()


@pytest.fixture
def office(tmp_path):
    """A workspace with one county of 4 km."""
    workspace = tmp_path / "w"
    assert call("init", workspace, "--name", "测试县").exit_code == 0
    county = shapely.box(EAST - 2000, NORTH - 2000, EAST + 2000, NORTH + 2000)
    shapefile(tmp_path / "县界.shp", {"编码": [CODE], "名称": ["测试县"]}, [county], "Polygon")
    done = call("load", "counties", tmp_path / "县界.shp", "-w", workspace)
    assert done.exit_code == 0, done.output
    return workspace


@pytest.fixture
def delivery(tmp_path):
    """Thirty lamps in a GBK zip; ten rows are bad, and the .prj names the zone of another province."""
    count = 30
    columns = {
        "路灯编号": [f"LD{n:03d}" for n in range(count)],
        "所在道路": ["团结路"] * count,
        "灯头数": ["2"] * count,
        "状态": ["亮"] * count,
    }
    shapes = shapely.points(EAST + np.arange(count) * 30.0, np.full(count, NORTH))
    columns["路灯编号"][1] = columns["路灯编号"][2] = ""
    columns["灯头数"][3], columns["灯头数"][4], columns["灯头数"][5] = "99", "-1", "两盏"
    columns["状态"][6], columns["状态"][7] = "半亮", "待查"
    columns["路灯编号"][9] = "LD008"
    columns["所在道路"][12] = "\x1b[31m红旗路"
    shapes[10], shapes[11] = None, shapely.Point(0, 0)
    folder = tmp_path / "从科室来"
    folder.mkdir()
    shapefile(folder / "路灯.shp", columns, shapes, "Point")
    (folder / "路灯.prj").write_text(pyproj.CRS(4549).to_wkt("WKT1_ESRI"), encoding="utf-8")
    packed = tmp_path / "路灯.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return packed


def test_the_clerk_brings_every_lamp_in(office, delivery, tmp_path, open_sheet):
    # refused, and the sentence names the one system that would fit
    refused = call("load", "lamps", delivery, "-w", office)
    assert refused.exit_code == 3
    (crs,) = re.search(r"以下坐标系可使其落在本县：([\w:、]+)；", refused.stderr).groups()
    assert crs == "EPSG:4547"

    loaded = call("load", "lamps", delivery, "-w", office, "--crs", crs, "--report", tmp_path / "退回.xlsx")
    assert loaded.exit_code == 1
    assert "\x1b" not in loaded.output
    assert "GB18030" in loaded.output
    record = answer("loads", "-w", office)["loads"][-1]
    assert (record["rows_read"], record["added"], record["quarantined"]) == (30, 20, 10)

    # the command to give next stands in the report
    (export, admit) = re.findall(r"gridsvc quarantine lamps --(export|admit) (\S+\.xlsx)", loaded.output)
    assert (export[1], admit[1]) == ("lamps.xlsx", "lamps.xlsx")
    path = tmp_path / export[1]
    assert call("quarantine", "lamps", "-w", office, "--export", path).exit_code == 0

    wrong = correct(open_sheet(path), path)
    assert wrong == {
        2: {"路灯编号"},
        3: {"路灯编号"},
        4: {"灯头数"},
        5: {"灯头数"},
        6: {"灯头数"},
        7: {"状态"},
        8: {"状态"},
        10: {"路灯编号"},
        11: set(),
        12: set(),
    }
    done = call("quarantine", "lamps", "-w", office, "--admit", path)
    assert done.exit_code == 0, done.output
    lamps = answer("loads", "-w", office)["loads"][-1]
    assert (lamps["rows_read"], lamps["added"], lamps["quarantined"]) == (10, 10, 0)
    assert answer("quarantine", "-w", office)["rows"] == 0
    assert len(answer("quarantine", "lamps", "-w", office, "--all")["quarantine"]) == 10
    assert_all_in(office, tmp_path)


def correct(sheet, path):
    """What the clerk types; returns the columns that were coloured, by source row."""
    rows = sheet.rows()
    for row in rows:
        assert row["#原因"]
        number = int(row["#源行号"])
        row["路灯编号"] = f"LD{number - 1:03d}"
        row["灯头数"] = 2
        row["状态"] = "灭" if number == 7 else "亮"
        if row["经度"] is None:
            # read off the map
            row["经度"], row["纬度"] = 114.0033, 34.5083
    sheet.save(path, rows)
    coloured = sheet.coloured("FFFFE45C")
    return {int(row["#源行号"]): names for row, names in zip(rows, coloured, strict=True)}


def assert_all_in(office, tmp_path):
    out = tmp_path / "out.geojson"
    assert call("export", "lamps", out, "-w", office).exit_code == 0
    lamps = geopandas.read_file(out).set_index("lamp_id").sort_index()
    assert list(lamps.index) == [f"LD{n:03d}" for n in range(30)]
    assert lamps["state"].value_counts().to_dict() == {"lit": 29, "dark": 1}
    # those that had a place stand where they were delivered, to a micrometre
    placed = lamps.drop(["LD010", "LD011"]).to_crs(4547)
    wanted = EAST + placed.index.str[2:].astype(int).to_numpy() * 30.0
    assert np.abs(placed.geometry.x.to_numpy() - wanted).max() < 1e-6


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_list_of_what_waits_fits_the_terminal(office, delivery, lang, width, monkeypatch):
    call("load", "lamps", delivery, "-w", office, "--crs", "EPSG:4547")
    monkeypatch.setattr(session, "UNBOUNDED", width)
    table = call("quarantine", "lamps", "-w", office, lang=lang).output.rstrip().splitlines()[:-1]
    assert max(cell_len(line.rstrip()) for line in table) <= width
    assert "LD008" in "\n".join(table)
    monkeypatch.setattr(session, "UNBOUNDED", 300)
    assert "团结路" in call("quarantine", "lamps", "-w", office, lang=lang).output
