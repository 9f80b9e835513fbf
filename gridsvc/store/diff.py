"""What changed in a layer between two states: features added, removed and changed, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.crs import geographic_crs, metre_crs, transform
from gridsvc.store.database import Database, quoted
from gridsvc.store.schema import Table
from gridsvc.store.versions import state

Change = Literal["added", "removed", "changed"]
Row = tuple[Any, ...]
GEOMETRY = "geometry"


def differences(db: Database, table: Table, a: int, b: int | None) -> pd.DataFrame:
    """Features of *table* that differ between the states after *a* and after *b* (None: now), by key.

    Columns: ``key``, ``fid``, ``change`` (``added``, ``removed``, ``changed``), ``fields`` (names of those that
    differ, ``geometry`` among them), ``before`` and ``after`` (their values by name; all of them for a feature
    that was added or removed; without the geometry), ``moved_m`` (metres: the largest distance between the two
    shapes, Hausdorff; NaN where there are not two), ``geometry_before`` and ``geometry_after`` (longitude,
    latitude; None where there is none).
    """
    names = [*table.columns, *([GEOMETRY] if table.geometry else [])]
    before = {row[0]: row for row in _only(db, table, names, a, b)}
    after = {row[0]: row for row in _only(db, table, names, b, a)}
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        # content that ended and came back is what it was
        if old and new and old[1] == new[1]:
            continue
        found.append((key, old, new))
    return _frame(table, names, found)


def changed_keys(db: Database, table: Table, since: int) -> list[str]:
    """Keys of row versions that loads after *since* brought or ended."""
    wanted = f"SELECT key FROM {table.name} WHERE"
    rows = db.rows(f"{wanted} {table.begun} > ? UNION {wanted} {table.ended} > ?", (since, since))
    return sorted(key for (key,) in rows)


def _only(db: Database, table: Table, names: Sequence[str], at: int | None, other: int | None) -> list[Row]:
    """Key, hash, fid and columns of the row versions that were current after *at* and not after *other*."""
    present = set(db.columns(table.name))
    if not present:
        return []
    here, first = state(table, at)
    there, second = state(table, other)
    selected = ", ".join(quoted(name) if name in present else "NULL" for name in names)
    return db.rows(
        f"SELECT key, hash, fid, {selected} FROM {table.name} WHERE ({here}) AND NOT ({there})",
        [*first, *second],
    )


def _frame(
    table: Table, names: Sequence[str], found: list[tuple[str, Row | None, Row | None]]
) -> pd.DataFrame:
    old = [row[3:] if row else None for _, row, _ in found]
    new = [row[3:] if row else None for _, _, row in found]
    shapes = [_shapes(names, rows) for rows in (old, new)]
    fields = [_differing(names, *pair) for pair in zip(old, new, strict=True)]
    return pd.DataFrame(
        {
            "key": pd.Series([key for key, _, _ in found], dtype=object),
            "fid": np.array([(row or other or ())[2] for _, row, other in found], dtype="int64"),
            "change": pd.Series(
                [_change(row, other) for row, other in zip(old, new, strict=True)], dtype=object
            ),
            "fields": pd.Series(fields, dtype=object),
            "before": pd.Series(_values(table, names, fields, old), dtype=object),
            "after": pd.Series(_values(table, names, fields, new), dtype=object),
            "moved_m": _distances(*shapes),
            "geometry_before": pd.Series(shapes[0], dtype=object),
            "geometry_after": pd.Series(shapes[1], dtype=object),
        }
    )


def _change(old: Row | None, new: Row | None) -> Change:
    return "added" if old is None else "removed" if new is None else "changed"


def _differing(names: Sequence[str], old: Row | None, new: Row | None) -> list[str]:
    """Names of the fields that differ; those that have a value where there is one row only."""
    if old and new:
        return [name for name, was, is_ in zip(names, old, new, strict=True) if was != is_]
    return [name for name, value in zip(names, old or new or (), strict=True) if value is not None]


def _values(
    table: Table, names: Sequence[str], fields: list[list[str]], rows: Sequence[Row | None]
) -> list[dict[str, Any] | None]:
    """The values of the differing fields by name, as the layer's types; None where there is no row."""
    flags = {name for name, kind in table.columns.items() if kind == "boolean"}
    place = {name: number for number, name in enumerate(names)}
    return [
        None
        if row is None
        else {
            name: bool(value) if name in flags and value is not None else value
            for name, value in ((name, row[place[name]]) for name in wanted if name != GEOMETRY)
        }
        for wanted, row in zip(fields, rows, strict=True)
    ]


def _shapes(names: Sequence[str], rows: Sequence[Row | None]) -> npt.NDArray[np.object_]:
    found = np.empty(len(rows), dtype=object)
    if GEOMETRY in names:
        place = names.index(GEOMETRY)
        found[:] = [row[place] if row else None for row in rows]
    return np.asarray(shapely.from_wkb(found), dtype=object)


def _distances(old: npt.NDArray[np.object_], new: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Metres between shapes, in the metre CRS of where they lie; zero for a shape that stayed."""
    far = np.full(len(old), np.nan)
    both = np.flatnonzero(~(shapely.is_missing(old) | shapely.is_missing(new)))
    # whatever is empty is nowhere
    both = both[~(shapely.is_empty(old[both]) | shapely.is_empty(new[both]))]
    if len(both):
        west, south, east, north = shapely.total_bounds(np.concatenate([old[both], new[both]]))
        middle = (west + east) / 2, (south + north) / 2
        degrees, metres = geographic_crs(*middle), metre_crs(*middle)
        placed = (transform(shapes[both], degrees, metres) for shapes in (old, new))
        far[both] = shapely.hausdorff_distance(*placed)
    return far
