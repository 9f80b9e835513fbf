"""Road chiefs and grid officers; a post without a person is vacant (空岗)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gridsvc.store import Store
from gridsvc.text import bilingual

CHIEFS = "chiefs"
OFFICERS = "officers"
VACANT = bilingual("vacant", "空岗")


@dataclass(frozen=True)
class People:
    """Everybody who can hold a duty."""

    chiefs: pd.DataFrame
    """``chief_id``, ``name``, ``title``, ``level``, ``phone``, ``department``, ``note``, ``vacant``."""
    officers: pd.DataFrame
    """``officer_id``, ``name``, ``phone``, ``department``, ``vacant``."""

    @classmethod
    def open(cls, store: Store) -> People:
        """Read both tables."""
        return cls(_posts(store.read(CHIEFS)), _posts(store.read(OFFICERS)))

    @property
    def in_office(self) -> set[str]:
        """Ids of the posts that somebody fills."""
        chiefs = self.chiefs.loc[~self.chiefs["vacant"], "chief_id"]
        officers = self.officers.loc[~self.officers["vacant"], "officer_id"]
        return {*chiefs, *officers}

    @property
    def known(self) -> set[str]:
        """Ids of all posts."""
        return {*self.chiefs["chief_id"], *self.officers["officer_id"]}


def _posts(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with ``vacant``: True where the post has no name."""
    name = frame["name"].astype(object).where(frame["name"].notna(), "").astype(str).str.strip()
    return frame.assign(vacant=(name == "").to_numpy(bool))
