"""Places that lack something: every table still reads."""

import datetime as dt

import pytest
from shapely import affinity

from gridsvc.coverage.engine import compute
from gridsvc.errors import DefinitionError, NotFoundError, UsageError

LAYERS = ("roads", "lamps", "chiefs", "zones", "grids")


def read_everything(place):
    figures = place.figures()
    tables = [
        figures.table(),
        figures.table(chiefs=True),
        figures.table(roads=True),
        figures.table(chief="C1"),
    ]
    tables += [figures.table(level=level) for level in ("county", "district", "community", "grid")]
    assert len(tables[0]) == len(place.indicators)
    figures.gaps(chief="C1")
    figures.gaps(unit="990001")
    for level in ("county", "grid"):
        figures.unit_shapes(level)
    return tables


@pytest.mark.parametrize("missing", LAYERS)
def test_a_town_without_one_layer(build, content, missing):
    place = build({layer: rows for layer, rows in content.items() if layer != missing})
    place.compute()
    for table in read_everything(place):
        silent = table[table["display"] == "—"]
        assert (silent["reason_en"] != "").all()
        assert (silent["reason_zh"] != "").all()


def test_a_county_and_nothing_else(build, content):
    place = build({"counties": content["counties"]})
    place.compute()
    tables = read_everything(place)
    assert set(tables[0]["display"]) == {"—"}
    assert place.figures().table(level="grid")["subject"].unique().tolist() == ["990001*"]


def test_without_boundaries_nothing_is_computed(build, content):
    with pytest.raises(UsageError, match="no boundaries are loaded"):
        build({"roads": content["roads"]}).compute()
    with pytest.raises(UsageError, match="nothing is loaded yet"):
        build({}).compute()


def test_before_the_first_run_there_are_no_figures(build, content):
    with pytest.raises(NotFoundError, match="gridsvc compute"):
        build({"counties": content["counties"]}).figures()


def test_unknown_units_levels_and_indicators_are_refused(figures):
    with pytest.raises(NotFoundError, match="990009"):
        figures.table(unit="990009")
    with pytest.raises(UsageError, match="county, district, community, grid"):
        figures.table(level="street")
    with pytest.raises(NotFoundError, match="lit_road"):
        figures.table(indicator="lit")


def test_a_metre_system_that_is_none_is_refused(build, content):
    for name in ("EPSG:4490", "EPSG:3857"):
        with pytest.raises(DefinitionError, match="metre_crs"):
            build({"counties": content["counties"]}, metre_crs=name).compute()


def test_two_counties_far_apart_are_computed_together(build, content):
    """Each adds up by itself; nothing of one is near anything of the other."""

    def moved(rows, code):
        return [
            {**row, "code": code + row["code"][6:], "at": affinity.translate(row["at"], 60_000, 90_000)}
            for row in rows
        ]

    both = {
        name: content[name] + moved(content[name], "990002")
        for name in ("counties", "districts", "communities", "grids")
    }
    place = build({**content, **both})
    place.compute()
    rows = place.figures().table(indicator="lit_road").set_index("subject")
    assert rows["display"].to_dict() == {"990001": "18.71", "990002": "—"}
    assert rows.loc["990002", "reason_en"].startswith("no part of it lies in the zone")
    assert place.figures().table(level="grid", unit="990002")["subject"].nunique() == 5 + 2
    findings = place.store.result("findings")
    assert set(findings["kind"]) == {"gap"}


def test_progress_is_told_to_its_end(build, content):
    place = build({"counties": content["counties"]})
    told = []
    compute(
        place.store,
        place.workspace,
        place.layers,
        place.indicators,
        dt.date(2026, 11, 1),
        lambda *step: told.append(step),
    )
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2]
