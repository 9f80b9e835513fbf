import numpy as np
import pyproj
import pytest
import shapely

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.coordinates import finite, on_earth, to_lonlat
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
    assert 0 < abs(x[0] - 114) < 0.01


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


def test_northings_before_eastings_are_refused():
    with pytest.raises(InputRefusedError, match="swap the axes"):
        code(None, some(3_820_000, 38_500_000))


def test_a_zone_far_from_the_data_is_refused():
    # zone prefix in the numbers, but a .prj without
    located = locate(delivery("EPSG:4547"), some(38_500_000, 3_820_000), None, None)
    with pytest.raises(InputRefusedError, match="not used"):
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
