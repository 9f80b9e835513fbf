"""Findings about units through time: codes used again, changes that the lineage does not tell, or tells wrongly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import shapely

from gridsvc.checks.parts import part
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.vintages import DAY, Vintages
from gridsvc.partition.lineage import LINEAGE, changes, endings

# which of the old and the new code rows of each kind have
SIDES = {
    "split": (True, True),
    "merge": (True, True),
    "renumber": (True, True),
    "new": (False, True),
    "end": (True, False),
}


def lineage_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Findings about all units that there are or were, on any day."""
    vintages = Vintages.of(scene)
    yield from untold(scene, vintages)
    if len(vintages.lineage):
        yield from used_again(scene, vintages)
        yield unknown_codes(vintages)
        yield incomplete(vintages)
        yield ground(scene, vintages)


def untold(scene: Scene, vintages: Vintages) -> Iterator[pd.DataFrame]:
    """Units that ended or began since the lineage is kept, without a row of it; notes where none is kept."""
    units, rows = vintages.units, vintages.lineage
    kept, today = len(rows) > 0, pd.Timestamp(scene.as_of)
    since = rows["changed_on"].min()
    ended = (units["ends"] + DAY >= since) & (units["ends"] < today) | ~units["standing"]
    begun = (units["begins"] >= since) & (units["begins"] <= today) | units["fresh"]
    for kind, changed, told in (("ended_untold", ended, "old_code"), ("begun_untold", begun, "new_code")):
        found = _units(scene, units[changed & ~units["code"].isin(rows[told])], kind)
        yield found if kept else found.assign(severity="note")


def used_again(scene: Scene, vintages: Vintages) -> Iterator[pd.DataFrame]:
    """Standing units whose code had ended by the lineage: used for a later unit, or never ended on the map."""
    units = vintages.units[vintages.units["standing"]]
    ended = endings(vintages.lineage, units["code"])
    ended = ended.where(ended <= pd.Timestamp(scene.as_of))
    last = vintages.lineage.groupby("new_code")["changed_on"].max()
    given = pd.Series(last.reindex(units["code"]).to_numpy(), index=units.index)
    again = (units["begins"] > ended) | (given > ended)
    yield _units(scene, units[again], "code_again")
    still = ended.notna() & ~again & (units["valid_to"].isna() | (units["valid_to"] >= ended))
    yield _units(scene, units[still], "still_valid")


def unknown_codes(vintages: Vintages) -> pd.DataFrame:
    """Codes of the lineage that no load ever held."""
    named = pd.concat([vintages.lineage["old_code"], vintages.lineage["new_code"]])
    lost = sorted(set(named) - {""} - set(vintages.units["code"]))
    return part(np.full(len(lost), "lineage_unknown", dtype=object), layer=LINEAGE, unit_a=lost)


def incomplete(vintages: Vintages) -> pd.DataFrame:
    """Rows that have not the codes that their kind needs."""
    rows = vintages.lineage
    sides = zip(rows["old_code"] != "", rows["new_code"] != "", strict=True)
    wrong = [SIDES.get(kind) != (old, new) for kind, (old, new) in zip(rows["kind"], sides, strict=True)]
    keys = rows.loc[np.array(wrong, dtype=bool), "key"].to_numpy(object)
    kind = np.full(len(keys), "lineage_incomplete", dtype=object)
    return part(kind, layer=LINEAGE, feature=keys, target=keys)


def ground(scene: Scene, vintages: Vintages) -> pd.DataFrame:
    """Changes whose old and new units do not hold the same ground, but for what is thinner than drawing noise."""
    found = []
    for change in changes(vintages.lineage):
        old, new = change.old, change.new
        if not old or not new or old & new or not (old | new) <= set(vintages.shapes.index):
            continue
        before, after = (
            shapely.union_all(vintages.shapes[sorted(codes)].to_numpy(object)) for codes in (old, new)
        )
        parts = shapely.get_parts(shapely.symmetric_difference(before, after))
        # what agrees to the last digit leaves an empty part
        parts = parts[~shapely.is_empty(parts)]
        width = 2 * shapely.area(parts) / shapely.length(parts)
        parts = parts[width >= scene.workspace.county.drawing_noise]
        if len(parts):
            largest = parts[np.argmax(shapely.area(parts))]
            found.append(
                (", ".join(sorted(old)), ", ".join(sorted(new)), float(shapely.area(parts).sum()), largest)
            )
    table = pd.DataFrame(found, columns=["unit_a", "unit_b", "size", "shape"])
    kind = np.full(len(table), "lineage_ground", dtype=object)
    return part(kind, layer=LINEAGE, **{str(name): table[name].to_numpy(object) for name in table})


def _units(scene: Scene, units: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One finding for each unit."""
    shapes, codes = units["geometry"].to_numpy(object), units["code"].to_numpy(object)
    return part(
        np.full(len(units), kind, dtype=object),
        level=units["level"].to_numpy(object),
        unit_a=codes,
        layer=units["level"].map({level: layer.name for level, layer in scene.layers.units.items()}),
        feature=codes,
        size=shapely.area(shapes),
        shape=shapes,
    )
