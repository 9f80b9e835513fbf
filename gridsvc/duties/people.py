"""Road chiefs and grid officers; a post without a person is vacant (空岗).

Both tables have ids of their own. Where one id stands in both, a duty on a road is the chief's and a duty on a unit
the officer's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
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
        return cls.of(store.read(CHIEFS), store.read(OFFICERS))

    @classmethod
    def of(cls, chiefs: pd.DataFrame, officers: pd.DataFrame) -> People:
        """The people of both tables as they were read."""
        return cls(_posts(chiefs), _posts(officers))

    def in_office(self, holder: pd.Series, on_road: pd.Series) -> npt.NDArray[np.bool_]:
        """Whether somebody fills the post of each *holder*, of a duty on a road or else on a unit."""
        filled_chiefs = self.chiefs.loc[~self.chiefs["vacant"], "chief_id"]
        filled_officers = self.officers.loc[~self.officers["vacant"], "officer_id"]
        chief, officer = holder.isin(self.chiefs["chief_id"]), holder.isin(self.officers["officer_id"])
        filled: npt.NDArray[np.bool_] = np.where(
            chief & (on_road | ~officer), holder.isin(filled_chiefs), holder.isin(filled_officers)
        )
        return filled

    @property
    def known(self) -> set[str]:
        """Ids of all posts."""
        return {*self.chiefs["chief_id"], *self.officers["officer_id"]}


def _posts(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with ``vacant``: True where the post has no name."""
    name = frame["name"].astype(object).where(frame["name"].notna(), "").astype(str).str.strip()
    return frame.assign(vacant=(name == "").to_numpy(bool))
