"""Rule 2: roads are shared between the cells on their two sides, and always add up."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.partition.pieces import agree, two_sided
from gridsvc.partition.segments import on_grain, straight_pieces

A = "990001001001"
G1, G2, G3 = A + "001", A + "002", A + "003"
box = shapely.box


@pytest.fixture
def halves(partition_of):
    """Two grids, 100 m wide and 200 m high, with the border x = 100 between them."""
    return partition_of({A: box(0, 0, 200, 200), G1: box(0, 0, 100, 200), G2: box(100, 0, 200, 200)})


def share(partition, lines, width=10.0, divided=False):
    segments = straight_pieces(lines)
    return segments, two_sided(segments, np.full(len(lines), width), np.full(len(lines), divided), partition)


def metres(pieces, partition):
    """Counted metres by unit; "" is outside."""
    unit = np.append(partition.cells["unit"].to_numpy(object), "")[pieces.cell]
    sums = pd.Series(pieces.length()).groupby(unit).sum() / 1e9
    return {code: round(value, 6) for code, value in sums.items() if value}


def agreement(segments, *rows):
    """Agreements as (from m, to m, unit, share) on the first road."""
    table = pd.DataFrame(rows, columns=["start", "end", "unit_code", "share"])
    return table.assign(start=on_grain(table["start"]), end=on_grain(table["end"]))


def test_a_road_on_a_border_is_shared_by_both_sides(halves, lines):
    _, pieces = share(halves, lines([(100, 0), (100, 200)]))
    assert metres(pieces, halves) == {G1: 100, G2: 100}


def test_a_road_beside_the_border_is_shared_alike(halves, lines):
    for x in (99, 101, 104.9, 95.1):
        _, pieces = share(halves, lines([(x, 0), (x, 200)]))
        assert metres(pieces, halves) == {G1: 100, G2: 100}


def test_a_road_inside_a_grid_counts_whole(halves, lines):
    _, pieces = share(halves, lines([(50, 0), (50, 200)]))
    assert metres(pieces, halves) == {G1: 200}


def test_the_outer_half_of_a_road_on_the_edge_is_outside(halves, lines):
    _, pieces = share(halves, lines([(200, 200), (200, 0)]))
    assert metres(pieces, halves) == {G2: 100, "": 100}


def test_a_road_that_leaves_is_cut_at_the_edge(halves, lines):
    _, pieces = share(halves, lines([(150, 100), (230, 100)]))
    assert metres(pieces, halves) == {G2: 50, "": 30}


def test_a_road_across_a_border_is_cut_there(halves, lines):
    _, pieces = share(halves, lines([(40, 50), (190, 50)]))
    assert metres(pieces, halves) == {G1: 60, G2: 90}


def test_a_slanted_crossing_divides_each_side_at_its_own_place(halves, lines):
    # 3-4-5: the moved sides cross the border 6 × 4/3 = 8 m before and after the centre line does, along the road
    _, pieces = share(halves, lines([(70, 10), (130, 90)]))
    assert metres(pieces, halves) == {G1: 50, G2: 50}
    left = pieces.side == 0
    ends = sorted((pieces.end[left & (pieces.cell == 0)] / 1e9).tolist())
    assert ends == [pytest.approx(58)]


def test_each_line_of_a_divided_road_counts_half(halves, lines):
    _, pieces = share(halves, lines([(95, 0), (95, 200)], [(105, 200), (105, 0)]), 20.0, divided=True)
    assert metres(pieces, halves) == {G1: 100, G2: 100}


def test_parts_of_a_road_follow_each_other_without_the_gap(halves):
    parts = shapely.MultiLineString([[(10, 50), (40, 50)], [(60, 50), (160, 50)]])
    segments, pieces = share(halves, np.array([parts]))
    assert segments.length(0) / 1e9 == 130
    assert metres(pieces, halves) == {G1: 70, G2: 60}


def test_a_road_without_length_has_no_pieces(halves, lines):
    segments, pieces = share(halves, lines([(10, 10), (10, 10)], [(10, 50), (60, 50), (60, 50), (60, 60)]))
    assert segments.length([0, 1]).tolist() == [0, 60_000_000_000]
    assert metres(pieces, halves) == {G1: 60}
    assert set(pieces.road) == {1}


def test_no_roads_make_no_pieces(halves):
    segments, pieces = share(halves, np.empty(0, dtype=object))
    assert len(segments) == len(pieces) == len(pieces.cut(np.array([5]))) == 0
    assert pieces.length().tolist() == []


def test_stretches_are_drawn_with_their_vertices_and_across_gaps():
    parts = shapely.MultiLineString([[(0, 0), (10, 0), (10, 10)], [(20, 10), (30, 10)]])
    segments = straight_pieces(np.array([parts, shapely.LineString([(0, 50), (9, 50)])]))
    second = segments.offset[1]
    start = [*on_grain([5, 12, 15, 20]), second]
    end = [*on_grain([12, 20, 25, 30]), second + on_grain(4)]
    assert [shape.wkt for shape in shapely.set_precision(segments.stretches(start, end), 0.001)] == [
        "LINESTRING (5 0, 10 0, 10 2)",
        "LINESTRING (10 2, 10 10)",
        "MULTILINESTRING ((10 5, 10 10), (20 10, 25 10))",
        "LINESTRING (20 10, 30 10)",
        "LINESTRING (0 50, 4 50)",
    ]
    assert len(segments.stretches([], [])) == 0


def test_an_agreement_gives_one_side_more(halves, lines):
    segments, pieces = share(halves, lines([(100, 0), (100, 200)]))
    agreed, unused = agree(pieces, agreement(segments, (50, 100, G1, 0.7)), halves)
    # G1: 75 m of the 150 m that are shared in half, 35 of the 50
    assert metres(agreed, halves) == {G1: 110, G2: 90}
    assert unused.empty


def test_both_neighbours_may_state_the_same_agreement(halves, lines):
    segments, pieces = share(halves, lines([(100, 200), (100, 0)]))
    both = agreement(segments, (0, 200, G1, 0.55), (0, 200, G2, 0.45))
    agreed, unused = agree(pieces, both, halves)
    assert metres(agreed, halves) == {G1: 110, G2: 90}
    assert unused.empty


def test_agreements_that_contradict_each_other_change_nothing(halves, lines):
    segments, pieces = share(halves, lines([(100, 0), (100, 200)]))
    rows = agreement(segments, (0, 100, G1, 0.7), (50, 100, G2, 0.4), (150, 200, G2, 1.0))
    agreed, unused = agree(pieces, rows, halves)
    # 0–50 m by the first, 50–100 m in half, 150–200 m all G2's
    assert metres(agreed, halves) == {G1: 35 + 25 + 25, G2: 15 + 25 + 25 + 50}
    assert unused["unit_code"].tolist() == [G2]


def test_an_agreement_can_give_the_outer_half_to_the_neighbour(halves, lines):
    segments, pieces = share(halves, lines([(200, 0), (200, 200)]))
    agreed, _ = agree(pieces, agreement(segments, (0, 200, G2, 1.0)), halves)
    assert metres(agreed, halves) == {G2: 200}


@pytest.mark.parametrize("unit", [A, G3])
def test_an_agreement_of_a_unit_on_both_sides_or_neither_is_not_used(halves, lines, unit):
    segments, pieces = share(halves, lines([(100, 0), (100, 200)]))
    agreed, unused = agree(pieces, agreement(segments, (0, 200, unit, 0.7)), halves)
    assert metres(agreed, halves) == {G1: 100, G2: 100}
    assert unused["unit_code"].tolist() == [unit]


def test_an_agreement_may_name_the_parents_of_the_neighbours(partition_of, lines):
    other = "990001001002"
    partition = partition_of({G1: box(0, 0, 100, 200), other + "001": box(100, 0, 200, 200)})
    segments, pieces = share(partition, lines([(100, 0), (100, 200)]))
    agreed, unused = agree(pieces, agreement(segments, (0, 100, other, 0.9)), partition)
    assert metres(agreed, partition) == {G1: 60, other + "001": 140}
    assert unused.empty


def test_moving_borders_by_half_a_metre_hardly_changes_anything(partition_of, lines):
    rng = np.random.default_rng(7)
    streets = [[(x, 0), (x, 400)] for x in range(0, 401, 100)]
    streets += [[(0, y), (400, y)] for y in range(0, 401, 100)]
    columns, rows = np.meshgrid(np.arange(4), np.arange(4))

    def blocks(noise):
        at = np.arange(0, 401, 100)
        x, y = (at[:, None] + noise * rng.uniform(-1, 1, (5, 5)) for _ in range(2))
        x, y = x, y.T
        ring = ((0, 0), (1, 0), (1, 1), (0, 1))
        return {
            f"{A}{number:03}": shapely.Polygon([(x[c + i, r + j], y[c + i, r + j]) for i, j in ring])
            for number, (c, r) in enumerate(zip(columns.ravel(), rows.ravel(), strict=True), 1)
        }

    lengths = []
    for noise in (0.0, 0.5):
        partition = partition_of(blocks(noise))
        lengths.append(metres(share(partition, lines(*streets))[1], partition))
    before, after = lengths
    inner = [f"{A}{number:03}" for number in (6, 7, 10, 11)]
    changes = [abs(after[code] / before[code] - 1) for code in inner]
    assert max(changes) < 0.01


coordinate = st.integers(-300, 500).map(lambda n: n / 3)
paths = st.lists(st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=5), min_size=1, max_size=4)


@given(
    paths,
    st.sampled_from([1.0, 6.0, 30.0]),
    st.booleans(),
    st.lists(
        st.tuples(
            st.integers(0, 150), st.integers(1, 100), st.sampled_from([G1, G2, A]), st.integers(0, 100)
        ),
        max_size=3,
    ),
    st.lists(st.integers(0, 200_000), max_size=4),
)
def test_the_pieces_add_up_to_the_roads_to_the_last_digit(halves, lines, paths, width, divided, agreed, cuts):
    segments, pieces = share(halves, lines(*paths), width, divided)
    whole = sum(segments.length(np.arange(len(paths))).tolist()) // (2 if divided else 1)
    assert int(pieces.length().sum()) == whole
    rows = [(low, low + size, unit, part / 100) for low, size, unit, part in agreed]
    pieces, _ = agree(pieces, agreement(segments, *rows), halves)
    pieces = pieces.cut(np.array(cuts, dtype=np.int64) * 4_000_000)
    assert int(pieces.length().sum()) == whole


@given(paths)
def test_the_order_of_the_roads_does_not_matter(halves, lines, paths):
    one = metres(share(halves, lines(*paths))[1], halves)
    other = metres(share(halves, lines(*paths[::-1]))[1], halves)
    assert one == other
