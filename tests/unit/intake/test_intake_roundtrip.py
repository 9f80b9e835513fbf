"""What export writes, load reads back: the same features, to the last bit."""

import csv
import json

import numpy as np
import pytest
import shapely

from gridsvc.export import write_file
from gridsvc.layers import load_layers

LON, LAT = 114.0, 34.5
HOLED = shapely.Polygon(
    [(LON, LAT), (LON + 0.01, LAT), (LON + 0.01, LAT + 0.01), (LON, LAT + 0.01)],
    [[(LON + 0.002, LAT + 0.002), (LON + 0.002, LAT + 0.004), (LON + 0.004, LAT + 0.004)]],
)
SHAPES = {
    "lamps": [shapely.Point(LON + 1 / 3, LAT + 2 / 7), shapely.Point(LON + 0.1, LAT)],
    "roads": [
        shapely.LineString([(LON, LAT), (LON + 1 / 3, LAT)]),
        shapely.MultiLineString([[(LON, LAT), (LON, LAT + 0.1)], [(LON, LAT + 0.2), (LON, LAT + 0.3)]]),
    ],
    "greenery": [HOLED, shapely.MultiPolygon([HOLED, shapely.box(LON + 0.1, LAT, LON + 0.2, LAT + 0.1)])],
}
ROWS = {
    "lamps": [
        {"lamp_id": "007", "light_points": 2, "height": 8.35, "state": "lit", "checked_on": "2026-11-03"},
        {"lamp_id": "L" * 60, "road_name": "路" * 84},
    ],
    "roads": [
        {"road_id": "r1", "road_code": "411424000000000001", "class": "lane", "machine_swept": True, "width": 6.1},
        {"road_id": "r2", "machine_swept": False, "start_m": 1200.25},
    ],
    "greenery": [{"green_id": "g1"}, {"green_id": "g2"}],
}  # fmt: skip


@pytest.fixture
def filled(load, geojson_file):
    """A workspace that holds a few features of three layers."""
    for layer, shapes in SHAPES.items():
        assert load(layer, geojson_file(layer, shapes, ROWS[layer])).counts["added"] == 2
    return load


@pytest.fixture
def geojson_file(tmp_path):
    def write(name, shapes, rows):
        features = [
            {"type": "Feature", "geometry": json.loads(shapely.to_geojson(shape)), "properties": row}
            for shape, row in zip(shapes, rows, strict=True)
        ]
        path = tmp_path / f"{name}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        return path

    return write


def exported(load, layer, path):
    frame = load.read(layer).drop(columns=["fid", "key"])
    write_file({layer: frame}, path, load_layers(load.workspace).by_name)
    return path


@pytest.mark.parametrize("layer", SHAPES)
@pytest.mark.parametrize("name", ["导出.shp", "导出.gpkg", "导出.geojson"])
def test_an_export_loads_again_unchanged(filled, tmp_path, layer, name):
    before = filled.digest()
    again = filled(layer, exported(filled, layer, tmp_path / "out" / name))
    assert again.counts["unchanged"] == 2, again.to_dict()
    assert filled.digest() == before


@pytest.mark.parametrize("layer", SHAPES)
def test_a_csv_loads_again_unchanged_once_its_system_is_named(filled, tmp_path, layer):
    path = exported(filled, layer, tmp_path / "out" / "a.csv")
    assert filled(layer, path, crs="EPSG:4490").counts["unchanged"] == 2


def test_a_workbook_loads_again_to_the_sixteen_digits_that_its_cells_hold(filled, tmp_path):
    before = filled.read("lamps")
    path = exported(filled, "lamps", tmp_path / "out" / "a.xlsx")
    assert filled("lamps", path, crs="EPSG:4490").ended == 0
    after = filled.read("lamps")
    assert shapely.equals_exact(before["geometry"], after["geometry"], 1e-13).all()
    assert before.drop(columns=["fid", "geometry"]).equals(after.drop(columns=["fid", "geometry"]))


def test_the_folder_of_an_exported_shapefile_is_one_data_set(filled, tmp_path):
    path = exported(filled, "lamps", tmp_path / "out" / "lamps.shp")
    assert filled("lamps", path.parent).counts["unchanged"] == 2


def test_the_list_of_fields_tells_what_short_names_stand_for(filled, tmp_path):
    exported(filled, "lamps", tmp_path / "out" / "灯.shp")
    with (tmp_path / "out" / "灯_fields.txt").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["column"]: row for row in csv.DictReader(file, delimiter="\t")}
    told = rows["light_poin"]
    assert (told["name"], told["中文名"], told["title"]) == ("light_points", "灯头数", "Light points")
    assert (told["type"], told["unit"]) == ("integer", "盏")
    assert rows["state"]["values"] == "lit=亮/Burning; dark=灭/Dark"


def test_numbers_that_a_shapefile_rounds_are_counted_in_the_list(filled, tmp_path):
    frame = filled.read("roads").drop(columns=["fid", "key"])
    frame["width"] = np.array([1 / 3, 6.1])
    write_file({"roads": frame}, tmp_path / "r.shp", filled.layers.by_name)
    text = (tmp_path / "r_fields.txt").read_text(encoding="utf-8-sig")
    assert "1 values rounded to 15 decimals" in text
