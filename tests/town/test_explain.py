"""A figure taken apart: its facts by hand, and all figures of all units as the sums of their facts."""

import json
from dataclasses import replace

import pytest
import python_calamine
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.codes import LEVELS
from gridsvc.coverage.explain import DEFINITIONS, Subject, explain
from gridsvc.coverage.facts import EXACT
from gridsvc.coverage.indicators import Indicators
from gridsvc.coverage.scene import Scene
from gridsvc.errors import NotFoundError, UsageError

RUN = CliRunner()
ZONE = "@built_up"


@pytest.fixture(scope="module")
def parts(figures):
    """Explains a figure of the town."""
    scene = Scene.of_run(figures.store, figures.workspace, figures.layers, figures.run)

    def make(indicator, code, kind="unit"):
        return explain(figures, figures.indicators[indicator], Subject(kind, code), scene)

    return make


def listed(found, *columns):
    """Facts as rows of some columns and the four amounts in base units."""
    rows = found.rows
    sides = rows[list(EXACT)].round(6).to_numpy().tolist()
    heads = rows[list(columns)].round(2).astype(object).to_numpy().tolist()
    return [(*head, *side) for head, side in zip(heads, sides, strict=True)]


# sums


def test_facts_add_up_to_every_figure_of_every_unit_to_the_last_digit(figures, parts):
    tables = [figures.table(level=level, indicator="lit_road") for level in LEVELS]
    units = sorted({code for table in tables for code in table["subject"]})
    assert [code[6:] for code in units if code.endswith("*")] == ["001*", "001001*"]
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


# one of each kind, by hand


def test_length_near(parts, code):
    """R1 is lit 226–274 m and shared 70 : 30 from 300 m on; R2's other side is outside; R5 ends 1 m inside A1."""
    found = parts("lit_road", code.A1)
    rows = listed(found, "key", "side", "from_m", "to_m", "share")
    slanted = [row for row in rows if row[0] == "R3a"]
    assert [row for row in rows if row[0] != "R3a"] == [
        ("R1", "left", 200, 226, 0.5, 0, 13, 0, 0),
        ("R1", "left", 226, 274, 0.5, 24, 24, 0, 0),
        ("R1", "left", 274, 300, 0.5, 0, 13, 0, 0),
        ("R1", "left", 300, 400, 0.7, 0, 70, 0, 0),
        ("R2", "right", 0, 34, 0.5, 0, 17, 0, 0),
        ("R2", "right", 34, 66, 0.5, 16, 16, 0, 0),
        ("R2", "right", 66, 84, 0.5, 0, 9, 0, 0),
        ("R2", "right", 84, 116, 0.5, 16, 16, 0, 0),
        ("R2", "right", 116, 134, 0.5, 0, 9, 0, 0),
        ("R2", "right", 134, 166, 0.5, 16, 16, 0, 0),
        ("R2", "right", 166, 200, 0.5, 0, 17, 0, 0),
        ("R5", "left", 200, 201, 0.5, 0, 0.5, 0, 0),
        ("R5", "right", 200, 201, 0.5, 0, 0.5, 0, 0),
    ]
    # the left of R3a leaves A1 a little past x = 200, where its slanted piece does
    assert {row[1] for row in slanted} == {"left"}
    assert slanted[0][2] == 0
    assert slanted[-1][3] == pytest.approx(200.02, abs=0.2)
    near = found.behind[["key", "of", "distance_m", "within_m"]].round(6).to_numpy().tolist()
    assert [row for row in near if row[1] == "R1"] == [["L7", "R1", 18, 30]]
    # L10 stands where L1 does
    assert sorted(row[0] for row in near if row[1] == "R2") == ["L1", "L10", "L4", "L9"]


def test_length_share_with_its_exemption(parts, code):
    """R1 lies right of A3 to y = 200; its 100–150 m are exempt."""
    found = parts("machine_swept", code.A3)
    assert listed(found, "key", "side", "from_m", "to_m", "share", "fields") == [
        ("R1", "left", 0, 100, 0.5, "class=arterial, machine_swept=True", 50, 50, 0, 0),
        ("R1", "left", 100, 150, 0.5, "class=arterial, machine_swept=True", 0, 0, 0, 25),
        ("R1", "left", 150, 200, 0.5, "class=arterial, machine_swept=True", 25, 25, 0, 0),
    ]
    row = found.exemptions.iloc[0]
    assert (row["feature_key"], row["document"], str(row["date_to"])[:10]) == ("R1", "1号", "2026-12-31")


def test_count_share_with_unknown_and_exempt(parts, code):
    assert listed(parts("flush_toilets", code.C), "layer", "key", "fields") == [
        ("toilets", "T1", "kind=flush", 1, 1, 0, 0),
        ("toilets", "T2", "kind=dry", 0, 1, 0, 0),
        ("toilets", "T3", "kind=?", 0, 0, 1, 0),
    ]
    found = parts("lamps_burning", code.C)
    amounts = {row[0]: row[1:] for row in listed(found, "key")}
    assert amounts["L6"] == (2, 2, 0, 0)
    assert amounts["L3"] == (0, 0, 1, 0)
    assert amounts["L9"] == (0, 0, 0, 1)
    assert "L4" not in amounts  # outside
    assert found.exemptions["document"].tolist() == ["2号"]


def test_feature_near_names_the_nearest_target(parts, code):
    """H3's residents are not known, H4 lies outside the zone, H6 has no residents."""
    found = parts("green_people", code.C)
    assert listed(found, "key", "near_m", "within_m") == [
        ("H1", 20, 100, 40, 40, 0, 0),
        ("H2", 170, 100, 0, 60, 0, 0),
        ("H3", 170, 100, 0, 0, 1, 0),
        ("H5", 40, 100, 12.5, 12.5, 0, 0),
    ]
    nearest = dict(zip(found.rows["key"], found.rows["near_key"], strict=True))
    # G1 and G2 are as near to H3
    assert nearest.pop("H3") in ("G1", "G2")
    assert nearest == {"H1": "G2", "H2": "G4", "H5": "G3"}


def test_area_share_with_what_covers_the_cell(parts, code):
    found = parts("green_share", code.A1)
    assert listed(found, "fact", "cell") == [("cell", code.A1 + ZONE, 2400, 40_000, 0, 0)]
    behind = found.behind[["what", "key", "of", "area_mm2"]].to_numpy().tolist()
    assert behind == [["covers", name, code.A1 + ZONE, 1600 * 10**6] for name in ("G1", "G2")]


def test_area_near_with_what_is_near(parts, code):
    found = parts("toilet_50", code.A2)
    assert listed(found, "cell")[0][:3] == (code.A2 + ZONE, pytest.approx(2500 * 3.14159, rel=1e-3), 40_000)
    assert found.behind[["what", "key", "distance_m", "within_m"]].to_numpy().tolist() == [
        ["near", "T1", 0, 50]
    ]


def test_density_lists_both_sides(parts, code):
    rows = listed(parts("parking_bays", code.C), "layer", "key")
    assert rows == [
        ("parking", "P1", 20, 0, 0, 0),
        ("parking", "P3", 5, 0, 0, 0),
        ("buildings", "H1", 0, 40, 0, 0),
        ("buildings", "H2", 0, 60, 0, 0),
        ("buildings", "H3", 0, 0, 1, 0),  # residents not known
        ("buildings", "H5", 0, 12.5, 0, 0),
    ]


def test_duties_stand_behind_roads_with_a_chief(parts, code):
    behind = parts("roads_with_chief", code.A1).behind
    held = {(row.key, row.of, row.role, row.from_m, row.to_m) for row in behind.itertuples(index=False)}
    assert ("C1", "R1", "路长", 0.0, 400.0) in held
    assert ("C3", "R2", "路长", 0.0, 800.0) in held  # vacant: the duty is there, nobody in it
    assert set(behind["what"]) == {"duty"}


def test_every_figure_names_its_files(parts, code):
    sources = parts("lit_road", code.A1).sources.set_index("layer")
    assert sources.loc["lamps", ["source", "sha256", "mode"]].tolist() == ["town", "0" * 64, "replace"]
    assert {"grids", "zones", "roads", "road_shares", "exemptions"} <= set(sources.index)


# later


def test_a_run_is_explained_from_the_layers_it_was_computed_from(build, content, code):
    place = build(content)
    place.compute()
    before = explain(place.figures(), place.indicators["flush_toilets"], Subject("unit", code.C))
    place.apply("toilets", [{**content["toilets"][0], "kind": "dry"}])
    place.compute()
    for run, amounts in ((1, [1, 2, 1, 0]), (2, [0, 1, 0, 0])):
        found = explain(place.figures(run), place.indicators["flush_toilets"], Subject("unit", code.C))
        assert list(found.stored.values()) == amounts
        assert found.adds_up
    first = explain(place.figures(1), place.indicators["flush_toilets"], Subject("unit", code.C))
    assert first.rows.equals(before.rows)
    used = first.sources.set_index("layer").loc["toilets"]
    assert used["load"] == used["version"] < used["current"]


def test_changed_definitions_are_told_where_sums_differ(figures, code):
    strict = figures.indicators["flush_toilets"].model_copy(update={"match": {"kind": ("dry", "flush")}})
    changed = replace(figures, indicators=Indicators({strict.id: strict}, "other"))
    found = explain(changed, strict, Subject("unit", code.C))
    assert (found.listed["numerator"], found.stored["numerator"]) == (2, 1)
    assert not found.adds_up
    assert found.why == (DEFINITIONS,)


@pytest.mark.parametrize(
    ("indicator", "kind", "subject", "error"),
    [
        ("lit_road", "unit", "990001999", NotFoundError),
        ("lit_road", "unit", "990001001001001*", NotFoundError),
        ("lit_road", "road", "nowhere", NotFoundError),
        ("green_share", "chief", "C1", UsageError),
    ],
)
def test_what_has_no_figure_is_refused(parts, indicator, kind, subject, error):
    with pytest.raises(error):
        parts(indicator, subject, kind)


# the command


def call(place, *words):
    done = RUN.invoke(app, ["explain", *map(str, words), "-w", str(place.workspace.root)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_tells_everything(town, code):
    told = call(town, "lit_road", code.A1, "--lang", "en", "--limit", 3)
    assert "Roads with lamps" in told
    assert "3 of 1" in told
    assert "adds up to the stored figure, to the last digit" in told
    assert "逐位相同" in call(town, "lit_road", code.A1, "--lang", "zh")
    data = json.loads(call(town, "lit_road", code.A1, "--json"))
    assert data["adds_up"]
    assert sum(fact["denominator_exact"] for fact in data["facts"]) == data["sums"][1]["stored"]
    assert data["indicator"]["rule"]["near"]["layer"] == "lamps"


def test_the_command_writes_a_sheet_for_each_side(town, code, tmp_path):
    call(town, "machine_swept", code.A3, "--lang", "en", "-o", tmp_path / "a.xlsx")
    book = python_calamine.CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    assert book.sheet_names == [
        "definition", "sums", "numerator", "denominator", "exempt", "behind", "exemptions", "sources",
    ]  # fmt: skip
    rows = book.get_sheet_by_name("exempt").to_python()
    assert dict(zip(*rows, strict=True))["Exempt (nm)"] == 25e9
    assert book.get_sheet_by_name("sums").to_python()[1][1:4] == [75e9, 75e9, True]


def test_the_command_writes_shapes(town, code):
    made = json.loads(call(town, "green_people", code.C, "--format", "geojson"))
    assert {feature["properties"]["key"] for feature in made["features"]} == {"H1", "H2", "H3", "H5"}
    assert all(116 < _first(feature["geometry"]["coordinates"]) < 118 for feature in made["features"])


def _first(coordinates):
    while isinstance(coordinates, list):
        coordinates = coordinates[0]
    return coordinates


@pytest.mark.parametrize("words", [[], ["990001", "--chief", "C1"]])
def test_the_command_asks_whose_figure(town, words):
    done = RUN.invoke(app, ["explain", "lit_road", *words, "-w", str(town.workspace.root), "--lang", "en"])
    assert done.exit_code == 2
