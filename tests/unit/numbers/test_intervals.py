"""Sets of stretches behave like sets of points."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.partition.intervals import Intervals, cut_stretches

SIZE = 40
places = st.integers(0, SIZE)
stretches = st.lists(st.tuples(places, places), max_size=8)


def points(intervals):
    return {at for lo, hi in zip(intervals.start, intervals.end, strict=True) for at in range(lo, hi)}


def model(pairs):
    return {at for lo, hi in pairs for at in range(lo, hi)}


def of(pairs):
    return Intervals.of([lo for lo, _ in pairs], [hi for _, hi in pairs])


@given(stretches, stretches)
def test_algebra_is_that_of_sets(first, second):
    a, b = of(first), of(second)
    assert points(a.union(b)) == model(first) | model(second)
    assert points(a.minus(b)) == model(first) - model(second)
    assert points(a.intersection(b)) == model(first) & model(second)


@given(stretches, st.lists(st.tuples(places, places), max_size=5))
def test_length_is_counted_exactly(pairs, windows):
    intervals = of(pairs)
    assert intervals.length == len(model(pairs))
    lo, hi = (np.array([window[side] for window in windows], dtype=np.int64) for side in (0, 1))
    start, end = np.minimum(lo, hi), np.maximum(lo, hi)
    counted = [len(model(pairs) & set(range(a, b))) for a, b in zip(start, end, strict=True)]
    assert intervals.within(start, end).tolist() == counted


@given(stretches)
def test_stretches_are_sorted_apart_and_not_empty(pairs):
    intervals = of(pairs)
    assert (intervals.end > intervals.start).all()
    assert (intervals.start[1:] > intervals.end[:-1]).all()


@given(stretches, st.lists(places, max_size=8))
def test_cutting_keeps_every_stretch_whole(pairs, cuts):
    lo, hi = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    keep = hi > lo
    lo, hi = lo[keep], hi[keep]
    start, end, row = cut_stretches(lo, hi, np.unique(np.array(cuts, dtype=np.int64)))
    for number in range(len(lo)):
        parts = [(a, b) for a, b, r in zip(start, end, row, strict=True) if r == number]
        assert parts[0][0] == lo[number]
        assert parts[-1][1] == hi[number]
        inner = [a for a, _ in parts[1:]]
        assert inner == [b for _, b in parts[:-1]] == sorted({c for c in cuts if lo[number] < c < hi[number]})


def test_touching_stretches_become_one():
    assert of([(0, 5), (5, 9)]).end.tolist() == [9]


def test_the_empty_set_has_no_length():
    assert len(Intervals.empty()) == Intervals.empty().length == 0
    assert of([(0, 3)]).minus(Intervals.empty()).length == 3
