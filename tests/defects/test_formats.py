"""Formats: told by content whatever the name; read alike; nothing is opened that was not handed over."""

import json
import os
import shutil
import sqlite3
import subprocess
import zipfile

import numpy as np
import pyogrio
import pytest
import shapely

ROWS = [{"lamp_id": f"L{n}", "road_name": "解放路", "state": "亮"} for n in range(1, 4)]
POINTS = [shapely.Point(114.05, 34.5 + 0.01 * n) for n in range(1, 4)]
# exactly what the county holds already
SAME = {"unchanged": 3}


def collection(shapes=POINTS, rows=ROWS, **members):
    features = [
        {"type": "Feature", "properties": row, "geometry": json.loads(shapely.to_geojson(shape))}
        for shape, row in zip(shapes, rows, strict=True)
    ]
    return {"type": "FeatureCollection", **members, "features": features}


def placemark(row, shape):
    data = "".join(f'<Data name="{name}"><value>{value}</value></Data>' for name, value in row.items())
    return f"<Placemark><name>灯</name><ExtendedData>{data}</ExtendedData>{shape}</Placemark>"


def point(shape):
    return f"<Point><coordinates>{shape.x},{shape.y},0</coordinates></Point>"


def kml(body, head='<?xml version="1.0" encoding="UTF-8"?>'):
    return f'{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>'


LAMPS_KML = "".join(placemark(row, point(shape)) for row, shape in zip(ROWS, POINTS, strict=True))


def write_vector(path, driver):
    data = [np.array([row[name] for row in ROWS], dtype=object) for name in ROWS[0]]
    how = {"layer": "路灯", "driver": driver, "geometry_type": "Point", "crs": "EPSG:4490"}
    pyogrio.raw.write(path, shapely.to_wkb(POINTS), data, list(ROWS[0]), **how)
    return path


# one delivery in every format


def test_geojson_with_a_byte_order_mark(deliver, tmp_path):
    path = tmp_path / "a.geojson"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(collection(), ensure_ascii=False).encode())
    deliver("lamps", path).stored(**SAME)


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16"])
def test_geojson_in_another_encoding(deliver, tmp_path, encoding):
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(collection(), ensure_ascii=False), encoding=encoding)
    deliver("lamps", path).stored(**SAME)


def test_a_crs_member_of_geojson_counts(deliver, tmp_path, points):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(collection(points(3), crs=crs)))
    deliver("lamps", path).stored(changed=3).told("EPSG:4547")


def test_a_geojson_in_metres_is_placed_by_the_one_system_that_fits(deliver, geojson, points):
    deliver("lamps", geojson("a", points(3), ROWS)).stored(changed=3).told("EPSG:4547")


def test_kml(deliver, tmp_path):
    path = tmp_path / "a.kml"
    path.write_text(kml(LAMPS_KML), encoding="utf-8")
    deliver("lamps", path).stored(**SAME).told("prescribed by KML")


def test_kml_in_gbk_with_nested_folders(deliver, tmp_path):
    body = f"<Folder><name>东片</name><Folder><name>一组</name>{LAMPS_KML}</Folder></Folder>"
    path = tmp_path / "a.kml"
    path.write_text(kml(body, '<?xml version="1.0" encoding="GB2312"?>'), encoding="gbk")
    deliver("lamps", path).stored(**SAME).told("GB18030")


def test_the_folders_of_a_kml_are_layers(deliver, tmp_path):
    body = f"<Folder><name>东片</name>{LAMPS_KML}</Folder><Folder><name>西片</name>{LAMPS_KML}</Folder>"
    path = tmp_path / "灯.kml"
    path.write_text(kml(body), encoding="utf-8")
    deliver("lamps", path).refused("several layers", exit_code=2).told("灯", "东片", "西片")
    deliver("lamps", path, "--source-layer", "西片").stored(**SAME)
    deliver("lamps", path, "--source-layer", "灯").stored(unchanged=3, superseded=3)


def test_kmz(deliver, tmp_path):
    path = tmp_path / "a.kmz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("doc.kml", kml(LAMPS_KML))
        file.writestr("files/icon.png", b"\x89PNG")
    deliver("lamps", path).stored(**SAME)


def boundary(kind, ring):
    return f"<{kind}BoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></{kind}BoundaryIs>"


def test_shapes_of_kml(deliver, tmp_path):
    ring = "114.01,34.51 114.02,34.51 114.02,34.52 114.01,34.51"
    hole = "114.016,34.512, 5 114.018,34.512, 5 114.018,34.514, 5 114.016,34.512, 5"
    polygon = f"<Polygon>{boundary('inner', hole)}{boundary('outer', ring)}</Polygon>"
    beside = f"<Polygon>{boundary('outer', ring.replace('114.0', '114.05'))}</Polygon>"
    broken = f"<Polygon>{boundary('outer', '1,x')}</Polygon>"
    model = "<Model><Link><href>http://127.0.0.1:9/a.dae</href></Link></Model>"
    shapes = [polygon, f"<MultiGeometry>{polygon}{beside}</MultiGeometry>", broken, model, ""]
    path = tmp_path / "a.kml"
    marks = [placemark({"water_id": f"W{n}"}, shape) for n, shape in enumerate(shapes)]
    path.write_text(kml("".join(marks)), encoding="utf-8")
    ending = deliver("water", path).stored(added=2, quarantined=3)
    assert [ending.reasons[row].split(" ")[1] for row in (3, 4, 5)] == ["geometry", "geometry", "row"]
    one, two = deliver.read("water").geometry
    expected = shapely.Polygon(
        [(114.01, 34.51), (114.02, 34.51), (114.02, 34.52)],
        [[(114.016, 34.512), (114.018, 34.512), (114.018, 34.514)]],
    )
    assert shapely.equals(one, expected)
    assert len(two.geoms) == 2


def topology(**more):
    """Two squares that share an arc, and a point, in steps of a thousandth of a degree from 114, 34.5."""
    return {
        "type": "Topology",
        "transform": {"scale": [0.001, 0.001], "translate": [114, 34.5]},
        "objects": {
            "水面": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Polygon", "arcs": [[0, 1]], "properties": {"water_id": "W1", "name": "东湖"}},
                    {"type": "Polygon", "arcs": [[-1, 2]], "properties": {"water_id": "W2", "name": "西湖"}},
                    {"type": "Polygon", "arcs": [[7]], "properties": {"water_id": "W3"}},
                    {"type": None, "properties": {"water_id": "W4"}},
                ],
            },
            "灯": {"type": "Point", "coordinates": [10, 20], "properties": {"lamp_id": "L1"}},
        },
        "arcs": [
            [[10, 10], [0, 10]],
            [[10, 20], [10, 0], [0, -10], [-10, 0]],
            [[10, 10], [-5, 0], [0, 10], [5, 0]],
        ],
        **more,
    }


def test_topojson(deliver, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(topology(), ensure_ascii=False), encoding="gbk")
    deliver("water", path, "--crs", "EPSG:4490").refused("水面, 灯", exit_code=2)
    words = (path, "--crs", "EPSG:4490", "--source-layer")
    ending = deliver("water", *words, "水面").stored(added=2, quarantined=2)
    assert ending.reasons[3].startswith("its geometry is broken")
    assert ending.reasons[4].startswith("the row has no geometry")
    stored = deliver.read("water").geometry.to_numpy()
    assert shapely.equals_exact(
        stored[0].normalize(), shapely.box(114.01, 34.51, 114.02, 34.52).normalize(), 1e-12
    )
    assert shapely.equals_exact(
        stored[1].normalize(), shapely.box(114.005, 34.51, 114.01, 34.52).normalize(), 1e-12
    )
    deliver("lamps", *words, "灯").stored(changed=1)
    assert deliver.read("lamps").geometry.iloc[0].wkt == "POINT (114.01 34.52)"


@pytest.mark.parametrize("kind", ["folder", "zip", "zip-with-folders"])
def test_a_file_geodatabase(deliver, tmp_path, kind):
    path = write_vector(tmp_path / "数据.gdb", "OpenFileGDB")
    if kind != "folder":
        root = tmp_path if kind == "zip-with-folders" else path
        archive = tmp_path / "a.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for part in sorted(path.rglob("*")):
                inside = part.relative_to(root)
                file.write(part, f"数据.gdb/{inside}" if kind == "zip" else f"市局/{inside}")
        path = archive
    deliver("lamps", path).stored(changed=3)
    # its coordinates are whole numbers of a fine grid
    assert shapely.equals_exact(deliver.read("lamps").geometry.to_numpy(), POINTS, 1e-8).all()


def test_a_geopackage_that_is_open_elsewhere(deliver, tmp_path):
    """What its owner has saved but SQLite has not yet written into the file counts; nothing beside it is touched."""
    path = write_vector(tmp_path / "a.gpkg", "GPKG")
    editor = sqlite3.connect(path)
    editor.execute("PRAGMA journal_mode = wal")
    editor.execute("PRAGMA wal_autocheckpoint = 0")
    for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
        editor.create_function(name, 1, lambda shape: 1)
    editor.execute('UPDATE "路灯" SET state = ? WHERE lamp_id = ?', ("灭", "L1"))
    editor.commit()
    assert (tmp_path / "a.gpkg-wal").stat().st_size
    deliver("lamps", path).stored(changed=1, unchanged=2)
    editor.close()


# names that do not tell the truth


def test_shapefile_bytes_under_another_name(deliver, tmp_path):
    write_vector(tmp_path / "灯.shp", "ESRI Shapefile")
    (tmp_path / "灯.shp").rename(tmp_path / "灯.dat")
    deliver("lamps", tmp_path / "灯.dat").stored(**SAME)


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".xls", ".gpkg", ".dat", ".kml", ""])
def test_geojson_under_another_name(deliver, tmp_path, suffix):
    path = tmp_path / f"灯{suffix}"
    path.write_text(json.dumps(collection(), ensure_ascii=False), encoding="utf-8")
    deliver("lamps", path).stored(**SAME)


@pytest.mark.parametrize("suffix", [".db", ".sqlite", ".shp", ".json"])
def test_a_geopackage_under_another_name(deliver, tmp_path, suffix):
    path = write_vector(tmp_path / "a.gpkg", "GPKG").rename(tmp_path / f"灯{suffix}")
    deliver("lamps", path).stored(**SAME)


TABLE = [
    ["路灯编号", "所在道路", "状态", "经度", "纬度"],
    *([*r.values(), p.x, p.y] for r, p in zip(ROWS, POINTS, strict=True)),
]


@pytest.mark.parametrize("suffix", [".xls", ".csv", ".dat", ".zip"])
def test_a_workbook_under_another_name(deliver, workbook, tmp_path, suffix):
    path = workbook("a", 路灯=TABLE).rename(tmp_path / f"灯{suffix}")
    deliver("lamps", path, "--crs", "EPSG:4490").stored(**SAME)


@pytest.mark.parametrize(("suffix", "mark"), [(".xls", ","), (".xlsx", "\t"), (".tsv", "\t"), (".dat", ",")])
def test_a_table_of_text_under_another_name(deliver, tmp_path, suffix, mark):
    path = tmp_path / f"灯{suffix}"
    lines = [mark.join(str(cell) for cell in row) for row in TABLE]
    path.write_text("\n".join(lines) + "\n", encoding="gbk")
    deliver("lamps", path, "--crs", "EPSG:4490").stored(**SAME)


def test_a_web_page_called_a_workbook_is_named(deliver, tmp_path):
    path = tmp_path / "灯.xls"
    path.write_text("<html><table><tr><td>路灯编号</td></tr></table></html>", encoding="gbk")
    deliver("lamps", path).refused("is a web page.*save it as .xlsx")


@pytest.mark.parametrize("name", ["henan.osm.pbf", "town.osm", "town.osm.bz2"])
def test_openstreetmap_has_a_command_of_its_own(deliver, tmp_path, name):
    (tmp_path / name).write_bytes(b"\0\0\0\x0d\x0a\x09OSMHeader\x18")
    deliver("roads", tmp_path / name).refused(f"gridsvc osm {name}", exit_code=2)


@pytest.mark.parametrize(
    "suffix", [".shp", ".gpkg", ".geojson", ".kml", ".xlsx", ".csv", ".dbf", ".topojson"]
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(3000),
        bytes(range(256)) * 20,
        b"\xff\xd8\xff\xe0JFIF" + bytes(100),
        "不是数据".encode("gbk"),
    ],
    ids=["empty", "zeros", "every-byte", "photo", "words"],
)
def test_content_that_is_none_is_refused(deliver, tmp_path, suffix, content):
    path = tmp_path / f"灯{suffix}"
    path.write_bytes(content)
    deliver("lamps", path).refused(".")


# what GDAL could be made to open


VRT = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


@pytest.mark.parametrize(
    "suffix", [".kml", ".gpkg", ".shp", ".vrt", ".json", ".topojson", ".xml", ".csv", ".dbf"]
)
def test_a_description_of_other_sources_is_not_followed(deliver, geojson, tmp_path, suffix):
    secret = geojson("secret", POINTS, ROWS)
    path = tmp_path / f"灯{suffix}"
    path.write_text(VRT.format(secret))
    deliver("lamps", path).refused(".")


@pytest.mark.parametrize("kind", ["inside", "before", "streamed"])
def test_descriptions_hidden_in_other_formats_are_not_followed(deliver, geojson, tmp_path, kind):
    secret = geojson("secret", POINTS, [{**row, "lamp_id": "secret"} for row in ROWS])
    vrt = VRT.format(secret)
    path = tmp_path / "灯.topojson"
    if kind == "inside":
        path.write_text(
            json.dumps({"note": vrt, **topology(objects={"lamps": {"type": "Point", "coordinates": [1, 1]}})})
        )
    elif kind == "before":
        path = tmp_path / "灯.kml"
        path.write_text(f"<!--{vrt}-->" + kml("<Placemark><name>a</name></Placemark>", ""))
    else:
        step = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret}"}
        path.write_text(json.dumps(step))
    words = ("--crs", "EPSG:4490", "--map", "lamp_id=#row")
    ending = deliver("lamps", path, *words)
    assert "secret" not in json.dumps(ending.answer)
    assert "secret" not in deliver.read("lamps")["lamp_id"].tolist()


@pytest.mark.parametrize(
    "name",
    ["/vsicurl/http://127.0.0.1:9/a.shp", "/vsizip/a.zip", "PG:dbname=x", "http://127.0.0.1:9/a.geojson"],
)
def test_a_connection_is_no_file(deliver, name):
    deliver("lamps", name).refused("there is no file", exit_code=2)


@pytest.mark.parametrize("folder", ["PG:dbname=x", "a.zip!", "GPKG:", "http:"])
def test_a_file_in_a_folder_that_looks_like_a_connection(deliver, tmp_path, folder):
    (tmp_path / folder).mkdir()
    path = write_vector(tmp_path / "a.gpkg", "GPKG")
    shutil.move(path, tmp_path / folder / "b.gpkg?x=1.gpkg")
    deliver("lamps", tmp_path / folder / "b.gpkg?x=1.gpkg").stored(**SAME)


def test_a_database_that_is_no_geopackage_is_named(deliver, tmp_path):
    with sqlite3.connect(tmp_path / "a.gpkg") as db:
        db.execute("CREATE TABLE lamps (lamp_id TEXT)")
    db.close()
    deliver("lamps", tmp_path / "a.gpkg").refused("SQLite database, but no GeoPackage")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE VIEW endless AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE VIRTUAL TABLE linked USING VirtualOGR('a.shp')",
        "CREATE VIRTUAL TABLE \"linked using rtree\" USING VirtualOGR('a.shp')",
    ],
    ids=["endless-view", "endless-view-unsaid", "linked-table", "linked-table-disguised"],
)
def test_a_geopackage_that_is_a_program_is_refused(deliver, tmp_path, sql):
    path = write_vector(tmp_path / "a.gpkg", "GPKG")
    db = sqlite3.connect(path)
    db.execute("PRAGMA writable_schema = 1")
    if "VIRTUAL" in sql:
        columns = "(type, name, tbl_name, rootpage, sql)"
        name = sql.split("TABLE ")[1].split(" USING")[0].strip('"')
        db.execute(f"INSERT INTO sqlite_master {columns} VALUES ('table', ?, ?, 0, ?)", (name, name, sql))
    else:
        db.execute(sql)
    db.commit()
    db.close()
    deliver("lamps", path).refused("holds tables that are programs")


# hostile XML


ENTITIES = {
    "outside": '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    "laughs": '<!DOCTYPE kml [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x "&b;&b;&b;&b;">]>',
    "remote": '<!DOCTYPE kml SYSTEM "http://127.0.0.1:9/a.dtd">',
}


@pytest.mark.parametrize("packed", [False, True], ids=["kml", "kmz"])
@pytest.mark.parametrize("kind", ENTITIES)
def test_entities_are_refused(deliver, tmp_path, kind, packed):
    text = kml(LAMPS_KML.replace("解放路", "&x;" if kind != "remote" else "x"), ENTITIES[kind])
    path = tmp_path / "a.kml"
    path.write_text(text, encoding="utf-8")
    if packed:
        with zipfile.ZipFile(tmp_path / "a.kmz", "w") as file:
            file.write(path, "doc.kml")
        path = tmp_path / "a.kmz"
    deliver("lamps", path).refused("declares a document type of its own")


@pytest.mark.parametrize("depth", [200, 200_000])
def test_deep_nesting_is_refused(deliver, tmp_path, depth):
    path = tmp_path / "a.kml"
    path.write_text(kml("<Folder>" * depth + LAMPS_KML + "</Folder>" * depth), encoding="utf-8")
    deliver("lamps", path).refused("nested more than 100 elements deep")
    path = tmp_path / "a.geojson"
    path.write_text('{"type": "FeatureCollection", "features": ' + "[" * depth + "]" * depth + "}")
    deliver("lamps", path).refused(".")


def test_a_kml_cut_off_is_refused(deliver, tmp_path):
    path = tmp_path / "a.kml"
    path.write_text(kml(LAMPS_KML)[:-60], encoding="utf-8")
    deliver("lamps", path).refused("not whole or not well-formed")


def test_links_in_a_kml_are_not_followed(deliver, tmp_path):
    link = "<NetworkLink><Link><href>http://127.0.0.1:9/more.kml</href></Link></NetworkLink>"
    path = tmp_path / "a.kml"
    path.write_text(kml(LAMPS_KML + link), encoding="utf-8")
    deliver("lamps", path).stored(**SAME).told("1 links to other files were not followed")


# arcs


def curved(path, tmp_path, driver):
    """Write a lake whose shore is a circle of 0.01° around 114.05, 34.55, by GDAL's own tools."""
    wkt = "CURVEPOLYGON (CIRCULARSTRING (114.04 34.55, 114.06 34.55, 114.04 34.55))"
    source = tmp_path / "a.csv"
    source.write_text(f'water_id,WKT\nW1,"{wkt}"\n')
    words = [
        "ogr2ogr",
        "-f",
        driver,
        "-a_srs",
        "EPSG:4490",
        "-nlt",
        "CURVEPOLYGON",
        "-nln",
        "water",
        path,
        source,
    ]
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return path


@pytest.mark.gdal
@pytest.mark.parametrize(("name", "driver"), [("a.gpkg", "GPKG"), ("a.gdb", "OpenFileGDB")])
def test_arcs_become_chords_and_are_told(deliver, tmp_path, name, driver):
    path = curved(tmp_path / name, tmp_path, driver)
    deliver("water", path).stored(added=1).told("1 features are drawn with arcs", "1/26,000 of its radius")
    shore = deliver.read("water").geometry.iloc[0].exterior
    off = 0.01 - shapely.distance(shore, shapely.Point(114.05, 34.55))
    assert 0 < off < 0.01 / 26_000
