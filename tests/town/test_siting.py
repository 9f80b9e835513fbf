"""Where to build: one main street with four side streets, and toilets that would serve most along it.

::

    y=200         |     |     |     |            main street y = 100, x 0…1000; side streets x = 200, 400, 600, 800,
    y=100  T------J2----J4----J6----J8-------    y 100…200; a toilet T at its western end; grids A1 and A2 meet at
           0     200   400   600   800    1000   x = 500
"""

import itertools
import json

import numpy as np
import pytest
import shapely
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.coverage.measures import measure
from gridsvc.coverage.proposals import propose, siting_indicator
from gridsvc.errors import NotFoundError, UsageError

RUN = CliRunner()
box, point, line = shapely.box, shapely.Point, shapely.LineString


def definition(name, kind, *more, near="distance = 150", of=""):
    return f"""
[{name}]
title = {{ zh = "试验", en = "trial" }}
definition = {{ zh = "试验", en = "trial" }}
kind = "{kind}"
group = "sanitation"
{f"of = {{ layer = {of} }}" if of else ""}
near = {{ layer = "toilets", {near} }}
source = "trial"
year = 2026
{chr(10).join(more)}
"""


PEOPLE = '"buildings", weight = "population"'
WALK = 'distance = 150, way = "walk", join = 40'
DEFINITIONS = "".join(
    [
        definition("people", "feature_near", "goals = [{ value = 80, source = 'trial' }]", of=PEOPLE),
        definition("people_in_town", "feature_near", 'zone = "built_up"', of=PEOPLE),
        definition("people_on_foot", "feature_near", near=WALK, of=PEOPLE),
        definition("people_flush", "feature_near", near='where = { kind = ["flush"] }, distance = 150', of=PEOPLE),
        definition("road", "length_near", of='"roads"'),
        definition("road_on_foot", "length_near", near=WALK, of='"roads"'),
        definition("ground", "area_near"),
        definition("ground_on_foot", "area_near", near=WALK),
        definition("not_too_many", "feature_near", 'direction = "down"', of=PEOPLE),
        definition("by_kind", "feature_near",
                   near='by = "near", field = "kind", distances = { flush = 150 }', of=PEOPLE),
    ]
)  # fmt: skip
HOUSES = {
    "old": (20, 100, 30),  # 20 m from T
    "a": (160, 100, 8),  # J2 only; 160 m from T
    "b": (300, 100, 10),  # J2 and J4
    "c": (400, 100, 7),  # J4 only
    "d": (500, 100, 10),  # J4 and J6
    "e": (620, 100, 8),  # J6 only
    "far": (950, 280, 5),  # 234 m from J8
}


def houses(found):
    return [
        {"building_id": name, "population": size, "at": point(x, y)} for name, (x, y, size) in found.items()
    ]


def street(name, *points):
    return {"road_id": name, "road_name": name, "class": "branch", "width": 8, "at": line(points)}


def along(code, **more):
    whole = box(0, -100, 1000, 300)
    return {
        **{
            level: [{"code": unit, "name": level, "at": whole}]
            for level, unit in (("counties", code.C), ("districts", code.D), ("communities", code.A))
        },
        "grids": [
            {"code": code.A1, "name": "西", "at": box(0, -100, 500, 300)},
            {"code": code.A2, "name": "东", "at": box(500, -100, 1000, 300)},
        ],
        "zones": [{"code": "Z1", "kind": "built_up", "at": box(0, -100, 480, 300)}],
        "roads": [
            street("main", (0, 100), (1000, 100)),
            *(street(f"side{x // 100}", (x, 100), (x, 200)) for x in (200, 400, 600, 800)),
        ],
        "toilets": [{"toilet_id": "T", "kind": "flush", "at": point(0, 100)}],
        "buildings": houses(HOUSES),
        "parking": [{"parking_id": "P", "at": box(390, 150, 410, 170)}],
        **more,
    }


@pytest.fixture(scope="module")
def place(build, code):
    """The street. Shared: do not change it."""
    return build(along(code), DEFINITIONS)


def proposed(place, name, count, **more):
    one = siting_indicator(place.indicators, "toilets", name, more.pop("distance", None))
    return propose(place.scene(), one, count, **more)


def xs(found):
    """Where the places are along the street, west to east of the origin."""
    lon = shapely.get_x(found.places.geometry.to_numpy())
    return np.rint(lon - 500_000).astype(int).tolist()


def test_the_best_one_is_the_junction_with_most_neighbours(place):
    found = proposed(place, "people", 1)
    assert xs(found) == [400]
    assert found.places["adds"].tolist() == [27_000]
    assert found.places["road"].tolist() == ["main / side4"]
    assert found.candidates == 4


def test_the_best_two_do_without_the_best_one(place, code):
    found = proposed(place, "people", 2)
    # J4 and another serve 27 + 8 = 35; J2 and J6 serve 8 + 10 and 10 + 8
    assert sorted(xs(found)) == [200, 600]
    assert found.places["adds"].tolist() == [18_000, 18_000]
    assert sorted(found.places["unit"]) == [code.A1, code.A2]
    assert found.sites.exact
    before, after = found.before[""], found.after[""]
    assert (before.numerator, after.numerator, after.denominator) == (30_000, 66_000, 78_000)
    # of 48 residents not served, 5 live too far from every junction
    assert (found.lacking, found.alone) == (48_000, 5_000)


def test_more_places_than_can_add_anything_are_not_listed(place):
    found = proposed(place, "people", 9)
    assert sorted(xs(found)) == [200, 400, 600]
    assert found.after[""].numerator == 73_000


def test_built_inside_a_unit_but_serving_everybody(place, code):
    found = proposed(place, "people", 1, unit=code.A2)
    assert (xs(found), found.candidates) == ([600], 2)
    # d stands on the border, in A1; e and far in A2
    assert found.places["adds"].tolist() == [18_000]
    assert found.after[code.A2].numerator - found.before[code.A2].numerator == 8_000
    assert found.after[""].numerator - found.before[""].numerator == 18_000


def test_only_the_zone_of_the_figure_is_asked_about_and_built_in(place):
    found = proposed(place, "people_in_town", 1)
    # J4 would serve 10 + 7 in the zone, J2 8 + 10
    assert (xs(found), found.places["adds"].tolist(), found.candidates) == ([200], [18_000], 2)
    assert found.after[""].denominator == 55_000


def test_features_of_a_layer_as_candidates(place):
    found = proposed(place, "people", 1, candidates="parking")
    # (400, 160) is 117 m from b and d, 60 m from c
    assert (found.candidates, found.places["adds"].tolist()) == (1, [27_000])


def test_another_distance(place):
    found = proposed(place, "people", 1, distance=30.0)
    # only c and e live so near a junction
    assert (xs(found), found.places["adds"].tolist()) == ([600], [8_000])


def test_road_length(place):
    found = proposed(place, "road", 2)
    # T serves 150 m; J4 and J8 300 m of the main street and their side street each
    assert sorted(xs(found)) == [400, 800]
    assert found.places["adds"].tolist() == [400 * 10**9, 400 * 10**9]
    assert (found.before[""].numerator, found.after[""].numerator) == (150 * 10**9, 950 * 10**9)
    assert found.lacking == 1_250 * 10**9
    # the four reach 150…950 m and all side streets; the last 50 m nobody
    assert found.alone == 50 * 10**9


def test_ground(place):
    found = proposed(place, "ground", 1)
    assert found.places["adds"][0] / 1e6 == pytest.approx(np.pi * 150**2, rel=2e-3)
    assert found.spacing == 10
    grown = found.after[""].numerator - found.before[""].numerator
    assert grown == pytest.approx(found.places["adds"].sum(), abs=10)


def test_on_foot(build, code):
    homes = houses({
        "corner": (230, 180, 5),  # 30 m to side2, 80 m down it: 110 m to J2
        "between": (300, 130, 3),  # 30 + 100 m to J2 and to J4
        "late": (320, 131, 7),  # 31 + 80 m to J4; 31 + 120 m to J2: too far, though straight it is 124 m
        "off": (300, 191, 11),  # 91 m from the nearest street
    })  # fmt: skip
    place = build(along(code, buildings=homes), DEFINITIONS)
    found = proposed(place, "people_on_foot", 2)
    assert (xs(found), found.places["adds"].tolist()) == ([400, 200], [10_000, 5_000])
    assert found.after[""].numerator == 15_000
    straight = proposed(place, "people", 1)
    assert (xs(straight), straight.places["adds"].tolist()) == ([200], [26_000])


def test_road_length_and_ground_on_foot(place):
    found = proposed(place, "road_on_foot", 2)
    # along these straight streets a walk is as long as the way as the crow flies, but side streets need the corner
    assert sorted(xs(found)) == [400, 800]
    # each end of a walk is rounded down to the grain of 4 nm
    assert found.places["adds"].tolist() == pytest.approx([400 * 10**9] * 2, rel=0, abs=12)
    ground = proposed(place, "ground_on_foot", 1)
    grown = ground.after[""].numerator - ground.before[""].numerator
    assert grown == pytest.approx(ground.places["adds"].sum(), abs=10)
    # 80 m along 300 m and the 60 m of the side street beyond the main one's 40, and round ends
    assert grown / 1e6 == pytest.approx(300 * 80 + 60 * 80 + 1.5 * np.pi * 40**2, rel=5e-3)


def test_what_was_unknown_is_served_too(build, code):
    toilets = [
        {"toilet_id": "T", "kind": "flush", "at": point(0, 100)},
        {"toilet_id": "U", "at": point(300, 110)},
    ]
    found = proposed(build(along(code, toilets=toilets), DEFINITIONS), "people_flush", 1)
    # U's kind is not known, so whether it serves b and c (10 + 7) is not either: J6 adds d and e
    assert (xs(found), found.places["adds"].tolist()) == ([600], [18_000])
    before, after = found.before[""], found.after[""]
    assert after.numerator - before.numerator == 18_000 + (before.unknown - after.unknown)


@pytest.fixture(scope="module")
def chance(build, code):
    """Streets 3 × 3, two toilets, sixty houses anywhere."""
    random = np.random.default_rng(7)
    at = random.uniform((0, -100), (1000, 300), (62, 2))
    across = [street(f"r{y}", (0, y), (900, y)) for y in (-50, 90, 230)]
    down = [street(f"c{x}", (x, -100), (x, 300)) for x in (150, 450, 790)]
    people = random.integers(1, 40, 60).tolist()
    return build(
        along(
            code,
            roads=across + down,
            toilets=[{"toilet_id": f"T{n}", "at": point(*xy)} for n, xy in enumerate(at[60:])],
            buildings=houses({f"h{n}": (*at[n], people[n]) for n in range(60)}),
        ),
        DEFINITIONS,
    )


@pytest.mark.parametrize(
    "name", ["people", "people_on_foot", "road", "road_on_foot", "ground", "ground_on_foot"]
)
def test_what_places_add_is_what_the_figure_grows_by(chance, name):
    reached = []
    for count in (1, 2, 4):
        found = proposed(chance, name, count)
        grown = found.after[""].numerator - found.before[""].numerator
        # a walk's ends are rounded to the grain of 4 nm, ground to the square millimetre of each cell
        rounding = {"road_on_foot": 4 * 100, "ground": 50, "ground_on_foot": 50}.get(name, 0)
        assert grown == pytest.approx(found.places["adds"].sum(), rel=0, abs=rounding)
        assert found.after[""].denominator == found.before[""].denominator
        reached.append(grown)
    assert reached == sorted(reached)
    assert reached[0] > 0


def test_no_two_junctions_measured_one_by_one_serve_more(chance):
    found = proposed(chance, "people", 2)
    scene, one = chance.scene(), found.indicator
    streets = scene.streets
    junctions = shapely.points(streets.nodes[streets.degree >= 3])
    assert len(junctions) == 9
    most = max(
        int(measure(scene.with_targets("toilets", list(pair), {}), one).numerator.amount.sum())
        for pair in itertools.combinations(junctions, 2)
    )
    assert found.after[""].numerator == most


def test_the_figure_of_residents_comes_first(town):
    assert siting_indicator(town.indicators, "toilets", None, None).id == "toilet_people"
    assert siting_indicator(town.indicators, "greenery", None, None).id == "green_people"
    assert siting_indicator(town.indicators, "lamps", None, None).id == "lit_road"


def test_what_cannot_be_asked_is_told_in_one_sentence(place, code):
    def ask(name, **more):
        return lambda: proposed(place, name, 1, **more)

    refused = [
        (UsageError, "lit_road does not ask for more", ask("lit_road")),
        (UsageError, "not_too_many does not ask for more", ask("not_too_many")),
        (UsageError, "give --distance", ask("by_kind")),
        (UsageError, "a table has no positions", ask("people", candidates="chiefs")),
        (NotFoundError, "nothing is loaded in bins", ask("people", candidates="bins")),
        (NotFoundError, "no unit '99'", ask("people", unit="99")),
        (
            NotFoundError,
            "none of the parking lies in the unit",
            ask("people", candidates="parking", unit=code.A2),
        ),
    ]
    for kind, words, refuse in refused:
        with pytest.raises(kind, match=words):
            refuse()


def test_where_nothing_stands_yet_the_first_is_placed(build, code):
    content = {name: rows for name, rows in along(code).items() if name != "toilets"}
    found = proposed(build(content, DEFINITIONS), "people", 1)
    assert (xs(found), found.before[""].numerator, found.after[""].numerator) == ([400], 0, 27_000)


# the command


def call(place, *arguments, lang="en"):
    return RUN.invoke(app, ["site", *arguments, "-w", str(place.workspace.root), "--lang", lang])


def test_the_command_tells_places_and_figures(place):
    done = call(place, "toilets", "--add", "2", "--indicator", "people")
    assert done.exit_code == 0, done.output
    assert "overall: 38.46 → 84.62 % (30 → 66 of 78 residents); goal ≥ 80 % met" in done.output
    assert "no other 2 of the 4 candidates serve more" in done.output
    assert "5 residents beyond the distance of every candidate" in done.output
    chinese = call(place, "toilets", "--add", "2", "--indicator", "people", lang="zh").output
    assert "总体：38.46 → 84.62 %（30 → 66，共 78 人）；目标 ≥ 80 %，已达标" in chinese
    assert "在 4 个候选点中，没有其他 2 处能覆盖更多" in chinese


def test_the_command_in_json_and_as_files(place, tmp_path):
    told = json.loads(call(place, "toilets", "--add", "2", "--indicator", "people", "--json").output)
    assert [(row["adds"], row["together"]) for row in told["places"]] == [(18, 18), (18, 36)]
    assert told["candidates"] == {"from": "junctions", "unit": None, "count": 4}
    assert (told["lacking"], told["beyond_every_candidate"], told["exact"], told["of_best_percent"]) == (
        48,
        5,
        True,
        100,
    )
    (figure,) = told["figures"]
    assert (figure["before"]["numerator"], figure["after"]["numerator"], figure["after"]["met"]) == (
        30,
        66,
        True,
    )
    for ending in ("csv", "xlsx", "geojson"):
        done = call(
            place, "toilets", "--add", "2", "--indicator", "people", "-o", str(tmp_path / f"s.{ending}")
        )
        assert done.exit_code == 0, done.output
    heading, *rows = CalamineWorkbook.from_path(tmp_path / "s.xlsx").get_sheet_by_index(0).to_python()
    assert [row[heading.index("Adds")] for row in rows] == [18, 18]
    points = json.loads((tmp_path / "s.geojson").read_text(encoding="utf-8"))["features"]
    assert [one["geometry"]["type"] for one in points] == ["Point", "Point"]


def test_the_command_where_there_is_nothing_to_add(build, code, place):
    served = build(along(code, buildings=houses({"old": HOUSES["old"]})), DEFINITIONS)
    done = call(served, "toilets", "--add", "2", "--indicator", "people")
    assert (done.exit_code, done.output.strip()) == (
        0,
        "trial: nothing is left to serve, no new place is needed",
    )
    lonely = build(along(code, buildings=houses({"far": HOUSES["far"]})), DEFINITIONS)
    done = call(lonely, "toilets", "--add", "2", "--indicator", "people")
    assert done.exit_code == 0
    assert "5 residents not served, but none of the 4 candidates is within the distance" in done.output
    refused = call(place, "water", "--add", "2")
    assert refused.exit_code == 2
    assert "error: no indicator asks what is near water" in refused.output
