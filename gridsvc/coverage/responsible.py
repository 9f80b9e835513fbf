"""Who answers for a gap, and since when: the chiefs of its place on a road, else the officers of its unit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridsvc.coverage.scene import Scene
from gridsvc.duties.roads import texts
from gridsvc.partition.faces import Ints

OPEN = "-"
"""Stands for a duty whose first day is not known."""


def chiefs_at(scene: Scene, place: Ints) -> tuple[list[str], list[str]]:
    """Chiefs of each place on the roads' axis (-1: of none), and the day on which each took up the duty.

    Both are lists separated by blanks, in the same order; ISO days, :data:`OPEN` for one that is not known.
    """
    pairs = scene.duties.taken_up_at(place)
    days = _iso(pairs["date_from"])
    joined = pairs.assign(day=days).groupby("row")[["holder", "day"]].agg(" ".join)
    joined = joined.reindex(range(len(place))).fillna("")
    return joined["holder"].tolist(), joined["day"].tolist()


def with_officers(scene: Scene, gaps: pd.DataFrame) -> pd.DataFrame:
    """*gaps* with ``officers`` where no chief answers for them, and the days on which these took up the post.

    They are who holds a post on the gap's first unit, else on the nearest unit above it where one is held.
    """
    layout = scene.workspace.county.layout
    posts = scene.duties.posts
    posts = posts[~posts["vacant"].to_numpy(bool) & (posts["holder"] != "")]
    posts = posts.assign(day=_iso(posts["date_from"])).sort_values(["unit", "holder", "day"], kind="stable")
    # a holder with several posts on one unit: the earliest, a day that is not known before all
    posts = posts.drop_duplicates(["unit", "holder"])
    held = posts.groupby("unit")[["holder", "day"]].agg(" ".join)
    units, chiefs = texts(gaps, "unit"), texts(gaps, "chiefs")
    main = pd.Series([unit.split(" ")[0] for unit in units], index=gaps.index, dtype=object)
    above: dict[str, str] = {}
    for code in main.unique():
        at: str | None = code
        while at is not None and at not in held.index:
            at = layout.parent(at)
        above[code] = at or ""
    found = held.reindex(main.map(above)).fillna("")
    nobody = chiefs == ""
    return gaps.assign(
        chiefs=chiefs,
        officers=np.where(nobody, found["holder"].to_numpy(object), ""),
        taken_up=np.where(nobody, found["day"].to_numpy(object), texts(gaps, "taken_up")),
    )


def _iso(days: pd.Series) -> pd.Series:
    """Days as ISO texts."""
    texts: pd.Series = days.astype("datetime64[s]").dt.strftime("%Y-%m-%d").astype(object)
    return texts.where(days.notna(), OPEN)
