"""A figure taken apart: its facts by hand, and all figures of all units as the sums of their facts."""

import pytest

from gridsvc.codes import LEVELS
from gridsvc.coverage.explain import Subject, explain
from gridsvc.coverage.scene import Scene


@pytest.fixture(scope="module")
def parts(figures):
    """Explains a figure of the town."""

    scene = Scene.of_run(figures.store, figures.workspace, figures.layers, figures.run)

    def make(indicator, code, kind="unit"):
        return explain(figures, figures.indicators[indicator], Subject(kind, code), scene)

    return make


def subjects(figures):
    """Every unit and every rest that has a row."""
    tables = [figures.table(level=level, indicator="lit_road") for level in LEVELS]
    return sorted({code for table in tables for code in table["subject"]})


def test_facts_add_up_to_every_figure_of_every_unit_to_the_last_digit(figures, parts):
    units = subjects(figures)
    assert len([code for code in units if code.endswith("*")]) >= 2
    for indicator in figures.indicators:
        for code in units:
            found = parts(indicator, code)
            assert found.listed == found.stored, (indicator, code)
            assert not found.changed


@pytest.mark.parametrize("kind", ["road", "chief"])
def test_facts_add_up_to_every_figure_of_every_road_and_chief(figures, parts, kind):
    for indicator in figures.indicators.values():
        if indicator.for_chiefs:
            table = figures.table(indicator=indicator.id, roads=kind == "road", chiefs=kind == "chief")
            for code in table["subject"]:
                found = parts(indicator.id, code, kind)
                assert found.listed == found.stored, (indicator.id, code)
                assert found.adds_up
