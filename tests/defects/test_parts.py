"""Parts that are missing, cut off or at odds; shapes that a layer cannot hold as they are."""

import json

import numpy as np
import pyogrio
import pytest
import shapely

LAMPS = {"路灯编号": ["L1", "L2", "L3"], "所在道路": ["解放路"] * 3, "状态": ["亮", "灭", ""]}
EAST, NORTH = 500_000.0, 3_820_000.0


@pytest.fixture
def lamps(shapefile, points):
    return shapefile("灯", LAMPS, points(3))


def part(path, suffix):
    return path.with_suffix(suffix)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


# parts of a shapefile


def test_a_missing_index_is_rebuilt_and_told(deliver, lamps):
    part(lamps, ".shx").unlink()
    deliver("lamps", lamps).stored(changed=3).told("the .shx was missing or broken and was rebuilt")
    assert not part(lamps, ".shx").exists()


@pytest.mark.parametrize("content", [b"", b"nonsense" * 20, None], ids=["empty", "garbage", "of-another"])
def test_a_broken_index_is_rebuilt(deliver, lamps, content):
    if content is None:
        data = part(lamps, ".shx").read_bytes()
        content = data[:100] + (10**6).to_bytes(4, "big") + data[104:]
    part(lamps, ".shx").write_bytes(content)
    deliver("lamps", lamps).stored(changed=3).told("rebuilt")


def test_shapes_without_a_table_are_named(deliver, lamps):
    part(lamps, ".dbf").unlink()
    deliver("lamps", lamps).refused("lamp_id")
    deliver("lamps", lamps, "--map", "lamp_id=#row", "--mode", "append").stored(added=3).told(
        "there is no .dbf"
    )


@pytest.mark.parametrize("damage", ["empty", "header-cut", "garbage", "longer-rows"])
def test_a_damaged_table_is_refused(deliver, lamps, damage):
    path = part(lamps, ".dbf")
    data = bytearray(path.read_bytes())
    if damage == "empty":
        data = b""
    elif damage == "header-cut":
        data = data[:40]
    elif damage == "garbage":
        data = b"garbage!" * 50
    else:
        data[10:12] = (999).to_bytes(2, "little")
    path.write_bytes(data)
    deliver("lamps", lamps).refused("灯.dbf is not a dBase table, or its header is damaged")


def test_a_table_cut_off_gives_what_is_whole(deliver, lamps):
    cut(part(lamps, ".dbf"), part(lamps, ".dbf").stat().st_size - 100)
    ending = deliver("lamps", lamps).stored(changed=2, quarantined=1)
    ending.told("the .dbf ends after 2 of 3 records", "the .shp holds 3 shapes, the .dbf 2 records")
    assert list(ending.reasons) == [3]


def test_shapes_cut_off_give_what_is_whole(deliver, lamps):
    cut(lamps, 100 + 28 * 2 + 10)
    ending = deliver("lamps", lamps).stored(changed=2, quarantined=1)
    assert ending.reasons == {3: "the row has no geometry"}


@pytest.mark.parametrize(("shapes", "rows"), [(3, 2), (2, 3)], ids=["more-shapes", "more-records"])
def test_counts_that_differ_are_told_and_every_row_is_accounted_for(deliver, shapefile, points, shapes, rows):
    path = shapefile("灯", {name: values[:shapes] for name, values in LAMPS.items()}, points(shapes))
    other = shapefile("表", {name: values[:rows] for name, values in LAMPS.items()}, points(rows))
    part(path, ".dbf").write_bytes(part(other, ".dbf").read_bytes())
    ending = deliver("lamps", path).stored(changed=2, quarantined=1)
    ending.told(f"the .shp holds {shapes} shapes, the .dbf {rows} records")


def test_a_shapefile_of_100_bytes_is_named(deliver, lamps):
    cut(lamps, 100)
    part(lamps, ".shx").unlink()
    part(lamps, ".dbf").unlink()
    deliver("lamps", lamps).refused("holds no rows")


@pytest.mark.parametrize("size", [0, 50, 99])
def test_less_than_a_header_is_no_shapefile(deliver, lamps, size):
    cut(lamps, size)
    deliver("lamps", lamps).refused("灯.shp is not a shapefile, or it is damaged")


def test_garbage_behind_a_true_header_is_refused_or_quarantined(deliver, lamps):
    lamps.write_bytes(lamps.read_bytes()[:100] + b"\xff" * 500)
    deliver("lamps", lamps).refused(".")


def test_records_marked_deleted_are_left_out(deliver, lamps):
    path = part(lamps, ".dbf")
    data = bytearray(path.read_bytes())
    head, length = int.from_bytes(data[8:10], "little"), int.from_bytes(data[10:12], "little")
    data[head + length] = ord("*")
    path.write_bytes(data)
    deliver("lamps", lamps).stored(changed=2, left_out=1)


# shapes


def features(path, shapes, key="lamp_id"):
    """GeoJSON of geometries given as WKT or as JSON."""
    made = [
        {
            "type": "Feature",
            "properties": {key: f"{key[0].upper()}{number}"},
            "geometry": json.loads(shapely.to_geojson(shapely.from_wkt(shape)))
            if isinstance(shape, str)
            else shape,
        }
        for number, shape in enumerate(shapes, 1)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}))
    return path


SQUARE = "((114.01 34.51, 114.02 34.51, 114.02 34.52, 114.01 34.52, 114.01 34.51))"


def test_collections_are_split_and_every_row_is_counted_once(deliver, tmp_path):
    path = features(
        tmp_path / "a.geojson",
        [
            f"GEOMETRYCOLLECTION (POLYGON {SQUARE}, LINESTRING (114.01 34.51, 114.03 34.53), POINT (114.01 34.51))",
            f"POLYGON {SQUARE}",
            f"GEOMETRYCOLLECTION (POLYGON {SQUARE})",
            "GEOMETRYCOLLECTION (POINT (114.01 34.51), LINESTRING (114.01 34.51, 114.03 34.53))",
            "POINT (114.01 34.51)",
            "GEOMETRYCOLLECTION EMPTY",
        ],
        "water_id",
    )
    ending = deliver("water", path).stored(added=2, split=1, quarantined=3)
    assert ending.exit_code == 1
    assert ending.reasons[1].startswith(
        "a mixed collection was split: its polygons (1) went in; waiting here: 1 point and"
    )
    assert deliver.read("water").geometry.geom_type.tolist() == ["Polygon"] * 3
    again = deliver("water", path).stored(unchanged=2, split=1, quarantined=3)
    assert again.report["ended"] == 0


def test_what_was_split_off_waits_with_its_shape(deliver, tmp_path):
    shape = "GEOMETRYCOLLECTION (LINESTRING (114.01 34.51, 114.03 34.53), POINT (114.01 34.51))"
    path = features(tmp_path / "a.geojson", [shape], "road_id")
    deliver("roads", path, "--set", "class=lane").stored(split=1)
    with deliver.store() as store:
        waiting = store.quarantine(layer="roads")
    assert waiting["reason"].tolist() == ["split"]
    assert shapely.from_wkb(waiting["geometry"][0]).wkt == "POINT (114.01 34.51)"
    assert json.loads(waiting["raw"][0])["road_id"] == "R1"


def test_a_dry_run_counts_splits_as_the_load_does(deliver, tmp_path):
    shape = "GEOMETRYCOLLECTION (LINESTRING (114.01 34.51, 114.03 34.53), POINT (114.01 34.51))"
    path = features(tmp_path / "a.geojson", [shape, "LINESTRING (114.01 34.51, 114.03 34.53)"], "road_id")
    for words in (("--dry-run",), ()):
        deliver("roads", path, "--set", "class=lane", *words).stored(added=1, split=1)


def test_wrong_types_only_are_refused_and_some_are_quarantined(deliver, tmp_path):
    lines = ["LINESTRING (114.01 34.51, 114.03 34.53)"] * 2
    deliver("lamps", features(tmp_path / "a.geojson", lines)).refused("holds line geometries.*takes points")
    mixed = features(
        tmp_path / "b.geojson", ["POINT (114.01 34.51)", *lines, "MULTIPOINT (114.01 34.51, 114.02 34.51)"]
    )
    ending = deliver("lamps", mixed).stored(changed=1, quarantined=3)
    assert "several points" in ending.reasons[4]


def test_null_and_empty_geometries_are_quarantined(deliver, tmp_path):
    path = features(
        tmp_path / "a.geojson", ["POINT (114.01 34.51)", None, {"type": "Point", "coordinates": []}]
    )
    ending = deliver("lamps", path).stored(changed=1, quarantined=2)
    assert ending.reasons[2] == "the row has no geometry"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e308", "-1.7976931348623157e308", "1e999", "1e13"])
def test_numbers_that_are_no_coordinates_are_quarantined(deliver, tmp_path, value):
    path = features(tmp_path / "a.geojson", ["POINT (114.01 34.51)", "POINT (7 7)"])
    path.write_text(path.read_text().replace("7.0", value))
    ending = deliver("lamps", path).stored(changed=1, quarantined=1)
    assert ending.reasons == {2: "a coordinate is not a usable number"}


@pytest.mark.parametrize("value", [float("nan"), 1e308, -1.7976931348623157e308, float("inf")])
def test_numbers_that_are_no_coordinates_in_a_shapefile(deliver, shapefile, points, value):
    shapes = points(3)
    path = shapefile("灯", LAMPS, shapes)
    data = bytearray(path.read_bytes())
    data[100 + 28 + 12 : 100 + 28 + 20] = np.array([value]).tobytes()
    path.write_bytes(data)
    ending = deliver("lamps", path).stored(changed=2, quarantined=1)
    assert list(ending.reasons) == [2]


def points_zm(path, kind, values):
    """A .shp of points of a kind (11: Z and M, 21: M) with these numbers behind x and y."""
    body = b""
    for number, more in enumerate(values, 1):
        content = np.array([kind], "<i4").tobytes() + np.array([EAST + number, NORTH, *more], "<f8").tobytes()
        body += number.to_bytes(4, "big") + (len(content) // 2).to_bytes(4, "big") + content
    head = (9994).to_bytes(4, "big") + bytes(20) + ((100 + len(body)) // 2).to_bytes(4, "big")
    box = np.array([EAST, NORTH, EAST + 9, NORTH, 0, 9, 0, 9], "<f8").tobytes()
    path.write_bytes(head + np.array([1000, kind], "<i4").tobytes() + box + body)


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (11, [(50, 1), (51, 2), (52, 3)], [r"heights \(Z\) were dropped", r"measures \(M\) were dropped"]),
        (21, [(1,), (2,), (3,)], [r"measures \(M\) were dropped"]),
    ],
    ids=["ZM", "M"],
)
def test_heights_and_measures_are_dropped_and_told(deliver, lamps, kind, values, told):
    points_zm(lamps, kind, values)
    deliver("lamps", lamps).stored(changed=3).told(*told)
    assert not deliver.read("lamps").geometry.has_z.any()


# a bow-tie, whose halves are clear, and two squares drawn as one ring and its hole, whose overlap is not
BOW = "POLYGON ((114.01 34.51, 114.02 34.52, 114.02 34.51, 114.01 34.52, 114.01 34.51))"
ASTRIDE = (
    "POLYGON ((114.01 34.51, 114.02 34.51, 114.02 34.52, 114.01 34.52, 114.01 34.51), "
    "(114.015 34.515, 114.025 34.515, 114.025 34.525, 114.015 34.525, 114.015 34.515))"
)


def test_crossed_polygons_are_repaired_where_their_area_is_certain(deliver, tmp_path):
    path = features(tmp_path / "a.geojson", [BOW, ASTRIDE, f"POLYGON {SQUARE}"], "water_id")
    ending = deliver("water", path).stored(added=2, quarantined=1)
    ending.told("1 polygons crossed themselves and were repaired: rows 1")
    assert "two ways to repair it differ by" in ending.reasons[2]
    # both halves of the bow-tie are kept
    assert shapely.area(deliver.read("water").geometry.to_numpy()) == pytest.approx([0.5e-4, 1e-4])


def test_a_line_without_length_is_quarantined(deliver, tmp_path):
    flat, line = "LINESTRING (114.01 34.51, 114.01 34.51)", "LINESTRING (114.01 34.51, 114.03 34.53)"
    path = features(tmp_path / "a.geojson", [flat, line], "road_id")
    ending = deliver("roads", path, "--set", "class=lane").stored(added=1, quarantined=1)
    assert ending.reasons == {1: "the line has no length"}


def test_a_surface_in_space_is_named(deliver, tmp_path):
    """A shapefile of one MultiPatch (type 31) with one triangle strip."""
    xy = [EAST, NORTH, EAST + 10, NORTH, EAST, NORTH + 10]
    box = np.array([EAST, NORTH, EAST + 10, NORTH + 10], "<f8").tobytes()
    zs = np.array([0, 1, 0, 1, 0], "<f8").tobytes()
    body = np.array([31], "<i4").tobytes() + box + np.array([1, 3, 0, 0], "<i4").tobytes()
    body += np.array(xy, "<f8").tobytes() + zs
    size = 100 + 8 + len(body)
    head = (9994).to_bytes(4, "big") + bytes(20) + (size // 2).to_bytes(4, "big")
    head += np.array([1000, 31], "<i4").tobytes() + box + np.zeros(4, "<f8").tobytes()
    (tmp_path / "a.shp").write_bytes(
        head + (1).to_bytes(4, "big") + (len(body) // 2).to_bytes(4, "big") + body
    )
    words = ("--map", "water_id=#row", "--crs", "EPSG:4547")
    deliver("water", tmp_path / "a.shp", *words).refused(r"TIN or MultiPatch.*export it as polygons")


def test_the_same_polygon_from_two_formats_is_the_same(deliver, tmp_path):
    ring = shapely.from_wkt(f"POLYGON {SQUARE}")
    holed = shapely.difference(ring, shapely.box(114.012, 34.512, 114.014, 34.514))
    shapes = [ring, shapely.reverse(holed)]
    data = [np.array(["W1", "W2"], dtype=object)]
    for name, driver in (("a.shp", "ESRI Shapefile"), ("a.gpkg", "GPKG")):
        how = {"driver": driver, "geometry_type": "Polygon", "crs": "EPSG:4490"}
        pyogrio.raw.write(tmp_path / name, shapely.to_wkb(shapes), data, ["water_id"], **how)
    deliver("water", tmp_path / "a.shp").stored(added=2)
    deliver("water", tmp_path / "a.gpkg").stored(unchanged=2)
    turned = features(tmp_path / "a.geojson", [shapely.reverse(shape).wkt for shape in shapes], "water_id")
    deliver("water", turned).stored(unchanged=2)


def test_features_of_a_neighbour_are_split_as_the_countys_own(deliver, tmp_path):
    shape = f"GEOMETRYCOLLECTION (POLYGON {SQUARE.replace('114.0', '114.10')}, POINT (114.101 34.51))"
    path = features(tmp_path / "a.geojson", [shape], "water_id")
    for words in (("--dry-run",), ()):
        deliver("water", path, "--context", *words).stored(split=1)
