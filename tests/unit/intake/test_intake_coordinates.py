import numpy as np
import pyproj
import pytest
import shapely

from gridsvc import shifts
from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.coordinates import finite, on_earth, require_in_county, to_lonlat
from gridsvc.intake.delivery import Delivery
from gridsvc.intake.systems import candidates, locate, zone_crs
from gridsvc.text import bilingual

COUNTY = (113.6, 34.2, 114.4, 34.8)


def delivery(crs=None, **more):
    found = pyproj.CRS.from_user_input(crs) if crs else None
    note = bilingual("a.prj", "a.prj") if crs else None
    return Delivery("a", "shapefile", np.arange(1), {}, crs=found, crs_note=note, **more)


def some(x, y):
    return shapely.points([x, x + 0.01], [y, y + 0.01])


def code(crs=None, shapes=None, forced=None, county=None, **more):
    return locate(delivery(crs, **more), shapes, forced, county).crs.to_epsg()


METRES = some(500_000, 3_820_000)
DEGREES = some(114, 34.5)


def test_the_files_own_crs_is_taken():
    assert code("EPSG:4547", METRES) == 4547
    assert code("EPSG:4490", DEGREES) == 4490
    assert code("OGC:CRS84", DEGREES) == 4326


def test_crss_are_compared_by_authority_code():
    # an ArcGIS text of the same system is no other system
    esri = pyproj.CRS.from_epsg(4547).to_wkt("WKT1_ESRI")
    assert code(esri, METRES) == 4547
    assert "itself says" not in locate(delivery(esri), METRES, "EPSG:4547", None).how.en
    assert "itself says EPSG:4547" in locate(delivery(esri), METRES, "EPSG:4546", None).how.en


@pytest.mark.parametrize(
    ("name", "shift", "said"),
    [
        ("GCJ02", shifts.GCJ02, "inverted by iteration"),
        ("bd-09", shifts.BD09, r"not by the published closed form"),
    ],
)
def test_shifted_systems_are_converted_and_say_how(name, shift, said):
    true = shapely.points([[114.0, 34.5], [114.3, 34.7]])
    delivered = shapely.transform(true, shift.forward)
    located = locate(delivery("EPSG:4326"), delivered, name, COUNTY)
    assert (located.title, located.shift) == (shift.title, shift)
    assert said in located.how.en
    stored = shapely.get_coordinates(to_lonlat("a", delivered, located))
    assert stored == pytest.approx(shapely.get_coordinates(true), abs=1e-10)


@pytest.mark.parametrize("name", ["GCJ02", "BD09"])
def test_shifted_systems_exist_in_china_only_and_in_degrees(name):
    boston = some(-71.1, 42.37)
    with pytest.raises(InputRefusedError, match="not used"):
        to_lonlat("a", boston, locate(delivery(), boston, name, None))
    with pytest.raises(InputRefusedError, match="are metres"):
        locate(delivery(), METRES, name, None)


def test_crs_option_decides():
    assert code("EPSG:4546", METRES, forced="4547") == 4547
    with pytest.raises(UsageError, match="not known"):
        code(None, METRES, forced="EPSG:999999")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [(13, 4491), (20, 4498), (23, 4501), (25, 4513), (38, 4526), (45, 4533), (24, None), (50, None)],
)
def test_eight_digit_eastings_name_their_zone(zone, expected):
    crs = zone_crs((zone * 1e6 + 480_000, 3.8e6, zone * 1e6 + 520_000, 3.9e6))
    assert (crs.to_epsg() if crs else None) == expected


def test_eight_digit_eastings_need_no_prj_and_strays_do_not_matter():
    shapes = shapely.points([38_500_000 + i for i in range(30)] + [0.0], [3_820_000] * 30 + [0.0])
    assert code(None, shapes) == 4526


def test_degrees_without_crs_are_refused_with_the_option_to_give():
    with pytest.raises(InputRefusedError, match=r"does not say its coordinate system.*--crs EPSG:4490"):
        code(None, DEGREES)


def test_six_digit_eastings_are_taken_where_only_one_zone_fits_the_county():
    assert code(None, METRES, county=COUNTY) == 4547
    with pytest.raises(InputRefusedError, match="--crs"):
        code(None, METRES)
    with pytest.raises(InputRefusedError, match="--crs"):
        code(None, METRES, county=(100.0, 20.0, 100.5, 20.5))


def test_candidates_with_the_same_meridian_count_once():
    # 111° E is a meridian of the 6-degree and of the 3-degree zones
    found = list(candidates((500_000, 3_820_000, 500_100, 3_820_100), (110.8, 34.3, 111.2, 34.7)))
    assert [crs.to_epsg() for crs, _ in found] == [4546]


def test_degrees_in_a_chinese_county_may_be_shifted_so_the_candidates_are_offered():
    with pytest.raises(
        InputRefusedError, match=r"into the county: EPSG:4490, GCJ02, BD09; choose with --crs"
    ):
        code(None, DEGREES, county=COUNTY)


def test_degrees_elsewhere_are_taken_saying_so():
    shapes = some(-71.1, 42.37)
    located = locate(delivery(), shapes, None, (-71.2, 42.3, -71.0, 42.4))
    assert located.crs.to_epsg() == 4326
    assert "only one that puts the data into the county" in located.how.en


def test_web_mercator_is_not_taken_for_a_zone_where_the_county_knows_better():
    # its eastings around 120° E begin with 13, like those of the zone of 75° E
    mercator = some(13_358_338.9, 3_503_549.8)
    assert code(None, mercator) == 4491
    assert code(None, mercator, county=(119.8, 29.8, 120.2, 30.2)) == 3857


def test_numbers_that_fit_no_usual_system_are_refused_with_the_county():
    with pytest.raises(InputRefusedError, match=r"in none of the usual ones .*100.000–100.500"):
        code(None, METRES, county=(100.0, 20.0, 100.5, 20.5))


def test_geojson_without_crs_is_degrees_but_metres_are_not():
    assert code(None, DEGREES, layer_crs_free=True) == 4326
    with pytest.raises(InputRefusedError, match="--crs"):
        code(None, METRES, layer_crs_free=True)


@pytest.mark.parametrize("crs", ["EPSG:2435", "EPSG:4214", "EPSG:2383", "EPSG:4610"])
def test_old_datums_are_not_shifted_by_nothing_silently(crs):
    with pytest.raises(InputRefusedError, match=r"Beijing 1954|Xi'an 1980"):
        code(crs, METRES)


def test_an_old_datum_with_parameters_is_taken():
    given = "+proj=tmerc +lat_0=0 +lon_0=114 +x_0=500000 +ellps=krass +towgs84=15.8,-154.4,-82.3 +units=m"
    located = locate(delivery(), METRES, given, None)
    x = shapely.get_x(to_lonlat("a", METRES, located))
    # 48 m east: to CGCS2000 PROJ would leave the parameters out
    assert x[0] == pytest.approx(114.0005267, abs=1e-7)


@pytest.mark.parametrize(
    "given",
    [
        "+proj=tmerc +lon_0=114 +x_0=500000 +ellps=krass +units=m",
        "+proj=tmerc +lon_0=114 +x_0=500000 +ellps=krass +towgs84=0,0,0,0,0,0,0 +units=m",
        "+proj=tmerc +lon_0=114 +x_0=500000 +a=6378140 +rf=298.257 +units=m",
    ],
)
def test_an_old_datum_is_known_by_its_ellipsoid_and_zeros_are_no_parameters(given):
    with pytest.raises(InputRefusedError, match=r"Beijing 1954|Xi'an 1980"):
        code(None, METRES, forced=given)


def prj(datum, axis, flattening, authority=""):
    return (
        f'PROJCS["plane",GEOGCS["{datum}",DATUM["{datum}",SPHEROID["{datum}",{axis},{flattening}]{authority}],'
        'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
        'PARAMETER["central_meridian",114],PARAMETER["scale_factor",1],PARAMETER["false_easting",500000],'
        'UNIT["metre",1]]'
    )


@pytest.mark.parametrize(
    "wkt",
    [
        prj("北京54", 6378245, 298.3),
        prj("D_BJ54", 6378245, 298.3),
        prj("Xi'an_1980", 6378140, 298.257),
        prj("西安80", 6378140, 298.257),
        prj("国家坐标", 6378140, 298.257, ',AUTHORITY["EPSG","6610"]'),
    ],
)
def test_an_old_datum_is_known_by_its_ellipsoid_whatever_a_prj_calls_it(wkt):
    with pytest.raises(InputRefusedError, match=r"Beijing 1954|Xi'an 1980"):
        code(wkt, METRES)


def test_another_datum_on_the_same_ellipsoid_that_proj_knows_is_taken():
    assert locate(delivery(prj("Pulkovo_1942", 6378245, 298.3)), METRES, None, None).crs.is_projected


def test_a_definition_with_parameters_may_be_wkt():
    given = "+proj=tmerc +lat_0=0 +lon_0=114 +x_0=500000 +ellps=krass +towgs84=15.8,-154.4,-82.3 +units=m +type=crs"
    wkt = pyproj.CRS.from_user_input(given).to_wkt()
    places = [to_lonlat("a", METRES, locate(delivery(), METRES, text, None)) for text in (given, wkt)]
    assert shapely.equals_exact(*places, tolerance=1e-11).all()


PIPELINE = (
    "+proj=pipeline +step +inv +proj=tmerc +lon_0=114 +x_0=500000 +ellps=krass +step +proj=cart +ellps=krass "
    "+step +proj=helmert +x=15.8 +y=-154.4 +z=-82.3 +step +inv +proj=cart +ellps=GRS80"
)


def test_a_pipeline_leads_to_degrees_as_the_same_parameters_do():
    given = "+proj=tmerc +lat_0=0 +lon_0=114 +x_0=500000 +ellps=krass +towgs84=15.8,-154.4,-82.3 +units=m"
    located = locate(delivery(), METRES, PIPELINE, None)
    assert located.title == "PROJ pipeline"
    places = [to_lonlat("a", METRES, found) for found in (located, locate(delivery(), METRES, given, None))]
    assert shapely.equals_exact(*places, tolerance=1e-9).all()
    with pytest.raises(UsageError, match="does not understand the pipeline"):
        locate(delivery(), METRES, "+proj=pipeline +step +proj=nowhere", None)


@pytest.mark.parametrize(
    ("crs", "shapes", "said"),
    [
        ("EPSG:4547", DEGREES, "are degrees"),
        ("EPSG:4490", METRES, "are metres"),
        ("EPSG:4490", some(34.5, 114), "latitude stands before longitude"),
    ],
)
def test_numbers_that_contradict_the_crs_are_refused(crs, shapes, said):
    with pytest.raises(InputRefusedError, match=said):
        code(crs, shapes)


@pytest.mark.parametrize("x", [38_500_000, 500_000])
@pytest.mark.parametrize("county", [None, COUNTY])
def test_northings_before_eastings_are_refused(x, county):
    with pytest.raises(InputRefusedError, match=r"northings stand where eastings belong.*swap the axes"):
        code(None, some(3_820_000, x), county=county)


@pytest.mark.parametrize("free", [True, False])
def test_latitude_before_longitude_is_refused_by_the_numbers(free):
    with pytest.raises(InputRefusedError, match="latitude stands before longitude"):
        code(None, some(34.5, 114), layer_crs_free=free)


def test_latitude_before_longitude_is_refused_by_the_county():
    # both numbers could be either in the far west
    west = (75.0, 38.0, 76.5, 40.0)
    with pytest.raises(InputRefusedError, match="latitude stands before longitude"):
        code(None, some(39, 76), county=west)
    located = locate(delivery("EPSG:4490"), some(39, 76), None, west)
    with pytest.raises(InputRefusedError, match="latitude stands before longitude"):
        require_in_county("a", some(39, 76), located, west)


def test_swapped_axes_of_a_named_crs_are_told():
    shapes = some(3_820_000, 500_000)
    located = locate(delivery("EPSG:4547"), shapes, None, None)
    with pytest.raises(InputRefusedError, match="axes are swapped"):
        to_lonlat("a", shapes, located)


def test_a_layer_outside_the_county_is_refused_by_name():
    located = locate(delivery("EPSG:4490"), some(121, 29.9), None, COUNTY)
    with pytest.raises(InputRefusedError, match=r"nothing of it lies in the county .*113.600–114.400"):
        require_in_county("a", some(121, 29.9), located, COUNTY)


def test_a_zone_far_from_the_data_is_refused():
    # zone prefix in the numbers, but a .prj without
    located = locate(delivery("EPSG:4547"), some(38_500_000, 3_820_000), None, None)
    with pytest.raises(InputRefusedError, match=r"not used; .*give --crs EPSG:4526"):
        to_lonlat("a", some(38_500_000, 3_820_000), located)


def test_metres_become_degrees_with_full_precision():
    located = locate(delivery("EPSG:4547"), METRES, None, None)
    lonlat = to_lonlat("a", METRES, located)
    back = pyproj.Transformer.from_crs(4490, 4547, always_xy=True).transform(
        *shapely.get_coordinates(lonlat).T
    )
    assert np.abs(np.column_stack(back) - shapely.get_coordinates(METRES)).max() < 1e-8


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "OGC:CRS84"])
def test_degrees_are_stored_to_the_last_bit(crs):
    shapes = shapely.points([[114.12345678901234, 34.12345678901234, 5.0]])
    located = locate(delivery(crs), shapes, None, None)
    assert shapely.get_coordinates(to_lonlat("a", shapes, located)).tolist() == [
        [114.12345678901234, 34.12345678901234]
    ]


def test_coordinates_that_are_none_are_told():
    shapes = shapely.points([[1, 1], [np.nan, 1], [np.inf, 1], [-1.79e308, 1]])
    assert finite(shapes).tolist() == [True, False, False, False]


def test_places_that_are_not_on_earth_are_told():
    located = locate(delivery("EPSG:4490"), DEGREES, None, None)
    assert on_earth(shapely.points([[114, 34], [181, 0], [0, -91]]), located).tolist() == [True, False, False]


@pytest.mark.parametrize("crs", ["EPSG:4978", "EPSG:5773"])
def test_systems_without_a_plane_are_refused(crs):
    with pytest.raises(InputRefusedError, match="no system of longitude and latitude"):
        code(shapes=METRES, forced=crs)
