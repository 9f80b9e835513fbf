"""Two runs of the town compared: what differs, and which features made the difference, to the last digit."""

import datetime as dt
import json

import pandas as pd
import pytest
import shapely
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from gridsvc.cli import app
from gridsvc.coverage.causes import find_causes
from gridsvc.coverage.comparison import Choice, Comparison
from gridsvc.coverage.facts import EXACT
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import load_indicators
from gridsvc.coverage.tallies import SIDES
from gridsvc.errors import NotFoundError

RUN = CliRunner()
box = shapely.box
LATER = dt.date(2026, 11, 8)


def call(place, *arguments, code=0):
    done = RUN.invoke(
        app, [*map(str, arguments), "-w", str(place.workspace.root)], env={"GRIDSVC_LANG": "en"}
    )
    assert done.exit_code == code, done.output
    return done


def compared(place, earlier=1, later=2, **more):
    return Comparison(place.figures(earlier), place.figures(later), **more)


def verdicts(comparison, indicator, **choice):
    """Verdict and basis by subject."""
    rows = comparison.table(Choice(indicator=indicator, **choice))
    return {row["subject"]: (row["verdict"], row["basis"]) for row in rows.to_dict("records")}


def causes(comparison, indicator, kind, subject):
    """What happened, by layer and key."""
    rows = find_causes(comparison, indicator, kind, [subject]).rows
    return {(row["part"], row["key"]): (row["what"], row["changes"]) for row in rows.to_dict("records")}


def changed(rows, key, name, **values):
    """*rows* with the values of one of them changed."""
    return [{**one, **values} if one[key] == name else one for one in rows]


@pytest.fixture(scope="module")
def lamps(build, content):
    """The town; a week later one lamp burns again, one was seen dark, one was taken down, one is new."""
    place = build(content, languages=("zh",))
    place.compute()
    rows = changed(content["lamps"], "lamp_id", "L2", state="lit")
    rows = [one for one in rows if one["lamp_id"] != "L8"]
    rows.append({"lamp_id": "NEW", "at": shapely.Point(320, 388), "state": "dark", "light_points": 3})
    place.apply("lamps", rows)
    seen = [
        {"layer": "lamps", "asset_key": "L3", "field": "state", "value": "dark", "observed_on": "2026-11-05"}
    ]
    place.apply("observations", [*content["observations"], *seen])
    exempt = [{"layer": "lamps", "feature_key": "FAR", "reason": "outage", "document": "3号"}]
    place.apply("exemptions", [*content["exemptions"], *exempt])
    place.compute(LATER)
    return place


def test_what_happened_to_each_lamp_is_told(lamps, code):
    found = causes(compared(lamps), "lamps_burning", "unit", code.C)
    assert found == {
        ("counted", "L2"): ("changed", [("state", "dark", "lit")]),
        ("counted", "L3"): ("observed", [("state", None, "dark")]),
        ("counted", "L8"): ("ended", []),
        ("counted", "NEW"): ("added", []),
        ("counted", "FAR"): ("exempted", []),
    }


def test_a_unit_hears_of_its_own_lamps_only(lamps, code):
    comparison = compared(lamps)
    assert set(causes(comparison, "lamps_burning", "unit", code.A3)) == {("counted", "L8")}
    assert set(causes(comparison, "lamps_burning", "unit", code.D + "*")) == {("counted", "FAR")}
    # A2: none of 2 burnt (L2, ODD), now 1 of 5 light points; B1: 2 of 2, now 2 of 3
    grids = verdicts(comparison, "lamps_burning", level="grid")
    assert grids[code.A2] == ("better", "stored")
    assert grids[code.B1] == ("worse", "stored")
    assert grids[code.A1] == ("same", "stored")


def test_a_road_that_is_lit_otherwise_names_the_lamps_beside_it(lamps, code):
    found = causes(compared(lamps), "lit_length", "unit", code.A2)
    assert found["counted", "R2"][0] == "near"
    assert found["near", "L2"] == ("changed", [("state", "dark", "lit")])
    # on the same road, but 200 m off, in another grid
    assert ("near", "L3") not in found


@pytest.mark.parametrize(
    "choice", [{"level": "county"}, {"level": "grid"}, {"chiefs": True}, {"roads": True}], ids=str
)
def test_causes_add_up_to_the_difference_of_every_figure(lamps, choice):
    comparison = compared(lamps)
    rows = comparison.table(Choice(**choice))
    rows = rows[rows["verdict"] != "same"]
    assert {"lamps_burning", "lit_length"} <= set(rows["indicator"])
    for name, group in rows.groupby("indicator"):
        kind = group["subject_kind"].iloc[0]
        found = find_causes(comparison, name, kind, group["subject"].tolist()).rows
        told = found[found["part"] == "counted"].groupby("subject")[list(EXACT.values())].sum()
        for row in group.to_dict("records"):
            sides = [row[f"{side}_int_after"] - row[f"{side}_int_before"] for side in SIDES
                     if not pd.isna(row[f"{side}_int_before"])]  # fmt: skip
            if sides:
                assert told.loc[row["subject"]].tolist() == sides, (name, row["subject"])


def test_loads_in_between_are_listed(lamps, code):
    loads = find_causes(compared(lamps), "lamps_burning", "unit", [code.C]).loads
    assert [one.layer for one in loads] == ["lamps", "observations", "exemptions"]


def test_an_unknown_unit_is_refused(lamps):
    with pytest.raises(NotFoundError, match="no unit '7'"):
        compared(lamps).table(Choice(unit="7"))


# units


@pytest.fixture(scope="module")
def split(build, content, code):
    """The town; on 8 November its grid A1 is split into A4 (west) and A5 (east), nothing else changes."""
    a4, a5 = code.A + "004", code.A + "005"
    grids = changed(content["grids"], "code", code.A1, valid_to="2026-11-07")
    for name, at in ((a4, box(0, 200, 100, 400)), (a5, box(100, 200, 200, 400))):
        grids = [*grids, {"code": name, "name": name, "at": at, "valid_from": "2026-11-08"}]
    place = build({**content, "grids": grids}, languages=("zh",))
    place.compute()
    place.compute(LATER)
    return place


def test_a_split_unit_is_compared_over_the_ground_of_now(split, code):
    comparison = compared(split)
    rows = comparison.table(Choice(level="grid"))
    new = rows[rows["subject"].isin([code.A + "004", code.A + "005"])]
    # what was never reported is not there to be compared
    assert set(new["basis"]) == {"restated", "none", "stored"}
    # nothing but the grids changed, so the data of the first day gives the figures of the second
    assert set(new.loc[new["basis"] == "restated", "verdict"]) == {"same"}
    assert len(new[new["basis"] == "restated"]) > 20
    # a grid is no half of another
    assert set(new.loc[new["basis"] == "none", "indicator"]) == {"grids_with_officer", "gridded_area"}
    gone = rows[rows["subject"] == code.A1]
    assert set(gone["verdict"]) == {"ended"}
    # each half has 100 of its 200 m
    assert comparison.became == {code.A1: {code.A + "004": 0.5, code.A + "005": 0.5}}
    told = call(split, "compare", 1, 2, "--unit", code.A1, "--indicator", "road_density").stdout
    assert "the unit is no more" in told
    assert f"now {code.A}004 50.0%, {code.A}005 50.0%" in told
    stayed = rows[rows["subject"] == code.A2]
    assert (set(stayed["basis"]), set(stayed["verdict"])) == ({"stored"}, {"same"})


def test_figures_of_what_holds_the_same_ground_are_those_that_were_stored(split, code):
    county = verdicts(compared(split), "lamps_burning")
    assert county == {code.C: ("same", "stored")}


def test_a_figure_that_counts_units_names_those_that_came_and_went(split, code):
    comparison = compared(split)
    assert verdicts(comparison, "grids_with_officer") == {code.C: ("worse", "stored")}
    assert causes(comparison, "grids_with_officer", "unit", code.C) == {
        ("counted", code.A1): ("ended", []),
        ("counted", code.A + "004"): ("added", []),
        ("counted", code.A + "005"): ("added", []),
    }


# definitions


def test_a_figure_that_is_defined_otherwise_is_not_compared(build, content, code):
    # green within 100 m, then within 50 m
    text = """
[near_green]
title = {{ zh = "见绿", en = "Green" }}
definition = {{ zh = "试", en = "trial" }}
kind = "length_near"
group = "green"
of = {{ layer = "roads" }}
near = {{ layer = "greenery", distance = {metres} }}
bands = {{ A = {a}, B = 1 }}
goals = [{{ value = 100, source = "trial" }}]
source = "trial"
year = 2026
"""
    place = build(content, text.format(metres=100, a=90), languages=("zh",))
    file = place.workspace.layers_dir / "indicators.toml"

    def again(metres, a):
        file.write_text(text.format(metres=metres, a=a), encoding="utf-8")
        place.__dict__["indicators"] = load_indicators(place.workspace, place.layers)
        place.compute()

    place.compute()
    again(50, 90)
    again(50, 2)
    first = compared(place, 1, 2)
    assert first.redefined == {"near_green": True}
    assert verdicts(first, "near_green") == {code.C: ("definition", "none")}
    told = call(place, "compare", 1, 2, "--quick").stdout
    assert "defined otherwise, their difference says nothing: near_green" in told
    # by the later definition nothing changed
    again_ = compared(place, 1, 2, definitions=True)
    assert verdicts(again_, "near_green") == {code.C: ("same", "restated")}
    # other bands: the figure is the same, each is graded as it was
    bands = compared(place, 2, 3)
    assert bands.redefined == {"near_green": False}
    row = bands.table(Choice(indicator="near_green")).iloc[0]
    assert (row["verdict"], row["basis"]) == ("same", "stored")
    assert (row["grade_before"], row["grade_after"]) == ("B", "A")
    assert "not what they count: near_green" in call(place, "compare", 2, 3).stdout


# the command


def test_the_command_tells_what_changed_and_why(lamps, code, tmp_path):
    told = call(lamps, "compare", 1, 2, "--indicator", "lamps_burning", "--features").stdout
    assert "run 1 draft, as of 2026-11-01 → run 2 draft, as of 2026-11-08" in told
    assert "1 changed (L2)" in told
    assert "State: Dark → Burning" in told
    assert "Loads in between" in told
    data = json.loads(call(lamps, "compare", 1, 2, "--level", "grid", "--json").stdout)
    assert data["other_ground"] == []
    assert {one["verdict"] for one in data["figures"]} <= {"better", "worse", "begun", "gone"}
    assert {one["layer"] for one in data["loads"]} >= {"lamps", "observations"}
    assert {one["key"] for one in data["causes"]} >= {"L2", "L3", "L8", "NEW", "FAR", "R2"}
    file = tmp_path / "对比.xlsx"
    call(lamps, "compare", 1, 2, "-o", file, "--lang", "zh")
    book = CalamineWorkbook.from_path(str(file))
    assert book.sheet_names == ["指标", "原因"]
    assert [row[1] for row in book.get_sheet_by_name("指标").to_python() if row[0] == "lamps_burning"] == [
        "亮灯率"
    ]
    same = call(lamps, "compare", 1, 1).stdout
    assert "no figure changed" in same


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("compare", 1, 9), "there is no run 9"),
        (("compare", 1, 2, "--unit", "7"), "there is no unit '7'"),
        (("compare", 1, 2, "--indicator", "x"), "there is no indicator 'x'"),
        (("compare", 1, 2, "--features", "--quick"), "cannot be given together"),
        (("compare", 1, 2, "--sort", "x"), "comparisons are sorted by"),
        (("compare", 1, 2, "--quick", "--format", "geojson"), "comparisons are written as"),
        (("trend", "x"), "there is no indicator 'x'"),
        (("trend", "lit_road", "--unit", "7"), "no run has a figure lit_road of this unit"),
        (("trend", "lit_road", "--published"), "there is no run to show"),
        (("trend", "lit_road", "--published", "--all"), "cannot be given together"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_sentence(lamps, arguments, told):
    assert told in call(lamps, *arguments, code=2).stderr


# trends


def test_a_trend_shows_every_run_and_its_difference_from_the_one_before(lamps, code):
    data = json.loads(call(lamps, "trend", "lamps_burning", "--json").stdout)
    assert (data["subject"], [one["as_of"] for one in data["points"]]) == (
        code.C,
        ["2026-11-01", "2026-11-08"],
    )
    values = [
        Figures.open(lamps.store, lamps.workspace, lamps.layers, lamps.indicators, run)
        .table(indicator="lamps_burning")["value"].iloc[0]
        for run in (1, 2)
    ]  # fmt: skip
    assert [one["value"] for one in data["points"]] == values
    assert data["points"][1]["change"] == values[1] - values[0]
    assert data["points"][1]["verdict"] == "worse"
    shown = call(lamps, "trend", "lamps_burning").stdout
    assert "█▁" in shown
    chief = json.loads(call(lamps, "trend", "lit_road", "--chief", "C1", "--json").stdout)
    assert chief["points"][0]["verdict"] == ""
    assert len(chief["points"]) == 2


def test_a_unit_that_is_new_has_a_trend_from_its_first_run(split, code):
    points = json.loads(call(split, "trend", "lit_road", "--unit", code.A + "004", "--json").stdout)["points"]
    assert [one["value"] is None for one in points] == [True, False]
    assert points[0]["note"] == "not in this run"
