"""What stands along roads in every so many metres: properties on random places of things."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString

from gridsvc.coverage.spacing import well_spaced
from gridsvc.duties.roads import Roads

LENGTHS = (700, 300, 120)


@pytest.fixture(scope="module")
def roads(layers):
    """A road in two features, the second drawn backwards, and one of 120 m."""
    lines = [
        LineString([(0, 0), (700, 0)]),
        LineString([(1000, 0), (700, 0)]),
        LineString([(0, 500), (120, 500)]),
    ]
    columns = {"key": ["A", "B", "C"], "road_code": ["1", "1", "2"], "road_name": None, "class": "branch"}
    return Roads.of(gpd.GeoDataFrame(columns, geometry=lines, crs=4547), layers.roads)


def served(roads, at, every, at_least):
    """Metres served of (row, metres along the feature) pairs."""
    row = np.array([place[0] for place in at], dtype=np.int64)
    metres = np.array([place[1] for place in at], dtype=np.int64)
    found = well_spaced(roads, row, roads.segments.offset[row] + metres * 10**9, every, at_least)
    return found.length / 1e9


THINGS = st.lists(
    st.integers(0, 2).flatmap(lambda row: st.tuples(st.just(row), st.integers(0, LENGTHS[row] - 1))),
    max_size=12,
)


def by_walking(at, every, at_least):
    """The same by trying every window that begins or ends at a metre."""
    total = 0
    for rows, length in (((0, 1), 1000), ((2,), 120)):
        along = sorted(metres if row != 1 else 1000 - metres for row, metres in at if row in rows)
        window, bare = min(every, length), np.zeros(length, dtype=bool)
        # windows that begin on a metre, and those that begin a hair behind one
        for start in [*range(length - window + 1), *(one + 0.5 for one in range(length - window))]:
            if sum(start <= one <= start + window for one in along) < at_least:
                low, high = int(np.floor(start)), int(np.ceil(start + window))
                bare[low:high] = True
        total += length - int(bare.sum())
    return total


@given(THINGS, st.integers(1, 400), st.integers(1, 3))
def test_as_if_every_window_were_tried(roads, at, every, at_least):
    assert served(roads, at, every, at_least) == by_walking(at, every, at_least)


@given(THINGS, st.integers(1, 400), st.integers(0, 300), st.integers(1, 3))
def test_a_longer_distance_never_serves_less(roads, at, every, more, at_least):
    assert served(roads, at, every, at_least) <= served(roads, at, every + more, at_least)


@given(THINGS, st.integers(1, 400), st.integers(1, 3))
def test_asking_for_more_never_serves_more(roads, at, every, at_least):
    assert served(roads, at, every, at_least + 1) <= served(roads, at, every, at_least)


@given(THINGS.flatmap(lambda at: st.tuples(st.just(at), st.permutations(at))), st.integers(1, 400))
def test_the_order_of_things_does_not_matter(roads, both, every):
    at, turned = both
    assert served(roads, at, every, 1) == served(roads, turned, every, 1)


@given(THINGS, THINGS, st.integers(1, 400), st.integers(1, 3))
def test_more_things_never_serve_less(roads, at, more, every, at_least):
    assert served(roads, at, every, at_least) <= served(roads, at + more, every, at_least)


def test_nothing_serves_nothing(roads):
    assert served(roads, [], 200, 1) == 0
