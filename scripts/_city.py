"""One city of the yardstick as a scene in memory, and the core job as indicators: what scripts/bench measures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.scene import Scene
from gridsvc.layers import Layer, load_layers
from gridsvc.partition.cells import Partition
from gridsvc.partition.faces import Ints
from gridsvc.partition.pieces import Pieces, cut_at_borders
from gridsvc.partition.workers import ALONE, Workers
from gridsvc.settings import County, Workspace

CRS = pyproj.CRS.from_epsg(4547)
DTYPES = {
    "text": "object",
    "integer": "float64",
    "number": "float64",
    "boolean": "object",
    "date": "datetime64[s]",
}
FILES = {
    "grids": "grids",
    "roads": "roads",
    "lamps": "lamps",
    "greenery": "green",
    "buildings": "bld",
    "toilets": "toi",
}
"""Files of a city by layer."""
COLUMNS = {
    "grids": lambda frame: {"code": frame["code"], "name": frame["code"]},
    "roads": lambda frame: {"width": frame["width"]},
    "lamps": lambda frame: {"state": np.where(frame["status"] == "lit", "lit", "dark")},
    "greenery": lambda frame: {},
    "buildings": lambda frame: {"population": frame["pop"].astype(float)},
    "toilets": lambda frame: {},
}
"""What the layers' fields take from the files' columns."""
LIT = {"state": ["lit"]}
GREENERY = {"layer": "greenery", "distance": 100}
JOB: dict[str, dict[str, Any]] = {
    "lit_len": {
        "kind": "length_near",
        "of": {"layer": "roads"},
        "near": {"layer": "lamps", "where": LIT, "distance": 25},
    },
    "lamps_lit": {"kind": "count_share", "of": {"layer": "lamps"}, "match": LIT},
    "pop_g": {"kind": "feature_near", "of": {"layer": "buildings", "weight": "population"}, "near": GREENERY},
    "area_g": {"kind": "area_near", "near": GREENERY},
    "len_g": {"kind": "length_near", "of": {"layer": "roads"}, "near": GREENERY},
    "green": {"kind": "area_share", "of": {"layer": "greenery"}},
    "toi_area": {"kind": "area_near", "near": {"layer": "toilets", "distance": 300}},
    "toi": {"kind": "density", "of": {"layer": "toilets"}, "per": "area"},
}
"""The core job, as definitions of indicators."""
DENOMINATORS = {"road_len": "lit_len", "lamps": "lamps_lit", "pop": "pop_g", "area": "area_g"}
"""Columns that are what stands below the line of an indicator."""


def core_job() -> dict[str, Indicator]:
    """The indicators of the core job by name."""
    words = {"en": "yardstick", "zh": "测速"}
    given = {"title": words, "definition": words, "group": "roads", "source": "yardstick", "year": 2026}
    return {name: Indicator.model_validate({"id": name, **given, **one}) for name, one in JOB.items()}


class CityStore:
    """The files of a city, in the shape in which a store hands layers out; what a city has not is empty."""

    crs = CRS

    def __init__(self, files: Mapping[str, gpd.GeoDataFrame]) -> None:
        """Take the files' contents by the names of :data:`FILES`."""
        self.layers = load_layers()
        self.frames = {name: self._frame(name, files[file]) for name, file in FILES.items()}

    @classmethod
    def open(cls, folder: Path) -> CityStore:
        """Read all files of *folder* into memory."""
        return cls({file: gpd.read_parquet(folder / f"{file}.parquet") for file in FILES.values()})

    def _frame(self, name: str, raw: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        if name == "grids":
            raw = raw.sort_values("code", ignore_index=True)
            self.grid_id = raw.set_index("code")["grid_id"]
        frame = _empty(self.layers[name]).reindex(range(len(raw)))
        frame["key"] = raw["code"] if name == "grids" else [f"{n:08d}" for n in range(len(raw))]
        for column, values in COLUMNS[name](raw).items():
            frame[column] = values
        return gpd.GeoDataFrame(frame, geometry=raw.geometry.to_numpy(), crs=CRS)

    def counts(self) -> dict[str, int]:
        """Features of every layer."""
        return {name: len(self.frames.get(name, ())) for name in self.layers}

    def read(self, name: str, *, load: int | None = None, context: bool = False) -> pd.DataFrame:
        """A layer in the order of its keys; of loads there is one only."""
        if name in self.frames and not context:
            return self.frames[name]
        table = _empty(self.layers[name])
        return gpd.GeoDataFrame(table, geometry=[], crs=CRS) if self.layers[name].geometry else table


def _empty(layer: Layer) -> pd.DataFrame:
    types = {name: DTYPES[field.type] for name, field in layer.fields.items()}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in {"key": "object", **types}.items()})


class CityScene(Scene):
    """A city, measured by the engine like any workspace."""

    def __init__(
        self, store: CityStore, split: str, quad: int, workers: Workers = ALONE, parted: bool = False
    ) -> None:
        """Bind to a city.

        *split*: ``line`` cuts roads at borders as the peers do, ``two-sided`` shares them as gridsvc does.
        *parted*: the grids are snapped, noded and searched for overlaps and gaps before, which no peer does.
        """
        county = County(name={"en": "yardstick", "zh": "测速"}, metre_crs="EPSG:4547")
        super().__init__(store, Workspace(Path(), county), store.layers, dt.date(2026, 1, 1), workers)
        self.split, self.arc, self.parted = split, quad, parted

    @cached_property
    def partition(self) -> Partition:
        """The grids as they are drawn, as the peers take them; or what gridsvc makes of them."""
        if self.parted:
            return super().partition
        grids = self.layer("grids")
        return Partition.of_tiles(grids["code"].to_numpy(object), grids.geometry.to_numpy(), self.crs)

    @cached_property
    def pieces(self) -> Pieces:
        """The roads' pieces, split as asked for."""
        if self.split == "two-sided":
            return Scene.pieces.func(self)
        return cut_at_borders(self.roads.segments, self.roads.divided, self.partition)

    def cell_of(self, name: str) -> Ints:
        """Cell of each feature: the peers let buildings count where their centroids lie."""
        if name != "buildings":
            return super().cell_of(name)
        if name not in self._cells:
            centroids = shapely.centroid(self.layer(name).geometry.to_numpy())
            self._cells[name] = self.partition.locate(shapely.get_coordinates(centroids))
        return self._cells[name]
