"""What checks find, and what they leave alone, in places of a few features."""

import pytest
import shapely

from gridsvc.checks import find, loaded
from gridsvc.store import Source

C = "990001"
COUNTY = {"counties": [{"code": C, "name": "县", "at": shapely.box(-500, -500, 1500, 1500)}]}


def road(road_id, *points, **fields):
    return {"road_id": road_id, "width": 6, "class": "lane", "at": shapely.LineString(points), **fields}


@pytest.fixture(scope="module")
def found(build):
    """Findings as {(kind, feature, other): row} of a county with some layers."""

    def check(content, **county):
        frame = find(build({**COUNTY, **content}, **county).scene()).frame
        return {(row["kind"], row["feature"], row["other"]): row for row in frame.to_dict("records")}

    return check


def kinds(rows, *wanted):
    return {key: round(row["size"], 3) for key, row in rows.items() if key[0] in wanted}


NETWORK = ("undershoot", "overshoot", "island", "double_road")
MAIN = road("M", (0, 0), (400, 0))


def test_a_road_that_ends_short_of_another_is_found_with_its_gap(found):
    rows = found({"roads": [MAIN, road("S", (100, 200), (100, 1.5))]})
    assert kinds(rows, *NETWORK) == {("undershoot", "S", "M"): 1.5}
    assert rows["undershoot", "S", "M"]["unit"] == C


def test_a_road_that_ends_just_beyond_another_is_found_with_its_stub(found):
    rows = found({"roads": [MAIN, road("S", (100, 200), (100, -0.8))]})
    assert kinds(rows, *NETWORK) == {("overshoot", "S", "M"): 0.8}


def test_a_stub_of_its_own_beyond_a_junction_is_an_overshoot(found):
    rows = found({"roads": [MAIN, road("S", (100, 200), (100, 0)), road("T", (100, 0), (100, -1.2))]})
    assert kinds(rows, *NETWORK) == {("overshoot", "T", "M"): 1.2}


def test_two_ends_that_miss_each_other_are_one_gap(found):
    rows = found({"roads": [road("A", (0, 0), (100, 0)), road("B", (101, 0), (200, 0))]})
    assert kinds(rows, *NETWORK) == {("undershoot", "B", "A"): 1}


def test_junctions_crossings_dead_ends_and_the_countys_border_are_no_findings(found):
    rows = found(
        {
            "roads": [
                MAIN,
                road("T", (100, 200), (100, 0)),  # ends on M, which has no vertex there
                road("X", (200, 200), (200, -200)),  # crosses M: a bridge, perhaps
                road("D", (300, 0), (300, 90)),  # a dead end
                road("N", (300, 93), (350, 93), (350, 0)),  # 3 m from the dead end
                road("B", (1495, 0), (1499, 0)),  # goes on beyond the border
                road("L", (50, 0), (50, 50), (60, 50), (60, 0)),
                road("R", (0, 0), (0, 40), (20, 40), (20, 20), (0, 20)),  # ends on itself
            ]
        }
    )
    assert kinds(rows, *NETWORK) == {}


def test_the_distance_that_ends_are_snapped_over_is_the_countys(found):
    roads = [MAIN, road("S", (100, 200), (100, 3))]
    assert kinds(found({"roads": roads}), "undershoot") == {}
    assert kinds(found({"roads": roads}, road_snap=4), "undershoot") == {("undershoot", "S", "M"): 3}


def test_roads_that_meet_no_others_are_one_note_with_their_length(found):
    rows = found({"roads": [MAIN, road("P", (0, 500), (30, 500)), road("Q", (30, 500), (30, 540))]})
    assert kinds(rows, *NETWORK) == {("island", "P", ""): 70}
    assert rows["island", "P", ""]["severity"] == "note"
    assert "2 road features (P …)" in rows["island", "P", ""]["text_en"]


def test_a_road_drawn_twice_is_found_with_the_length_that_counts_twice(found):
    # E leaves M after 90 of its 100 m; F runs beside M, 0.4 m off, on all of its 50 m; G is 6 m off
    rows = found(
        {
            "roads": [
                MAIN,
                road("E", (0, 0), (90, 0), (90, 10)),
                road("F", (200, 0.4), (250, 0.4)),
                road("G", (0, 6), (400, 6)),
            ]
        }
    )
    # of the way that E leaves on, half a metre is still within half a metre
    assert kinds(rows, "double_road") == {("double_road", "E", "M"): 90.5, ("double_road", "F", "M"): 50}


def test_of_two_copies_the_later_key_is_the_copy(found):
    rows = found({"roads": [MAIN, road("N", (400, 0), (0, 0))]})
    assert kinds(rows, "double_road") == {("double_road", "N", "M"): 400}


def test_features_at_one_place_are_found_once_for_each_copy(found):
    at = shapely.Point
    lamps = [("L1", at(0, 0)), ("L2", at(0.3, 0)), ("L3", at(0, 0)), ("L4", at(0.9, 0)), ("L5", at(5, 5))]
    rows = found({"lamps": [{"lamp_id": key, "at": shape} for key, shape in lamps]})
    assert kinds(rows, "same_place") == {("same_place", "L2", "L1"): 0.3, ("same_place", "L3", "L1"): 0}


def test_areas_are_copies_only_where_their_outlines_agree(found):
    rows = found(
        {
            "greenery": [
                {"green_id": "A", "at": shapely.box(0, 0, 50, 50)},
                {"green_id": "B", "at": shapely.box(0.2, 0, 50.2, 50)},
                {"green_id": "C", "at": shapely.Polygon([(0, 0), (50, 0), (50, 50)])},  # the same bounds
                {"green_id": "D", "at": shapely.box(10, 10, 20, 20)},
            ]
        }
    )
    assert kinds(rows, "same_place") == {("same_place", "B", "A"): 0.2}


def test_a_layer_says_itself_how_near_is_the_same_place(build, root):
    text = (root / "layers" / "lamps.toml").read_text(encoding="utf-8")
    lamps = [{"lamp_id": key, "at": shapely.Point(0, 0)} for key in ("L1", "L2")]
    place = build({**COUNTY, "lamps": lamps}, files={"lamps": "same_place = 0\n" + text})
    assert "same_place" not in set(find(place.scene()).frame["kind"])


def test_one_name_twice_within_twenty_metres_is_a_note(found):
    rows = found(
        {
            "toilets": [
                {"toilet_id": "T1", "name": "东门公厕", "at": shapely.Point(0, 0)},
                {"toilet_id": "T2", "name": "东门 公厕", "at": shapely.Point(0, 12)},
                {"toilet_id": "T3", "name": "东门公厕", "at": shapely.Point(0, 90)},
                {"toilet_id": "T4", "name": "西门公厕", "at": shapely.Point(0, 13)},
            ]
        }
    )
    assert kinds(rows, "same_name") == {("same_name", "T2", "T1"): 12}


def test_units_with_one_outline_are_found(found):
    districts = [{"code": C + f"00{n}", "name": "x", "at": shapely.box(0, 0, 100, 100)} for n in (1, 2)]
    rows = found({"districts": districts})
    assert kinds(rows, "same_outline") == {("same_outline", C + "002", C + "001"): 10000}


def test_values_are_held_against_the_definitions_of_today(found):
    lamps = [
        {"lamp_id": "OK", "state": "lit", "height": 8, "light_points": 1, "checked_on": "2026-10-01"},
        {"lamp_id": "ODD", "state": "flickers", "height": 75, "light_points": 1, "checked_on": "2026-10-01"},
        {"lamp_id": "NEW", "light_points": 0, "checked_on": "2099-01-01"},
    ]
    duties = [{"holder": "C1", "unit_code": C, "date_from": "2026-05-01", "date_to": "2026-04-01"}]
    rows = found(
        {"lamps": [{**row, "at": shapely.Point(0, 9 * n)} for n, row in enumerate(lamps)], "duties": duties}
    )
    told = {key[:2]: row["text_en"] for key, row in rows.items()}
    assert told["not_allowed", "ODD"] == "ODD (lamps): State: flickers is not one of its values"
    assert told["out_of_range", "ODD"] == "ODD (lamps): Pole height: 75 is above 60"
    assert told["out_of_range", "NEW"] == "NEW (lamps): Light points: 0 is below 1"
    assert told["future_date", "NEW"] == "NEW (lamps): Checked on: 2099-01-01 is still to come"
    (dates,) = [text for (kind, _), text in told.items() if kind == "backward_dates"]
    assert dates.endswith("2026-05-01 – 2026-04-01")
    assert not [key for key in told if key[1] == "OK"]


def test_the_share_of_a_graded_field_that_nobody_knows_is_a_note(found):
    lamps = [{"lamp_id": f"L{n}", "state": "lit" if n else None, "light_points": 1} for n in range(3)]
    rows = found({"lamps": [{**row, "at": shapely.Point(0, 9 * n)} for n, row in enumerate(lamps)]})
    (note,) = [row for key, row in rows.items() if key[0] == "unknown_values"]
    assert note["text_en"] == "lamps: State is not known for 1 of 3 (33.3 %)"
    assert note["text_zh"] == "路灯：状态未知 1 / 3（33.3 %）"
    assert note["severity"] == "note"


def test_a_finding_keeps_its_file_and_row_when_a_rollback_brought_the_feature_back(build):
    place = build({**COUNTY, "roads": [MAIN, road("S", (100, 200), (100, 1.5))]})
    record = place.apply("roads", [MAIN], mode="replace")
    assert place.store.origins("roads")["key"].tolist() == ["M"]
    place.store.rollback(record.id)
    origins = place.store.origins("roads").set_index("key")
    assert origins.loc["S", ["source", "source_row"]].tolist() == ["town", 1]
    frame = find(place.scene()).frame
    row = frame[frame["kind"] == "undershoot"].iloc[0]
    assert (row["source"], row["source_row"], row["other_row"]) == ("town", 1, 0)


def test_rows_that_no_file_brought_have_no_origin(build):
    place = build(COUNTY)
    frame = place.store.read("counties").assign(source_row=7, name="renamed")
    place.store.apply("counties", frame, Source("check --fix", ""), "upsert")
    assert place.store.read("counties")["name"].tolist() == ["renamed"]
    assert place.store.origins("counties")["source_row"].tolist() == [0]


def test_a_load_is_told_what_needs_attention_in_its_layer(build):
    place = build({**COUNTY, "roads": [MAIN, road("S", (100, 200), (100, 1.5))]})
    (told,) = loaded(place.store, place.workspace, place.layers, "roads")
    assert told.en == "worth a look in roads: Road ends short of another 1; where: gridsvc check"
    assert told.zh == "道路需检查：道路未接上 1；位置见 gridsvc check"
    assert loaded(place.store, place.workspace, place.layers, "counties") == []


def test_a_load_of_units_finds_what_the_check_finds(build):
    districts = [
        {"code": C + "001", "name": "a", "at": shapely.box(-500, -500, 510, 1500)},
        {"code": C + "002", "name": "b", "at": shapely.box(500, -500, 1510, 1480)},
    ]
    place = build({**COUNTY, "districts": districts})
    frame = find(place.scene()).frame
    counts = frame[frame["severity"] == "attention"].groupby("kind").size().to_dict()
    assert counts == {"overlap": 1, "gap": 1, "protrusion": 1}
    (told,) = loaded(place.store, place.workspace, place.layers, "districts")
    assert told.en == "worth a look in districts: Overlap 1, Left over 1, Protrusion 1; where: gridsvc check"


def test_roads_without_any_boundary_are_checked(build):
    place = build({"roads": [MAIN, road("S", (100, 200), (100, 1.5))]})
    assert {"no_units", "undershoot"} <= set(find(place.scene()).frame["kind"])
