"""Noding only what is entangled gives the linework that noding everything gives; clean tiles stay as drawn."""

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.errors import UsageError
from gridsvc.partition.cells import Partition
from gridsvc.partition.faces import GRAIN, STEPS, draw_faces, unique_edges
from gridsvc.partition.pieces import cut_at_borders
from gridsvc.partition.segments import straight_pieces


def all_noded(shapes):
    edges = unique_edges(shapes)[0]
    lines = shapely.union_all(shapely.linestrings(edges.reshape(-1, 2, 2) / STEPS), grid_size=GRAIN)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))


def written(polygons):
    return sorted(shapely.to_wkb(shapely.normalize(np.asarray(polygons))).tolist())


# millimetres: corners that coincide, nearly coincide, and lie anywhere
corner = st.tuples(
    st.sampled_from([0, 1, 2, 5, 10_000, 10_001, 10_003, 20_000]) | st.integers(0, 20_000),
    st.sampled_from([0, 1, 3, 10_000, 10_002, 20_000]) | st.integers(0, 20_000),
)
drawn = (
    st.lists(corner, min_size=3, max_size=5)
    .map(lambda xy: shapely.make_valid(shapely.Polygon(np.array(xy) / STEPS)))
    .filter(lambda shape: shape.geom_type in ("Polygon", "MultiPolygon"))
)


@given(st.lists(drawn, min_size=1, max_size=6))
def test_noding_what_is_entangled_is_noding_everything(shapes):
    assert written(draw_faces(shapes).polygons) == written(all_noded(shapes))


def test_a_border_that_another_crosses_is_cut():
    faces = draw_faces([shapely.box(0, 0, 10, 10), shapely.box(5, -5, 6, 5), shapely.box(50, 0, 60, 10)])
    assert len(faces.polygons) == 4
    assert shapely.area(faces.polygons).sum() == pytest.approx(100 + 5 + 100)


def tiles():
    return np.array([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20.0004, 10)], dtype=object)


def test_tiles_keep_their_own_coordinates():
    partition = Partition.of_tiles(["1", "2"], tiles(), geopandas.GeoSeries(crs=4548).crs)
    assert partition.cells.geometry.tolist() == tiles().tolist()
    assert partition.cells["area_mm2"].tolist() == [100_000_000, 100_004_000]
    assert partition.locate(np.array([(5.0, 5.0), (10.0, 5.0), (20.0003, 5.0), (21.0, 5.0)])).tolist() == [
        0,
        0,
        1,
        -1,
    ]


def test_overlapping_tiles_are_refused():
    shapes = np.array([shapely.box(0, 0, 10, 10), shapely.box(9, 0, 20, 10)], dtype=object)
    with pytest.raises(UsageError, match="overlap"):
        Partition.of_tiles(["1", "2"], shapes, geopandas.GeoSeries(crs=4548).crs)


def test_roads_cut_at_borders_count_whole_where_they_lie():
    partition = Partition.of_tiles(["1", "2"], tiles(), geopandas.GeoSeries(crs=4548).crs)
    segments = straight_pieces(np.array([shapely.LineString([(2, 5), (13, 5)])], dtype=object))
    pieces = cut_at_borders(segments, np.array([False]), partition)
    assert pieces.cell.tolist() == [0, 1]
    assert pieces.length().tolist() == [8_000_000_000, 3_000_000_000]
    doubled = cut_at_borders(segments, np.array([True]), partition)
    assert doubled.length().tolist() == [4_000_000_000, 1_500_000_000]
