"""Lamps, toilets, greenery, parking and residents of the town."""

import numpy as np
import pytest

Z = "@built_up"


def test_light_points_by_cell(town, code):
    """Burning, observed, unknown, exempt light points."""
    assert town.tallies("lamps_burning", "cell") == {
        code.A1 + Z: (2, 2, 1, 1),  # L1; L10's light points are not known; L9 is exempt
        code.A2 + Z: (0, 2, 2, 0),  # L2 and ODD dark; L7 not known on this day
        code.A3: (2, 2, 0, 0),  # L6
        code.A3 + Z: (1, 1, 0, 0),  # L8
        code.B1: (1, 1, 0, 0),  # TIE
        code.B1 + Z: (1, 1, 1, 0),  # L5 seen burning; L3 not known
        code.D + "*": (0, 2, 0, 0),  # FAR
    }
    assert town.tallies("lamps_burning", "outside") == {"": (1, 1, 0, 0)}  # L4


def test_light_points_by_level(figures, code):
    county, district = (
        figures.table(level=level, indicator="lamps_burning").iloc[0] for level in ("county", "district")
    )
    for row in (county, district):
        assert (row["numerator"], row["denominator"], row["unknown_int"], row["exempt_int"]) == (
            7,
            11,
            4000,
            1000,
        )
        assert (row["display"], row["grade"]) == ("63.64", "C")  # 4 dark of 11, 2 are allowed
        assert row["known_share"] == pytest.approx(11 / 15)
    rows = figures.table(level="grid", indicator="lamps_burning").set_index("subject")
    assert rows["display"].to_dict() == {
        code.A1: "100.00", code.A2: "0.00", code.A3: "100.00", code.B1: "100.00", code.B2: "—",
        code.D + "*": "0.00", code.A + "*": "—",
    }  # fmt: skip
    # up to two may be dark, but not all there are
    assert rows["grade"].tolist() == ["A", "C", "A", "A", "", "C", ""]
    assert rows.loc[code.B2, ["reason_en", "reason_zh"]].tolist() == [
        "nothing to count here",
        "没有可计入的对象",
    ]
    assert rows.loc[code.D + "*", "name"].endswith("其余部分")


def test_light_points_by_road_and_by_chief(town, figures):
    """TIE, ODD and FAR wait for confirmation; L4 is outside."""
    roads = {"B001": (2, 2, 2, 0), "N002": (2, 3, 2, 1), "M003": (1, 1, 0, 0), "R5": (1, 1, 0, 0)}
    assert town.tallies("lamps_burning", "road") == roads
    assert town.tallies("lamps_burning", "chief") == {
        "C1": (2, 2, 2, 0),  # R1: L6, L7
        "C5": (2, 2, 0, 0),  # R1 0–100 m: L6
        "C3": (2, 3, 2, 1),  # R2: L1, L2, L3, L9, L10
    }
    rows = figures.table(chiefs=True, indicator="lamps_burning").set_index("subject")
    assert rows["name"].to_dict()["C1"] == "张一"
    assert rows.loc["C3", "display"] == "66.67"


def test_lamps_and_their_roads(town):
    found = town.store.result("assignments", where={"layer": "lamps"}).set_index("asset_key")
    assert found["how"].to_dict() == {
        "FAR": "far", "L1": "named", "L10": "nearest", "L2": "nearest", "L3": "nearest", "L4": "nearest",
        "L5": "nearest", "L6": "nearest", "L7": "named", "L8": "nearest", "L9": "nearest", "ODD": "contradiction",
        "TIE": "tie",
    }  # fmt: skip
    assert found.loc[["L5", "L6", "L8"], "road_id"].tolist() == ["R3b", "R1", "R5"]
    assert found.loc["L5", ["at_m", "distance_m"]].tolist() == pytest.approx([70, 7])
    assert found.loc["L6", "chiefs"] == "C1 C5"
    assert found.loc["L4", "cell"] == ""
    assert found.index[~found["confirmed"].astype(bool)].tolist() == ["FAR", "ODD", "TIE"]


def test_dark_lamps_are_gaps_but_exempt_ones_are_not(figures):
    gaps = figures.gaps("lamps_burning")
    assert gaps[["feature_key", "size", "chiefs"]].to_numpy().tolist() == [
        ["FAR", 2, ""], ["L2", 1, "C3"], ["ODD", 1, ""],
    ]  # fmt: skip


def test_toilets(town, figures, code):
    assert town.tallies("flush_toilets", "cell") == {
        code.A2 + Z: (1, 1, 0, 0), code.B2: (0, 1, 0, 0), code.A3: (0, 0, 1, 0),
    }  # fmt: skip
    row = figures.table(indicator="toilet_density").iloc[0]
    assert (row["numerator"], row["denominator"], row["display"]) == (1, 165_000, "6.06")
    assert figures.gaps("flush_toilets")["feature_key"].tolist() == ["T2"]


def test_area_near_toilets(town, code):
    """T1's and T2's discs of 50 m each lie in one cell; the kind of T3 is not known, so its disc is left out."""
    disc = round(64 * np.sin(2 * np.pi / 128) * 50**2, 6)  # 128 corners, 7,850.83 m²
    found = town.tallies("toilet_50", "cell")
    assert found[code.A2 + Z] == pytest.approx((disc, 40_000, 0, 0))
    assert found[code.B2] == pytest.approx((disc, 25_000, 0, 0))
    assert found[code.A3] == pytest.approx((0, 20_000 - disc, disc, 0))
    assert town.tallies("toilet_50", "chief") == {}


def test_green_land_counts_overlaps_once_and_is_cut_at_the_zone(town, figures, code):
    found = {name: values[0] for name, values in town.tallies("green_share", "cell").items() if values[0]}
    assert found == {code.A1 + Z: 2400, code.B1 + Z: 100}
    row = figures.table(indicator="green_share").iloc[0]
    assert (row["denominator"], row["display"], row["grade"]) == (165_000, "1.52", "C")


def test_residents_near_green(town, figures, code):
    """H1 and H5 are near, H2 is not; H3's residents are not known, H4 is outside the zone, nobody lives in H6."""
    assert town.tallies("green_people", "cell") == {
        code.A1 + Z: (40, 40, 0, 0), code.A2 + Z: (0, 60, 0, 0),
        code.A3 + Z: (0, 0, 1, 0), code.B1 + Z: (12.5, 12.5, 0, 0),
    }  # fmt: skip
    row = figures.table(indicator="green_people").iloc[0]
    assert (row["numerator"], row["denominator"], row["display"]) == (52.5, 112.5, "46.67")
    assert figures.gaps("green_people")[["feature_key", "size"]].to_numpy().tolist() == [["H2", 60]]


def test_parking(town, figures, code):
    """P1's 20 and P3's 5 bays for 112.5 residents; H6 is 339 m from P1 and 510 m from P3."""
    row = figures.table(indicator="parking_bays").iloc[0]
    assert (row["numerator"], row["denominator"], row["display"]) == (25, 112.5, "222.2")
    near = figures.table(indicator="parking_near").iloc[0]
    assert (near["numerator"], near["denominator"], near["display"], near["grade"]) == (4, 5, "80.00", "B")
    assert figures.gaps("parking_near")["feature_key"].tolist() == ["H6"]


def test_a_density_says_what_it_does_not_know(town, build, content, code):
    parking = [{**row, "bays": None} if row["parking_id"] == "P3" else row for row in content["parking"]]
    place = build({**content, "parking": parking})
    place.compute()
    row = place.figures().table(indicator="parking_bays").iloc[0]
    # P3's bays and H3's residents
    assert (row["numerator"], row["denominator"], row["unknown_int"]) == (20, 112.5, 2)
    assert np.isnan(row["known_share"])
    assert row["reason_en"] == "left out, as a number or field is missing: 2"
    assert row["reason_zh"] == "因缺数值或字段未计入：2 个"


def test_grids_with_officers(town, figures, code):
    """O1 has A1; O2's post in A2 is vacant; a community's officer is no grid's."""
    rows = figures.table(level="grid", indicator="grids_with_officer").set_index("subject")
    assert rows.loc[[code.A1, code.A2, code.B1], "display"].tolist() == ["100.00", "0.00", "0.00"]
    county = figures.table(indicator="grids_with_officer").iloc[0]
    assert (county["numerator"], county["denominator"], county["display"], county["grade"]) == (
        1,
        5,
        "20.00",
        "C",
    )
    assert set(figures.gaps("grids_with_officer")["feature_key"]) == {code.A2, code.A3, code.B1, code.B2}
