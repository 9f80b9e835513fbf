import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.errors import InputRefusedError
from gridsvc.intake.dbf import read_dbf
from gridsvc.intake.delivery import DataSet
from gridsvc.intake.geojson import read_geojson
from gridsvc.intake.reading import read_layer_file
from gridsvc.intake.shapefile import read_shapefile


def shp(path, forced=None):
    return read_shapefile(DataSet(path, "shapefile", path.stem, path.name), forced)


def geo(tmp_path, document, encoding="utf-8"):
    path = tmp_path / "a.geojson"
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    return read_geojson(DataSet(path, "geojson", "a", "a.geojson"), None)


def cells(delivery, name):
    return delivery.columns[name].cells(np.arange(len(delivery.rows)))


def changed(path, **bytes_at):
    """Overwrites bytes of a file, by offset."""
    data = bytearray(path.read_bytes())
    for place, value in bytes_at.items():
        data[int(place[1:])] = value
    path.write_bytes(data)


@pytest.mark.parametrize("cpg", [True, False])
def test_a_gbk_shapefile_reads_right_with_and_without_cpg(shapefile, points, cpg):
    found = shp(
        shapefile("a", {"编号": ["甲1", "乙2"], "所在道路": ["解放路", "人民路"]}, points(2), cpg=cpg)
    )
    assert (cells(found, "所在道路"), found.encoding) == (["解放路", "人民路"], "GB18030")
    assert found.samples[:2] == ["甲1", "乙2"]
    assert found.crs.to_epsg() == 4547
    assert found.geometry.tolist() == points(2).tolist()
    assert found.rows.tolist() == [1, 2]


def test_a_utf8_shapefile_whose_cpg_lies(shapefile, points):
    path = shapefile("a", {"编号": ["解放路"]}, points(1), encoding="UTF-8")
    path.with_suffix(".cpg").write_text("GBK")
    found = shp(path)
    assert (cells(found, "编号"), found.encoding) == (["解放路"], "UTF-8")
    assert "GBK" in found.notes[0].en


def test_forced_encoding_decides(shapefile, points):
    path = shapefile("a", {"id": ["臺灣路"]}, points(1), encoding="BIG5", cpg=False)
    assert cells(shp(path, "big5"), "id") == ["臺灣路"]


def test_companions_are_found_whatever_their_case(shapefile, points):
    path = shapefile("a", {"编号": ["甲"]}, points(1))
    for suffix in (".dbf", ".prj", ".cpg", ".shx"):
        path.with_suffix(suffix).rename(path.with_suffix(suffix.upper()))
    found = shp(path)
    assert (cells(found, "编号"), found.crs.to_epsg()) == (["甲"], 4547)


def test_deleted_records_are_left_out_and_the_others_keep_their_shape(shapefile, points):
    path = shapefile("a", {"id": ["a", "b", "c"]}, points(3))
    dbf = path.with_suffix(".dbf")
    table = read_dbf(dbf)
    header = len(dbf.read_bytes()) - 1 - table.records.nbytes
    changed(dbf, **{f"_{header + table.records.itemsize}": ord("*")})
    found = shp(path)
    assert (cells(found, "id"), found.rows.tolist()) == (["a", "c"], [1, 3])
    assert found.geometry.tolist() == points(3)[[0, 2]].tolist()
    assert [left.row for left in found.left_out] == [2]


def test_a_missing_index_is_rebuilt_and_nothing_is_written_beside_the_file(shapefile, squares):
    path = shapefile("a", {"id": ["a", "b"]}, squares(2))
    path.with_suffix(".shx").unlink()
    found = shp(path)
    assert shapely.area(found.geometry).tolist() == [10_000, 10_000]
    assert "rebuilt" in found.notes[0].en
    assert not path.with_suffix(".shx").exists()


def test_a_shapefile_that_ends_too_early_is_told(shapefile, squares):
    path = shapefile("a", {"id": ["a", "b"]}, squares(2))
    path.with_suffix(".shx").unlink()
    path.write_bytes(path.read_bytes()[:-20])
    found = shp(path)
    assert [shape is None for shape in found.geometry] == [False, True]
    assert any("middle of a shape" in note.en for note in found.notes)


def test_shapes_and_records_of_different_number_are_both_kept(shapefile, points):
    long, short = shapefile("a", {"id": ["a", "b", "c"]}, points(3)), shapefile("b", {"id": ["x"]}, points(1))
    kept = long.with_suffix(".dbf").read_bytes()
    long.with_suffix(".dbf").write_bytes(short.with_suffix(".dbf").read_bytes())
    found = shp(long)
    assert cells(found, "id") == ["x", None, None]
    assert "3 shapes" in found.notes[0].en
    short.with_suffix(".dbf").write_bytes(kept)
    found = shp(short)
    assert [shape is None for shape in found.geometry] == [False, True, True]


def test_without_a_table_there_are_shapes_only(shapefile, points):
    path = shapefile("a", {"id": ["a"]}, points(1))
    path.with_suffix(".dbf").unlink()
    found = shp(path)
    assert found.columns == {}
    assert len(found.geometry) == 1


@pytest.mark.parametrize("suffix", [".shp", ".dbf"])
def test_garbage_is_refused_by_name(shapefile, points, suffix):
    path = shapefile("a", {"id": ["a"]}, points(1))
    path.with_suffix(suffix).write_bytes(np.random.default_rng(1).bytes(3000))
    with pytest.raises(InputRefusedError, match=f"a{suffix}"):
        shp(path)


def test_a_prj_that_holds_a_web_page_is_named(shapefile, points):
    path = shapefile("a", {"id": ["a"]}, points(1))
    path.with_suffix(".prj").write_text("<html>not found</html>")
    found = shp(path)
    assert found.crs is None
    assert "<html>" in found.crs_note.en


def test_numbers_of_a_table_keep_every_digit(shapefile, points):
    columns = {
        "code": np.array([419900001001001, 419900001001002]),
        "long": np.array([123456789012345678, 1]),
        "real": np.array([150103.0, 1.5]),
    }
    found = shp(shapefile("a", columns, points(2)))
    assert cells(found, "code") == ["419900001001001", "419900001001002"]
    assert cells(found, "long") == ["123456789012345678", "1"]
    assert cells(found, "real") == ["150103", "1.5"]


def test_null_numbers_and_dates_are_empty(shapefile, points):
    columns = {"n": np.array([np.nan, 2.0]), "d": np.array(["NaT", "2026-11-03"], dtype="datetime64[D]")}
    found = shp(shapefile("a", columns, points(2)))
    assert (cells(found, "n"), cells(found, "d")) == ([None, "2"], [None, "20261103"])


def test_names_cut_in_the_middle_of_a_character_are_read_and_clashing_ones_stay_apart(shapefile, points):
    path = shapefile("a", {"abcdefghij": ["1"], "abcdefghi2": ["2"]}, points(1), encoding="UTF-8")
    dbf = path.with_suffix(".dbf")
    cut = "道路名称".encode()[:10].ljust(10, b"\0")
    dbf.write_bytes(dbf.read_bytes().replace(b"abcdefghij", cut).replace(b"abcdefghi2", cut))
    found = shp(path)
    assert {name: cells(found, name) for name in found.columns} == {"道路名": ["1"], "道路名_2": ["2"]}


def test_a_geopackage_keeps_whole_numbers_beside_nulls(tmp_path):
    frame = geopandas.GeoDataFrame(
        {"id": pd.array([110101199003077001, None, 3], dtype="Int64"), "name": ["甲", None, "丙"]},
        geometry=shapely.points([1, 2, 3], [1, 2, 3]),
        crs=4490,
    )
    path = tmp_path / "a.gpkg"
    frame.to_file(path, layer="x")
    found = read_layer_file(DataSet(path, "geopackage", "x", "a.gpkg"), None)
    assert cells(found, "id") == ["110101199003077001", None, "3"]
    assert cells(found, "name") == ["甲", None, "丙"]
    assert found.crs.to_epsg() == 4490


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), **more}


POINT = {"type": "Point", "coordinates": [114.123456789012345, 34.5, 80]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_geojson_in_any_usual_encoding(tmp_path, encoding):
    found = geo(tmp_path, collection(feature(POINT, 名称="解放路")), encoding)
    assert cells(found, "名称") == ["解放路"]
    assert shapely.get_x(found.geometry)[0] == 114.123456789012345


def test_geojson_has_the_crs_of_its_member_or_degrees(tmp_path):
    assert geo(tmp_path, collection(feature(POINT))).layer_crs_free
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    assert geo(tmp_path, collection(feature(POINT), crs=named)).crs.to_epsg() == 4547
    odd = geo(tmp_path, collection(feature(POINT), crs={"type": "link"}))
    assert odd.crs is None
    assert not odd.layer_crs_free


def test_a_broken_feature_does_not_take_the_others_with_it(tmp_path):
    found = geo(
        tmp_path,
        collection(
            feature(POINT, a=1, b={"c": [1]}),
            feature(None, a=None),
            feature({"type": "Point", "coordinates": ["114", "34"]}, a=True),
            feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
            "no feature",
            {**feature(POINT), "id": 7},
        ),
    )
    assert [shape is None for shape in found.geometry] == [False, True, True, True, True, False]
    assert found.unreadable.tolist() == [False, False, True, True, True, False]
    assert cells(found, "a") == ["1", None, "true", None, None, None]
    assert cells(found, "b")[0] == '{"c": [1]}'
    assert cells(found, "id")[-1] == "7"


@pytest.mark.parametrize("document", ["{", "[]", '"x"', '{"type": "Topology"}', '{"type": {}}', "null"])
def test_what_is_no_geojson_is_refused(tmp_path, document):
    with pytest.raises(InputRefusedError):
        geo(tmp_path, document)


def test_a_bare_geometry_and_a_single_feature_are_taken(tmp_path):
    assert len(geo(tmp_path, POINT).geometry) == 1
    assert len(geo(tmp_path, feature(POINT)).geometry) == 1


def test_numbers_beyond_all_measure_do_not_take_the_others_with_them(tmp_path):
    huge = {"type": "Point", "coordinates": [10**400, 3]}
    found = geo(tmp_path, collection(feature(huge), feature(POINT)))
    assert found.geometry[1] is not None
    assert found.unreadable[0] or not np.isfinite(shapely.get_coordinates(found.geometry[0])).all()
    with pytest.raises(InputRefusedError, match="not valid JSON"):
        geo(tmp_path, '{"type": ' + "9" * 5000 + "}")
