"""Whole amounts: what an indicator counts above and below the line, and the base units that they stand for.

Amounts are whole numbers at a fixed grain (nanometres, square millimetres, thousandths of a feature's weight, or
features), one for each fact of a grain: a piece of a road, a feature of a layer, or a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridsvc.coverage.indicators import Indicator
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals
from gridsvc.partition.segments import Floats

PIECES = "(pieces)"
CELLS = "(cells)"
REPORT = 1e-8
"""Grain of a reported value, in its own unit."""


@dataclass(frozen=True)
class Amounts:
    """Whole amounts of the facts of one grain."""

    grain: str
    """:data:`PIECES`, :data:`CELLS` or the name of a layer."""
    amount: Ints
    stretches: Intervals | None = None
    """Lengths: what of the roads is counted, on the axis; each piece's amount is what it covers of it."""
    rate: Floats | None = None
    """Whole amounts per nanometre, for each piece, where a metre does not count as a metre but with a width."""


def rated(length: Ints, rate: Floats | None) -> Ints:
    """Whole amounts of lengths (nanometres): themselves, or times a rate, rounded."""
    return length if rate is None else np.asarray(np.rint(length * rate), dtype=np.int64)


@dataclass(frozen=True)
class Ends:
    """Dead ends that count."""

    xy: Floats
    """Where they are (n, 2), metre CRS."""
    place: Ints
    """The same on the roads' axis, nanometres."""
    piece: Ints
    """The piece of road that ends there, in whose cell each counts."""
    length: Floats
    """Metres to the first junction."""

    def take(self, rows: Ints) -> Ends:
        """Some of them."""
        return Ends(self.xy[rows], self.place[rows], self.piece[rows], self.length[rows])


@dataclass(frozen=True)
class Gaps:
    """What keeps an indicator from its goal: stretches, ends of roads, features of a layer, or parts of cells."""

    stretches: Intervals | None = None
    rate: Floats | None = None
    """Whole amounts per nanometre of these, for each piece of road; None: one."""
    ends: Ends | None = None
    layer: str = ""
    features: Ints | None = None
    """Rows of the layer."""
    size: Ints | None = None
    """Amounts of these features."""
    ground: Shapes | None = None
    reached: Shapes | None = None
    """What of each cell counts, and what of it is served: the rest is the gap (one possibly empty shape a cell)."""


@dataclass(frozen=True)
class Measured:
    """What one indicator counts. All amounts still reach over every zone."""

    numerator: Amounts
    denominator: Amounts
    unknown: Amounts | None = None
    exempt: Amounts | None = None
    gaps: Gaps = Gaps()
    unknown_per: Amounts | None = None
    """Densities: what is not known of the denominator, in whole amounts of the numerator."""


def quantities(indicator: Indicator) -> tuple[float, float]:
    """Base units (metres, square metres, features, persons) per whole amount, above and below the line."""
    length, area, one, weight = 1e-9, 1e-6, 1.0, 1e-3
    if indicator.kind == "reported":
        return REPORT, one
    if indicator.of_length:
        wide = indicator.features.weight
        return (area, area) if wide else (length, length)
    if indicator.kind.startswith("area"):
        return area, area
    above = weight if indicator.of is not None and indicator.of.weight else one
    if indicator.kind != "density":
        return above, above
    above = {"length": length, "area": area}.get(indicator.measure, above)
    return above, {"length": length, "area": area, "weight": weight}[indicator.per]
