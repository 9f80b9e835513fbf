"""Definitions of indicators: broken ones are refused with file, key and reason."""

import pytest

from gridsvc.coverage.indicators import load_indicators
from gridsvc.errors import DefinitionError, NotFoundError
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
LANES = 'near = { layer = "lamps", by = "of", field = "class", distances = { lane = 30 } }'
# what stands in the definition, and what is said of it
BROKEN = {
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
    assert list(own)[-1] == "trial"
    assert "lit_road" in own


def test_an_unknown_indicator_is_refused_with_those_there_are(layers):
    with pytest.raises(NotFoundError, match="lit_road"):
        load_indicators(None, layers)["lit"]


def test_shipped_definitions_name_source_and_year_and_fit_the_layers(layers):
    shipped = load_indicators(None, layers)
    assert {one.kind for one in shipped.values()} == {
        "count_share", "length_share", "length_near", "feature_near", "area_near", "area_share", "density",
    }  # fmt: skip
    for one in shipped.values():
        assert one.source
        assert one.goal is not None
        assert one.year >= 2000


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
