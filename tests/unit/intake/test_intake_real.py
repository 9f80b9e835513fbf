"""Real municipal files, and the sample county as its office hands it in."""

import geopandas
import pytest
import shapely

from gridsvc.errors import GridsvcError
from gridsvc.intake import LoadOptions, load_file
from gridsvc.layers import load_layers
from gridsvc.sample import make_sample
from gridsvc.settings import County, init_workspace
from gridsvc.shifts import wgs84_to_gcj02
from gridsvc.store import open_store
from gridsvc.text import bilingual


def outcomes(report):
    assert sum(report.counts.values()) == report.rows_read
    return {name: count for name, count in report.counts.items() if count}


@pytest.fixture
def place(tmp_path):
    """Opens the store of a workspace with a code layout, and loads into it."""
    stores = []

    def make(layout):
        workspace = init_workspace(
            tmp_path / f"w{len(stores)}", County(name=bilingual("Test", "测试县"), code_layout=layout)
        )
        layers = load_layers(workspace)
        store = open_store(workspace, layers, write=True)
        stores.append(store)

        def load(layer, path, **options):
            return load_file(store, layers, workspace, layer, [path], LoadOptions(**options))

        load.read = store.read
        return load

    yield make
    for store in stores:
        store.close()


def test_every_delivery_of_the_sample_county_goes_in_without_a_word(place, tmp_path):
    load = place((6, 3, 3, 3))
    for delivery in make_sample(tmp_path / "sample"):
        report = load(delivery.layer, delivery.path, **delivery.options)
        assert report.exit_code == 0, (delivery.layer, report.warnings, report.quarantined[:3])
        assert all(match.how != "cut" for match in report.files[0].columns)


@pytest.mark.shared
def test_miaoli_goes_in_by_alias_alone(place, shared):
    load = place((5, 3, 3, 4))
    for layer, name, count in (
        ("counties", "county", 1),
        ("districts", "towns", 18),
        ("communities", "villages", 275),
    ):
        report = load(layer, shared / f"taiwan/miaoli_{name}.geojson")
        assert outcomes(report) == {"added": count}
        assert not [text for text in report.warnings if "--crs" in text.en]
    assert "富興村" in load.read("communities")["name"].tolist()


@pytest.mark.shared
def test_all_taiwan_goes_in_with_its_seven_invalid_villages_repaired(place, shared):
    load = place((5, 3, 3, 4))
    for layer, name, column in (
        ("counties", "counties", "COUNTYCODE"),
        ("districts", "towns", "TOWNCODE"),
        ("communities", "villages", "VILLCODE"),
    ):
        report = load(
            layer,
            shared / f"taiwan/{name}-10t.json",
            crs="EPSG:3824",
            source_layer=name,
            mapping={"code": column},
        )
        assert not [text for text in report.warnings if "--crs" in text.en]
    assert outcomes(report) == {"added": 7701}
    assert [row.outcome for row in report.problems] == ["repaired"] * 7
    assert load.read("communities").geometry.is_valid.all()


@pytest.mark.shared
def test_cambridge_goes_in_with_map_and_set(place, shared):
    load = place((5, 6, 1, 3))
    census = shared / "cambridge"
    for layer, name, count, options in (
        ("counties", "BOUNDARY_CityBoundary", 1, {"constants": {"code": "25017", "name": "Cambridge"}}),
        ("districts", "DEMOGRAPHICS_Tracts2020", 33, {"mapping": {"code": "GEOID20", "name": "NAME20"}}),
        (
            "communities",
            "DEMOGRAPHICS_BlockGroups2020",
            87,
            {"mapping": {"code": "GEOID20", "name": "NAMELSAD20"}},
        ),
        ("grids", "DEMOGRAPHICS_Blocks2020", 1044, {"mapping": {"code": "GEOID20", "name": "NAME20"}}),
        ("roads", "TRANS_Centerlines", 2643, {"mapping": {"road_id": "ID", "road_name": "Street"}}),
        (
            "greenery",
            "RECREATION_OpenSpace",
            276,
            {"mapping": {"green_id": "GlobalID"}, "constants": {"kind": "公园"}},
        ),
    ):
        report = load(layer, census / f"{name}.geojson", **options)
        assert outcomes(report) == {"added": count}, layer
        assert not [text for text in report.warnings if "--crs" in text.en]
    report = load("lamps", census / "INFRA_StreetLights.geojson", mapping={"light_points": "NumLamps"})
    assert outcomes(report) == {"added": 6113, "quarantined": 4}
    assert {row.reasons[0] for row in report.quarantined} == {"range"}


COUNTIES = ["梁园区", "睢阳区", "民权县", "睢县", "宁陵县", "柘城县", "虞城县", "夏邑县", "永城市"]


@pytest.mark.shared
def test_shangqiu_goes_in_by_gcj02_and_names_its_counties(place, shared):
    load = place((6, 3, 3, 3))
    path = shared / "china/prefectures/商丘市.shp"
    with pytest.raises(GridsvcError, match="does not say its coordinate system"):
        load("counties", path)
    report = load("counties", path, crs="GCJ02", mapping={"code": "adcode", "name": "name"})
    assert outcomes(report) == {"added": 9}
    assert report.warnings == []
    assert (report.files[0].encoding, report.files[0].crs) == ("UTF-8", "GCJ-02 (火星坐标)")
    assert "iteration" in report.files[0].crs_how.en
    stored = load.read("counties")
    assert stored["name"].tolist() == COUNTIES
    # back to where they were delivered, and its counties still share their borders exactly
    delivered = geopandas.read_file(path, encoding="utf-8").sort_values("adcode")
    again = shapely.transform(stored.geometry.to_numpy(), wgs84_to_gcj02)
    assert shapely.equals_exact(again, delivered.geometry.to_numpy(), tolerance=1e-10).all()
    assert shapely.coverage_is_valid(stored.geometry.to_numpy())


@pytest.mark.shared
def test_shangqiu_lands_on_the_border_of_zhecheng_and_is_suspected_elsewhere(place, shared):
    load = place((6, 3, 3, 3))
    fence, prefecture = shared / "china/zhecheng/fence_gcj02.json", shared / "china/prefectures/商丘市.shp"
    zhecheng = {"code": "411424", "name": "柘城县"}
    load("counties", fence, crs="GCJ02", constants=zhecheng)
    again = load("counties", fence, constants=zhecheng, crs="EPSG:4490", dry_run=True)
    for report in (load("counties", prefecture, crs="EPSG:4490", dry_run=True), again):
        assert "may be in GCJ-02" in report.warnings[0].en
    assert not load("counties", prefecture, crs="GCJ02", dry_run=True).warnings
    one = load.read("counties").to_crs(4548).geometry.iloc[0]
    load("counties", prefecture, crs="GCJ02")
    held = load.read("counties").to_crs(4548)
    other = held.geometry[held["code"] == "411424"].iloc[0]
    # the two files draw that border differently, some 110 m apart in the median, before conversion as after
    assert one.symmetric_difference(other).area / one.area < 0.04
    along = shapely.line_interpolate_point(other.boundary, range(0, int(other.length), 50))
    assert sorted(shapely.distance(along, one.boundary))[len(along) // 2] < 150
    with pytest.raises(GridsvcError, match="nothing of it lies in the county"):
        load("districts", shared / "china/prefectures/宁波市.shp", crs="GCJ02", mapping={"code": "adcode"})
