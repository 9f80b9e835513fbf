"""The yardstick's core job on a city of two grids, by hand."""

import math
import sys

import geopandas
import pandas as pd
import pytest
import shapely


@pytest.fixture(scope="module")
def bench(root):
    """The scripts of the yardstick, as modules."""
    sys.path.insert(0, str(root / "scripts"))
    try:
        import _bench
        import _bench_peers
        import _city
    finally:
        sys.path.remove(str(root / "scripts"))
    return _bench, _city, _bench_peers


@pytest.fixture(scope="module")
def files(bench):
    """Grid 1 west and grid 2 east of x = 1000; a road along y = 500 from 900 to 1200, 8 m wide."""

    def layer(shapes, **columns):
        return geopandas.GeoDataFrame(columns, geometry=shapes, crs=4547)

    return {
        # the files' order is not that of the codes
        "grids": layer(
            [shapely.box(1000, 0, 2000, 1000), shapely.box(0, 0, 1000, 1000)],
            grid_id=[7, 3],
            code=["990101001001002", "990101001001001"],
        ),
        "roads": layer([shapely.LineString([(900, 500), (1200, 500)])], width=[8.0]),
        "lamps": layer(shapely.points([(950, 507), (1100, 507), (1150, 507)]), status=["lit", "out", "lit"]),
        "green": layer(
            [shapely.box(980, 600, 1020, 700), shapely.box(1000, 600, 1060, 700)], kind=["a", "b"]
        ),
        "bld": layer(
            [
                shapely.box(100, 600, 120, 620),
                shapely.box(860, 600, 880.5, 620),
                shapely.box(1990, 0, 2100, 9),
            ],
            pop=[5, 11, 13],
        ),
        "toi": layer([shapely.Point(1500, 500)], toi_id=[1]),
    }


@pytest.fixture(scope="module")
def figures(bench, files):
    """Figures of one way to split roads."""
    run, city, _ = bench

    def make(split, threads=1, parted=False):
        store = city.CityStore(files)
        job = city.core_job()
        with run.Workers(threads) as workers:
            scene = city.CityScene(store, split, 16, workers, parted)
            run.prepare(scene, job.values())
            tallies = {
                name: run.tally(scene, one, run.measure(scene, one), owners=()) for name, one in job.items()
            }
        return run.figures(tallies, store, split)

    return make


def test_figures_by_hand(figures):
    found = figures("line")
    assert found.index.tolist() == [3, 7]
    wanted = {
        "road_len": [100, 200],
        "lit_len": [48, 48],
        "lamps": [1, 2],
        "lamps_lit": [1, 1],
        # the second house's wall is 99.5 m from the park; the third's middle lies outside
        "pop": [16, 0],
        "pop_g": [11, 0],
        # at 100 m below the park: from 980 to 1060
        "len_g": [20, 60],
        "green": [2000, 6000],
        "toi": [0, 1],
        "area": [1e6, 1e6],
    }
    for name, values in wanted.items():
        assert found[name].tolist() == pytest.approx(values, abs=1e-6), name
    # a polygon of 64 corners in the circle
    disc = 32 * 300**2 * math.sin(2 * math.pi / 64)
    assert found["toi_area"].tolist() == pytest.approx([0, disc])


def test_two_sided_roads_of_which_each_side_has_half(figures):
    assert figures("two-sided")["road_len_two_sided"].tolist() == pytest.approx([100, 200])


def test_neither_threads_nor_the_partition_change_a_figure(figures):
    pd.testing.assert_frame_equal(figures("line"), figures("line", threads=3), check_exact=True)
    pd.testing.assert_frame_equal(figures("line"), figures("line", parted=True), check_exact=True)


def test_disagreements_are_told_in_parts_of_the_mean_grid(bench):
    mine = pd.DataFrame({"area": [10.0, 30.0], "len_g": [1.0, 3.0]})
    peer = pd.DataFrame({"area": [10.0, 32.0], "len_g": [2.0, 2.0]})
    assert bench[2].disagreements(mine, peer) == {"area": 2 / 21, "len_g": 0.0}


def told(city, tool, core, **more):
    return {"city": city, "tool": tool, "core": core, "ratio": core / 10, "cpu_with_reading": 1.0,
            "peak_mb": 1200, "threads": 2, **more}  # fmt: skip


def test_the_newest_table_takes_the_place_of_the_one_before(bench, tmp_path):
    results = [
        told("M", "duckdb", 20.0),
        told("M", "sedona", 16.0),
        told("M", "duckdb-1d", 10.0),
        told("M", "gridsvc", 4.0, split="line", differs={"lamps": 0.0, "area": 2e-9}),
    ]
    page, other = tmp_path / "README.md", tmp_path / "other.md"
    page.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", encoding="utf-8")
    other.write_text("no marks\n", encoding="utf-8")
    bench[2].write_readme([page, other], results)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| M | gridsvc, line | 4.00 | 0.40 | 1.0 | 1,200 |" in text
    assert "M: 0.25 of the faster of duckdb and sedona." in text
    assert "agreement with duckdb-1d: area 2.0e-09." in text
    assert other.read_text(encoding="utf-8") == "no marks\n"


def test_growth_is_a_power_of_the_number_of_roads(bench):
    ten = [told(city, "gridsvc", core, split="line") for city, core in (("S", 1.0), ("M", 12.0))]
    discs = [told(city, "duckdb", 1.0) for city in ("S", "M")]
    assert "S to M: time grows with the city's size to the power 1.00." in bench[2].remarks(discs + ten)
