"""Small boundaries, roads and definitions for the tests of the numbers. Coordinates are metres."""

import geopandas
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, settings

from gridsvc.codes import LEVELS, CodeLayout
from gridsvc.coverage.indicators import Indicator
from gridsvc.duties.roads import Roads
from gridsvc.layers import load_layers
from gridsvc.partition.cells import build_partition

settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("steady")

CRS = pyproj.CRS.from_epsg(4548)
LAYOUT = CodeLayout()


@pytest.fixture(scope="session")
def layers():
    """The shipped layer definitions."""
    return load_layers()


@pytest.fixture(scope="session")
def partition_of():
    """Partitions units given as ``{code: shape}``; the level is that of the code. Zones: ``[(kind, shape)]``."""

    def make(units, zones=(), sliver_width=0.5, order=None):
        rows = list(units.items())
        rows = rows if order is None else [rows[number] for number in order]
        boundaries = {}
        for level in LEVELS:
            mine = [(code, shape) for code, shape in rows if LAYOUT.level(code) == level]
            codes = pd.Series([code for code, _ in mine], dtype=object)
            shapes = np.array([shape for _, shape in mine], dtype=object)
            boundaries[level] = geopandas.GeoDataFrame({"code": codes}, geometry=shapes, crs=CRS)
        kinds = pd.Series([kind for kind, _ in zones], dtype=object)
        drawn = geopandas.GeoDataFrame(
            {"kind": kinds}, geometry=np.array([shape for _, shape in zones], dtype=object), crs=CRS
        )
        return build_partition(boundaries, drawn, LAYOUT, CRS, sliver_width)

    return make


@pytest.fixture(scope="session")
def areas_of():
    """Area of each cell in whole m², by name."""

    def read(partition):
        cells = partition.cells
        return {
            name: round(area / 1e6, 3) for name, area in zip(cells["cell"], cells["area_mm2"], strict=True)
        }

    return read


@pytest.fixture(scope="session")
def roads_of(layers):
    """Roads from ``(key, shape, fields)``."""

    def make(*rows):
        table = [{"key": key, "road_id": key, **fields} for key, _, fields in rows]
        frame = pd.DataFrame(table, columns=["key", *layers.roads.fields])
        frame = frame.astype({"width": float, "start_m": float})
        shapes = np.array([shape for _, shape, _ in rows], dtype=object)
        frame = geopandas.GeoDataFrame(frame, geometry=shapes, crs=CRS).sort_values("key", ignore_index=True)
        return Roads.of(frame, layers.roads)

    return make


@pytest.fixture(scope="session")
def lines():
    """LineStrings from lists of points."""
    return lambda *paths: np.array([shapely.LineString(path) for path in paths], dtype=object)


@pytest.fixture(scope="session")
def indicator_of():
    """An indicator with what tests do not care for filled in."""

    def make(**fields):
        words = {"en": "trial", "zh": "试验"}
        basis = {
            "id": "trial", "title": words, "definition": words, "kind": "count_share", "group": "roads",
            "of": {"layer": "lamps"}, "source": "trial", "year": 2026,
        }  # fmt: skip
        given = {**basis, **fields}
        if given["kind"].endswith("_share") and given["kind"] != "area_share":
            given.setdefault("match", {"state": ["lit"]})
        return Indicator.model_validate(given)

    return make
