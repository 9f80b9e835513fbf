"""Figures to read from sums in memory, all of them or those that changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd

from gridsvc.coverage.figures import COLUMNS, Figures
from gridsvc.coverage.held import HeldScene
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.reports import KIND
from gridsvc.coverage.sums import UNIT, Sums
from gridsvc.coverage.tallies import SIDES


@dataclass(frozen=True)
class HeldFigures(Figures):
    """The figures of a scene that is held; good until boundaries, names or versions change."""

    scene: HeldScene
    sums: Sums

    @cached_property
    def cells(self) -> gpd.GeoDataFrame:
        """The cells, in the metre CRS."""
        return self.scene.partition.cells

    def changed(self, sums: pd.DataFrame) -> pd.DataFrame:
        """The figures of units, roads and chiefs among *sums* (as :meth:`Sums.add` returns them), as rows."""
        named = {UNIT: self._titles, "road": self._names("road"), "chief": self._names("chief")}
        # what is reported stands for the unit that it was reported for
        sums = sums.assign(subject_kind=sums["subject_kind"].replace({KIND: UNIT}))
        kinds, subjects = sums["subject_kind"].tolist(), sums["subject"].tolist()
        shown = [
            kind in ("road", "chief") or (kind == UNIT and subject in self._levels)
            for kind, subject in zip(kinds, subjects, strict=True)
        ]
        some = sums[
            np.array(shown, dtype=bool) & sums["indicator"].isin(list(self.indicators)).to_numpy(bool)
        ]
        pairs = list(zip(some["subject_kind"], some["subject"], strict=True))
        some = some.assign(
            level=[self._levels[subject] if kind == UNIT else "" for kind, subject in pairs],
            name=[named[kind].get(subject) or subject for kind, subject in pairs],
        )
        ids = list(dict.fromkeys(some["indicator"]))
        parts = [some[some["indicator"] == name] for name in ids]
        if not ids:
            return pd.DataFrame(columns=COLUMNS)
        return self._rows([self.indicators[name] for name in ids], parts)

    @cached_property
    def _subjects_of_units(self) -> pd.DataFrame:
        """All units and what lies in none below them."""
        parts = [self._subjects(level, None) for level in self.units["level"].unique()]
        rows = pd.concat(parts, ignore_index=True)
        rest = rows["rest"].to_numpy(bool)
        return rows.assign(subject=rows["code"].where(~rest, rows["code"] + "*")).drop_duplicates("subject")

    @cached_property
    def _levels(self) -> dict[str, str]:
        rows = self._subjects_of_units
        return dict(zip(rows["subject"], rows["level"], strict=True))

    @cached_property
    def _titles(self) -> dict[str, str]:
        rows = self._subjects_of_units
        return {
            subject: self.title(name, rest=rest)
            for subject, name, rest in zip(rows["subject"], rows["name"], rows["rest"], strict=True)
        }

    @cached_property
    def _named(self) -> dict[str, dict[str, str]]:
        return {}

    def _names(self, kind: str) -> dict[str, str]:
        if kind not in self._named:
            self._named[kind] = super()._names(kind)
        return self._named[kind]

    def _read(self, layer: str) -> pd.DataFrame:
        """Rows as they are held."""
        held: pd.DataFrame = (
            self.scene.layer(layer) if self.layers[layer].geometry else self.scene.table(layer)
        )
        return held

    def _sums(self, indicator: Indicator, kind: str) -> pd.DataFrame:
        return self.sums.rows(indicator.id, kind)[["subject", *SIDES]]
