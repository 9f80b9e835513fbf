"""Files that broke real readers: how each of the 28 cases ends here."""

import csv

import pytest

from gridsvc.settings import County, init_workspace
from gridsvc.text import bilingual

pytestmark = pytest.mark.shared

# what takes the place of columns that the files do not have
OPTIONS = {
    "bins": ("--map", "bin_id=#row"),
    "roads": ("--map", "road_id=#row", "--set", "class=lane"),
    "water": ("--map", "water_id=#row"),
    "chiefs": ("--map", "chief_id=#row"),
}
NO_CRS = "does not say its coordinate system"
REBUILT, NO_TABLE = "the .shx was missing or broken and was rebuilt", "there is no .dbf"
ARCS = "1 features are drawn with arcs"
# file: (layer, further options, outcomes, what is told) where it goes in; (layer, sentence) where it is refused
CASES = {
    "broken_invalid_coordinates/invalid_coordinates.shp": ("bins", "a coordinate is not a usable number"),
    "broken_invalid_coordinates/invalid_coordinates.json": ("bins", "a coordinate is not a usable number"),
    "broken_not_a_shapefile/bad.shp": ("bins", "is not a shapefile, or it is damaged"),
    "broken_not_a_zip/badzip.zip": ("bins", "not a whole zip"),
    "crs_ed50_utm36/line_ed50_geo.shp": ("roads", NO_CRS),
    "crs_ed50_utm36/line_ed50_utm36.shp": ("roads", NO_CRS),
    "crs_gauss_kruger_real/gauss_kruger.shp": ("bins", "Beijing 1954.*up to 100 m off"),
    "dbf_duplicate_fields/duplicate_fields.dbf": ("bins", "no geometry, but layer bins needs points"),
    "enc_chinese_encoding_shp/chinese_encoding.shp": (
        "water",
        ["--crs", "EPSG:4490", "--map", "name=xianming"],
        {"added": 78},
        ["GB18030"],
    ),
    "enc_cpg_is_html/htmlcpg.shp": (
        "bins",
        [],
        {"added": 2},
        ["holds '<!DOCTYPE.*which is no encoding", REBUILT],
    ),
    "enc_fields_utf8/fields_utf8.shp": ("bins", NO_CRS),
    "enc_gbk_dbf_only/big5.dbf": ("bins", "encoding is not clear.*Big5: 繁體國語.*--encoding Big5"),
    "enc_gbk_dbf_only/gb2312.dbf": ("chiefs", ["--map", "name=NAME"], {"added": 1}, ["GB18030", "简体国语"]),
    "enc_gbk_dbf_only/gbk.dbf": ("bins", "no geometry, but layer bins needs points"),
    "enc_gbk_dbf_only/utf8.dbf": ("chiefs", ["--map", "name=NAME"], {"added": 1}, ["UTF-8"]),
    "enc_ldid_chinese/chinese.shp": ("bins", "are metres.*but its CRS is EPSG:4326"),
    "enc_prj_is_html/htmlprj.shp": ("bins", "holds '<!DOCTYPE.*which is no coordinate system"),
    "enc_pt_utf8_arcmap/pt_utf8.shp": (
        "bins",
        [],
        {"added": 4},
        ["UTF-8", "declared, and true to the bytes"],
    ),
    "geom_null_in_middle/UnifiedChecksMaterialNullAtEnd.shp": (
        "water",
        ["--crs", "EPSG:4326"],
        {"added": 2, "quarantined": 1},
        ["the row has no geometry"],
    ),
    "geom_null_in_middle/UnifiedChecksMaterialNullInMiddle.shp": (
        "water",
        ["--crs", "EPSG:4326"],
        {"added": 2, "quarantined": 1},
        ["the row has no geometry"],
    ),
    "geom_point_zm/shape_pointM.shp": (
        "bins",
        ["--crs", "EPSG:4326"],
        {"added": 4},
        [r"measures \(M\) were dropped", NO_TABLE],
    ),
    "geom_polygon_zm_multipoint_zm/multipoint_zm.shp": ("bins", "several points; give each a row of its own"),
    "geom_polygon_zm_multipoint_zm/polygon_zm.shp": (
        "water",
        [],
        {"added": 2},
        [r"heights \(Z\)", r"measures \(M\)"],
    ),
    "geom_polygon_zm_multipoint_zm/polyline_m.shp": (
        "roads",
        [],
        {"added": 2},
        [r"measures \(M\) were dropped"],
    ),
    "geom_tin_multipatch/test_tin.shp": ("water", r"TIN or MultiPatch.*export it as polygons"),
    "geom_zero_length_line/zero-len-line.zip": (
        "roads",
        [],
        {"added": 2, "quarantined": 1},
        ["the row has no geometry"],
    ),
    "gpkg_curves_nulls/curve.gpkg": ("roads", [], {"added": 1}, [ARCS]),
    "gpkg_curves_nulls/curvepolygon.gpkg": ("water", [], {"added": 1}, [ARCS]),
    "gpkg_curves_nulls/multisurface.gpkg": ("water", [], {"added": 1}, [ARCS]),
    "gpkg_curves_nulls/line_zm.gpkg": ("roads", [], {"added": 1}, [r"heights \(Z\) were dropped"]),
    "gpkg_curves_nulls/test_gpkg_nulls.gpkg": (
        "bins",
        [],
        {"added": 3, "quarantined": 1},
        ["its position is 0, 0"],
    ),
    "part_empty_shp_only/EmptyShapeFile.shp": ("bins", "holds no rows"),
    "part_empty_shp_only/__emptyShapefile.shp": ("bins", "holds no rows"),
    "part_mixed_case_zip/mixedcase.zip": ("water", [], {"added": 40}, ["1 polygons crossed themselves"]),
    "part_no_shx_prj/afvalbakken.shp": ("water", ["--crs", "EPSG:28992"], {"added": 26}, [REBUILT]),
    "part_shp_only/ignore-properties.shp": (
        "bins",
        ["--crs", "EPSG:4326"],
        {"added": 3},
        [REBUILT, NO_TABLE],
    ),
    "part_shp_only/polygons.shp": ("water", ["--crs", "EPSG:4326"], {"added": 3}, [REBUILT, NO_TABLE]),
    "part_space_in_name/Victoria North.shp": (
        "water",
        ["--crs", "EPSG:4326"],
        {"added": 1, "quarantined": 1},
        ["broken"],
    ),
    "part_space_in_name/polygon intersecting line.shp": (
        "water",
        ["--crs", "EPSG:4326"],
        {"added": 1, "quarantined": 1},
        ["broken", "1 polygons crossed themselves"],
    ),
    "zip_empty/empty_zipfile.zip": ("bins", "holds no rows"),
    "zip_in_zip/points.zip": ("bins", [], {"added": 295}, []),
    "zip_in_zip/zip-in-zip.zip": ("bins", [], {"added": 295}, []),
    "zip_many_shapefiles/blockgroups_multishapefile.zip": (
        "water",
        r"several layers \(blockgroups, blockgroups2\); choose one with --source-layer",
    ),
    "geojson_bad/bad-json.geojson": ("bins", "not valid JSON"),
    "geojson_bad/multiple_problems.geojson": ("bins", [], {"added": 2, "quarantined": 2}, []),
}


@pytest.fixture
def anywhere(desk, tmp_path):
    """A hand-over desk of a county that nothing is known of yet."""
    folder = tmp_path / "anywhere"
    init_workspace(folder, County(name=bilingual("Anywhere", "某县")))
    return desk(folder)


@pytest.mark.parametrize("case", CASES)
def test_what_broke_other_readers_ends_in_a_load_or_one_sentence(anywhere, shared, case):
    layer, *expected = CASES[case]
    path = shared / "nasty" / case
    if len(expected) == 1:
        code = 2 if "several layers" in expected[0] else 3
        anywhere(layer, path, *OPTIONS[layer]).refused(expected[0], exit_code=code)
        return
    words, outcomes, told = expected
    anywhere(layer, path, *OPTIONS[layer], *words).stored(**outcomes).told(*told)


def test_every_case_has_its_ending(shared):
    with (shared / "nasty" / "MANIFEST.csv").open(encoding="utf-8") as file:
        cases = {row["case"] for row in csv.DictReader(file)}
    assert cases == {case.split("/")[0] for case in CASES}
    assert len(cases) == 28


def test_no_broken_geojson_ends_in_anything_but_a_load_or_a_refusal(anywhere, shared):
    for path in sorted((shared / "nasty/geojson_bad").iterdir()):
        for layer in ("bins", "roads", "water"):
            ending = anywhere(layer, path, *OPTIONS[layer], "--dry-run")
            assert ending.outcomes or path.name in ending.sentence
