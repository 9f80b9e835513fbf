"""Road chiefs of the town: their stretches and their figures."""

import pandas as pd
import pytest

from gridsvc.checks import find
from gridsvc.duties.people import People

SLANTED = 10004**0.5


def test_stretches_are_stored_with_measures_and_lines(town):
    stored = town.store.result("stretches")
    found = {
        (row.holder, row.road_id): (round(row.from_m, 3), round(row.to_m, 3), bool(row.vacant))
        for row in stored.itertuples(index=False)
    }
    assert found == {
        ("C1", "R1"): (0, 400, False),
        # 250–450 m of 600.08: the end of R3a, and R3b from 150.08 to its end, where it meets R3a
        ("C2", "R3a"): (250, 300.04, False),
        ("C2", "R3b"): (150.08, 300.04, False),
        ("C3", "R2"): (0, 800, True),
        ("C5", "R1"): (0, 100, False),
        ("C5", "R8"): (0, 100, False),
    }
    assert set(stored.geometry.geom_type) == {"LineString"}


def test_posts_on_units(town, code):
    stored = town.store.result("posts")
    assert sorted(zip(stored["holder"], stored["unit"], stored["vacant"].astype(bool), strict=True)) == [
        ("O1", code.A1, False), ("O2", code.A2, True), ("O3", code.B, False),
    ]  # fmt: skip


def test_a_post_without_a_name_is_vacant(town):
    people = People.open(town.store)
    assert people.chiefs.set_index("chief_id")["vacant"].to_dict()["C3"]
    known = pd.Series(sorted(people.known))
    in_office = set(known[people.in_office(known, known.str.startswith("C"))])
    assert in_office == {"C1", "C2", "C4", "C5", "O1", "O3"}
    assert people.known == in_office | {"C3", "O2"}


def test_roads_with_a_chief_by_chief(town):
    """Who holds what of the zone; C3's road counts as nobody's, C4's duty has ended."""
    found = town.tallies("roads_with_chief", "chief")
    assert found.keys() == {"C1", "C2", "C3", "C5"}
    assert found["C1"] == pytest.approx((250, 250, 0, 50))
    assert found["C2"] == pytest.approx((200, 200, 0, 0), abs=1e-6)
    assert found["C3"] == pytest.approx((0, 275, 0, 0))
    assert found["C5"] == pytest.approx((100, 100, 0, 0))


def test_a_stretch_of_a_chief_is_shared_by_the_cells_beside_it(town, code):
    """C2's 250–400.06 m lie between A2 and A*, the rest up to 450 m between B1 and B2."""
    found = town.tallies("roads_with_chief", "cell")
    first = 100 + 3 * SLANTED - 250
    zone = "@built_up"
    assert found[code.A + "*" + zone][0] == pytest.approx(first / 2 + 25, abs=1e-6)  # and R1 150–200 m
    assert found[code.A2 + zone][0] == pytest.approx(
        first / 2 + 50 + 30, abs=1e-6
    )  # and R1 200–400 m, by agreement
    assert found[code.B1 + zone][0] == pytest.approx((200 - first) / 2, abs=1e-6)
    assert found[code.B2 + zone][0] == pytest.approx((200 - first) / 2 + 100, abs=1e-6)  # and R8


def test_figures_of_one_chief(figures):
    rows = figures.table(chief="C1").set_index("indicator")
    assert rows.loc["lit_road", ["numerator", "denominator"]].tolist() == pytest.approx([48, 250])
    assert rows.loc["lit_road", ["display", "grade", "name"]].tolist() == ["19.20", "C", "张一"]
    # 26–74 and 226–274 m of 350
    assert rows.loc["lit_road_main", "display"] == "27.43"
    assert rows.loc["machine_swept", "display"] == "100.00"
    assert "persons" in rows.loc["green_share", "reason_en"]
    assert rows.loc["green_share", "display"] == "—"


def test_what_is_not_known_gives_no_value_but_a_reason(figures):
    row = figures.table(chief="C5", indicator="lit_road").iloc[0]
    assert (row["display"], row["grade"], row["reason_zh"]) == ("—", "", "状态未知，尚无数据或巡查记录")


def test_a_chief_without_duties_has_rows_without_values(figures):
    rows = figures.table(chief="C4")
    assert set(rows["display"]) == {"—"}
    assert rows["name"].unique().tolist() == ["王四"]


def test_the_town_has_no_faulty_duties(town):
    scene = town.scene()
    assert scene.duties.faults.empty
    assert scene.unused_shares.empty


def test_agreements_that_apply_nowhere_are_kept_for_a_report(build, content, code):
    rows = [
        *content["road_shares"],
        {"road_id": "R9", "unit_code": code.A1, "share": 60},
        {"road_id": "R5", "unit_code": code.A3, "share": 60},  # on both sides
    ]
    scene = build({**content, "road_shares": rows}).scene()
    assert scene.unused_shares["road_id"].tolist() == ["R5", "R9"]
    found = find(scene).frame
    assert set(found.loc[found["kind"] == "unused_share", "target"]) == {"R5", "R9"}
