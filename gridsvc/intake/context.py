"""Features of neighbouring counties: which of them are near enough, and which are the county's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Geod

from gridsvc.codes import LEVELS
from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.delivery import Mask, Objects
from gridsvc.intake.systems import Bounds
from gridsvc.layers import Layer, Layers
from gridsvc.store import Store
from gridsvc.text import Text, bilingual

REACH = 5_000.0
"""Metres around the county's bounding box from which neighbours' features are taken."""

# what becomes of source rows besides the outcomes that every load has
LEFT_OUT: dict[str, Text] = {
    "beyond": bilingual("left out: more than 5 km from the county's box", "不计入：距本县外框超过 5 km"),
    "within": bilingual("left out: belongs to the county itself", "不计入：位于本县内，属本县要素"),
}


@dataclass(frozen=True)
class Surroundings:
    """Where neighbours' features are taken from."""

    box: Bounds
    """The county's bounding box and :data:`REACH` around it, in degrees."""
    county: shapely.Geometry
    """The county, or all of a workspace's, in longitude and latitude."""

    @classmethod
    def of(cls, store: Store, layers: Layers) -> Surroundings:
        """Those of the stored counties; without any there is nothing to be beside, a :class:`UsageError`."""
        name = layers.units[LEVELS[0]].name
        shapes = store.read(name)["geometry"].to_numpy(dtype=object)
        if not len(shapes):
            raise UsageError(
                f"--context: features of neighbours need the county they lie beside; load {name} first",
                f"--context：邻县要素须以本县边界为准；请先入库 {name}",
            )
        west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
        geod, wide = Geod(ellps="GRS80"), max(south, north, key=abs)
        # on the side nearer to the pole, where a degree is shortest
        right = float(geod.fwd(east, wide, 90, REACH)[0]) - east
        up, down = float(geod.fwd(east, north, 0, REACH)[1]), float(geod.fwd(east, south, 180, REACH)[1])
        return cls((west - right, down, east + right, up), shapely.union_all(shapes))

    def far(self, shapes: Objects) -> Mask:
        """Shapes (longitude, latitude) that lie wholly outside of the box."""
        west, south, east, north = self.box
        w, s, e, n = shapely.bounds(shapes).T
        return np.asarray((w > east) | (e < west) | (s > north) | (n < south), dtype=bool)

    def own(self, shapes: Objects) -> Mask:
        """Shapes that are the county's: a point on them lies in it. A line that crosses its border is not."""
        shapely.prepare(self.county)
        inside = shapely.intersects(self.county, shapely.point_on_surface(shapes))
        lines = shapely.get_dimensions(shapes) == 1
        inside[lines] = shapely.covers(self.county, shapes[lines])
        return np.asarray(inside, dtype=bool)


def require_context(layer: Layer) -> None:
    """Refuse neighbours' features in layers where they have no sense."""
    if not layer.takes_context:
        raise UsageError(
            f"--context: {layer.name} takes no features of neighbouring counties; roads, assets and places do",
            f"--context：{layer.name} 不接受邻县要素；只有道路、部件和场所图层可以",
        )


def nothing_near(name: str, beyond: int, within: int) -> InputRefusedError:
    """That no feature of a source is a neighbour's."""
    return InputRefusedError(
        f"{name}: no feature of a near neighbour: {beyond} lie more than 5 km from the county's box, {within} in the "
        "county itself; load those without --context",
        f"{name}：没有可用的邻县要素：{beyond} 个距本县外框超过 5 km，{within} 个位于本县内；"
        "本县要素入库时请勿加 --context",
    )
