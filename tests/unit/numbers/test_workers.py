"""Work on several threads: every part once, in order, and the same figures whatever the number of threads."""

import threading

import numpy as np
import pytest
import shapely

from gridsvc.coverage.nearness import near_features
from gridsvc.coverage.proximity import features_near
from gridsvc.partition.areas import cover, surroundings, union_areas
from gridsvc.partition.segments import straight_pieces
from gridsvc.partition.workers import Kept, Workers

THREADS = (1, 2, 4)


@pytest.mark.parametrize("threads", THREADS)
def test_results_come_in_the_order_of_the_parts(threads):
    with Workers(threads) as workers:
        assert workers.map(lambda part: part * part, range(50)) == [part * part for part in range(50)]


@pytest.mark.parametrize("threads", THREADS)
def test_work_inside_work_never_waits_for_a_free_thread(threads):
    with Workers(threads) as workers:
        sums = workers.map(lambda one: sum(workers.map(lambda two: one * two, range(10))), range(10))
    assert sums == [45 * one for one in range(10)]


def test_who_waits_helps_with_what_it_waits_for():
    begun, together = threading.Barrier(2, timeout=20), threading.Barrier(2, timeout=20)

    def part(_):
        begun.wait()
        if threading.current_thread() is not threading.main_thread():
            # ends only when the asking thread, which has nothing left of its own, takes the other half
            workers.map(lambda _: together.wait(), range(2))

    with Workers(2) as workers:
        workers.map(part, range(2))


def test_a_fault_deep_inside_is_raised_where_the_work_was_asked_for():
    def deep(part):
        raise ValueError(f"part {part}")

    with Workers(3) as workers, pytest.raises(ValueError, match="part"):
        workers.map(lambda one: workers.map(deep, range(4)), range(4))


@pytest.mark.parametrize("threads", THREADS)
def test_a_fault_in_one_part_is_raised(threads):
    def work(part):
        if part == 7:
            raise ValueError("seven")
        return part

    with Workers(threads) as workers, pytest.raises(ValueError, match="seven"):
        workers.map(work, range(20))


def test_zero_threads_mean_one_for_each_core():
    with Workers(0) as workers:
        assert workers.threads >= 1


def test_what_several_ask_for_is_made_once():
    kept, made = Kept(), []
    together = threading.Barrier(4)

    def ask():
        together.wait()
        return kept.once("figure", lambda: made.append(1) or len(made))

    with Workers(4) as workers:
        assert workers.map(lambda _: ask(), range(4)) == [1, 1, 1, 1]
    assert made == [1]


@pytest.fixture(scope="module")
def town():
    rng = np.random.default_rng(20261120)
    centres = rng.uniform(0, 2000, (300, 2))
    greens = shapely.convex_hull(
        shapely.multipoints(shapely.points(centres[:, None] + rng.normal(0, 30, (300, 6, 2))))
    )
    roads = shapely.linestrings(
        np.cumsum(rng.normal(0, 60, (200, 6, 2)), axis=1) + rng.uniform(0, 2000, (200, 1, 2))
    )
    houses = shapely.box(*rng.uniform(0, 2000, (2, 400)), *np.zeros((2, 400)))
    west, south = rng.uniform(0, 2000, (2, 400))
    houses = shapely.box(west, south, west + 12, south + 9)
    return greens, roads, houses


def results(town, threads, partition):
    greens, roads, houses = town
    segments = straight_pieces(roads)
    rows = np.ones(len(segments), dtype=bool)
    cells = partition.cells.geometry.to_numpy()
    with Workers(threads) as workers:
        near = near_features(segments, rows, greens, 40.0, workers)
        discs = surroundings(greens, 40.0, 16, workers)
        return [
            near.start.tolist(),
            near.end.tolist(),
            features_near(houses, greens, 40.0, workers).tolist(),
            shapely.to_wkb(discs).tolist(),
            shapely.to_wkb(cover(cells, discs, workers)).tolist(),
            union_areas(partition, greens, workers=workers).tolist(),
        ]


@pytest.fixture
def in_small_parts(monkeypatch):
    for name in ("coverage.nearness.CHUNK", "coverage.proximity.CHUNK", "partition.areas.BATCH"):
        monkeypatch.setattr(f"gridsvc.{name}", 37)
    monkeypatch.setattr("gridsvc.partition.areas.CHUNK", 3)


def test_kernels_do_not_depend_on_the_number_of_threads(town, partition_of, in_small_parts):
    code = "990001001001"
    grids = {
        f"{code}{number + 1:03d}": shapely.box(x, y, x + 250, y + 250)
        for number, (x, y) in enumerate((x, y) for x in range(0, 2000, 250) for y in range(0, 2000, 250))
    }
    partition = partition_of(grids)
    alone = results(town, 1, partition)
    assert sum(alone[-1]) > 0
    assert any(alone[2])
    assert not all(alone[2])
    for threads in THREADS[1:]:
        assert results(town, threads, partition) == alone


def test_small_parts_give_the_same_as_large_ones(town, partition_of, monkeypatch):
    partition = partition_of(
        {"990001001001001": shapely.box(0, 0, 900, 2000), "990001001001002": shapely.box(900, 0, 2000, 2000)}
    )
    whole = results(town, 1, partition)
    for name in ("coverage.nearness.CHUNK", "coverage.proximity.CHUNK", "partition.areas.BATCH"):
        monkeypatch.setattr(f"gridsvc.{name}", 11)
    assert results(town, 1, partition) == whole
