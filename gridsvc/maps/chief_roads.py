"""A chief's roads: stretches with everybody who answers for them, and the grids along them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.maps import words
from gridsvc.maps.atlas import Atlas
from gridsvc.maps.model import NOTHING, Column, Group, Info, Stretch
from gridsvc.maps.phrases import PHRASES
from gridsvc.maps.pixels import Geometries
from gridsvc.text import Text

Rows = npt.NDArray[np.intp]
# days for which a chief counts as new
NEW_DAYS = 60
# metres around the own roads in which a click tells the grid and its officer
GRIDS_NEAR = 150.0


def own_roads(atlas: Atlas, rows: Rows, *, vacant: bool) -> tuple[list[Stretch], Group | None]:
    """The chief's roads, one a road and role, and the group that draws them."""
    if not len(rows):
        return [], None
    table = atlas.stretches.iloc[rows].reset_index(drop=True)
    features = np.asarray([atlas.road_rows[key] for key in table["road_id"]])
    roads = atlas.roads.iloc[features].reset_index(drop=True)
    name, code = (
        roads["road_name"].fillna("").to_numpy(object),
        roads["road_code"].fillna("").to_numpy(object),
    )
    table = table.assign(
        name=name, code=code, road_class=roads["class"].to_numpy(object),
        road=np.where(code != "", code, np.where(name != "", name, table["road_id"])),
    )  # fmt: skip
    stretches, shapes, teams = [], [], []
    for index, (_, part) in enumerate(table.groupby(["road", "role"], sort=False, dropna=False)):
        stretch = _stretch(atlas, part, index)
        stretches.append(stretch)
        shapes.append(
            shapely.line_merge(shapely.multilinestrings(shapely.get_parts(part["shape"].to_numpy(object))))
        )
        teams.append(stretch.team)
    style, title = (atlas.style.vacant, "vacant_roads") if vacant else (atlas.style.own, "own_roads")
    info = Info(PHRASES[title], [s.road or s.code for s in stretches], _road_columns(stretches), teams)
    own = Group(
        "own", "own", np.asarray(shapes, dtype=object), style.plain(), PHRASES[title], "own", hit=True, info=info,
        labels={"names": [s.road for s in stretches], "along": True, "size": 13, "weight": 700, "colour": "#0b3c74"},
    )  # fmt: skip
    return stretches, own


def _road_columns(stretches: list[Stretch]) -> tuple[Column, ...]:
    classes = list(dict.fromkeys(s.class_title for s in stretches))
    spans = list(dict.fromkeys(s.span for s in stretches))
    lengths = [words.length(s.metres) for s in stretches]
    return (
        Column(PHRASES["road_class"], [classes.index(s.class_title) for s in stretches], tuple(classes)),
        Column(PHRASES["stretch"], [spans.index(s.span) for s in stretches], tuple(spans)),
        Column(PHRASES["length"], list(range(len(lengths))), tuple(lengths)),
        Column(PHRASES["code"], [s.code or None for s in stretches]),
    )


def _stretch(atlas: Atlas, part: pd.DataFrame, index: int) -> Stretch:
    """One road (or several stretches of it) that the chief answers for."""
    first = part.iloc[0]
    road_class = "" if pd.isna(first["road_class"]) else str(first["road_class"])
    titles = {value.value: value.title for value in atlas.layers.roads.fields["class"].values}
    date = part["date_from"].max()
    return Stretch(
        road=str(first["name"]),
        code=str(first["code"]),
        road_class=road_class,
        class_title=titles.get(road_class, NOTHING),
        span=_span(atlas, part),
        metres=float(part["metres"].sum()),
        since="" if pd.isna(date) else date.date().isoformat(),
        team=atlas.team(_holders(atlas, part)),
        group="own",
        index=index,
    )


def _span(atlas: Atlas, part: pd.DataFrame) -> Text:
    """From–to metres along the road."""
    rows = zip(part["road_id"], part["from_m"], part["to_m"], strict=True)
    spans = [span for key, start, end in rows if (span := atlas.span(key, start, end))]
    return words.spans(spans) if len(spans) == len(part) else NOTHING


def _holders(atlas: Atlas, part: pd.DataFrame) -> set[str]:
    """Everybody who answers for any of it."""
    found = set()
    for key, start, end in zip(part["road_id"], part["from_m"], part["to_m"], strict=True):
        others = atlas.stretches.iloc[atlas.by_road[key]]
        shared = others[(others["from_m"] < end) & (others["to_m"] > start)]
        found.update(shared["holder"].dropna())
    return found


def since_when(atlas: Atlas, chief_id: str, rows: Rows) -> tuple[str, str]:
    """Since when a chief answers, if that is recent, and who did before."""
    if not len(rows) or not atlas.stamp.as_of:
        return "", ""
    begun = atlas.stretches["date_from"].iloc[rows].min()
    day = pd.Timestamp(atlas.stamp.as_of)
    if pd.isna(begun) or begun < day - pd.Timedelta(days=NEW_DAYS):
        return "", ""
    mine = atlas.duties[atlas.duties["holder"] == chief_id]
    before = atlas.duties[
        (atlas.duties["holder"] != chief_id)
        & atlas.duties["date_to"].notna()
        & (atlas.duties["date_to"] <= begun)
        & _post_of(atlas.duties).isin(set(_post_of(mine).dropna()))
    ].sort_values("date_to")
    names = [atlas.people[holder].name for holder in before["holder"].dropna() if holder in atlas.people]
    return begun.date().isoformat(), next((name for name in reversed(names) if name), "")


def _post_of(duties: pd.DataFrame) -> pd.Series:
    """Road, level and role: a chief of another level on the same road is no predecessor."""
    road = duties["road_code"].fillna(duties["road_name"])
    return road + "|" + duties["level"].fillna("") + "|" + duties["role"].fillna("")


def grids_near(atlas: Atlas, own: Geometries) -> Iterator[Group]:
    """Grids along the own roads, not drawn, but telling name and officer when clicked."""
    units = atlas.ground.units.get("grid")
    if units is None or not len(own):
        return
    reach = GRIDS_NEAR * atlas.ground.scale
    rows = np.unique(units.tree.query(own, predicate="dwithin", distance=reach)[1])
    teams = [atlas.team(atlas.officers.get(units.codes[row], [])) for row in rows]
    info = Info(
        units.title,
        [units.names[row] or units.codes[row] for row in rows],
        (Column(PHRASES["code"], [units.codes[row] for row in rows]),),
        teams,
    )
    shapes = shapely.simplify(units.geometry[rows], atlas.ground.scale)
    yield Group("grids", "area", shapes, {}, units.title, hit=True, info=info, from_zoom=13)
