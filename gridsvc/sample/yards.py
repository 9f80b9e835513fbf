"""What stands on a plot: buildings, the green between them and the parking, as boxes in plan metres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Box = tuple[float, float, float, float]


@dataclass
class Yards:
    """Boxes (u0, v0, u1, v1) gathered over plots; each carries the index of its plot."""

    houses: list[Box] = field(default_factory=list)
    house_plots: list[int] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    floors: list[int] = field(default_factory=list)
    greens: list[Box] = field(default_factory=list)
    green_plots: list[int] = field(default_factory=list)
    green_kinds: list[str] = field(default_factory=list)
    lots: list[Box] = field(default_factory=list)
    lot_plots: list[int] = field(default_factory=list)
    lot_kinds: list[str] = field(default_factory=list)


@dataclass
class Yard:
    """One plot being filled: its box, how green its quarter is (0 to about 1.2), and where results go."""

    box: Box
    plot: int
    green: float
    rng: np.random.Generator
    out: Yards

    def house(self, box: Box, use: str, floors: int) -> None:
        """Put up a building."""
        self.out.houses.append(box)
        self.out.house_plots.append(self.plot)
        self.out.uses.append(use)
        self.out.floors.append(floors)

    def lawn(self, box: Box, kind: str = "附属绿地") -> None:
        """Plant a green area."""
        self.out.greens.append(box)
        self.out.green_plots.append(self.plot)
        self.out.green_kinds.append(kind)

    def park(self, box: Box, kind: str) -> None:
        """Mark a car park."""
        self.out.lots.append(box)
        self.out.lot_plots.append(self.plot)
        self.out.lot_kinds.append(kind)

    def chance(self, share: float) -> bool:
        """Tell whether something with this chance happens here."""
        return bool(self.rng.random() < share)


def _rows(yard: Yard, depth: float, gap: float) -> list[tuple[float, float]]:
    """Rows of buildings from the north side down: (south edge, distance to the next row's north edge)."""
    _, y0, _, y1 = yard.box
    count = max(1, int((y1 - y0 - depth) / (depth + gap)) + 1)
    pitch = (y1 - y0 - depth) / (count - 1) if count > 1 else y1 - y0
    return [(y1 - depth - k * pitch, pitch - depth) for k in range(count)]


def _slabs(
    yard: Yard, depth: float, gap: float, length: float, floors: tuple[int, int], green: float, parking: float
) -> None:
    """Rows of slabs facing south, with green (share of the space between rows) or a car park between them."""
    x0, y0, x1, _ = yard.box
    gap, length = gap * float(yard.rng.uniform(0.85, 1.25)), length * float(yard.rng.uniform(0.75, 1.3))
    depth += float(yard.rng.uniform(-1, 1.5))
    storeys = int(yard.rng.integers(floors[0], floors[1] + 1))
    count = max(1, round((x1 - x0) / (length + 10)))
    wide = min((x1 - x0 - 10 * (count - 1)) / count, length * 1.4)
    for row, (south, space) in enumerate(_rows(yard, depth, gap)):
        for k in range(count):
            west = x0 + k * (wide + 10)
            if wide > 9 and not yard.chance(0.05):
                yard.house((west, south, west + wide, south + depth), "住宅", storeys)
        room = min((space - 7) * min(1.0, green * yard.green), 40.0)
        if row == 0 and yard.chance(parking) and space > 14:
            yard.park((x0 + 2, south - 15, x0 + 2 + min(70.0, (x1 - x0) * 0.7), south - 4), "配建")
        elif room > 3 and south - 4 - room > y0 - 1:
            yard.lawn((x0 + 2, south - 4 - room, x1 - 2, south - 4))


def _estate(yard: Yard) -> None:
    _slabs(yard, 12.5, 27.0, 56.0, (2, 6), 0.95, 0.3)


def _high_rise(yard: Yard) -> None:
    _slabs(yard, 16.0, 42.0, 36.0, (5, 11), 0.95, 0.45)


def _small_town(yard: Yard) -> None:
    _slabs(yard, 11.0, 22.0, 46.0, (2, 4), 0.45, 0.12)


def _old_town(yard: Yard) -> None:
    """Dense low terraces with hardly any green."""
    x0, _, x1, _ = yard.box
    for south, _space in _rows(yard, 10.5, 11.5):
        west = x0
        while west < x1 - 12:
            wide = float(yard.rng.uniform(24, 64))
            if not yard.chance(0.14):
                yard.house(
                    (west, south, min(west + wide, x1), south + 10.5), "住宅", int(yard.rng.integers(1, 4))
                )
            west += wide + float(yard.rng.uniform(2.5, 6))


def _shops(yard: Yard) -> None:
    """Shops along the sides, a hall and a car park in the middle."""
    x0, y0, x1, y1 = yard.box
    wide, tall = x1 - x0, y1 - y0
    count = max(1, round(wide / 42))
    step = wide / count
    for k in range(count):
        for south in (y0, y1 - 16):
            if not yard.chance(0.12):
                yard.house(
                    (x0 + k * step, south, x0 + (k + 1) * step - 5, south + 16),
                    "商业",
                    int(yard.rng.integers(2, 6)),
                )
    if tall > 85 and wide > 60:
        yard.house(
            (x0 + 0.08 * wide, y0 + 30, x0 + 0.5 * wide, y1 - 30), "商业", int(yard.rng.integers(2, 7))
        )
        if yard.chance(0.75):
            yard.park((x0 + 0.56 * wide, y0 + 0.52 * tall, x1 - 4, y1 - 26), "公共")
        yard.lawn((x0 + 0.56 * wide, y0 + 26, x1 - 4, y0 + 26 + (tall * 0.42 - 26) * min(1.0, yard.green)))


def _offices(yard: Yard) -> None:
    """A main building at the back, wings, and a lawn with a car park in front."""
    x0, y0, x1, y1 = yard.box
    wide, tall = x1 - x0, y1 - y0
    yard.house((x0 + 0.2 * wide, y1 - 30, x1 - 0.2 * wide, y1 - 10), "办公", int(yard.rng.integers(5, 13)))
    for west in (x0 + 0.06 * wide, x1 - 0.06 * wide - 17):
        yard.house((west, y0 + 0.4 * tall, west + 17, y1 - 40), "办公", int(yard.rng.integers(3, 7)))
    yard.lawn((x0 + 0.2 * wide, y0 + 0.42 * tall, x1 - 0.2 * wide, y1 - 38))
    yard.lawn((x0 + 4, y0 + 4, x0 + 0.62 * wide, y0 + 0.34 * tall))
    yard.park((x0 + 0.68 * wide, y0 + 4, x1 - 5, y0 + 0.3 * tall), "公共")


def _school(yard: Yard) -> None:
    """Classrooms in the west half, a sports ground in the east half, rows of trees."""
    x0, y0, x1, y1 = yard.box
    half = x0 + 0.52 * (x1 - x0)
    count = max(2, min(4, int((y1 - y0) / 38)))
    pitch = (y1 - y0) / count
    for k in range(count):
        south = y1 - 13 - k * pitch
        yard.house((x0 + 4, south, half - 8, south + 12.5), "学校", int(yard.rng.integers(3, 6)))
        if pitch > 26:
            yard.lawn((x0 + 4, south - pitch * 0.48, half - 8, south - 5))
    yard.lawn((half, y0 + 3, half + 7, y1 - 3))
    yard.lawn((half + 12, y1 - 16, x1 - 4, y1 - 4))


def _hospital(yard: Yard) -> None:
    x0, y0, x1, y1 = yard.box
    wide, tall = x1 - x0, y1 - y0
    yard.house((x0 + 0.1 * wide, y0 + 0.12 * tall, x0 + 0.56 * wide, y0 + 0.12 * tall + 24), "医院", 5)
    yard.house(
        (x0 + 0.1 * wide, y0 + 0.5 * tall, x0 + 0.5 * wide, y0 + 0.5 * tall + 20),
        "医院",
        int(yard.rng.integers(6, 15)),
    )
    yard.house((x0 + 0.62 * wide, y0 + 0.5 * tall, x1 - 6, y0 + 0.5 * tall + 18), "医院", 4)
    yard.park((x0 + 0.64 * wide, y0 + 5, x1 - 5, y0 + 0.38 * tall), "公共")
    yard.lawn((x0 + 5, y1 - 0.24 * tall, x1 - 5, y1 - 5))


def _depot(yard: Yard) -> None:
    x0, y0, x1, y1 = yard.box
    count = max(1, int((x1 - x0) / 52))
    step = (x1 - x0) / count
    for k in range(count):
        for south, north in ((y0 + 8, y0 + 0.47 * (y1 - y0)), (y0 + 0.55 * (y1 - y0), y1 - 14)):
            if not yard.chance(0.15):
                yard.house((x0 + k * step + 6, south, x0 + (k + 1) * step - 8, north), "商业", 1)
    yard.lawn((x0, y1 - 10, x1, y1))
    if yard.chance(0.5):
        yard.lawn((x0, y0, x1, y0 + 6))
        yard.lawn((x0, y0 + 10, x0 + 5, y1 - 12))


def _square(yard: Yard) -> None:
    """A paved square framed by lawns, with shops on one side."""
    x0, y0, x1, y1 = yard.box
    wide, tall = x1 - x0, y1 - y0
    yard.lawn((x0, y0, x0 + 0.36 * wide, y0 + 0.4 * tall), "广场绿地")
    yard.lawn((x1 - 0.36 * wide, y0, x1, y0 + 0.4 * tall), "广场绿地")
    yard.lawn((x0, y0 + 0.55 * tall, x0 + 0.36 * wide, y1 - 26), "广场绿地")
    yard.park((x1 - 0.34 * wide, y0 + 0.56 * tall, x1 - 3, y1 - 30), "公共")
    yard.house((x0 + 4, y1 - 20, x0 + 0.46 * wide, y1 - 4), "商业", 3)
    yard.house((x0 + 0.54 * wide, y1 - 20, x1 - 4, y1 - 4), "商业", 4)


def _field(yard: Yard) -> None:
    """Ground not yet built on; now and then a nursery belt."""
    x0, y0, x1, y1 = yard.box
    if yard.chance(0.6):
        yard.lawn((x0, y0, x1, y0 + 0.4 * (y1 - y0)), "防护绿地")


FILLS: dict[str, Callable[[Yard], None]] = {
    "R": _estate, "N": _high_rise, "T": _small_town, "O": _old_town, "V": _old_town, "C": _shops, "G": _offices,
    "S": _school, "H": _hospital, "I": _depot, "Q": _square, "F": _field,
}  # fmt: skip


def fill(box: Box, use: str, plot: int, green: float, rng: np.random.Generator, out: Yards) -> None:
    """Fill one plot according to its use."""
    if box[2] - box[0] > 16 and box[3] - box[1] > 16:
        FILLS[use](Yard(box, plot, green, rng, out))
