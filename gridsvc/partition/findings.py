"""Where boundaries disagree: overlaps, gaps and protrusions, each with both units, its size and its place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridsvc.codes import LEVELS, CodeLayout
from gridsvc.partition.faces import GRAIN, Faces, Ints

COLUMNS = ["kind", "level", "unit_a", "unit_b", "part", "area_m2", "width_m", "x", "y", "shape"]


def find_defects(
    faces: Faces, level: Ints, code: np.ndarray, unit: Ints, face: Ints, layout: CodeLayout
) -> pd.DataFrame:
    """Every overlap, gap and protrusion, largest first within its kind.

    What is thinner than the grid that boundaries are snapped to comes of the snapping and is none.

    Parameters
    ----------
    faces: the faces of all boundaries.
    level, code: level number and code of each unit row.
    unit, face: which unit rows cover which faces (pairs).
    layout: how codes nest.

    Returns
    -------
    Frame with ``kind`` (``overlap``: *unit_a* and *unit_b* of one level both hold the place; ``protrusion``:
    *unit_a* reaches beyond its parent *unit_b*; ``gap``: the parent *unit_a* has children and none of its level
    holds the place), ``level`` (of the overlapping, protruding or missing units), ``part`` (number of the
    connected piece, largest first), ``area_m2``, ``width_m`` (mean width, 2 × area / perimeter), ``x``, ``y``
    (a point inside, metre CRS), ``shape`` (the piece itself).
    """
    covers = pd.DataFrame({"face": face, "level": level[unit], "code": code[unit]})
    found = [_overlaps(covers), _protrusions(covers, layout), _gaps(covers, layout)]
    return _measure(faces, pd.concat([part for part in found if len(part)] or found[:1]))


def _named(
    frame: pd.DataFrame, kind: str, level: pd.Series, unit_a: pd.Series, unit_b: object
) -> pd.DataFrame:
    names = np.array(LEVELS, dtype=object)[level.to_numpy(np.int64)]
    return pd.DataFrame(
        {
            "kind": kind,
            "level": names,
            "unit_a": unit_a.to_numpy(object),
            "unit_b": unit_b,
            "face": frame["face"],
        }
    )


def _overlaps(covers: pd.DataFrame) -> pd.DataFrame:
    """Faces held by two units of one level."""
    crowded = covers[covers.duplicated(["face", "level"], keep=False)]
    pairs = crowded.merge(crowded, on=["face", "level"])
    pairs = pairs[pairs["code_x"] < pairs["code_y"]]
    return _named(pairs, "overlap", pairs["level"], pairs["code_x"], pairs["code_y"].to_numpy(object))


def _with_parents(covers: pd.DataFrame, layout: CodeLayout) -> pd.DataFrame:
    """Every child's faces with its parent's code, and whether that parent holds the face too."""
    child = covers[covers["level"] > 0].copy()
    child["parent"] = [layout.parent(code) or "" for code in child["code"]]
    holds = covers.rename(columns={"code": "parent"}).assign(held=True)
    holds["level"] += 1
    return child.merge(holds, on=["face", "level", "parent"], how="left")


def _protrusions(covers: pd.DataFrame, layout: CodeLayout) -> pd.DataFrame:
    """Faces of a child outside its parent, where that parent is drawn at all."""
    child = _with_parents(covers, layout)
    beyond = child[child["held"].isna() & child["parent"].isin(covers["code"])]
    return _named(beyond, "protrusion", beyond["level"], beyond["code"], beyond["parent"].to_numpy(object))


def _gaps(covers: pd.DataFrame, layout: CodeLayout) -> pd.DataFrame:
    """Faces of a unit that has children, held by no unit of the children's level."""
    parents = {layout.parent(code) for code in covers["code"].unique()}
    held = covers[["face", "level"]].drop_duplicates().assign(held=True)
    held["level"] -= 1
    open_ = covers[covers["code"].isin(parents)].merge(held, on=["face", "level"], how="left")
    open_ = open_[open_["held"].isna()]
    return _named(open_, "gap", open_["level"] + 1, open_["code"], "")


def _measure(faces: Faces, found: pd.DataFrame) -> pd.DataFrame:
    """Join the faces of each defect into connected pieces and measure them."""
    if found.empty:
        return pd.DataFrame(columns=COLUMNS)
    names = ["kind", "level", "unit_a", "unit_b"]
    defect = found.groupby(names, sort=True)["face"].agg(list)
    rows = []
    for name, members in defect.items():
        whole = shapely.coverage_union_all(faces.polygons[np.unique(members)])
        rows += [(*name, piece) for piece in shapely.get_parts(whole)]  # type: ignore[misc]
    pieces = pd.DataFrame(rows, columns=[*names, "shape"])
    shape = shapely.normalize(pieces["shape"].to_numpy(object))
    pieces["shape"] = shape
    pieces["area_m2"] = shapely.area(shape)
    pieces["width_m"] = 2 * shapely.area(shape) / shapely.length(shape)
    pieces = pieces[pieces["width_m"] >= GRAIN].reset_index(drop=True)
    inside = shapely.point_on_surface(pieces["shape"].to_numpy(object))
    pieces["x"], pieces["y"] = shapely.get_x(inside), shapely.get_y(inside)
    pieces = pieces.sort_values(["kind", "area_m2", "x", "y"], ascending=[True, False, True, True])
    pieces["part"] = pieces.groupby(names).cumcount()
    return pieces[COLUMNS].reset_index(drop=True)
