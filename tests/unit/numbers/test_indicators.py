"""Definitions of indicators: broken ones are refused with file, key and reason."""

import re
from typing import get_args

import pytest

from gridsvc.coverage.indicators import GROUPS, Kind, load_indicators
from gridsvc.errors import DefinitionError, NotFoundError
from gridsvc.maps.words import ENGLISH_UNITS
from gridsvc.settings import County, init_workspace
from gridsvc.text import bilingual

HEAD = """
title = { zh = "试验", en = "Trial" }
definition = { zh = "试验", en = "trial" }
group = "roads"
source = "trial"
year = 2026
"""
LAMPS = 'kind = "count_share"\nof = { layer = "lamps" }\nmatch = { state = ["lit"] }\n'
ROADS = 'kind = "length_share"\nof = { layer = "roads" }\nmatch = { machine_swept = [true] }\n'
NEAR = 'kind = "length_near"\nof = { layer = "roads" }\n'
DENSITY = 'kind = "density"\nof = { layer = "roads" }\n'


@pytest.fixture
def read(tmp_path, layers):
    """Reads shipped indicators with a workspace's own text on top."""

    def load(text):
        workspace = init_workspace(tmp_path / "county", County(name=bilingual("Trial", "试验")))
        (workspace.layers_dir / "indicators.toml").write_text(text, encoding="utf-8")
        return load_indicators(workspace, layers)

    return load


GREEN = 'kind = "area_near"\n'
SPACING = 'kind = "spacing"\nof = { layer = "roads" }\n'
REPORTED = 'kind = "reported"\n'
PARCELS = 'kind = "count_share"\nof = { layer = "parcels" }\n'
GOALS = 'goals = [{ value = 100, source = "trial" }]\n'
LANES = 'near = { layer = "lamps", by = "of", field = "class", distances = { lane = 30 } }'
# what stands in the definition, and what is said of it
LIT = 'kind = "count_share"\nof = { layer = "lamps" }\nmatch = { state = ["lit"] }\n'
BROKEN = {
    "goal below B": (
        LIT + 'goals = [{ value = 10, source = "x" }]\nbands = { A = 95, B = 80 }\n',
        "the county's own goal (10.0) is met by what is graded C",
    ),
    "allowed below 0": (LIT + "allowed = [[99, -1]]\n", "allowed: failures must be at least 0"),
    "all allowed": (LIT + "allowed = [[99, 99]]\n", "allowed: failures must be at least 0"),
    "allowed falls": (LIT + "allowed = [[99, 5], [149, 1]]\n", "not fall from row to row"),
    "band is no number": (LIT + "bands = { A = nan, B = 80 }\n", "finite number"),
    "a misspelt key": (LAMPS + "goal = 100", "goal: Extra inputs are not permitted"),
    "an unknown kind": ('kind = "share"', "kind: Input should be 'count_share'"),
    "an unknown layer": (LAMPS.replace("lamps", "lampen"), "of.layer: no layer 'lampen'"),
    "a table as layer": (LAMPS.replace("lamps", "chiefs"), "of.layer: chiefs is a table"),
    "an unknown field": (LAMPS.replace("state", "zustand"), "match: lamps has no field 'zustand'"),
    "an unknown value": (LAMPS.replace("lit", "an"), "match.state: 'an' is no value of it"),
    "no value": (LAMPS.replace('["lit"]', "[]"), "match.state: no value is given"),
    "text for yes or no": (
        ROADS.replace("[true]", '["yes"]'),
        "match.machine_swept: 'yes' is no value of it",
    ),
    "a number for yes or no": (ROADS.replace("[true]", "[1]"), "match.machine_swept: 1 is no value of it"),
    "a weight that is no number": (
        LAMPS.replace('"lamps"', '"lamps", weight = "state"'),
        "of.weight: lamps has no number field 'state'",
    ),
    "a share of nothing": (
        LAMPS.replace("match", "# match"),
        "a count_share needs one of match, responsible, has_chief, filled, covered",
    ),
    "responsible for assets": (
        LAMPS.replace('match = { state = ["lit"] }', "responsible = true"),
        "of.layer: people answer for units and roads, lamps are neither",
    ),
    "a match where it means nothing": (
        NEAR + 'near = { layer = "lamps", distance = 5 }\nmatch = { class = ["lane"] }',
        "match: belong to count_share and length_share",
    ),
    "length of what is no road": (LAMPS.replace("count", "length"), "of.layer: lamps are no roads"),
    "near nothing": (NEAR, "near: kinds that end in _near, and only these, have it"),
    "no distance": (NEAR + 'near = { layer = "lamps" }', "near: Value error, distance is missing"),
    "a negative distance": (
        NEAR + 'near = { layer = "lamps", distance = -5 }',
        "near.distance: Input should be greater than 0",
    ),
    "a misspelt class": (
        NEAR + LANES.replace("lane", "alley"),
        "near.distances.alley: no value of class",
    ),
    "a deciding field that is not there": (
        NEAR + LANES.replace("of", "near"),
        "near.field: lamps has no field 'class'",
    ),
    "distances without a field": (
        NEAR + 'near = { layer = "lamps", distances = { lane = 30 } }',
        "by, field and distances go together",
    ),
    "areas by what they are not of": (
        GREEN + LANES.replace("lamps", "greenery"),
        "near.by: area_near has no of that could decide",
    ),
    "an unknown zone": (LAMPS + 'zone = "downtown"', "zone: 'downtown' is no kind of zone"),
    "an unknown zone of areas": (
        GREEN + 'near = { layer = "greenery", distance = 5 }\nzone = "downtown"',
        "zone: 'downtown' is no kind of zone",
    ),
    "area of points": ('kind = "area_share"\nof = { layer = "lamps" }', "of.layer: lamps have no area"),
    "a base without area": (
        'kind = "area_share"\nof = { layer = "greenery" }\nbase = { layer = "lamps" }',
        "base.layer: lamps have no area",
    ),
    "a base of no area": (LAMPS + 'base = { layer = "greenery" }', "base: belongs to area kinds"),
    "a density of nothing": (DENSITY, "per: density, and only density, has it"),
    "a density per nothing": (
        DENSITY + 'per = "weight"',
        "per_of: names the layer that per = length or weight sums",
    ),
    "a density per weight without one": (
        DENSITY + 'per = "weight"\nper_of = { layer = "buildings" }',
        "per_of.weight: names the number field",
    ),
    "a density per length of no roads": (
        DENSITY + 'per = "length"\nper_of = { layer = "lamps" }',
        "per_of.layer: lamps are no roads",
    ),
    "what is summed where nothing is": (LAMPS + 'measure = "area"', "measure: belongs to density"),
    "one band": (LAMPS + "bands = { A = 90 }", "bands: both A and B"),
    "bands upside down": (
        LAMPS + "bands = { A = 90, B = 95 }",
        "bands: A (90.0) must be better than B (95.0)",
    ),
    "allowed counts that fall": (LAMPS + "allowed = [[200, 4], [99, 2]]", "allowed: rows must rise"),
    "spacing of nothing": (SPACING, "along: spacing, and only spacing, has it"),
    "something along what is no spacing": (
        LAMPS + 'along = { layer = "bins", every = 100 }',
        "along: spacing, and only spacing, has it",
    ),
    "spacing of what belongs to no road": (
        SPACING + 'along = { layer = "buildings", every = 100 }',
        "along.layer: buildings are no assets, which belong to roads",
    ),
    "spacing along what is no road": (
        SPACING.replace("roads", "lamps") + 'along = { layer = "bins", every = 100 }',
        "of.layer: lamps are no roads",
    ),
    "spacing in every 0 m": (
        SPACING + 'along = { layer = "bins", every = 0 }',
        "along.every: Input should be greater than 0",
    ),
    "spacing of none": (
        SPACING + 'along = { layer = "bins", every = 9, at_least = 0 }',
        "along.at_least: Input should be greater than or equal to 1",
    ),
    "a reported value of features": (
        REPORTED + 'of = { layer = "lamps" }',
        "of: every kind but area_near and reported has it",
    ),
    "a reported value of a zone": (
        REPORTED + 'zone = "built_up"',
        "zone: reported values are of units, not of zones",
    ),
    "allowed counts of a reported value": (
        REPORTED + "allowed = [[99, 2]]",
        "allowed: a reported value has no failures to count",
    ),
    "steps of area that fall": (
        GREEN + 'near = { layer = "greenery", by_area = [[5000, 500], [2000, 300]] }',
        "by_area: areas must rise from above 0",
    ),
    "steps of area without metres": (
        GREEN + 'near = { layer = "greenery", by_area = [[5000, 0]] }',
        "distances must be positive metres",
    ),
    "steps of area and of a field": (
        GREEN
        + 'near = { layer = "greenery", by = "near", field = "kind", distances = { park = 3 }, by_area = [[1, 1]] }',
        "by_area and by exclude each other",
    ),
    "steps of area for points": (
        GREEN + 'near = { layer = "toilets", by_area = [[5000, 500]] }',
        "near.layer: toilets have no area",
    ),
    "the road of what is no asset": (
        'kind = "count_share"\nof = { layer = "buildings", on = { class = ["lane"] } }\nfilled = "use"',
        "of.on: buildings are no assets, which belong to roads",
    ),
    "a road's class that is none": (
        LAMPS.replace('"lamps"', '"lamps", on = { class = ["alley"] }'),
        "of.on.class: 'alley' is no value of it",
    ),
    "chiefs of what is no asset": (
        'kind = "count_share"\nof = { layer = "buildings" }\nhas_chief = true',
        "of.layer: buildings are no assets",
    ),
    "two ways of counting": (
        LAMPS + "has_chief = true",
        "a count_share needs one of match, responsible, has_chief, filled, covered",
    ),
    "a field that could be filled and is not there": (
        'kind = "count_share"\nof = { layer = "water" }\nfilled = "chef"',
        "filled: water has no field 'chef'",
    ),
    "a quota without a share": (
        PARCELS + 'covered = { layer = "greenery" }',
        "covered: Value error, one of share and field",
    ),
    "a quota that is no number": (
        PARCELS + 'covered = { layer = "greenery", field = "name" }',
        "covered.field: parcels has no number field 'name'",
    ),
    "a quota of points": (
        PARCELS + 'covered = { layer = "lamps", share = 30 }',
        "covered.layer: lamps have no area",
    ),
    "a length that counts with no width": (
        ROADS.replace('"roads"', '"roads", weight = "built_year"'),
        "of.weight: only length_share has one, a width in metres",
    ),
    "a weight of nothing": (LAMPS + 'weight = 0\nsystem = "trial"', "weight: Input should be greater than 0"),
    "points of no assessment": (
        LAMPS + "weight = 2",
        "system: weight, veto and deductions name the assessment system",
    ),
    "a veto without a goal": (
        LAMPS + 'veto = true\nsystem = "trial"',
        "veto: without a goal nothing decides",
    ),
    "deductions that fall": (
        LAMPS + 'system = "trial"\ndeductions = { by = "failures", steps = [[1, 2], [3, 1]] }',
        "steps: sizes and points must be positive and rise",
    ),
    "deductions of more than there is": (
        LAMPS + 'system = "trial"\nweight = 2\ndeductions = { by = "failures", steps = [[1, 3]] }',
        "deductions.steps: 3 points off are more than the weight (2.0)",
    ),
    "deductions for failures of a density": (
        DENSITY + 'per = "area"\nsystem = "trial"\ndeductions = { by = "failures", steps = [[1, 3]] }',
        "deductions.by: a density has no failures to count",
    ),
    "deductions for missing no goal": (
        LAMPS + 'system = "trial"\ndeductions = { by = "shortfall", steps = [[1, 3]] }',
        "deductions.by: without a goal nothing falls short",
    ),
    "more than everything known": (
        LAMPS + "minimum_known = 2",
        "minimum_known: Input should be less than or equal",
    ),
    "allowed counts of a density": (
        DENSITY + 'per = "area"\nallowed = [[99, 2]]',
        "allowed: a density has no failures to count",
    ),
}


def refusal(read, text):
    with pytest.raises(DefinitionError) as refused:
        read(text)
    return refused.value.text


@pytest.mark.parametrize(("body", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_definition_is_refused_with_file_key_and_reason(read, body, reason):
    message = refusal(read, f"[trial]\n{HEAD}{body}")
    assert "indicators.toml: trial: " in message.en
    assert reason in message.en
    assert "indicators.toml：trial：" in message.zh


def test_reasons_are_said_in_chinese_too(read):
    body = 'veto = true\nbands = { A = 90, B = 95 }\nmatch = { state = ["lit"] }\n'
    message = refusal(read, f'[trial]\n{HEAD}kind = "count_share"\nof = {{ layer = "lamps" }}\n{body}')
    assert "bands：A（90.0）须优于 B（95.0）" in message.zh
    assert "veto：没有目标，无从否决" in message.zh


def test_what_layers_lack_is_said_in_chinese_too(read):
    lamps = LAMPS.replace("state", "zustand")
    assert "match：lamps 没有字段 'zustand'" in refusal(read, f"[trial]\n{HEAD}{lamps}").zh


def test_a_file_that_is_no_definition_at_all_is_refused(read, tmp_path):
    assert "indicators.toml: not valid TOML" in refusal(read, "[trial").en


def test_an_entry_that_is_no_table_is_refused(read):
    assert "trial: an indicator is a table" in refusal(read, "trial = 3").en


def test_a_missing_key_is_named(read):
    text = f"[trial]\n{HEAD}{LAMPS}".replace("year = 2026", "")
    assert "trial: year: Field required" in refusal(read, text).en


def test_an_id_must_be_a_word(read):
    assert "id 'Trial-1' must be a lower-case word" in refusal(read, f"[Trial-1]\n{HEAD}{LAMPS}").en


def test_every_fault_is_named_at_once(read):
    of = 'of = { layer = "lamps", where = { state = ["on"] }, weight = "x" }'
    message = refusal(read, f"[trial]\n{HEAD}{LAMPS}".replace('of = { layer = "lamps" }', of))
    assert "of.where.state" in message.en
    assert "of.weight" in message.en


def test_a_workspace_overrides_entry_by_entry(read):
    own = read(f"[lamps_burning]\n{HEAD}{LAMPS}\n[trial]\n{HEAD}{LAMPS}")
    assert own["lamps_burning"].title.en == "Trial"
    # the last of its group
    roads = [name for name, one in own.items() if one.group == "roads"]
    assert (roads[0], roads[-1]) == ("lit_road", "trial")
    assert [one.group for one in own.values()] == sorted(
        (one.group for one in own.values()), key=list(GROUPS).index
    )
    assert "lit_road" in own


def test_an_unknown_indicator_is_refused_with_those_there_are(layers):
    with pytest.raises(NotFoundError, match="lit_road"):
        load_indicators(None, layers)["lit"]


def test_shipped_definitions_name_source_and_year_and_fit_the_layers(layers):
    shipped = load_indicators(None, layers)
    assert {one.kind for one in shipped.values()} == set(get_args(Kind))
    for one in shipped.values():
        assert one.source
        assert one.goal is not None
        assert all(goal.source for goal in one.goals)
        assert one.year >= 2000
        assert re.search("[\u4e00-\u9fff]", one.title.zh)
        assert re.search("[\u4e00-\u9fff]", one.definition.zh)
        assert not re.search("[\u4e00-\u9fff]", one.title.en + one.definition.en)
        assert set(one.layers) <= set(layers)
        assert one.unit in ENGLISH_UNITS or one.unit.isascii() or one.unit == "km/km²", one.unit
    titles = [one.title.zh for one in shipped.values()]
    assert len(set(titles)) == len(titles)


def test_the_digest_follows_the_definitions(layers, read):
    shipped = load_indicators(None, layers)
    assert shipped.digest == load_indicators(None, layers).digest
    assert read(f"[trial]\n{HEAD}{LAMPS}").digest != shipped.digest


def test_who_is_responsible_needs_duties_and_people(read, layers):
    shipped = load_indicators(None, layers)
    assert shipped["grids_with_officer"].layers == ["grids", "duties", "officers"]
    assert shipped["roads_with_chief"].layers == ["roads", "duties", "chiefs"]
    assert shipped["lit_road"].layers == ["roads", "lamps"]


def test_figures_of_areas_are_not_for_chiefs(indicator_of, layers):
    shipped = load_indicators(None, layers)
    assert shipped["lit_road"].for_chiefs
    for name in ("green_share", "green_near", "road_density"):
        assert not shipped[name].for_chiefs
    green = {"layer": "greenery"}
    people = {"layer": "buildings", "weight": "population"}
    assert not indicator_of(kind="density", of=green, measure="area", per="weight", per_of=people).for_chiefs
