"""Who answers for a gap, and since when: the chiefs of its place on a road, else the officers of its units."""

from __future__ import annotations

from collections.abc import Iterable

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
    row, n = pairs["row"], len(place)
    return blank_separated(row, pairs["holder"], n), blank_separated(row, _iso(pairs["date_from"]), n)


def blank_separated(row: Iterable[int], text: Iterable[str], n: int) -> list[str]:
    """For each of *n* rows its texts in their order, separated by blanks."""
    found: list[list[str]] = [[] for _ in range(n)]
    for at, one in zip(row, text, strict=True):
        found[at].append(one)
    return [" ".join(texts) for texts in found]


def with_officers(scene: Scene, gaps: pd.DataFrame) -> pd.DataFrame:
    """*gaps* with ``officers`` where no chief in office answers for them; without any chief also their days.

    They are who holds a post on one of the gap's units, else on the nearest unit above it where one is held.
    """
    layout = scene.workspace.county.layout
    posts = scene.duties.posts
    posts = posts[~posts["vacant"].to_numpy(bool) & (posts["holder"] != "")]
    posts = posts.assign(day=_iso(posts["date_from"]))[["unit", "holder", "day"]].sort_values(
        ["unit", "holder", "day"], kind="stable", ignore_index=True
    )
    held, chiefs, units = set(posts["unit"]), texts(gaps, "chiefs"), texts(gaps, "unit")
    vacant = set(scene.people.chiefs.loc[scene.people.chiefs["vacant"], "chief_id"])
    row = np.flatnonzero([not set(names.split()) - vacant for names in chiefs])
    along = pd.DataFrame({"row": row, "code": [codes.split() for codes in units[row]]})
    along = along.explode("code", ignore_index=True).dropna()
    above: dict[str, str] = {}
    for code in along["code"].unique():
        at: str | None = code
        while at is not None and at not in held:
            at = layout.parent(at)
        above[code] = at or ""
    found = along.assign(unit=along["code"].map(above).astype(object)).merge(posts, on="unit")
    # each once, with the earliest post; a day that is not known sorts before all
    found = found.sort_values(["row", "holder", "day"], kind="stable").drop_duplicates(["row", "holder"])
    days = np.array(blank_separated(found["row"], found["day"], len(gaps)), dtype=object)
    return gaps.assign(
        chiefs=chiefs,
        officers=blank_separated(found["row"], found["holder"], len(gaps)),
        taken_up=np.where(chiefs == "", days, texts(gaps, "taken_up")),
    )


def _iso(days: pd.Series) -> pd.Series:
    """Days as ISO texts."""
    texts: pd.Series = days.astype("datetime64[s]").dt.strftime("%Y-%m-%d").astype(object)
    return texts.where(days.notna(), OPEN)
