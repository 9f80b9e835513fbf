"""Units through time: the town's grid A1 is split on 1 July 2026 into A4 (its west) and A5 (its east)."""

import datetime as dt

import pytest
import shapely

from gridsvc.checks import find
from gridsvc.coverage.vintages import Vintages
from gridsvc.errors import UsageError
from gridsvc.partition.lineage import REST, changes, successors

BEFORE, AFTER = dt.date(2026, 6, 30), dt.date(2026, 7, 1)
box = shapely.box
KINDS = {
    "code_again", "still_valid", "ended_untold", "begun_untold", "lineage_unknown", "lineage_incomplete",
    "lineage_ground", "ended_unit", "unknown_unit", "orphan", "overlap",
}  # fmt: skip


@pytest.fixture(scope="module")
def a4(code):
    return code.A + "004"


@pytest.fixture(scope="module")
def a5(code):
    return code.A + "005"


@pytest.fixture(scope="module")
def grids(content, code, a4, a5):
    """The town's grids before and after, with their dates."""
    rows = [{**row, "valid_to": "2026-06-30"} if row["code"] == code.A1 else row for row in content["grids"]]
    west, east = box(0, 200, 100, 400), box(100, 200, 200, 400)
    return rows + [
        {"code": name, "name": name, "at": at, "valid_from": "2026-07-01"}
        for name, at in ((a4, west), (a5, east))
    ]


@pytest.fixture(scope="module")
def split(code, a4, a5):
    """The lineage's rows."""
    return [row("split", code.A1, a4), row("split", code.A1, a5)]


def row(kind, old, new, day="2026-07-01"):
    return {"kind": kind, "old_code": old, "new_code": new, "changed_on": day, "document": "7号"}


@pytest.fixture(scope="module")
def town(build, content, grids, split):
    """The town with both vintages. Shared: do not change it."""
    return build({**content, "grids": grids, "lineage": split})


def found(place, day=AFTER):
    """Findings about units: kind → units."""
    frame = find(place.scene(day)).frame
    frame = frame[frame["kind"].isin(KINDS)]
    return {kind: sorted(rows["unit_a"] + rows["target"]) for kind, rows in frame.groupby("kind")}


# days


def test_only_units_of_the_day_take_part(town, code, a4, a5):
    before, after = (set(town.scene(day).partition.cells["unit"]) for day in (BEFORE, AFTER))
    assert before - after == {code.A1}
    assert after - before == {a4, a5}


def test_the_cells_of_both_days_tile_the_same_ground(town):
    areas = [town.scene(day).partition.cells["area_mm2"].sum() for day in (BEFORE, AFTER)]
    assert areas[0] == areas[1] == 800 * 400 * 10**6
    for day in (BEFORE, AFTER):
        kinds = town.scene(day).partition.findings["kind"]
        assert "overlap" not in set(kinds)


def test_figures_are_of_the_units_of_their_day(build, content, grids, code, a4, a5):
    place = build({**content, "grids": grids})
    first, second = place.compute(BEFORE), place.compute(AFTER)
    before, after = (
        set(place.figures(run.id).table(level="grid", indicator="road_density")["subject"])
        for run in (first, second)
    )
    assert before - after == {code.A1}
    assert after - before == {a4, a5}


def test_a_duty_on_a_unit_that_has_ended_is_told(town, code):
    assert "ended_unit" not in found(town, BEFORE)
    assert found(town, AFTER)["ended_unit"] == [code.A1]
    faults = town.scene(AFTER).duties.faults
    assert faults[["fault", "holder", "target"]].to_numpy().tolist() == [["ended_unit", "O1", code.A1]]


def test_a_duty_on_a_code_that_only_the_lineage_knows_is_told_as_ended(build, content, split, code):
    left = [one for one in content["grids"] if one["code"] != code.A1]
    place = build({**content, "grids": left, "lineage": split})
    assert found(place)["ended_unit"] == [code.A1]


def test_a_child_of_a_unit_that_has_ended_has_no_parent(build, content, code):
    ended = [
        {**one, "valid_to": "2026-06-30"} if one["code"] == code.B else one for one in content["communities"]
    ]
    place = build({**content, "communities": ended})
    assert "orphan" not in found(place, BEFORE)
    assert found(place, AFTER)["orphan"] == [code.B1, code.B2]


def test_a_day_on_which_no_unit_holds_is_refused(build):
    place = build({"counties": [{"code": "990001", "at": box(0, 0, 100, 100), "valid_from": "2026-01-01"}]})
    with pytest.raises(UsageError, match="no unit is valid on 2025-12-31") as refusal:
        _ = place.scene(dt.date(2025, 12, 31)).partition
    assert "有效" in refusal.value.text.zh


# what became of what


def test_the_ground_of_a_split_grid_is_shared_exactly(town, code, a4, a5):
    table = Vintages.of(town.scene()).mapping(BEFORE, AFTER, "grid")
    parts = {(one.old_code, one.new_code): (one.area_mm2, one.share, one.told) for one in table.itertuples()}
    half, whole = 20_000 * 10**6, 40_000 * 10**6
    assert parts == {
        (code.A1, a4): (half, 0.5, True),
        (code.A1, a5): (half, 0.5, True),
        **{(one, one): (whole, 1.0, True) for one in (code.A2, code.A3, code.B1, code.B2)},
    }


def test_what_no_new_unit_has_is_told_as_rest(build, content, grids, split, code, a4, a5):
    """A5 lacks its northern fifth: 4,000 of A1's 40,000 m²."""
    short = [{**one, "at": box(100, 200, 200, 360)} if one["code"] == a5 else one for one in grids]
    place = build({**content, "grids": short, "lineage": split})
    table = Vintages.of(place.scene()).mapping(BEFORE, AFTER, "grid")
    mine = table[table["old_code"] == code.A1].set_index("new_code")
    assert mine["share"].to_dict() == {a4: 0.5, a5: 0.4, REST: 0.1}
    assert mine["told"].to_dict() == {a4: True, a5: True, REST: False}
    assert (table.groupby("old_code")["area_mm2"].sum() == 40_000 * 10**6).all()


def test_what_the_lineage_does_not_say_is_marked(build, content, grids, code, a4, a5):
    place = build({**content, "grids": grids, "lineage": [row("renumber", code.A1, a4)]})
    table = Vintages.of(place.scene()).mapping(BEFORE, AFTER, "grid").set_index(["old_code", "new_code"])
    assert table.loc[(code.A1, a4), "told"]
    assert not table.loc[(code.A1, a5), "told"]


def test_units_that_left_the_file_are_known_from_the_store(build, content, grids, split, code, a4, a5):
    """The office delivers the new grids only; the days come from the lineage."""
    place = build(content)
    place.apply("grids", [{**one, "valid_from": None} for one in grids if one["code"] != code.A1])
    place.apply("lineage", split)
    vintages = Vintages.of(place.scene())
    assert set(vintages.on(BEFORE, "grid")["code"]) == {code.A1, code.A2, code.A3, code.B1, code.B2}
    assert set(vintages.on(AFTER, "grid")["code"]) == {a4, a5, code.A2, code.A3, code.B1, code.B2}
    table = vintages.mapping(BEFORE, AFTER, "grid").set_index(["old_code", "new_code"])
    assert table.loc[(code.A1, a5), "share"] == 0.5


def test_a_load_that_is_undone_leaves_no_former_units(build, content, code):
    place = build({"counties": content["counties"], "grids": content["grids"]})
    load = place.apply("grids", content["grids"][1:])
    assert not Vintages.of(place.scene()).units["standing"].all()
    place.store.rollback(load.id)
    assert Vintages.of(place.scene()).units["standing"].all()


def test_codes_are_followed_through_all_changes_between_two_days(town):
    def table(*rows):
        return town.store.read("lineage").head(0).reindex(range(len(rows))).assign(
            **{name: [one[name] for one in rows] for name in rows[0]},
        ).astype({"changed_on": "datetime64[s]"})  # fmt: skip

    told = table(
        row("split", "A", "B", "2026-01-01"), row("split", "A", "C", "2026-01-01"),
        row("renumber", "C", "D", "2026-02-01"), row("merge", "D", "F", "2026-03-01"),
        row("merge", "E", "F", "2026-03-01"), row("end", "G", None, "2026-03-01"),
        row("split", "H", "H", "2026-03-01"), row("split", "H", "I", "2026-03-01"),
    )  # fmt: skip
    whole = {"A": {"B", "F"}, "E": {"F"}, "G": set(), "H": {"H", "I"}}
    assert successors(told, dt.date(2025, 12, 31), dt.date(2026, 3, 1)) == whole
    assert successors(told, dt.date(2026, 1, 1), dt.date(2026, 2, 28)) == {"C": {"D"}}
    assert successors(told, dt.date(2026, 3, 1), dt.date(2026, 12, 31)) == {}
    assert [(sorted(one.old), sorted(one.new)) for one in changes(told)] == [
        (["A"], ["B", "C"]), (["C"], ["D"]), (["D", "E"], ["F"]), (["G"], []), (["H"], ["H", "I"]),
    ]  # fmt: skip


# findings


def test_a_change_that_is_told_rightly_gives_no_finding(town, code):
    assert found(town, BEFORE) == {}
    assert found(town, AFTER) == {"ended_unit": [code.A1]}


def test_units_that_end_and_begin_without_lineage_are_told(build, content, grids, code, a4, a5):
    other = row("renumber", code.A2, code.A2, "2026-07-01")
    place = build({**content, "grids": grids, "lineage": [other]})
    told = found(place)
    assert (told["ended_untold"], told["begun_untold"]) == ([code.A1], [a4, a5])


def test_without_any_lineage_units_that_vanished_are_notes(build, content, grids, code, a4, a5):
    place = build(content)
    place.apply("grids", [one for one in grids if one["code"] != code.A1])
    frame = find(place.scene(AFTER)).frame.set_index("unit_a")
    told = frame[frame["kind"].isin(["ended_untold", "begun_untold"])]
    assert told[["kind", "severity"]].to_numpy().tolist() == [
        ["ended_untold", "note"], ["begun_untold", "note"], ["begun_untold", "note"],
    ]  # fmt: skip


def test_units_that_began_before_the_lineage_was_kept_need_none(build, content, code):
    old = [{**one, "valid_from": "2020-01-01"} for one in content["grids"]]
    place = build({**content, "grids": old, "lineage": [row("end", code.A1, None)]})
    assert "begun_untold" not in found(place)


def test_codes_that_no_load_ever_held_are_told(build, content, grids, split, code):
    lost = code.A + "099"
    place = build({**content, "grids": grids, "lineage": [*split, row("merge", lost, code.A2)]})
    assert found(place)["lineage_unknown"] == [lost]


def test_rows_without_the_codes_of_their_kind_are_told(build, content, grids, split, code):
    place = build({**content, "grids": grids, "lineage": [*split, row("merge", code.A2, None)]})
    assert len(found(place)["lineage_incomplete"]) == 1


def test_a_split_whose_parts_do_not_cover_the_old_unit_is_told(build, content, grids, split, code, a5):
    short = [{**one, "at": box(100, 200, 200, 360)} if one["code"] == a5 else one for one in grids]
    place = build({**content, "grids": short, "lineage": split})
    frame = find(place.scene(AFTER)).frame
    told = frame[frame["kind"] == "lineage_ground"].iloc[0]
    assert (told["unit_a"].split()[0], round(told["size"], 3)) == (code.A1, 4000.0)
    assert told["lon"] > 117


def test_what_is_thinner_than_drawing_noise_does_not_contradict(build, content, grids, split, a5):
    rough = [{**one, "at": box(100, 200, 200, 399)} if one["code"] == a5 else one for one in grids]
    place = build({**content, "grids": rough, "lineage": split})
    assert "lineage_ground" not in found(place)


def test_units_that_agree_to_the_last_digit_do_not_contradict(build, content, code, a4):
    """A renumbered grid whose polygon was copied."""
    old = next(one for one in content["grids"] if one["code"] == code.A1)
    rows = [one for one in content["grids"] if one is not old]
    rows += [{**old, "valid_to": "2026-06-30"}, {**old, "code": a4, "valid_from": "2026-07-01"}]
    place = build({**content, "grids": rows, "lineage": [row("renumber", code.A1, a4)]})
    assert found(place) == {"ended_unit": [code.A1]}


def test_a_unit_that_ended_by_the_lineage_and_is_still_valid_is_told(build, content, grids, split, code):
    open_ended = [{**one, "valid_to": None} for one in grids]
    place = build({**content, "grids": open_ended, "lineage": split})
    assert found(place)["still_valid"] == [code.A1]
    assert "still_valid" not in found(place, BEFORE)


def test_a_code_that_the_lineage_gives_again_is_told(build, content, grids, split, code):
    again = [
        {**one, "valid_from": "2026-09-01", "valid_to": None} if one["code"] == code.A1 else one
        for one in grids
    ]
    place = build({**content, "grids": again, "lineage": [*split, row("new", None, code.A1, "2026-09-01")]})
    assert found(place, dt.date(2026, 9, 1))["code_again"] == [code.A1]
