"""Dead ends of the town: R6 goes nowhere at its north end, R8 at both.

R1, R4 and R5 end at the county's border, R3 4 m beyond the last crossing.
"""

import pytest

TRIALS = """
[dead_length]
title = { zh = "断头路长度", en = "Length of dead ends" }
definition = { zh = "试验", en = "trial" }
kind = "length_share"
group = "roads"
direction = "down"
of = { layer = "roads" }
dead_ends = { longer_than = 50 }
source = "trial"
year = 2026

[dead_count]
title = { zh = "断头路数", en = "Dead ends per km" }
definition = { zh = "试验", en = "trial" }
kind = "density"
group = "roads"
direction = "down"
of = { layer = "roads" }
dead_ends = { longer_than = 50 }
per = "length"
per_of = { layer = "roads" }
unit = "/km"
factor = 1000.0
source = "trial"
year = 2026
"""


@pytest.fixture(scope="module")
def place(build, content):
    # R8's south-west half is under construction
    exempt = {"layer": "roads", "feature_key": "R8", "from_m": 0, "to_m": 50, "reason": "construction",
              "document": "3号"}  # fmt: skip
    built = build({**content, "exemptions": [exempt]}, TRIALS)
    built.compute()
    return built


def test_dead_ends_count_as_far_as_the_first_junction_and_within_the_county(place, code):
    cells = place.tallies("dead_length", "cell")
    # R6 leaves the county after 100 m; 50 of R8's 100 m are exempt
    assert cells[code.A + "*"][0] == 100
    assert cells[code.B2 + "@built_up"][0] == 50
    assert cells[code.B2 + "@built_up"][3] == 50
    assert sum(numerator for numerator, *_ in cells.values()) == 150


def test_ends_are_counted_where_they_lie_but_for_exempt_ones(place, code):
    ends = {cell: sums[0] for cell, sums in place.tallies("dead_count", "cell").items() if sums[0]}
    # R6's end lies on the zone's edge, in A*: y = 100 is part of both, the lower cell has it
    assert ends in (
        {code.A + "*": 1, code.B2 + "@built_up": 1},
        {code.A + "*@built_up": 1, code.B2 + "@built_up": 1},
    )


def test_the_gaps_of_a_figure_that_should_be_low_are_what_counts_in_it(place):
    gaps = place.store.result("gaps", where={"indicator": "dead_length"})
    assert sorted(zip(gaps["road_id"], gaps["size"].round(3), strict=True)) == [("R6", 100.0), ("R8", 50.0)]
