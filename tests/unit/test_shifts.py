import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc import shifts

TIANANMEN = np.array([[116.404, 39.915]])
DEGREES = st.tuples(st.floats(73.0, 135.5), st.floats(3.0, 54.0))
POSITIONS = st.lists(DEGREES, min_size=1, max_size=20).map(np.array)


def metres(a, b):
    """Largest distance between positions."""
    east = (a - b)[:, 0] * 111_320 * np.cos(np.radians(a[:, 1]))
    return np.hypot(east, (a - b)[:, 1] * 111_320).max()


@pytest.mark.parametrize(
    ("formula", "lon", "lat"),
    [
        (shifts.wgs84_to_gcj02, 116.41024449916938, 39.91640428150164),
        (shifts.gcj02_to_bd09, 116.41036949371029, 39.92133699351021),
        (shifts.bd09_to_gcj02_published, 116.39762729119315, 39.90865673957631),
    ],
)
def test_published_formulas_give_the_published_positions(formula, lon, lat):
    # the last bit of a double is 1.4e-14 degrees here, a nanometre
    assert formula(TIANANMEN) == pytest.approx(np.array([[lon, lat]]), abs=3e-14)


def test_the_closed_form_of_bd09_is_centimetres_off_the_true_inverse():
    off = metres(shifts.bd09_to_gcj02(TIANANMEN), shifts.bd09_to_gcj02_published(TIANANMEN))
    assert 0.04 < off < 0.06


@given(POSITIONS)
def test_gcj02_comes_back_under_a_hundredth_of_a_millimetre(lonlat):
    assert metres(shifts.gcj02_to_wgs84(shifts.wgs84_to_gcj02(lonlat)), lonlat) < 1e-5


@given(POSITIONS)
def test_bd09_comes_back_under_a_hundredth_of_a_millimetre(lonlat):
    assert metres(shifts.bd09_to_wgs84(shifts.wgs84_to_bd09(lonlat)), lonlat) < 1e-5


@given(POSITIONS)
@settings(max_examples=30)
def test_a_position_never_depends_on_its_neighbours(lonlat):
    alone = np.vstack([shifts.bd09_to_wgs84(place[None, :]) for place in lonlat])
    assert (shifts.bd09_to_wgs84(lonlat) == alone).all()


def test_the_shift_is_18_to_720_metres_all_over_china():
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.linspace(73, 135.5, 200), np.linspace(3, 54, 200)))
    plain = np.column_stack((lon, lat))
    moved = shifts.wgs84_to_gcj02(plain)
    apart = [metres(a[None, :], b[None, :]) for a, b in zip(plain[::7], moved[::7], strict=True)]
    assert min(apart) > 15
    assert max(apart) < 720


@pytest.mark.parametrize("place", [(-71.1, 42.37), (24.9, 60.2), (140, 35), (105, 0.5), (0, 90), (-180, -90)])
def test_outside_the_box_nothing_moves(place):
    lonlat = np.array([place], dtype=float)
    assert (shifts.wgs84_to_gcj02(lonlat) == lonlat).all()
    assert (shifts.gcj02_to_wgs84(lonlat) == lonlat).all()


def test_the_shifted_systems_go_by_their_usual_names():
    assert {shifts.named_shift(name) for name in ("GCJ02", "gcj-02", "GCJ_02")} == {shifts.GCJ02}
    assert {shifts.named_shift(name) for name in ("BD09", "bd-09", "BD09LL")} == {shifts.BD09}
    assert shifts.named_shift("EPSG:4490") is None


def test_a_million_points_a_second():
    lonlat = np.random.default_rng(7).uniform((73, 18), (135, 54), (300_000, 2))
    fastest = {}
    for formula in (shifts.wgs84_to_gcj02, shifts.gcj02_to_wgs84):
        took = []
        for _ in range(5):
            began = time.process_time()
            formula(lonlat)
            took.append(time.process_time() - began)
        fastest[formula] = len(lonlat) / min(took)
    # a third of what is asked for, so that a busy machine raises no alarm
    assert min(fastest.values()) > 330_000
