"""Positions as somebody drew them, for shapes that were moved to metres and come back."""

from __future__ import annotations

import numpy as np
import shapely

from gridsvc.partition.faces import STEPS, Shapes


class Vertices:
    """Positions in degrees by their place on the millimetre grid, for shapes that go back to degrees.

    A vertex that somebody drew keeps its own degrees to the last bit; only those that closing a sliver made are
    transformed. So what did not move is what it was, and neighbours have the same vertices.
    """

    def __init__(self, metres: Shapes, degrees: Shapes) -> None:
        """Take shapes in metres and the same shapes in degrees, vertex by vertex."""
        grid = np.rint(shapely.get_coordinates(metres) * STEPS).astype(np.int64)
        self._grid, first = np.unique(grid, axis=0, return_index=True)
        self._degrees = shapely.get_coordinates(degrees)[first]

    def restore(self, metres: Shapes, transformed: Shapes) -> Shapes:
        """Shapes on the grid in degrees; *transformed* are they, each vertex moved by the CRS's own way."""
        grid = np.rint(shapely.get_coordinates(metres) * STEPS).astype(np.int64)
        everything = np.concatenate([self._grid, grid])
        _, number = np.unique(everything, axis=0, return_inverse=True)
        number = number.reshape(-1)
        own = np.full(number.max() + 1, -1, dtype=np.int64)
        own[number[: len(self._grid)]] = np.arange(len(self._grid))
        place = own[number[len(self._grid) :]]
        xy = np.where((place >= 0)[:, None], self._degrees[place], shapely.get_coordinates(transformed))
        return np.asarray(shapely.transform(transformed, lambda _: xy), dtype=object)
