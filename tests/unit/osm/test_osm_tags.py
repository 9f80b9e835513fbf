"""What tags mean: by the table that ships, or a workspace's own."""

import pytest

from gridsvc.errors import DefinitionError
from gridsvc.intake.osm.tags import load_table, metres, read_field
from gridsvc.layers import load_layers

TABLE = load_table()


def field(layer, name, /, **tags):
    given = {key.replace("__", ":"): value for key, value in tags.items()}
    return read_field(TABLE.layers[layer].fields[name], [given]).texts[0]


@pytest.mark.parametrize(
    ("highway", "road_class"),
    [
        ("motorway", "expressway"),
        ("trunk_link", "expressway"),
        ("primary", "arterial"),
        ("secondary", "secondary"),
        ("tertiary", "branch"),
        ("residential", "branch"),
        ("living_street", "lane"),
        ("pedestrian", "lane"),
        ("service", "lane"),
        ("footway", None),
        ("construction", None),
    ],
)
def test_road_classes(highway, road_class):
    assert field("roads", "class", highway=highway) == road_class


def test_a_route_number_stands_in_only_where_a_street_has_no_name():
    assert field("roads", "road_code", highway="primary", ref="G310") == "G310"
    assert field("roads", "road_code", highway="primary", ref="G310", name="人民路") is None


def test_nothing_is_assumed_of_what_is_not_tagged():
    assert field("roads", "width", highway="primary", lanes="4") is None
    assert field("roads", "carriageway", highway="primary", oneway="yes") is None
    assert field("parking", "kind", amenity="parking") is None
    assert field("toilets", "kind", amenity="toilets") is None
    assert field("greenery", "kind", landuse="grass") is None
    assert field("buildings", "use", building="yes") is None
    assert "state" not in TABLE.layers["lamps"].fields
    assert "population" not in TABLE.layers["buildings"].fields


def test_kinds():
    assert field("toilets", "kind", toilets__disposal="flush") == "flush"
    assert field("toilets", "kind", toilets__disposal="pitlatrine") == "dry"
    assert field("parking", "kind", parking="street_side", access="customers") == "street"
    assert field("parking", "kind", parking="surface", access="customers") == "attached"
    assert field("greenery", "kind", leisure="park") == "park"
    assert field("greenery", "kind", natural="wood") == "protective"
    assert field("buildings", "use", building="yes", amenity="school") == "school"


def test_every_value_that_the_table_gives_is_one_that_its_layer_knows():
    layers = load_layers()
    for name, rules in TABLE.layers.items():
        for spec, given in rules.fields.items():
            allowed = layers[name].fields.get(spec) if name in layers else None
            for rule in given:
                if allowed is not None and allowed.values and rule.values:
                    assert set(rule.values.values()) <= set(allowed.value_of.values()), (name, spec)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.5", "3.5"),
        ("3,5 m", "3.5"),
        ("12 米", "12"),
        ("350 cm", "3.5"),
        ("20 ft", "6.096"),
        ("12'6\"", "3.81"),
        ("~10", None),
        ("narrow", None),
        ("", None),
    ],
)
def test_lengths(text, expected):
    assert metres(text) == expected


def test_a_number_that_is_none_is_told():
    reading = read_field(TABLE.layers["parking"].fields["bays"], [{"capacity": "40"}, {"capacity": "some"}])
    assert reading.texts == ["40", None]
    assert reading.lost == {1: "capacity=some"}


def test_a_workspace_may_have_rules_of_its_own(workspace):
    own = (
        '[bins]\nform = "point"\nelements = ["node"]\nselect = { amenity = ["waste_basket", "recycling"] }\n'
    )
    (workspace.root / "osm_tags.toml").write_text(own, encoding="utf-8")
    table = load_table(workspace)
    assert table.layers["bins"].selected({"amenity": "recycling"}) == "amenity=recycling"
    assert table.layers["roads"] == TABLE.layers["roads"]


def test_broken_rules_are_refused_with_their_file(workspace):
    (workspace.root / "osm_tags.toml").write_text('[bins]\nform = "cube"\n', encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"osm_tags\.toml.*bins\.form"):
        load_table(workspace)
