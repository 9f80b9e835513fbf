"""Rule 1: every place belongs to exactly one cell, whatever boundaries were drawn."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.errors import UsageError

C, D, E = "990001", "990001001", "990001002"
A, B = D + "001", D + "002"
G1, G2, G3 = A + "001", A + "002", A + "003"
box = shapely.box


def square(west=0.0, south=0.0, size=100.0):
    return box(west, south, west + size, south + size)


def cell_at(partition, *points):
    names = [*partition.cells["cell"], "outside"]
    return [names[number] for number in partition.locate(np.array(points, dtype=float))]


def test_an_overlap_belongs_to_the_lower_code(partition_of, areas_of):
    partition = partition_of({A: square(), G2: box(0, 0, 60, 100), G1: box(40, 0, 100, 100)})
    assert areas_of(partition) == {G1: 6000, G2: 4000}
    finding = partition.findings.iloc[0]
    assert finding[["kind", "unit_a", "unit_b", "area_m2"]].tolist() == ["overlap", G1, G2, 2000]
    assert 40 < finding["x"] < 60


def test_what_children_leave_is_the_remainder_of_their_parent(partition_of, areas_of):
    partition = partition_of(
        {C: square(), D: box(0, 0, 80, 100), A: box(0, 0, 60, 100), G1: box(0, 0, 10, 100)}
    )
    assert areas_of(partition) == {G1: 1000, f"{C}*": 2000, f"{D}*": 2000, f"{A}*": 5000}
    found = partition.findings.set_index("unit_a")
    assert found["kind"].tolist() == ["gap"] * 3
    assert found["level"].to_dict() == {C: "district", D: "community", A: "grid"}


def test_a_unit_without_children_is_one_remainder_and_no_gap(partition_of, areas_of):
    partition = partition_of({C: square(), D: square()})
    assert areas_of(partition) == {f"{D}*": 10000}
    assert partition.findings.empty


def test_a_remainder_lies_in_a_hole_of_a_grid(partition_of, areas_of):
    ring = square().difference(box(40, 40, 60, 60))
    partition = partition_of({A: square(), G1: ring})
    assert areas_of(partition) == {G1: 9600, f"{A}*": 400}
    assert cell_at(partition, (50, 50), (10, 10)) == [f"{A}*", G1]


def test_a_child_beyond_its_parent_keeps_its_land_and_is_reported(partition_of, areas_of):
    partition = partition_of({A: square(), G1: box(50, 0, 120, 100)})
    assert areas_of(partition) == {G1: 7000, f"{A}*": 5000}
    found = partition.findings.set_index("kind").loc["protrusion"]
    assert (found["unit_a"], found["unit_b"], found["area_m2"], found["width_m"]) == (
        G1, A, 2000, pytest.approx(2 * 2000 / 240),
    )  # fmt: skip


def test_an_overlap_in_two_places_is_two_findings(partition_of):
    comb = box(0, 0, 100, 50).union(box(0, 50, 10, 60)).union(box(90, 50, 100, 60))
    partition = partition_of({G1: comb, G2: box(0, 50, 100, 100)})
    overlaps = partition.findings
    assert overlaps["part"].tolist() == [0, 1]
    assert overlaps["area_m2"].tolist() == [100, 100]


def test_a_sliver_joins_the_neighbour_with_the_longest_border(partition_of, areas_of):
    # 0.2 m are left between the grids on x 50…50.2; G2 lies along all of it, G1 along 90 m, G3 along the rest
    units = {
        A: square(),
        G1: box(0, 0, 50, 90),
        G2: box(50.2, 0, 100, 100),
        G3: box(0, 90, 50, 100),
    }
    assert areas_of(partition_of(units)) == {G1: 4500, G2: 5000, G3: 500}
    assert areas_of(partition_of(units, sliver_width=0.1))[f"{A}*"] == 20


def test_a_sliver_between_equal_borders_joins_the_lower_code(partition_of, areas_of):
    partition = partition_of({A: square(), G2: box(0, 0, 50, 100), G1: box(50.2, 0, 100, 100)})
    assert areas_of(partition) == {G1: 5000, G2: 5000}


def test_a_wide_part_of_a_remainder_stays_when_a_thin_one_joins(partition_of, areas_of):
    left = square().difference(box(49.9, 0, 50.1, 100)).difference(box(80, 80, 100, 100))
    west, east = shapely.get_parts(left)
    partition = partition_of({A: square(), G1: west, G2: east})
    assert areas_of(partition)[f"{A}*"] == 400


def test_a_sliver_without_neighbours_stays(partition_of, areas_of):
    assert areas_of(partition_of({A: box(0, 0, 0.2, 100)})) == {f"{A}*": 20}


def test_a_zone_cuts_cells_freely(partition_of, areas_of):
    partition = partition_of(
        {A: square(), G1: box(0, 0, 50, 100)},
        [("built_up", box(25, 0, 75, 100)), ("campaign", box(0, 50, 100, 100))],
    )
    assert areas_of(partition) == {
        G1: 1250, f"{G1}@built_up": 1250, f"{G1}@built_up+campaign": 1250, f"{G1}@campaign": 1250,
        f"{A}*": 1250, f"{A}*@built_up": 1250, f"{A}*@built_up+campaign": 1250, f"{A}*@campaign": 1250,
    }  # fmt: skip


def test_zones_of_one_kind_may_overlap_and_reach_beyond(partition_of, areas_of):
    zones = [("built_up", box(-50, 0, 60, 100)), ("built_up", box(40, 0, 80, 300))]
    assert areas_of(partition_of({G1: square()}, zones)) == {G1: 2000, f"{G1}@built_up": 8000}


@pytest.mark.parametrize("noise", [0.0, 2e-9, -2e-9])
def test_a_point_on_a_border_has_one_cell(partition_of, noise):
    partition = partition_of(
        {D: box(0, 0, 200, 200), A: box(0, 0, 100, 200), G2: square(), G1: box(0, 100, 100, 200)}
    )
    on_border, corner, edge, beyond = cell_at(
        partition,
        (50, 100 + noise),  # between two grids: the lower code
        (100 + noise, 100),  # where two grids and a remainder meet
        (100 + noise, 50),  # a grid before a remainder
        (200.002, 50),
    )
    assert (on_border, corner, edge, beyond) == (G1, G1, G2, "outside")


def test_several_counties_are_partitioned_side_by_side(partition_of, areas_of):
    far = "990002"
    units = {
        C: square(), D: box(0, 0, 50, 100), G1: box(0, 0, 25, 100),
        far: square(400_000, 300_000), far + "001": square(400_000, 300_000),
    }  # fmt: skip
    partition = partition_of(units)
    assert areas_of(partition) == {G1: 2500, far + "001*": 10000, f"{D}*": 2500, f"{C}*": 5000}
    assert cell_at(partition, (400_010, 300_010), (200_000, 150_000)) == [far + "001*", "outside"]


def test_neighbouring_counties_share_a_border_without_findings(partition_of):
    partition = partition_of({C: square(), "990002": square(100)})
    assert partition.findings.empty
    assert len(partition.cells) == 2


def test_units_whose_parents_are_not_drawn_still_have_cells(partition_of, areas_of):
    partition = partition_of({G1: square(), B + "001": square(100)})
    assert areas_of(partition) == {G1: 10000, B + "001": 10000}
    assert partition.findings.empty


def test_borders_that_differ_by_less_than_a_millimetre_are_one(partition_of, areas_of):
    partition = partition_of({A: square(), G1: box(0, 0, 50.0004, 100), G2: box(49.9996, 0, 100, 100)})
    assert areas_of(partition) == {G1: 5000, G2: 5000}
    assert partition.findings.empty


def test_a_vertex_on_a_neighbours_edge_opens_nothing(partition_of):
    # T-junctions on a slanted border: neither side has the other's vertices
    west = shapely.Polygon([(0, 0), (100, 0), (133.3, 333.3), (0, 333.3)])
    south = shapely.Polygon([(100, 0), (300, 0), (300, 100), (109.991, 100)])
    north = shapely.Polygon([(109.991, 100), (300, 100), (300, 333.3), (133.3, 333.3)])
    partition = partition_of({A: shapely.union_all([west, south, north]), G1: west, G2: south, G3: north})
    assert set(partition.cells["unit"]) == {G1, G2, G3}
    assert shapely.coverage_is_valid(partition.cells.geometry.to_numpy())


def test_a_workspace_without_boundaries_is_refused(partition_of):
    with pytest.raises(UsageError, match="counties, districts, communities and grids"):
        partition_of({})


corner = st.integers(0, 40)
boxes = st.tuples(corner, corner, st.integers(1, 30), st.integers(1, 30)).map(
    lambda b: box(b[0] / 2, b[1] / 2, (b[0] + b[2]) / 2, (b[1] + b[3]) / 2)
)
hundredths = st.integers(0, 3000).map(lambda n: n / 100)
triangles = (
    st.lists(st.tuples(hundredths, hundredths), min_size=3, max_size=3)
    .map(shapely.Polygon)
    .filter(lambda shape: shape.area > 0.1)
)
CODES = (C, D, E, A, B, G1, G2, G3)
zone_lists = st.lists(st.tuples(st.sampled_from(["built_up", "campaign"]), boxes), max_size=3)


@given(st.lists(boxes, min_size=1, max_size=8), zone_lists, st.randoms(use_true_random=False))
def test_cells_tile_the_union_once_in_any_order(partition_of, shapes, zones, random):
    units = dict(zip(random.sample(CODES, len(shapes)), shapes, strict=True))
    partition = partition_of(units, zones)
    cells = partition.cells.geometry.to_numpy()
    assert shapely.is_valid(cells).all()
    assert shapely.coverage_is_valid(cells)
    whole = shapely.union_all(shapes)
    assert shapely.area(cells).sum() == pytest.approx(whole.area, rel=1e-9)
    assert shapely.union_all(cells).symmetric_difference(whole).area == pytest.approx(0, abs=1e-9)

    order = random.sample(range(len(units)), len(units))
    again = partition_of(units, random.sample(zones, len(zones)), order=order)
    assert again.cells.equals(partition.cells)
    assert again.findings.equals(partition.findings)


@given(st.lists(st.one_of(boxes, triangles), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_slanted_borders_move_by_a_millimetre_at_most(partition_of, shapes, random):
    partition = partition_of(dict(zip(random.sample(CODES, len(shapes)), shapes, strict=True)))
    cells = partition.cells.geometry.to_numpy()
    assert shapely.is_valid(cells).all()
    assert shapely.coverage_is_valid(cells)
    moved = shapely.union_all(cells).symmetric_difference(shapely.union_all(shapes))
    assert moved.area < 0.001 * shapely.length(shapes).sum()
