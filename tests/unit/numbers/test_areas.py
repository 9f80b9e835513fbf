"""Polygons cut at cell borders, overlaps counted once."""

import numpy as np
import pytest
import shapely

from gridsvc.partition.areas import cover, fused, surroundings, union_areas, united

A = "990001001001"
G1, G2 = A + "001", A + "002"
box = shapely.box


@pytest.fixture
def halves(partition_of):
    return partition_of({G1: box(0, 0, 100, 100), G2: box(100, 0, 200, 100)})


def areas(partition, *polygons, within=None):
    return (union_areas(partition, list(polygons), within) / 1e6).tolist()


def test_overlapping_polygons_count_once(halves):
    assert areas(halves, box(10, 10, 30, 20), box(20, 10, 40, 20)) == [300, 0]


def test_polygons_are_cut_at_borders(halves):
    assert areas(halves, box(90, 0, 120, 10), box(190, 0, 250, 10)) == [100, 300]


def test_a_polygon_over_everything_covers_whole_cells(halves):
    assert areas(halves, box(-10, -10, 300, 300), box(0, 0, 5, 5)) == [10000, 10000]


def test_polygons_that_only_touch_cover_nothing(halves):
    assert areas(halves, box(0, 100, 100, 120), box(200, 100, 210, 110)) == [0, 0]


def test_no_polygons_cover_nothing(halves):
    assert areas(halves) == [0, 0]


def test_area_can_be_counted_on_a_base_only(halves):
    cells = halves.cells.geometry.to_numpy()
    base = cover(cells, [box(50, 0, 150, 10)])
    assert areas(halves, box(0, 5, 200, 100), within=base) == [250, 250]


def test_what_covers_and_touches_is_a_polygon(halves):
    # meets the first cell in a square and, elsewhere, in a line only
    hook = box(-10, 0, 10, 10).union(box(-10, 10, 0, 50))
    part, none = cover(halves.cells.geometry.to_numpy(), [hook])
    assert part.geom_type in ("Polygon", "MultiPolygon")
    assert part.area == 100
    assert none.is_empty


def test_covers_of_many_chunks_are_those_of_one(partition_of, monkeypatch):
    rng = np.random.default_rng(3)
    grids = {
        f"{A}{n:03}": box(n % 5 * 10, n // 5 * 10, n % 5 * 10 + 10, n // 5 * 10 + 10) for n in range(1, 21)
    }
    partition = partition_of(grids)
    discs = shapely.buffer(shapely.points(rng.uniform(0, 50, (30, 2))), 6)
    whole = union_areas(partition, discs)
    monkeypatch.setattr("gridsvc.partition.areas.CHUNK", 3)
    assert union_areas(partition, discs).tolist() == whole.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_buffers_united_in_one_sweep_are_those_united_pair_by_pair(seed):
    rng = np.random.default_rng(seed)
    centre = np.array([500_000, 3_800_000]) + rng.uniform(0, 400, (60, 1, 2))
    angle = np.sort(rng.uniform(0, 2 * np.pi, (60, 12)), axis=1)
    radius = rng.uniform(5, 60, (60, 12, 1))
    stars = shapely.polygons(centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=2))
    # one twice, one with a hole, one in two parts
    stars = np.append(
        shapely.make_valid(stars), [stars[0], stars[1].buffer(80).exterior, stars[2].union(stars[3])]
    )
    around = surroundings(stars, 40.0, 16)
    row = np.sort(rng.integers(0, 8, len(around)))
    row = np.unique(row, return_inverse=True)[1]
    one, other = fused(around, row), united(around, row)
    assert shapely.area(shapely.symmetric_difference(one, other)).max() < 1e-6
    assert shapely.is_valid(one).all()
