"""Lengths in the town: which cell has what of which road, what is lit, who answers for it.

Slanted pieces of R3 are √10004 = 100.019998 m long. Where R3 bends over a border, each side's line crosses it 14 cm
before or after the centre line does; by the bends' symmetry these cancel out.
"""

import pandas as pd
import pytest
import shapely

SLANTED = 10004**0.5


@pytest.fixture(scope="module")
def cells(code):
    """Short names of cells: z stands for the part in the built-up zone."""
    zone = "@built_up"
    return {
        "A1z": code.A1 + zone, "A2z": code.A2 + zone, "A3": code.A3, "A3z": code.A3 + zone,
        "B1": code.B1, "B1z": code.B1 + zone, "B2": code.B2, "B2z": code.B2 + zone,
        "A*": code.A + "*", "A*z": code.A + "*" + zone, "D*": code.D + "*",
    }  # fmt: skip


def close(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, abs=2e-6), name


def test_the_town_is_partitioned_into_eleven_cells(town, cells):
    stored = town.store.result("cells")
    areas = dict(zip(stored["cell"], stored["area_mm2"] / 1e6, strict=True))
    close(areas, {
        cells["A1z"]: 40_000, cells["A2z"]: 40_000,
        cells["A3"]: 20_000, cells["A3z"]: 20_000,  # cut at y = 100
        cells["B1"]: 50 * 200, cells["B1z"]: 150 * 200,  # cut at x = 550
        cells["B2"]: 40_000 - 15_000, cells["B2z"]: 150 * 100,
        cells["A*"]: 20_000, cells["A*z"]: 20_000, cells["D*"]: 80_000,
    })  # fmt: skip
    assert sum(areas.values()) == 320_000
    assert town.scene().crs.to_epsg() == 4548


def test_road_length_by_cell(town, cells):
    """What every cell has of the roads: the facts of rule 2, before any indicator."""
    scene = town.scene()
    names = [*scene.partition.cells["cell"], "outside"]
    facts = pd.DataFrame({"cell": scene.pieces.cell, "length": scene.pieces.length()})
    sums = facts.groupby("cell")["length"].sum()
    found = {names[cell]: metres / 1e9 for cell, metres in sums.items()}
    half = SLANTED / 2
    close(found, {
        # R1 200–300 m half, of 300–400 m 70 %; R2 half of 200 m; R3 half of 100 + √; R5's last metre
        cells["A1z"]: 50 + 70 + 100 + (50 + half) + 1,
        cells["A2z"]: 50 + 30 + 100 + 2 * half,
        cells["A3"]: 50 + 100,  # R1 half of 100 m, R5
        cells["A3z"]: 50 + (50 + half) + 100,  # R1, R3, R5 100–200
        cells["A*"]: 50 + 100,  # R1, R6 until it leaves
        cells["A*z"]: 50 + 2 * half,
        cells["B1"]: 25 + 25 + 50,  # R2, R3 x 550–600, of R4a a half of its half
        cells["B1z"]: 75 + (25 + half),
        cells["B2"]: 25 + 50,
        cells["B2z"]: (25 + half) + 100,  # R3, R8
        cells["D*"]: 100 + 100 + 200,  # R2, of R4a a half of its half, R4b half
        "outside": 400 + 100,  # R2's outer half, R6 beyond the border
    })  # fmt: skip
    # R1 400, R2 800, R3 200 + 4 × √, R4 400, R5 201, R6 200, R8 100
    total = 400 + 800 + 200 + 4 * SLANTED + 400 + 201 + 200 + 100
    assert facts["length"].sum() / 1e9 == pytest.approx(total, abs=1e-6)


def test_lit_road_by_cell(town, cells):
    """Within reach of any lamp, in the zone. R8's class is not known; R1 100–150 m is exempt."""
    half = SLANTED / 2
    close(town.tallies("lit_road", "cell"), {
        # R2: L9 34–66, L1 84–116, L4 134–166 m, half of each; R1: L7 226–274 m, half
        cells["A1z"]: (48 + 24, 50 + 70 + 100 + 50 + half + 1, 0, 0),
        # R2: L2 284–316, ODD 334–366 m
        cells["A2z"]: (32 + 24, 50 + 30 + 100 + 2 * half, 0, 0),
        cells["A3z"]: (32, 25 + 50 + half + 100, 0, 25),  # R5: L8 134–166 m
        cells["A*z"]: (0, 25 + 2 * half, 0, 25),
        cells["B1z"]: (16 + 22, 75 + 25 + half, 0, 0),  # R2: L3 484–516 m; R3: L5 x 506–550
        cells["B2z"]: (22, 25 + half, 100, 0),
    })  # fmt: skip
    assert set(town.tallies("lit_road", "outside")) == {""}


def test_lit_length_leaves_out_what_only_unobserved_lamps_reach(town, cells):
    """Burning: L1, L4, L5, L8. Not known: L3 (R2 484–516 m), L7 (R1 226–274 m). Dark: L2, L9, ODD."""
    half = SLANTED / 2
    close(town.tallies("lit_length", "cell"), {
        cells["A1z"]: (32, 50 + 70 + 100 + 50 + half + 1 - 24, 24, 0),
        cells["A2z"]: (0, 50 + 30 + 100 + 2 * half - 24, 24, 0),
        cells["A3z"]: (32, 25 + 50 + half + 100, 0, 25),
        cells["A*z"]: (0, 25 + 2 * half, 0, 25),
        cells["B1z"]: (22, 75 + 25 + half - 16, 16, 0),
        cells["B2z"]: (22, 25 + half, 100, 0),
    })  # fmt: skip


def test_lit_road_by_road(town):
    """A road's figure is what lies inside the county: of R2 its inner half."""
    close(town.tallies("lit_road", "road"), {
        "B001": (48, 250, 0, 50),
        "N002": (5 * 16 + 16, 275, 0, 0),  # six lamps, 32 m each, half
        "M003": (44, 150 + 4 * SLANTED, 0, 0),  # x 0–550
        "R5": (32, 101, 0, 0),
        "新路": (0, 0, 100, 0),
    })  # fmt: skip


def test_main_roads_are_graded_everywhere(town, cells):
    """R1 and R4, with or without zone: R1 has L6 26–74 and L7 226–274 m, R4a has TIE 197–245 m."""
    close(town.tallies("lit_road_main", "road"), {
        "B001": (96, 350, 0, 50), "X004": (24, 400, 0, 0), "新路": (0, 0, 100, 0),
    })  # fmt: skip
    found = town.tallies("lit_road_main", "cell")
    # R4a's left half: 3 m of the 48 in B2, 45 in B1, a quarter of each; D* has the right half and all of R4b
    assert found[cells["B2"]] == pytest.approx((0.75, 50, 0, 0))
    assert found[cells["B1"]] == pytest.approx((11.25, 50, 0, 0))
    assert found[cells["D*"]] == pytest.approx((12, 300, 0, 0))


def test_figures_of_the_county_and_their_grades(figures):
    rows = figures.table().set_index("indicator")
    expected = {
        # 220 of 1,176.08 m
        "lit_road": ("18.71", "C"), "lit_length": ("9.71", "C"), "lit_road_main": ("16.00", "C"),
        # 1,326.08 m but for the 50 m of R1 that are exempt, on 16.5 ha
        "road_density": ("7.73", "B"),
        # R1 and R4a; of R4b and R8 it is not known
        "machine_swept": ("100.00", "A"),
        # R1 250, R3 200 and R8 100 of 1,276.08 m; R2's post is vacant
        "roads_with_chief": ("43.10", "C"),
    }  # fmt: skip
    found = rows.loc[list(expected), ["display", "grade"]]
    assert {name: tuple(row) for name, row in zip(found.index, found.to_numpy(), strict=True)} == expected
    assert rows.loc["lit_road", "numerator"] == pytest.approx(220, abs=1e-6)
    assert rows.loc["lit_road", "denominator"] == pytest.approx(776 + 4 * SLANTED, abs=2e-6)
    assert rows.loc["machine_swept", ["numerator", "denominator"]].tolist() == [550, 550]
    # R4b 200 and R8 100 m unknown beside 550 m known
    assert rows.loc["machine_swept", "known_share"] == pytest.approx(550 / 850)


def test_density_counts_every_road_of_the_zone_on_its_area(town, figures, code):
    row = figures.table(unit=code.A1, indicator="road_density").iloc[0]
    assert row["denominator"] == 40_000
    assert row["value"] == pytest.approx((271 + SLANTED / 2) / 40)
    assert row["grade"] == "A"


def test_green_along_roads(town, cells):
    """R2 is 40 m from G1 and G2, 20 m from G4 across the border, 90 m from G3; R3 99 m from G3."""
    west = 80 + (100**2 - 40**2) ** 0.5  # to x = 171.65
    north = (100**2 - 20**2) ** 0.5  # 97.98 m on either side of x 300–340
    east = (100**2 - 90**2) ** 0.5  # 43.59 m on either side of x 540–560
    south = (100**2 - 99**2) ** 0.5  # 14.11 m
    found = {name: values[0] for name, values in town.tallies("green_road", "cell").items() if values[0]}
    close(found, {
        cells["A1z"]: west / 2,
        cells["A2z"]: (400 - (300 - north)) / 2,
        cells["B1z"]: (340 + north - 400 + 550 - (540 - east)) / 2 + (550 - (540 - south)) / 2,
        cells["B2z"]: (550 - (540 - south)) / 2,
    })  # fmt: skip


def test_dark_stretches_are_listed_from_to_with_who_answers(figures):
    gaps = figures.gaps("lit_road")
    found = {
        (row.road_id, round(row.from_m, 2), round(row.to_m, 2)): row.chiefs
        for row in gaps.itertuples(index=False)
    }
    measured = 300.04 - 149.96  # where 450 m of the road lie on R3b, which runs against it
    assert found == {
        ("R1", 150, 226): "C1", ("R1", 274, 400): "C1",
        ("R2", 0, 34): "C3", ("R2", 66, 84): "C3", ("R2", 116, 134): "C3", ("R2", 166, 284): "C3",
        ("R2", 316, 334): "C3", ("R2", 366, 484): "C3", ("R2", 516, 550): "C3",
        # cut where C2's stretch begins and ends
        ("R3a", 0, 250): "", ("R3a", 250, 300.04): "C2",
        ("R3b", 94, measured): "", ("R3b", measured, 300.04): "C2",
        ("R5", 100, 134): "", ("R5", 166, 201): "",
    }  # fmt: skip
    assert gaps["gain_county"].is_monotonic_decreasing
    assert (gaps["size"] - (gaps["to_m"] - gaps["from_m"])).abs().max() < 1e-6
    assert gaps.crs.to_epsg() == 4490


def test_gaps_are_narrowed_to_a_unit_or_a_chief(figures, code):
    assert set(figures.gaps("lit_road", chief="C1")["road_id"]) == {"R1"}
    assert set(figures.gaps("lit_road", unit=code.B)["road_id"]) == {"R2", "R3b"}
    assert figures.gaps("lit_road", unit=code.A1, chief="C2").empty


def test_a_gap_is_listed_whole_under_every_unit_that_it_lies_along(figures, code):
    def listed(unit):
        rows = figures.gaps("lit_road", unit=unit)
        return {(row.road_id, round(row.from_m)) for row in rows.itertuples(index=False)}

    # R1 runs between A1 and A2 from 200 m on, between A3 and A* before; R2 166–284 m lies along A1 and A2
    assert listed(code.A1) >= {("R1", 150), ("R1", 274), ("R2", 166)}
    assert listed(code.A2) >= {("R1", 150), ("R1", 274), ("R2", 166)}
    assert ("R1", 150) in listed(code.A3)
    assert ("R1", 274) not in listed(code.A3)
    # R3b runs west from x = 600; A2 and A* begin at its 200th metre
    assert listed(code.B2) == {("R3b", 94), ("R3b", 150)}
    assert ("R3b", 94) not in listed(code.A2)
    every = figures.gaps("lit_road")
    assert set(every["unit"]) <= set(figures.units["code"])
    assert not every.duplicated(["road_id", "from_m"]).any()


def test_roads_of_one_name_in_two_counties_are_two(build):
    box, line = shapely.box, shapely.LineString
    place = build({
        "counties": [
            {"code": "990001", "name": "甲县", "at": box(0, 0, 500, 500)},
            {"code": "990002", "name": "乙县", "at": box(500, 0, 1000, 500)},
        ],
        "roads": [
            {"road_id": "1", "road_name": "中山路", "class": "lane", "at": line([(100, 100), (200, 100)])},
            {"road_id": "2", "road_name": "中山路", "class": "lane", "at": line([(700, 100), (900, 100)])},
            {"road_id": "3", "road_name": "建设路", "class": "lane", "at": line([(100, 300), (200, 300)])},
        ],
        "lamps": [{"lamp_id": "L", "road_name": "中山路", "at": shapely.Point(150, 100)}],
        "chiefs": [{"chief_id": "C1", "name": "张一"}, {"chief_id": "C2", "name": "李二"}],
        "duties": [
            {"holder": "C1", "road_name": "中山路", "unit_code": "990001"},
            {"holder": "C2", "road_name": "中山路", "from_m": 50, "to_m": 150, "unit_code": "990002"},
        ],
    }, definitions='[lit_road]\ntitle = { zh = "装灯", en = "lamps" }\ndefinition = { zh = "x", en = "x" }\n'
        'kind = "length_near"\ngroup = "roads"\nof = { layer = "roads" }\n'
        'near = { layer = "lamps", distance = 20 }\nsource = "trial"\nyear = 2026\n')  # fmt: skip
    place.compute()
    assert place.tallies("lit_road", "road") == {
        "中山路 (990001)": (40, 100, 0, 0), "中山路 (990002)": (0, 200, 0, 0), "建设路": (0, 100, 0, 0),
    }  # fmt: skip
    held = place.store.result("stretches")
    assert sorted(zip(held["holder"], held["road_id"], held["from_m"], held["to_m"], strict=True)) == [
        ("C1", "1", 0, 100), ("C2", "2", 50, 150),
    ]  # fmt: skip
    assigned = place.store.result("assignments")
    assert assigned[["road_id", "how"]].to_numpy().tolist() == [["1", "named"]]
