"""The City of Cambridge, loaded from its own files, against plain shapely."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.codes import LEVELS
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.explain import Subject, explain
from gridsvc.coverage.measures import measure
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.tallies import SIDES, tally
from gridsvc.duties.assignments import assign
from gridsvc.partition.cells import OUTSIDE, build_partition
from gridsvc.partition.pieces import two_sided

pytestmark = pytest.mark.shared
WHOLE = [f"{side}_int" for side in SIDES]
# features and persons, as against metres and square metres
COUNTS = (1.0, 1e-3)


class Undivided(Scene):
    """The same workspace with the whole city as one unit: what the cells cover, nothing drawn inside.

    Its border and its zone's are those of the cells, nodes included: noding the drawn polygons anew, without what
    meets them, moves a border by up to half the grain, which is already a millimetre in 240 km of road.
    """

    def __init__(self, scene):
        super().__init__(scene.store, scene.workspace, scene.layers, scene.as_of)
        cells = scene.partition.cells
        zone = cells[cells["zones"] == "built_up"]
        boundaries = {"county": scene.layer("counties").set_geometry([cells.union_all("coverage")])}
        zones = scene.layer("zones").set_geometry([zone.union_all("coverage")])
        layout, sliver = scene.workspace.county.layout, scene.workspace.county.sliver_width
        self.partition = build_partition(boundaries, zones, layout, scene.crs, sliver)


def left_over(lines, line, target, surroundings):
    """What is left of *lines* without the surroundings (polygons) of targets, cut away one after the other.

    *line* and *target* are rows that lie near each other; *surroundings* gives the polygons of such pairs.
    """
    rest = np.array(lines, dtype=object)
    turn = pd.Series(line).groupby(line).cumcount().to_numpy()
    for now in range(turn.max() + 1):
        rows, goals = line[turn == now], target[turn == now]
        rest[rows] = shapely.difference(rest[rows], surroundings(rows, goals))
    return rest


# what was loaded


def test_every_source_row_is_accounted_for(city):
    loads = {(load.layer, load.source): load for load in city.store.loads()}
    assert len(loads) == 16
    lamps = loads["lamps", "lamps.geojson"]
    assert (lamps.rows_read, lamps.added, lamps.quarantined) == (6117, 6113, 4)
    assert all(load.rows_read == load.added for load in loads.values() if load != lamps)
    counts = {"districts": 33, "communities": 87, "grids": 1044, "roads": 2643, "bins": 990, "parking": 3131}
    counts |= {"lamps": 6113 + 1590, "greenery": 273, "buildings": 1023, "chiefs": 10, "duties": 40}
    assert {layer: city.store.counts()[layer] for layer in counts} == counts


def test_residents_shared_out_to_blocks_sum_to_the_census(city):
    assert city.scene.layer("buildings")["population"].sum() == 118_403


def test_the_state_of_lamps_stays_unknown(city):
    row = city.figures.table(indicator="lamps_burning").iloc[0]
    assert (row["display"], row["denominator_int"]) == ("—", 0)
    # light points that nobody has counted weigh one
    inside = city.scene.cell_of("lamps") != OUTSIDE
    points = city.scene.layer("lamps").loc[inside, "light_points"].fillna(1)
    assert row["unknown_int"] == 1000 * int(points.sum())


def test_there_is_a_page_for_every_chief_and_indicator_in_both_languages(city):
    pages = city.scene.workspace.pages_dir
    made = {str(path.relative_to(pages)) for path in pages.rglob("*.html")}
    stems = ["index", *(f"chiefs/{key}" for key in city.store.read("chiefs")["chief_id"])]
    left_out = {one.id for one in city.figures.left_out}
    stems += [f"overview/{name}" for name in city.indicators if name not in left_out]
    assert made == {f"{stem}{lang}.html" for stem in stems for lang in ("", ".zh")}


# cells


def test_cells_tile_the_boundaries(city, boundaries_of, check_tiling):
    check_tiling(city.scene.partition, boundaries_of(city.scene))


def test_cells_do_not_depend_on_the_order_of_input(city, boundaries_of, repartition, check_same):
    boundaries = boundaries_of(city.scene)
    shuffled = {level: frame.sample(frac=1, random_state=7) for level, frame in boundaries.items()}
    check_same(city.scene.partition, repartition(city.scene, shuffled))


def test_the_overlaps_of_block_groups_are_found(city):
    found = city.store.result("findings")
    overlaps = found[(found["kind"] == "overlap") & (found["level"] == "community")]
    shapes = city.scene.layer("communities").geometry.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    area = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    pairs = overlaps[["unit_a", "unit_b"]].drop_duplicates()
    assert len(pairs) == 13
    assert len(pairs) == (area[left < right] > 1e-3).sum()
    assert overlaps["area_m2"].sum() == pytest.approx(area[left < right].sum(), rel=1e-3)


# sums


@pytest.mark.parametrize("level", LEVELS[1:])
def test_every_level_sums_to_the_city_to_the_last_digit(city, level):
    whole = city.figures.table().set_index("indicator")[WHOLE]
    parts = city.figures.table(level=level).groupby("indicator")[WHOLE].sum()
    assert parts.reindex(whole.index).equals(whole)


def test_roads_and_chiefs_sum_to_the_city_to_the_last_digit(city):
    whole = city.figures.table().set_index("indicator")[WHOLE]
    roads = city.figures.table(roads=True).groupby("indicator")[WHOLE].sum()
    lengths = ["lit_road", "lit_road_main", "lit_length", "green_road", "roads_with_chief"]
    assert roads.loc[lengths].equals(whole.loc[lengths])
    # no street has two chiefs here
    chiefs = city.figures.table(chiefs=True).groupby("indicator")[WHOLE].sum()
    assert chiefs.loc["roads_with_chief", "denominator_int"] == whole.loc["roads_with_chief", "numerator_int"]


def test_blocks_and_remainders_equal_the_city_as_one_undivided_unit(city):
    undivided = Undivided(city.scene)
    assert undivided.partition.cells["cell"].tolist() == ["25017*", "25017*@built_up"]
    divided = city.figures.table(level="grid").groupby("indicator")[WHOLE].sum()
    versions = city.figures.run.versions
    computed = [one for one in city.indicators.values() if all(versions[name] for name in one.layers)]
    # what lies in blocks depends on them
    computed = [one for one in computed if one.id != "gridded_area"]
    assert len(computed) >= 13
    for indicator in computed:
        rows = tally(undivided, indicator, measure(undivided, indicator))
        whole = rows.loc[rows["subject_kind"] == "cell", list(SIDES)].sum().to_numpy()
        parts = divided.loc[indicator.id].to_numpy()
        above, below = (unit in COUNTS for unit in quantities(indicator))
        for one, other, exact in zip(parts, whole, (above, below, below, below), strict=True):
            assert one == (other if exact else pytest.approx(other, rel=1e-9)), indicator.id


# lengths


@pytest.mark.parametrize(("quarter", "tolerance"), [(64, 1e-3), (1024, 1e-5)])
def test_lengths_near_lamps_agree_with_buffers(city, quarter, tolerance):
    scene, indicator = city.scene, city.indicators["lit_road"]
    roads, lamps = scene.layer("roads"), scene.layer("lamps").geometry.to_numpy()
    lines, reach = roads.geometry.to_numpy(), roads["class"].map(indicator.near.distances).to_numpy(float)
    line, lamp = shapely.STRtree(lamps).query(lines, predicate="dwithin", distance=reach)
    rest = left_over(
        lines, line, lamp, lambda rows, goals: shapely.buffer(lamps[goals], reach[rows], quad_segs=quarter)
    )
    near = measure(scene, indicator).numerator.amount.sum() * 1e-9
    assert near == pytest.approx(shapely.length(lines).sum() - shapely.length(rest).sum(), rel=tolerance)


def test_lengths_near_greenery_agree_with_buffers(city):
    scene = city.scene
    lines, green = scene.layer("roads").geometry.to_numpy(), scene.layer("greenery").geometry.to_numpy()
    line, park = shapely.STRtree(green).query(lines, predicate="dwithin", distance=100)
    wide = shapely.buffer(green, 100, quad_segs=256)
    rest = left_over(lines, line, park, lambda _, goals: wide[goals])
    near = measure(scene, city.indicators["green_road"]).numerator.amount.sum() * 1e-9
    assert near == pytest.approx(shapely.length(lines).sum() - shapely.length(rest).sum(), rel=1e-5)


def test_road_density_agrees_with_lines_moved_to_both_sides(city):
    row = city.figures.table(indicator="road_density").iloc[0]
    roads = city.scene.layer("roads")
    zone = city.scene.layer("zones").geometry.iloc[0]
    parts, of_road = shapely.get_parts(roads.geometry.to_numpy(), return_index=True)
    xy, of_part = shapely.get_coordinates(parts, return_index=True)
    joined = (of_part[1:] == of_part[:-1]) & (np.hypot(*np.diff(xy, axis=0).T) > 0)
    tail, head, road = xy[:-1][joined], xy[1:][joined], of_road[of_part[1:][joined]]
    widths = city.scene.layers.roads.side_width
    aside = roads["class"].map(widths).to_numpy()[road] / 2 + 1
    way = (head - tail) / np.hypot(*(head - tail).T)[:, None]
    shift = np.column_stack([-way[:, 1], way[:, 0]]) * aside[:, None]
    sides = [shapely.linestrings(np.stack([tail + s * shift, head + s * shift], axis=1)) for s in (1, -1)]
    plain = sum(shapely.length(shapely.intersection(side, zone)).sum() for side in sides) / 2
    # cells are snapped to a millimetre, the drawn polygon is not
    assert row["numerator"] == pytest.approx(plain, rel=1e-7)
    assert row["denominator"] == pytest.approx(zone.area, rel=1e-7)


def moved(blocks, turn):
    """Blocks with every vertex moved by half a metre, in directions that *turn* gives; shared ones stay so."""
    xy = shapely.get_coordinates(blocks.geometry.to_numpy())
    places, number = np.unique(np.round(xy, 4), axis=0, return_inverse=True)
    angle = turn(len(places))[number.reshape(-1)]
    shapes = shapely.set_coordinates(
        blocks.geometry.to_numpy().copy(), xy + 0.5 * np.column_stack([np.cos(angle), np.sin(angle)])
    )
    return blocks.set_geometry(shapely.make_valid(shapes))


def road_length(scene, partition, blocks):
    """Road length of each block, two-sided."""
    pieces = two_sided(scene.roads.segments, scene.roads.width, scene.roads.divided, partition)
    unit = np.append(partition.cells["unit"].to_numpy(object), "")[pieces.cell]
    return pd.Series(pieces.length()).groupby(unit).sum().reindex(blocks["code"], fill_value=0)


def road_length_cut(scene, blocks):
    """Road length of each block by plainly cutting roads at its border."""
    lines = shapely.union_all(scene.layer("roads").geometry.to_numpy())
    return pd.Series(shapely.length(shapely.intersection(blocks.geometry.to_numpy(), lines)), blocks["code"])


def median_change(before, after):
    return float(((after - before).abs() / before)[before > 0].median())


@pytest.mark.parametrize("way", ["one", "any"])
def test_moving_block_borders_by_half_a_metre_hardly_moves_their_road_length(
    city, boundaries_of, repartition, way
):
    scene, boundaries = city.scene, boundaries_of(city.scene)
    turns = {
        "one": lambda n: np.full(n, 0.8),
        "any": lambda n: np.random.default_rng(7).uniform(0, 2 * np.pi, n),
    }
    drawn = boundaries["grid"]
    other = moved(drawn, turns[way])
    again = repartition(scene, boundaries | {"grid": other})
    shared = median_change(road_length(scene, scene.partition, drawn), road_length(scene, again, other))
    cut = median_change(road_length_cut(scene, drawn), road_length_cut(scene, other))
    print(f"median change of a block's road length: two-sided {shared:.2%}, cut at borders {cut:.1%}")
    assert shared < 0.01
    assert cut > 10 * shared


# lamps and roads


def test_lamps_find_the_street_they_name_by_geometry_alone(city):
    # all 6,117 lamps of the file: four of them wait in quarantine
    lamps = gpd.read_file(city.folder / "prepared" / "lamps.geojson").to_crs(city.scene.crs)
    roads = city.scene.roads
    found = assign(lamps.assign(key=lamps["PoleID"])[["key", "geometry"]], roads, reach=30)
    streets = roads.frame["road_name"].fillna("").to_numpy(object)
    own = lamps["street"].fillna("").to_numpy(object)
    names = np.isin(own, list(set(streets) - {""}))
    same = names & (np.append(streets, "")[found["row"]] == own)
    rest = names & ~same
    waiting = found["how"].isin(["tie", "contradiction"]).to_numpy()
    print(f"{same.sum()} of {names.sum()} agree; of the other {rest.sum()}, {(rest & waiting).sum()} wait")
    # 94 lamps without any street name are counted in the 5,958 that the data's own description gives
    assert names.sum() == 5864
    assert (own == "").sum() == 94
    assert same.sum() >= 0.92 * 5958
    assert (rest & waiting).sum() > 0.5 * rest.sum()


# figures against plain shapely


def test_green_share_agrees_with_the_union_of_open_space(city):
    row = city.figures.table(indicator="green_share").iloc[0]
    zone = city.scene.layer("zones").geometry.iloc[0]
    green = shapely.union_all(city.scene.layer("greenery").geometry.to_numpy())
    assert row["numerator"] == pytest.approx(green.intersection(zone).area, rel=1e-7)
    assert row["denominator"] == pytest.approx(zone.area, rel=1e-7)


def test_area_near_greenery_is_within_the_documented_bound_of_fine_buffers(city):
    row = city.figures.table(indicator="green_near").iloc[0]
    zone = city.scene.layer("zones").geometry.iloc[0]
    fine = shapely.union_all(city.scene.layer("greenery").buffer(100, quad_segs=256).to_numpy())
    assert row["numerator"] == pytest.approx(fine.intersection(zone).area, rel=5e-4)


def test_residents_near_greenery_are_those_within_100_metres(city):
    row = city.figures.table(indicator="green_people").iloc[0]
    zone = city.scene.layer("zones").geometry.iloc[0]
    homes = city.scene.layer("buildings")
    inside = shapely.intersects(homes.geometry.to_numpy(), zone)
    green = shapely.union_all(city.scene.layer("greenery").geometry.to_numpy())
    near = shapely.distance(homes.geometry.to_numpy(), green) <= 100
    people = homes["population"].to_numpy(float)
    assert row["numerator"] == people[inside & near].sum()
    assert row["denominator"] == people[inside].sum()


@pytest.mark.parametrize("layer", ["lamps", "bins"])
def test_assets_per_block_are_the_points_in_its_polygon(city, layer):
    blocks = city.scene.layer("grids")
    found = city.store.result("assignments", where={"layer": layer})
    unit = city.figures.cells.set_index("cell")["unit"].reindex(found["cell"]).to_numpy(object)
    counted = pd.Series(unit).value_counts().reindex(blocks["code"], fill_value=0)
    points = city.scene.layer(layer).geometry.to_numpy()
    block, _ = shapely.STRtree(points).query(blocks.geometry.to_numpy(), predicate="contains")
    plain = np.bincount(block, minlength=len(blocks))
    assert counted.to_numpy().tolist() == plain.tolist()


def test_parking_bays_are_those_in_the_city(city):
    row = city.figures.table(indicator="parking_bays").iloc[0]
    parking = city.scene.layer("parking")
    zone = city.scene.layer("zones").geometry.iloc[0]
    inside = shapely.intersects(shapely.point_on_surface(parking.geometry.to_numpy()), zone)
    assert row["numerator"] == int(parking["bays"][inside].sum())


# a figure by hand


def test_the_figure_of_a_block_can_be_redone_from_the_facts_that_are_listed(city):
    table = city.figures.table(level="grid", indicator="lit_road")
    part = table[(table["value"] > 40) & (table["value"] < 90)]
    code = part.sort_values("denominator").iloc[-1]["subject"]
    found = explain(city.figures, city.indicators["lit_road"], Subject("unit", code))
    reach = city.indicators["lit_road"].near.distances
    lamps = city.scene.targets("lamps").set_index("key").geometry
    road = city.scene.layer("roads").set_index("key")
    near, lit, whole = {}, 0, 0
    for row in found.behind.itertuples(index=False):
        near.setdefault(row.of, []).append(lamps[row.key])
    for fact in found.rows.itertuples(index=False):
        nanometres = round((fact.to_m - fact.from_m) * 1e9)
        middle = road.geometry[fact.key].interpolate((fact.from_m + fact.to_m) / 2)
        away = min((lamp.distance(middle) for lamp in near.get(fact.key, [])), default=float("inf"))
        burning = away <= reach[road["class"][fact.key]]
        assert burning == (fact.numerator_exact > 0), fact
        lit += burning * round(nanometres * fact.share)
        whole += round(nanometres * fact.share)
    assert len(found.rows) > 10
    stored = found.figure
    assert (lit, whole) == (stored["numerator_int"], stored["denominator_int"])
    assert stored["value"] == pytest.approx(100 * lit / whole, rel=1e-12)
