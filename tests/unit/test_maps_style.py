"""Colours and symbols from style.toml."""

from itertools import pairwise

import pytest

from gridsvc.errors import DefinitionError
from gridsvc.layers import load_layers
from gridsvc.maps.style import load_style
from gridsvc.settings import County, init_workspace
from gridsvc.text import bilingual

OWN = """
[roads.lane]
fill = "#ABCDEF"

[assets.hydrants.states.broken]
shape = "star"
fill = "#112233"
stroke = "#ffffff"
"""


@pytest.fixture
def styled(tmp_path):
    workspace = init_workspace(tmp_path / "county", County(name=bilingual("X", "某县")))

    def write(text):
        (workspace.root / "maps" / "style.toml").write_text(text, encoding="utf-8")
        return workspace

    return write


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_grades_differ_by_more_than_their_colour():
    style = load_style()
    patterns = {grade.hatch for grade in style.grades.values()}
    lights = sorted(luminance(style.grade(grade).fill) for grade in "ABC")
    assert {"rise", "fall"} <= patterns
    # told apart in a print without colour
    assert all(high - low > 0.1 for low, high in pairwise(lights))


def test_letters_on_grades_are_legible():
    style = load_style()
    assert all(contrast(style.grade(grade).fill, style.grade(grade).ink) >= 3 for grade in "ABC")


def test_gaps_of_different_indicators_differ_by_their_dashes():
    style = load_style()
    assert len({gap.dash for gap in style.gaps}) == len(style.gaps)


def test_a_workspace_lays_its_own_style_over_the_shipped_one(styled):
    style = load_style(styled(OWN))
    assert style.road("lane").fill == "#abcdef"
    assert style.road("lane").width == load_style().road("lane").width
    assert style.symbol("hydrants", "broken", 0).shape == "star"


def test_what_has_no_style_takes_the_palette():
    style = load_style()
    assert style.symbol("hydrants", "fine", 1) == style.palette[1]
    assert style.symbol("hydrants", None, 2) == style.palette[2]
    assert style.symbol("hydrants", "", 0).mark == "dot"
    assert style.road("footpath") == style.roads["default"]
    assert style.area("quarries") == style.areas["default"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[own]\nfill = "red"', "own.fill"),
        ('[own]\ncolour = "#ffffff"', "own.colour"),
        ("[own]\nwidth = 0", "own.width"),
        ("gaps = []", "gaps"),
        ("[own", "style.toml"),
    ],
)
def test_a_broken_style_names_file_and_key(styled, text, named):
    with pytest.raises(DefinitionError, match=r"style\.toml") as fault:
        load_style(styled(text))
    assert named in str(fault.value)


def test_states_come_from_the_observed_field_else_from_the_first_graded_one():
    style, layers = load_style(), load_layers()
    assert {name: style.state_field(layers[name]) for name in ("lamps", "toilets", "bins")} == {
        "lamps": "state",
        "toilets": "kind",
        "bins": "",
    }
