"""Rule 3: everything adds up, however the place is divided and in whatever order it comes."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsvc.codes import LEVELS

EXACT = ["numerator_int", "denominator_int", "unknown_int", "exempt_int"]


def sums(table):
    return table.groupby("indicator")[EXACT].sum()


def test_every_level_adds_up_to_the_county_to_the_last_digit(figures):
    county = sums(figures.table(level="county"))
    for level in LEVELS:
        assert sums(figures.table(level=level)).equals(county), level


def test_children_and_remainder_add_up_to_their_parent(figures, code):
    for parent, level in ((code.D, "community"), (code.A, "grid"), (code.B, "grid"), (code.C, "grid")):
        rows = figures.table(level=level, unit=parent)
        assert sums(rows).equals(sums(figures.table(unit=parent))), parent


def test_roads_add_up_to_the_county(town, figures):
    county = figures.table().set_index("indicator")
    for name in (
        "lit_road",
        "lit_road_main",
        "lit_length",
        "machine_swept",
        "green_road",
        "roads_with_chief",
    ):
        roads = figures.table(indicator=name, roads=True)
        assert roads[EXACT].sum().tolist() == county.loc[name, EXACT].tolist(), name


def test_amounts_are_whole_numbers(town):
    assert set(town.store.result("tallies")[["numerator", "denominator"]].dtypes.astype(str)) == {"Int64"}


def stored(place):
    """Everything that a run stored, without the ids of rows."""
    names = ("cells", "tallies", "gaps", "stretches", "posts", "assignments", "findings")
    tables = {}
    for name in names:
        table = pd.DataFrame(place.store.result(name).drop(columns="fid"))
        if "geometry" in table:
            table["geometry"] = shapely.to_wkb(table["geometry"].to_numpy())
        tables[name] = table
    return tables


def same(one, other):
    for name, table in stored(one).items():
        assert table.equals(stored(other)[name]), name


def test_the_same_input_gives_the_same_results_again(town, build, content):
    again = build(content, definitions=(town.workspace.layers_dir / "indicators.toml").read_text("utf-8"))
    again.compute()
    same(town, again)
    again.compute()
    same(town, again)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_any_number_of_threads_gives_identical_results(town, build, content, threads):
    again = build(content, definitions=(town.workspace.layers_dir / "indicators.toml").read_text("utf-8"))
    again.compute(threads=threads)
    same(town, again)


def test_shuffled_input_gives_identical_results(town, build, content):
    rng = np.random.default_rng(11)
    shuffled = {layer: [rows[n] for n in rng.permutation(len(rows))] for layer, rows in content.items()}
    again = build(
        dict(reversed(shuffled.items())),
        definitions=(town.workspace.layers_dir / "indicators.toml").read_text("utf-8"),
    )
    again.compute()
    same(town, again)


def county(figures):
    rows = figures.table().set_index("indicator")
    return rows[[*EXACT, "numerator", "denominator"]]


@pytest.mark.parametrize("division", ["county only", "other grids", "overlapping grids"])
def test_another_partition_of_the_same_place_has_the_same_figures(
    town, figures, build, content, code, division
):
    """Counts exactly, lengths and areas to 1e-9."""
    grids = {
        "county only": [],
        "other grids": [
            {"code": f"{code.B}{number:03}", "name": "x", "at": shape}
            for number, shape in enumerate(
                shapely.get_parts(shapely.voronoi_polygons(
                    shapely.MultiPoint(np.random.default_rng(5).uniform(0, 400, (12, 2)) * [2, 1]),
                    extend_to=shapely.box(0, 0, 800, 400),
                )), 1
            )
        ],
        "overlapping grids": [
            {"code": f"{code.B}{number:03}", "name": "x", "at": shapely.box(x, y, x + 300, y + 250)}
            for number, (x, y) in enumerate([(0, 0), (250, 100), (500, 150), (600, 0), (10, 150)], 1)
        ],
    }[division]  # fmt: skip
    outline = content["counties"][0]["at"]
    grids = [{**row, "at": row["at"].intersection(outline)} for row in grids]
    changed = {**content, "grids": grids, "road_shares": []}
    if division == "county only":
        changed |= {"districts": [], "communities": []}
    other = build(changed, definitions=(town.workspace.layers_dir / "indicators.toml").read_text("utf-8"))
    other.compute()
    before, after = county(figures), county(other.figures())
    kinds = {name: one.kind for name, one in town.indicators.items()}
    for name in before.index.drop(["grids_with_officer", "gridded_area"]):
        if kinds[name] in ("count_share", "feature_near"):
            assert after.loc[name, EXACT].tolist() == before.loc[name, EXACT].tolist(), name
        assert after.loc[name].tolist() == pytest.approx(before.loc[name].tolist(), rel=1e-9), name


@settings(max_examples=4)
@given(st.integers(0, 2**32 - 1))
def test_random_places_add_up(build, code, seed):
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 10, (9, 2)) * 100.0
    spans = rng.integers(1, 6, (9, 2)) * 100.0
    shapes = [shapely.box(*low, *(low + span)) for low, span in zip(corners, spans, strict=True)]
    named = dict(
        zip(
            (code.C, code.D, code.A, code.B, code.A1, code.A2, code.A3, code.B1, code.B2), shapes, strict=True
        )
    )
    layer = {6: "counties", 9: "districts", 12: "communities", 15: "grids"}
    content = {name: [] for name in layer.values()}
    for unit, shape in named.items():
        content[layer[len(unit)]].append({"code": unit, "name": unit, "at": shape})
    walks = np.cumsum(rng.normal(0, 120, (12, 4, 2)), axis=1) + rng.uniform(0, 1200, (12, 1, 2))
    classes = ["arterial", "branch", "lane", None]
    content["roads"] = [
        {"road_id": f"R{n}", "at": shapely.LineString(xy), "class": classes[n % 4], "road_code": f"C{n // 2}"}
        for n, xy in enumerate(walks)
    ]
    content["lamps"] = [
        {
            "lamp_id": f"L{n}",
            "at": shapely.Point(xy),
            "state": ["lit", "dark", None][n % 3],
            "light_points": n % 4 + 1,
        }
        for n, xy in enumerate(rng.uniform(0, 1200, (60, 2)))
    ]
    content["greenery"] = [
        {"green_id": f"G{n}", "at": shapely.Point(xy).buffer(40)}
        for n, xy in enumerate(rng.uniform(0, 1200, (8, 2)))
    ]
    content["zones"] = [{"code": "Z", "kind": "built_up", "at": shapely.box(150, 150, 900, 800)}]
    place = build(content)
    place.compute()
    figures = place.figures()
    whole = sums(figures.table(level="county"))
    for level in LEVELS[1:]:
        assert sums(figures.table(level=level)).equals(whole)
    roads = figures.table(roads=True)
    lengths = [name for name, one in place.indicators.items() if one.kind.startswith("length_")]
    if len(roads):
        totals = sums(roads).reindex(lengths).fillna(0).astype(int)
        assert totals.equals(whole.loc[lengths].astype(int).rename_axis(totals.index.name))
    scene = place.scene()
    assert scene.pieces.length().sum() == scene.roads.segments.length(np.arange(len(scene.roads))).sum()
