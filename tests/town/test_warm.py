"""The warm engine gives what a computation of everything gives, to the last digit, after whatever edits."""

import datetime as dt

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsvc.coverage.engine import compute, ready, results
from gridsvc.coverage.figures import COLUMNS, Figures
from gridsvc.coverage.held_figures import HeldFigures
from gridsvc.coverage.indicators import Indicators
from gridsvc.coverage.warm import Warm
from gridsvc.store import RESULTS

AS_OF = dt.date(2026, 11, 1)
LEVELS = ("county", "district", "community", "grid")


# one of each kind, and those whose facts depend on more than what is near
CHOSEN = (
    "lit_length", "lamps_burning_main", "road_density", "dead_ends", "machine_swept_area", "green_people",
    "green_near", "green_share", "parking_bays", "roads_with_chief", "vacant_posts", "grids_with_officer",
    "lamps_with_chief", "sewage_treated", "toilet_walk", "lamps_along", "green_homes",
)  # fmt: skip
DEFINITIONS = """
[toilet_walk]
title = { zh = "步行", en = "On foot" }
definition = { zh = "试验", en = "trial" }
kind = "feature_near"
group = "sanitation"
of = { layer = "buildings" }
near = { layer = "toilets", distance = 300, way = "walk" }
source = "trial"
year = 2026

[lamps_along]
title = { zh = "间距", en = "Spacing" }
definition = { zh = "试验", en = "trial" }
kind = "spacing"
group = "roads"
of = { layer = "roads" }
along = { layer = "lamps", where = { state = ["lit"] }, every = 120 }
source = "trial"
year = 2026

[green_homes]
title = { zh = "绿", en = "Green homes" }
definition = { zh = "试验", en = "trial" }
kind = "count_share"
group = "green"
of = { layer = "buildings" }
covered = { layer = "greenery", share = 30 }
source = "trial"
year = 2026
"""


def rows_of(frame, name):
    """Rows of a result, without what the store adds."""
    found = frame.reindex(columns=[*RESULTS[name].columns]).astype(object)
    found = found.where(found.notna(), None)
    if "geometry" in frame:
        found["geometry"] = frame.geometry.to_wkb()
    return sorted(map(tuple, found.to_numpy().tolist()), key=repr)


def by_subject(table):
    rows = table[COLUMNS].astype(object).where(table[COLUMNS].notna(), None).to_dict("records")
    return {(row["indicator"], row["subject_kind"], row["subject"]): row for row in rows}


def at_all_levels(figures):
    tables = [figures.table(level=level) for level in LEVELS]
    tables += [figures.table(roads=True), figures.table(chiefs=True)]
    return {key: row for table in tables for key, row in by_subject(table).items()}


class Town:
    """A place with a warm engine beside its store."""

    def __init__(self, place, chosen=None, earlier=()):
        self.place, wanted = place, place.indicators
        if chosen:
            wanted = Indicators({name: wanted[name] for name in chosen}, "chosen")
        for day in earlier:
            compute(place.store, place.workspace, place.layers, wanted, day)
        self.warm = Warm.open(place.store, place.workspace, place.layers, wanted, AS_OF)

    def figures(self):
        warm, place = self.warm, self.place
        return HeldFigures(
            place.store, place.workspace, place.layers, warm.indicators, warm.run, warm.scene, warm.sums
        )

    def stored(self):
        """The figures of the last run as others read them."""
        place = self.place
        return Figures.open(
            place.store, place.workspace, place.layers, self.warm.indicators, self.warm.run.id
        )

    def check(self):
        """What the last run holds is what a computation of everything comes to."""
        warm, scene = self.warm, self.place.scene()
        versions = scene.versions()
        whole = results(scene, ready(warm.indicators, versions))
        for name in RESULTS:
            stored = self.place.store.result(name, warm.run.id)
            assert rows_of(stored, name) == rows_of(whole[name], name), name
        assert (warm.versions, warm.run.versions) == (versions, versions)
        held = warm.sums.tallies()
        assert rows_of(held, "tallies") == rows_of(whole["tallies"], "tallies")


# random edits

METRES = st.integers(-60, 860)
SPOT = st.tuples(METRES, st.integers(-60, 460))
CODES = st.sampled_from(["B001", "N002", "M003", "X004", "NEW", None])
NAMES = st.sampled_from(["边界路", "北边路", "中心路", "分隔路", "新路", "无名", None])
SHAPES = {
    "points": SPOT.map(shapely.Point),
    "lines": st.lists(SPOT, min_size=2, max_size=3, unique=True).map(shapely.LineString),
    "areas": st.tuples(SPOT, st.integers(1, 80), st.integers(1, 80)).map(
        lambda box: shapely.box(*box[0], box[0][0] + box[1], box[0][1] + box[2])
    ),
}
STATE = st.sampled_from(["lit", "dark", None])
DAY = st.sampled_from(["2026-05-01", "2026-10-15", "2026-12-01", None])
CLASS = st.sampled_from(["arterial", "branch", "lane", None])
HOLDER = st.sampled_from(["C1", "C2", "C3", "C5", "O1", "O2", "NOBODY", None])
METRE = st.sampled_from([None, 0, 50, 120, 333])
ROADS = st.sampled_from(["R1", "R2", "R3a", "R3b", "R4a", "R5", "NONE"])
FIELDS = {
    "lamps": {"at": SHAPES["points"], "state": STATE, "road_code": CODES, "road_name": NAMES,
              "light_points": st.sampled_from([1, 2, None]), "checked_on": DAY},
    "roads": {"at": SHAPES["lines"], "class": CLASS, "road_code": CODES, "road_name": NAMES,
              "width": st.sampled_from([None, 5, 20]), "machine_swept": st.sampled_from([True, False, None]),
              "carriageway": st.sampled_from(["divided", None])},
    "greenery": {"at": SHAPES["areas"], "kind": st.sampled_from(["park", "roadside"])},
    "toilets": {"at": SHAPES["points"], "kind": st.sampled_from(["flush", "dry", None])},
    "parking": {"at": SHAPES["points"] | SHAPES["areas"], "bays": st.sampled_from([None, 3, 40])},
    "buildings": {"at": SHAPES["points"] | SHAPES["areas"], "population": st.sampled_from([None, 0, 7, 12.5])},
    "reported": {"indicator": st.just("sewage_treated"), "value": st.sampled_from([10, 97.25]),
                 "unit_code": st.sampled_from(["990001", "990001001"]), "reported_on": DAY.filter(bool)},
    "duties": {"holder": HOLDER, "date_from": DAY, "road_code": CODES, "road_name": NAMES,
               "from_m": METRE, "to_m": METRE,
               "unit_code": st.sampled_from([None, None, "990001001001001"]), "date_to": DAY},
    "chiefs": {"name": st.sampled_from(["张一", "李二", None])},
    "observations": {"layer": st.just("lamps"),
                     "asset_key": st.sampled_from(["L1", "L3", "L5"]), "field": st.just("state"),
                     "value": st.sampled_from(["亮", "灭"]), "observed_on": DAY.filter(bool)},
    "exemptions": {"layer": st.sampled_from(["roads", "路灯"]), "indicator": st.sampled_from([None, "lit_road"]),
                   "feature_key": st.sampled_from(["R1", "R5", "L2", "L8"]), "from_m": METRE, "to_m": METRE},
    "road_shares": {"road_id": ROADS, "from_m": METRE, "to_m": METRE, "share": st.sampled_from([0, 33, 100]),
                    "unit_code": st.sampled_from(["990001001001001", "990001001001003"])},
}  # fmt: skip


@st.composite
def edits(draw):
    """One edit: layer, what is done, which row, and new values."""
    layer = draw(st.sampled_from(sorted(FIELDS)))
    what = draw(st.sampled_from(["change", "change", "change", "add", "remove"]))
    values = draw(st.fixed_dictionaries(FIELDS[layer]))
    some = draw(st.sets(st.sampled_from(sorted(values)), min_size=1, max_size=3))
    return (
        layer,
        what,
        draw(st.integers(0, 20)),
        values if what == "add" else {name: values[name] for name in some},
    )


def edited(rows, key, edit):
    """Rows of a layer after an edit."""
    _, what, number, values = edit
    rows = [dict(row) for row in rows]
    number %= max(len(rows), 1)
    if what == "remove":
        return rows[:number] + rows[number + 1 :]
    if what == "add":
        named = {name: f"new{number}" for name in key if name.endswith("_id") and name not in values}
        new = {**named, **values}
        return [*rows, new]
    if rows:
        rows[number] |= values
    return rows


def without_doubles(rows, key):
    return list({tuple(row.get(name) for name in key): row for row in rows}.values())


@pytest.fixture(scope="module")
def town(build, content):
    place = build(content, DEFINITIONS)
    return Town(place, CHOSEN, [dt.date(2026, 6, 1), dt.date(2026, 10, 18)])


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(edits(), min_size=1, max_size=3), min_size=1, max_size=3))
def test_any_edits_give_what_a_computation_of_everything_gives(town, content, batches):
    place, held = town.place, {layer: content.get(layer, []) for layer in FIELDS}
    for layer, rows in held.items():
        place.apply(layer, rows)
    town.warm.update()
    for batch in batches:
        for edit in batch:
            key = place.layers[edit[0]].key
            held[edit[0]] = without_doubles(edited(held[edit[0]], key, edit), key)
        for layer in dict.fromkeys(edit[0] for edit in batch):
            place.apply(layer, held[layer])
        town.warm.update()
        town.check()


def changed(rows, place, **values):
    """Rows with other values in one of them."""
    return [{**row, **values} if number == place else row for number, row in enumerate(rows)]


EDITS = {
    "a lamp goes out": ("lamps", lambda rows: changed(rows, 0, state="dark")),
    "a lamp moves to another road": ("lamps", lambda rows: changed(rows, 0, at=shapely.Point(190, 80))),
    "a lamp is taken away": ("lamps", lambda rows: rows[1:]),
    "a road is drawn anew": (
        "roads",
        lambda rows: changed(rows, 0, at=shapely.LineString([(200, 0), (220, 200), (180, 400)])),
    ),
    "a road is part of another": ("roads", lambda rows: changed(rows, 3, road_code="B001")),
    "a green is larger": ("greenery", lambda rows: changed(rows, 2, at=shapely.box(500, 290, 560, 330))),
    "more people live somewhere": ("buildings", lambda rows: changed(rows, 0, population=400)),
    "a chief has less of a road": ("duties", lambda rows: changed(rows, 1, to_m=300)),
    "a post falls vacant": ("chiefs", lambda rows: changed(rows, 0, name=None)),
    "a grid has no officer any more": ("officers", lambda rows: rows[1:]),
    "a lamp was seen": (
        "observations",
        lambda rows: [
            *rows,
            {
                "layer": "lamps",
                "asset_key": "L3",
                "field": "state",
                "value": "灭",
                "observed_on": "2026-10-25",
            },
        ],
    ),
    "an outage is over": ("exemptions", lambda rows: rows[:1]),
    "an agreement ends": ("road_shares", lambda rows: []),
}


@pytest.fixture(scope="module")
def whole(build, content):
    return Town(build(content, DEFINITIONS), CHOSEN)


@pytest.mark.parametrize("edit", EDITS)
def test_figures_at_all_levels_after_an_edit_are_those_of_the_run(whole, content, edit):
    layer, alter = EDITS[edit]
    whole.place.apply(layer, content[layer])
    whole.warm.update()
    shown = at_all_levels(whole.figures())
    whole.place.apply(layer, alter(content[layer]))
    change = whole.warm.update()
    # who holds posts on units stands in gaps everywhere
    assert (change.results is not None) == (edit == "a grid has no officer any more")
    whole.check()
    others = by_subject(whole.figures().changed(change.sums))
    run = at_all_levels(whole.stored())
    # a subject whose sums are zero by now has no row of its own any more
    shown = {key: row for key, row in (shown | others).items() if key in run}
    assert shown == {**run, **{key: {**run[key], "name": row["name"]} for key, row in shown.items()}}
    assert set(shown) == set(run)


def test_a_computation_of_everything_after_edits_stores_nothing_but_its_record(whole, content):
    place = whole.place
    place.apply("lamps", content["lamps"][2:])
    place.apply("roads", content["roads"][1:])
    whole.warm.update()
    run = compute(place.store, place.workspace, place.layers, whole.warm.indicators, AS_OF)
    assert run.versions == whole.warm.run.versions
    for name in RESULTS:
        for mark in ("run_in", "run_out"):
            count = place.store.database.rows(
                f"SELECT COUNT(*) FROM result_{name} WHERE {mark} = ?", (run.id,)
            )
            assert count == [(0,)], name


def test_what_is_beside_the_county_counts_as_near(build, content):
    town = Town(build(content), CHOSEN[:8])
    beside = [{"lamp_id": "N1", "at": shapely.Point(700, 408), "state": "lit", "light_points": 1}]
    town.place.apply("lamps", beside, context=True)
    change = town.warm.update()
    town.check()
    assert {"lit_length"} <= set(change.sums["indicator"])
    town.place.apply("lamps", changed(beside, 0, state="dark"), context=True)
    town.warm.update()
    town.check()


def test_other_boundaries_are_computed_as_a_whole(build, content):
    town = Town(build(content), CHOSEN[:8])
    town.place.apply("grids", content["grids"][:-1])
    change = town.warm.update()
    assert change.results is not None
    town.check()
    town.place.apply("lamps", changed(content["lamps"], 0, state="dark"))
    assert town.warm.update().results is None
    town.check()


def test_a_layer_that_comes_or_goes_makes_its_indicators_come_and_go(build, content):
    place = build({layer: rows for layer, rows in content.items() if layer not in ("toilets", "greenery")})
    town = Town(place, CHOSEN[:8])
    for rows in (content["toilets"], content["toilets"][1:], []):
        place.apply("toilets", rows)
        town.warm.update()
        town.check()


@pytest.mark.parametrize("day", [dt.date(2026, 6, 1), dt.date(2026, 12, 1)])
def test_runs_of_others_do_not_mislead(build, content, day):
    town = Town(build(content), CHOSEN[:8])
    town.place.compute(day)
    town.place.apply("lamps", content["lamps"][1:])
    town.warm.update()
    town.check()


def test_a_pruned_history_is_no_hindrance(build, content):
    town = Town(build(content), CHOSEN[:8])
    for rows in (content["lamps"][1:], content["lamps"][2:], content["lamps"]):
        town.place.apply("lamps", rows)
    # the states of the newest run are kept: from there it can go on
    town.place.store.prune(keep=1)
    assert town.warm.update().results is None
    town.check()
    for rows in (content["lamps"][1:], content["lamps"]):
        town.place.apply("lamps", rows)
    town.place.compute()
    town.place.store.prune(keep=1)
    assert town.warm.update().results is not None
    town.check()


def test_nothing_loaded_is_nothing_stored(build, content):
    town = Town(build(content), CHOSEN[:8])
    run = town.warm.run
    assert town.warm.update() is None
    town.place.apply("lamps", content["lamps"])
    town.warm.update()
    assert town.warm.run == run


@pytest.mark.postgis
def test_a_server_holds_the_same(build, content, postgres):
    town = Town(build(content, store=f"{postgres}&schema=warm&views=warm_views"), CHOSEN[:8])
    for edit in ("a lamp goes out", "a road is drawn anew", "a chief has less of a road", "a lamp was seen"):
        layer, alter = EDITS[edit]
        town.place.apply(layer, alter(content[layer]))
        town.warm.update()
        town.check()
