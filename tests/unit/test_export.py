"""Files out."""

import json

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import python_calamine
import shapely

from gridsvc.errors import StoreError, UsageError
from gridsvc.export import write_file
from gridsvc.export.vectors import short_names

CODE = "410000000000001"


@pytest.fixture
def lamps():
    return geopandas.GeoDataFrame(
        {
            "key": ["a", "b"],
            "road_code": [CODE, None],
            "light_points": pd.array([2, None], dtype="Int64"),
            "height": [8.25, np.nan],
            "owned": pd.array([True, None], dtype="boolean"),
            "checked_on": np.array(["2026-11-01", "NaT"], dtype="datetime64[s]"),
        },
        geometry=shapely.points([[113.123456789012345, 34.1], [1 / 3, 2 / 3]]),
        crs="EPSG:4490",
    )


def test_geojson_keeps_every_digit_and_every_type(lamps, tmp_path):
    write_file({"lamps": lamps}, tmp_path / "lamps.geojson")
    text = (tmp_path / "lamps.geojson").read_text(encoding="utf-8")
    first, second = json.loads(text)["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [113.123456789012345, 34.1]}
    assert first["properties"] == {
        "key": "a",
        "road_code": CODE,
        "light_points": 2,
        "height": 8.25,
        "owned": True,
        "checked_on": "2026-11-01",
    }
    assert second["geometry"]["coordinates"] == [1 / 3, 2 / 3]
    assert set(second["properties"].values()) == {"b", None}


@pytest.mark.parametrize("ending", ["gpkg", "fgb", "shp"])
def test_desktop_formats_keep_rows_types_and_crs(lamps, tmp_path, ending):
    path = tmp_path / f"lamps.{ending}"
    write_file({"lamps": lamps}, path)
    info = pyogrio.read_info(path)
    assert info["features"] == 2
    assert "4490" in str(info["crs"]) or "China Geodetic Coordinate System 2000" in str(info["crs"])
    back = pyogrio.read_dataframe(path).sort_values("key")
    assert back["road_code"].tolist()[0] == CODE
    assert shapely.equals(back.geometry.to_numpy(), lamps.geometry.to_numpy()).all()


def test_a_shapefile_says_that_it_is_utf8(lamps, tmp_path):
    made = write_file({"lamps": lamps.assign(road_code="人民路")}, tmp_path / "灯.shp")
    assert {path.name for path in made} == {
        f"灯{end}" for end in (".shp", ".shx", ".dbf", ".prj", ".cpg", "_fields.txt")
    }
    assert (tmp_path / "灯.cpg").read_text() == "UTF-8"
    assert set(pyogrio.read_dataframe(tmp_path / "灯.shp")["road_code"]) == {"人民路"}


def test_a_shapefile_refuses_a_text_it_would_cut(lamps, tmp_path):
    with pytest.raises(UsageError, match="road_code has a text of 300 bytes"):
        write_file({"lamps": lamps.assign(road_code="路" * 100)}, tmp_path / "lamps.shp")
    assert not list(tmp_path.iterdir())


def test_shapefile_names_stay_different():
    names = ["light_points_a", "light_points_b", "light_points_c", "id"]
    assert short_names(names) == ["light_poin", "light_po_2", "light_po_3", "id"]


def test_a_workbook_keeps_codes_as_text_and_numbers_as_numbers(lamps, tmp_path):
    write_file({"lamps": lamps, "none": lamps.head(0)}, tmp_path / "lamps.xlsx")
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "lamps.xlsx")
    assert book.sheet_names == ["lamps", "none"]
    head, first, _ = book.get_sheet_by_name("lamps").to_python()
    row = dict(zip(head, first, strict=True))
    assert row["road_code"] == CODE
    assert (row["light_points"], row["height"], row["checked_on"]) == (2, 8.25, "2026-11-01")
    assert row["lon"] == pytest.approx(113.123456789012345, abs=1e-12)


def test_a_workbook_refuses_a_text_it_would_cut(tmp_path):
    with pytest.raises(UsageError, match="40000 characters"):
        write_file({"t": pd.DataFrame({"a": ["x" * 40_000]})}, tmp_path / "t.xlsx")
    assert not list(tmp_path.iterdir())


def test_csv_opens_in_a_spreadsheet_as_it_is(tmp_path):
    table = pd.DataFrame({"名称": ["人民路", "=HYPERLINK()", "-3", None], "值": [0.1, 1 / 3, np.nan, 2.0]})
    write_file({"t": table}, tmp_path / "t.csv")
    raw = (tmp_path / "t.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").split("\r\n")
    assert lines == ["名称,值", "人民路,0.1", "'=HYPERLINK(),0.3333333333333333", "-3,", ",2.0", ""]


def test_lines_go_to_spreadsheets_as_wkt(tmp_path):
    road = geopandas.GeoDataFrame(
        {"key": ["r"]}, geometry=[shapely.LineString([[0, 0], [1 / 3, 1]])], crs=4326
    )
    write_file({"roads": road}, tmp_path / "roads.csv")
    assert "LINESTRING (0 0, 0.3333333333333333 1)" in (tmp_path / "roads.csv").read_text(
        encoding="utf-8-sig"
    )


def test_several_tables_need_a_format_that_holds_them(lamps, tmp_path):
    with pytest.raises(UsageError, match="holds one table, not 2"):
        write_file({"a": lamps, "b": lamps}, tmp_path / "x.geojson")
    write_file({"a": lamps, "b": pd.DataFrame(lamps.drop(columns="geometry"))}, tmp_path / "x.gpkg")
    assert pyogrio.list_layers(tmp_path / "x.gpkg").tolist() == [["a", "Point"], ["b", None]]


def test_an_unknown_ending_is_refused(lamps, tmp_path):
    with pytest.raises(UsageError, match="names no format"):
        write_file({"a": lamps}, tmp_path / "x.dwg")


def test_tables_and_mixed_shapes_do_not_fit_a_shapefile(lamps, tmp_path):
    with pytest.raises(UsageError, match="no geometry"):
        write_file({"a": pd.DataFrame(lamps.drop(columns="geometry"))}, tmp_path / "x.shp")
    mixed = lamps.set_geometry([shapely.Point(0, 0), shapely.LineString([[0, 0], [1, 1]])], crs=4490)
    with pytest.raises(UsageError, match="mixes kinds"):
        write_file({"a": mixed}, tmp_path / "x.shp")


def test_a_file_that_cannot_be_written_leaves_the_old_one(lamps, tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        write_file({"a": lamps}, tmp_path / "folder" / "x.geojson")
    assert (tmp_path / "folder").read_text() == "a file"


def test_an_empty_layer_is_written_with_its_columns(lamps, tmp_path):
    for name in ("x.gpkg", "x.geojson", "x.csv", "x.xlsx"):
        write_file({"lamps": lamps.head(0)}, tmp_path / name)
    assert pyogrio.read_info(tmp_path / "x.gpkg")["features"] == 0
    assert json.loads((tmp_path / "x.geojson").read_text(encoding="utf-8"))["features"] == []
