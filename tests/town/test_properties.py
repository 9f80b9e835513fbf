"""What must hold of every kind of indicator, whatever the place: moved, cut otherwise, asked with other distances."""

from functools import cached_property

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.measures import KINDS, measure, prepare
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.tallies import tally

from .conftest import AS_OF, ORIGIN, B

# a failing example costs as much as one that holds: it is told as it is, not made smaller
TRIALS = settings(
    max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
EXACT = ["numerator", "denominator", "unknown", "exempt"]
# cosine and sine of turns that leave whole metres whole millimetres: boundaries are snapped to these
TURNS = [(1.0, 0.0), (0.6, 0.8), (0.28, 0.96), (0.96, 0.28)]


WORDS = {"en": "trial", "zh": "试验"}
SPACING = Indicator.model_validate(
    {
        "id": "lamps_along", "title": WORDS, "definition": WORDS, "kind": "spacing", "group": "roads",
        "of": {"layer": "roads"}, "along": {"layer": "lamps", "every": 150}, "source": "trial", "year": 2026,
    }
)  # fmt: skip


class Changed(Scene):
    """The town with its layers changed in the metre plane, beside the store and its degrees."""

    def __init__(self, place, change):
        super().__init__(place.store, place.workspace, place.layers, AS_OF)
        self.change = change

    def _prepared(self, name, frame):
        frame = super()._prepared(name, frame)
        return self.change(name, frame) if "geometry" in frame else frame

    @cached_property
    def crs(self):
        """That of the town where it lies."""
        return Scene(self.store, self.workspace, self.layers, self.as_of).crs


def sums(scene, indicators):
    """Whole amounts by indicator, of the county and outside it."""
    prepare(scene, indicators)
    tables = [tally(scene, one, measure(scene, one), owners=()) for one in indicators]
    rows = pd.concat(tables)
    rows[EXACT] = rows[EXACT].astype(np.int64)
    return rows.groupby(["indicator", rows["subject_kind"]])[EXACT].sum()


@pytest.fixture(scope="module")
def indicators(town):
    """All that the town has the layers for, and of each kind at least one."""
    versions = town.scene().versions()
    found = [one for one in town.indicators.values() if all(versions[name] for name in one.layers)]
    return [*found, SPACING]


@pytest.fixture(scope="module")
def before(town, indicators):
    return sums(Changed(town, lambda name, frame: frame), indicators)


def counted(one):
    """True for what is counted or weighed on both sides."""
    return one.kind in ("count_share", "feature_near") or (one.kind == "density" and one.per == "weight")


def agree(before, after, indicators, loose=()):
    """Counts to the last digit; lengths and areas to 1e-9 of the whole (*loose* ones to 0.05 %)."""
    kinds = {one.id: one for one in indicators}
    assert before.index.equals(after.index)
    for (name, where), row in before.iterrows():
        other = after.loc[(name, where)]
        whole = before.loc[name]["denominator"].max() or 1
        bound = 0 if counted(kinds[name]) else whole * (5e-4 if name in loose else 1e-9)
        if kinds[name].kind == "density" and kinds[name].measure == "count":
            assert row["numerator"] == other["numerator"], name
        assert (row - other).abs().max() <= bound, (name, where, row.tolist(), other.tolist())


def test_every_kind_is_tried_here(indicators):
    assert {one.kind for one in indicators} == set(KINDS)


def test_a_place_that_is_turned_and_moved_has_the_same_figures(town, indicators, before):
    @TRIALS
    @given(
        st.lists(st.sampled_from(TURNS), max_size=1), st.integers(0, 3),
        st.tuples(st.integers(-9000, 9000), st.integers(-9000, 9000)),
    )  # fmt: skip
    @example([], 1, (0, 0))
    @example([(0.6, 0.8)], 0, (4000, -3000))
    def check(turns, quarters, shift):
        turn = np.eye(2)
        for cos, sin in (*turns, *[(0.0, 1.0)] * quarters):
            turn = turn @ np.array([[cos, sin], [-sin, cos]])

        def moved(name, frame):
            shapes = shapely.transform(
                frame.geometry.to_numpy(), lambda xy: (xy - ORIGIN) @ turn + ORIGIN + shift
            )
            return frame.set_geometry(geopandas.GeoSeries(shapes, index=frame.index, crs=frame.crs))

        # the chords of a buffer do not turn with the place
        loose = [one.id for one in indicators if turns and one.kind == "area_near"]
        agree(before, sums(Changed(town, moved), indicators), indicators, loose)

    check()


def test_any_cuts_of_one_place_have_the_same_totals(town, indicators, before):
    chosen = [one for one in indicators if one.of is None or one.of.layer != "grids"]
    whole = before.loc[[one.id for one in chosen]].sort_index()
    outline = shapely.box(*ORIGIN, *(ORIGIN + np.array([800, 400])))

    @TRIALS
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        rng = np.random.default_rng(seed)
        ends = rng.uniform([-50, -50], [850, 450], (int(rng.integers(1, 7)), 2, 2)) + ORIGIN
        lines = shapely.union_all([outline.exterior, *shapely.linestrings(ends)])
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
        faces = faces[shapely.within(shapely.point_on_surface(faces), outline)]

        def cut(name, frame):
            if name != "grids":
                return frame
            codes = [f"{B}{number:03}" for number in range(1, len(faces) + 1)]
            rows = {"fid": range(1, len(faces) + 1), "key": codes, "code": codes, "name": codes}
            return geopandas.GeoDataFrame(rows, geometry=faces, crs=frame.crs)

        agree(whole, sums(Changed(town, cut), chosen).sort_index(), chosen)

    check()


def farther(near, factor):
    """The same with every distance multiplied."""
    return near.model_copy(
        update={
            "distance": near.distance and near.distance * factor,
            "distances": {value: metres * factor for value, metres in near.distances.items()},
        }
    )


@pytest.mark.parametrize("way", ["straight", "walk"])
def test_what_is_near_stays_near_farther_away(town, indicators, way):
    """Cell by cell. What could be near only by what nobody knows may become near, never the other way round."""
    asked = [one for one in indicators if one.near is not None]
    assert {one.kind for one in asked} == {kind for kind in KINDS if kind.endswith("_near")}
    scene, last = town.scene(), {}
    for factor in (0.3, 0.8, 1.0, 1.7, 4.0):
        wider = [
            one.model_copy(update={"near": farther(one.near, factor).model_copy(update={"way": way})})
            for one in asked
        ]
        prepare(scene, wider)
        for one in wider:
            now = tally(scene, one, measure(scene, one), owners=("road", "chief"))
            now = now.set_index(["subject_kind", "subject"])[EXACT].astype(np.int64)
            near = now["numerator"]
            known = last.get(one.id, near * 0)
            both = known.index.union(near.index)
            less = known.reindex(both, fill_value=0) - near.reindex(both, fill_value=0)
            assert (less <= 0).all(), (one.id, factor)
            assert (near <= now["denominator"]).all()
            last[one.id] = near
    assert any(near.sum() > 0 for near in last.values())
