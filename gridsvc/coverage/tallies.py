"""From facts to tallies: sums of whole amounts per cell, per road and per chief."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.coverage.amounts import CELLS, PIECES, Amounts, Measured
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.scene import Scene
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
    found = pd.concat(parts, ignore_index=True)
    found.insert(0, "indicator", indicator.id)
    return found[COLUMNS]


def sides(measured: Measured) -> Iterator[tuple[str, Amounts]]:
    """The sides that there are, by name."""
    for side in SIDES:
        amounts = getattr(measured, side)
        if amounts is not None:
            yield side, amounts


def cell_of(scene: Scene, grain: str) -> Ints:
    """Cell of each fact of a grain."""
    if grain == CELLS:
        return np.arange(len(scene.partition.cells))
    return scene.pieces.cell if grain == PIECES else scene.cell_of(grain)


def _cells(scene: Scene, measured: Measured, zone: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Sums per cell of the zone, and of what lies outside all units."""
    names = scene.partition.cells["cell"].to_numpy(object)
    sums = {side: np.zeros(len(names) + 1, dtype=np.int64) for side in SIDES}
    for side, amounts in sides(measured):
        # OUTSIDE is -1: the last place of the sums
        np.add.at(sums[side], cell_of(scene, amounts.grain), amounts.amount)
    table = pd.DataFrame({"subject_kind": "cell", "subject": np.append(names, ""), **sums})
    table.loc[len(names), "subject_kind"] = "outside"
    keep = np.append(zone[:-1], True)
    return table[keep & (table[list(SIDES)] != 0).any(axis=1)]


def _sums(kind: str, scene: Scene, measured: Measured, zone: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Sums per road or per chief."""
    owners: dict[str, tuple[Ints, Ints]] = {}
    names: dict[str, int] = {}
    parts = []
    for column, side in enumerate(SIDES):
        amounts: Amounts | None = getattr(measured, side)
        if amounts is None:
            continue
        if amounts.grain not in owners:
            owner = OWNERS[kind](scene, amounts.grain)
            row, subject = owner["row"].to_numpy(np.int64), owner["subject"].to_numpy(object)
            inside = zone[cell_of(scene, amounts.grain)][row]
            number, known = pd.factorize(subject[inside])
            place = np.array([names.setdefault(name, len(names)) for name in known], dtype=np.int64)
            owners[amounts.grain] = row[inside], place[number]
        row, place = owners[amounts.grain]
        parts.append((column, place, amounts.amount[row]))
    sums = np.zeros((len(names), len(SIDES)), dtype=np.int64)
    for column, place, amount in parts:
        np.add.at(sums[:, column], place, amount)
    subjects = np.array(list(names), dtype=object)
    table = pd.DataFrame({"subject_kind": kind, "subject": subjects, **dict(zip(SIDES, sums.T, strict=True))})
    return table[(sums != 0).any(axis=1)].sort_values("subject", ignore_index=True)


def _by_road(scene: Scene, grain: str) -> pd.DataFrame:
    """Pairs (row of a fact, road): a piece's road; the road that a confirmed asset belongs to."""
    if grain == PIECES:
        return pd.DataFrame(
            {"row": np.arange(len(scene.pieces)), "subject": scene.roads.road[scene.pieces.road]}
        )
    if scene.layers[grain].role != "asset":
        return _nobody()
    found = scene.assignments(grain)
    mine = np.flatnonzero(found["confirmed"] & (found["row"] != OUTSIDE))
    return pd.DataFrame({"row": mine, "subject": scene.roads.road[found["row"].to_numpy(np.int64)[mine]]})


def _by_chief(scene: Scene, grain: str) -> pd.DataFrame:
    """Pairs (row of a fact, holder) by who answers for its place; several may share it, each has it once."""
    if grain == PIECES:
        pairs = scene.duties.holders_at(scene.pieces.start)
    elif scene.layers[grain].role != "asset":
        return _nobody()
    else:
        pairs = asset_holders(scene, grain)
    return pairs.rename(columns={"holder": "subject"})


def asset_holders(scene: Scene, layer: str) -> pd.DataFrame:
    """Pairs (row of an asset, holder) for assets whose road is certain."""
    found = scene.assignments(layer)
    mine = np.flatnonzero(found["confirmed"] & (found["row"] != OUTSIDE))
    pairs = scene.duties.holders_at(found["place"].to_numpy(np.int64)[mine])
    return pairs.assign(row=mine[pairs["row"]])


def _nobody() -> pd.DataFrame:
    return pd.DataFrame({"row": np.empty(0, dtype=np.int64), "subject": np.empty(0, dtype=object)})


OWNERS = {"road": _by_road, "chief": _by_chief}
