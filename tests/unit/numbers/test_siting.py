"""New facilities are placed where they reach most of what is not yet reached."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_array

from gridsvc.coverage.siting import fewest_sites, most_reached
from gridsvc.errors import InputRefusedError

# demands in rows, candidates in columns
TABLE = csc_array(np.array([[1, 0, 1], [1, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=np.int64))
PEOPLE = np.array([10, 10, 10, 8, 8])


def test_two_places_that_reach_everybody_beat_the_one_that_reaches_most():
    # alone, 0 reaches 30 and 2 reaches 28; but 1 and 2 together reach all 46
    both = most_reached(TABLE, PEOPLE, 2)
    assert sorted(both.chosen.tolist()) == [1, 2]
    assert both.reached == 46
    assert both.exact


def test_the_first_of_those_chosen_is_the_one_that_reaches_most():
    both = most_reached(TABLE, PEOPLE, 2)
    assert both.chosen.tolist() == [2, 1]
    assert both.gains.tolist() == [28, 18]


def test_a_large_question_is_answered_greedily_with_what_could_be_reached_at_best():
    both = most_reached(TABLE, PEOPLE, 2, exact=0)
    # 0 adds 30, then 1 and 2 add 8 each; at the start the two largest additions are 30 and 28: no more than all 46
    assert both.gains.tolist() == [30, 8]
    assert both.best == 46
    assert not both.exact


def test_places_that_add_nothing_are_not_chosen():
    twins = csc_array(np.array([[1, 1]], dtype=np.int64))
    assert most_reached(twins, np.array([5]), 2).gains.tolist() == [5]
    assert most_reached(twins, np.array([5]), 2, exact=0).gains.tolist() == [5]


def test_nobody_to_reach_and_nowhere_to_build_choose_nothing():
    nothing = csc_array((3, 2), dtype=np.int64)
    assert most_reached(nothing, np.array([1, 2, 3]), 2).reached == 0
    assert most_reached(csc_array((3, 0), dtype=np.int64), np.array([1, 2, 3]), 2).reached == 0


def test_the_fewest_places_reach_everybody():
    assert fewest_sites(TABLE).tolist() == [1, 2]


def test_somebody_whom_no_place_reaches_is_told():
    alone = csc_array(np.array([[1, 0], [0, 0]], dtype=np.int64))
    with pytest.raises(InputRefusedError, match="1 of 2 places are reached from no candidate"):
        fewest_sites(alone)


tables = st.integers(1, 6).flatmap(
    lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(tables, st.integers(1, 4), st.data())
def test_no_choice_reaches_more(rows, count, data):
    """Against every combination, tried one by one."""
    reach = np.array(rows, dtype=np.int64)
    weight = np.array(data.draw(st.lists(st.integers(0, 50), min_size=len(rows), max_size=len(rows))))
    table = csc_array(reach)
    most = max(
        int(weight[reach[:, list(combination)].any(axis=1)].sum())
        for combination in itertools.combinations(range(reach.shape[1]), min(count, reach.shape[1]))
    )
    best, greedy = most_reached(table, weight, count), most_reached(table, weight, count, exact=0)
    assert best.reached == most == best.best
    assert greedy.reached <= most <= greedy.best
