"""From facts to tallies: sums of whole amounts per cell, per road and per chief."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.coverage.amounts import CELLS, PIECES, Amounts, Measured
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.scene import Scene
from gridsvc.duties.roads import Names
from gridsvc.partition.cells import OUTSIDE
from gridsvc.partition.faces import Ints

SIDES = ("numerator", "denominator", "unknown", "exempt")
COLUMNS = ["indicator", "subject_kind", "subject", *SIDES]


def tally(
    scene: Scene, indicator: Indicator, measured: Measured, owners: Collection[str] = ("road", "chief")
) -> pd.DataFrame:
    """Sums of one indicator: rows of ``subject_kind`` cell, outside and *owners*, with whole amounts.

    Cells outside the indicator's zone have no row. What lies in no unit is summed under ``outside`` (whatever the
    zone) and is in no road's and no chief's figure, so roads add up to the county.
    """
    zone = scene.in_zone(indicator.zone)
    parts = [_cells(scene, measured, zone)]
    if indicator.for_chiefs:
        parts += [_sums(kind, scene, measured, zone) for kind in owners]
    kinds, subjects, sums = (np.concatenate(part) for part in zip(*parts, strict=True))
    some = (sums != 0).any(axis=1)
    return frame_of_sums(indicator.id, kinds[some], subjects[some], sums[some])


def frame_of_sums(indicator: str | Names, kinds: Names, subjects: Names, sums: Ints) -> pd.DataFrame:
    """Sums (n, 4) as a table (:data:`COLUMNS`)."""
    if isinstance(indicator, str):
        indicator = np.full(len(subjects), indicator, dtype=object)
    names = zip(COLUMNS, (indicator, kinds, subjects), strict=False)
    columns = {name: pd.Series(values, dtype=object) for name, values in names}
    return pd.DataFrame({**columns, **dict(zip(SIDES, sums.T, strict=True))})


def sides(measured: Measured) -> Iterator[tuple[str, Amounts]]:
    """The sides that there are, by name; what is unknown may be of two grains."""
    for side in SIDES:
        amounts = getattr(measured, side)
        if amounts is not None:
            yield side, amounts
    if measured.unknown_per is not None:
        yield "unknown", measured.unknown_per


def cell_of(scene: Scene, grain: str) -> Ints:
    """Cell of each fact of a grain."""
    if grain == CELLS:
        return np.arange(len(scene.partition.cells))
    return scene.pieces.cell if grain == PIECES else scene.cell_of(grain)


Part = tuple[Names, Names, Ints]
"""Kinds, subjects and sums (n, 4)."""


def _cells(scene: Scene, measured: Measured, zone: npt.NDArray[np.bool_]) -> Part:
    """Sums per cell of the zone, and of what lies outside all units."""
    names = scene.partition.cells["cell"].to_numpy(object)
    sums = np.zeros((len(names) + 1, len(SIDES)), dtype=np.int64)
    for side, amounts in sides(measured):
        # OUTSIDE is -1: the last place of the sums
        np.add.at(sums[:, SIDES.index(side)], cell_of(scene, amounts.grain), amounts.amount)
    kinds = np.full(len(sums), "cell", dtype=object)
    kinds[-1] = "outside"
    keep = np.append(zone[:-1], True)
    return kinds[keep], np.append(names, "")[keep], sums[keep]


def _sums(kind: str, scene: Scene, measured: Measured, zone: npt.NDArray[np.bool_]) -> Part:
    """Sums per road or per chief, in order of their names."""
    owners: dict[str, tuple[Ints, Ints]] = {}
    numbers: dict[str, int] = {}
    parts = []
    for side, amounts in sides(measured):
        if amounts.grain not in owners:
            row, subject = OWNERS[kind](scene, amounts.grain)
            inside = zone[cell_of(scene, amounts.grain)][row]
            number, known = pd.factorize(subject[inside])
            place = np.array([numbers.setdefault(name, len(numbers)) for name in known], dtype=np.int64)
            owners[amounts.grain] = row[inside], place[number]
        row, place = owners[amounts.grain]
        parts.append((SIDES.index(side), place, amounts.amount[row]))
    sums = np.zeros((len(numbers), len(SIDES)), dtype=np.int64)
    for column, place, amount in parts:
        np.add.at(sums[:, column], place, amount)
    order = sorted(numbers)
    subjects: Names = np.array(order, dtype=object)
    place = np.array([numbers[name] for name in order], dtype=np.int64)
    return np.full(len(order), kind, dtype=object), subjects, sums[place]


Owners = tuple[Ints, Names]
"""Pairs of a row of a fact and a subject."""


def _by_road(scene: Scene, grain: str) -> Owners:
    """Pairs (row of a fact, road): a piece's road; the road that a confirmed asset belongs to."""
    if grain == PIECES:
        return np.arange(len(scene.pieces)), scene.roads.road[scene.pieces.road]
    if scene.layers[grain].role != "asset":
        return _nobody()
    found = scene.assignments(grain)
    row = found["row"].to_numpy(np.int64)
    mine = np.flatnonzero(found["confirmed"].to_numpy(bool) & (row != OUTSIDE))
    return mine, scene.roads.road[row[mine]]


def _by_chief(scene: Scene, grain: str) -> Owners:
    """Pairs (row of a fact, holder) by who answers for its place; several may share it, each has it once."""
    if grain == PIECES:
        pairs = scene.duties.holders_at(scene.pieces.start)
    elif scene.layers[grain].role != "asset":
        return _nobody()
    else:
        pairs = asset_holders(scene, grain)
    return pairs["row"].to_numpy(np.int64), pairs["holder"].to_numpy(object)


def asset_holders(scene: Scene, layer: str) -> pd.DataFrame:
    """Pairs (row of an asset, holder) for assets whose road is certain."""
    found = scene.assignments(layer)
    mine = np.flatnonzero(found["confirmed"] & (found["row"] != OUTSIDE))
    pairs = scene.duties.holders_at(found["place"].to_numpy(np.int64)[mine])
    return pairs.assign(row=mine[pairs["row"]])


def _nobody() -> Owners:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=object)


OWNERS = {"road": _by_road, "chief": _by_chief}
