"""Gaps to read: what each counts for in a unit's or a chief's figure, what closing it would gain, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from gridsvc.codes import LEVELS
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.gap_age import taken_over
from gridsvc.coverage.gaps import SHORTEST

if TYPE_CHECKING:
    from gridsvc.coverage.figures import Figures

COLUMNS = [
    "fid", "indicator", "gap", "kind", "unit", "road_id", "road_name", "from_m", "to_m", "size", "own", "measure",
    "gain_own", "gain_county", "residents", "layer", "feature_key", "chiefs", "officers", "since", "inherited",
    "geometry",
]  # fmt: skip


@dataclass(frozen=True)
class Shares:
    """What gaps count for, unit by unit."""

    table: pd.DataFrame
    """``row`` (of the gaps), ``unit`` (code), ``amount`` (whole, at the indicator's grain); most first."""
    count: int
    """Number of gaps."""

    @classmethod
    def of(cls, gaps: pd.DataFrame) -> Shares:
        """Read them from gaps as they are stored."""
        units, amounts = (gaps[name].fillna("").str.split().to_numpy(object) for name in ("unit", "amounts"))
        known = [len(codes) == len(parts) for codes, parts in zip(units, amounts, strict=True)]
        long = pd.DataFrame({"row": np.arange(len(gaps)), "unit": units, "amount": amounts})
        long = long[np.array(known, dtype=bool)]
        long = long.explode(["unit", "amount"], ignore_index=True).dropna()
        return cls(
            long.assign(amount=long["amount"].astype(np.int64), row=long["row"].astype(np.int64)), len(gaps)
        )

    def within(self, code: str) -> Shares:
        """Only what lies in a unit or the units below it."""
        return Shares(self.table[self.table["unit"].str.startswith(code)], self.count)

    def amount(self) -> pd.Series:
        """Whole amount of each gap; NaN where it has none."""
        return self.table.groupby("row")["amount"].sum().reindex(range(self.count))

    def main(self) -> pd.Series:
        """The unit with most of each gap."""
        return (
            self.table.drop_duplicates("row").set_index("row")["unit"].reindex(range(self.count)).fillna("")
        )

    def amount_in(self, codes: pd.Series) -> pd.Series:
        """Whole amount of each gap in the unit that *codes* names for it, and in those below it."""
        at = codes.to_numpy(object)[self.table["row"].to_numpy()]
        inside = [unit.startswith(code) for unit, code in zip(self.table["unit"], at, strict=True)]
        return Shares(self.table[np.array(inside, dtype=bool)], self.count).amount()


def list_gaps(
    figures: Figures, indicator: str | None = None, unit: str | None = None, chief: str | None = None
) -> gpd.GeoDataFrame:
    """The run's gaps, the worst first; see :meth:`Figures.gaps`."""
    found = figures.stored_gaps
    chosen = [figures.indicators[indicator].id] if indicator else list(figures.indicators)
    found = found[found["indicator"].isin(chosen)]
    found = found[_asked(figures, found, unit)].reset_index(drop=True)
    if chief is not None:
        mine = [chief in (names or "").split() for names in found["chiefs"]]
        found = found[np.array(mine, dtype=bool)].reset_index(drop=True)
    shares = Shares.of(found)
    first = found["unit"].fillna("").str.split(" ").str[0]
    here = shares if unit is None else shares.within(unit)
    main = here.main().where(here.main() != "", first.reset_index(drop=True))
    if chief is not None:
        own, whole = shares.amount(), _of_chief(figures, found, chief)
        found = found.assign(inherited=_by(found, chief))
    else:
        subject = main if unit is None else pd.Series(unit, index=main.index)
        own, whole = shares.amount_in(subject), _of_units(figures, found, subject)
    county = main.str[: figures.workspace.county.layout.lengths[LEVELS[0]]]
    found = found.assign(
        unit=main,
        own=_own(figures, found, own, shares.amount()),
        gain_own=_gain(figures, found, own, whole),
        gain_county=_gain(figures, found, shares.amount_in(county), _of_units(figures, found, county)),
    )
    if unit is not None:
        # a corner of a few centimetres is nobody's job
        found = found[(found["kind"] != "stretch") | (found["own"] >= SHORTEST / 2)]
    return _ordered(figures, found).reindex(columns=COLUMNS)


def _asked(figures: Figures, found: pd.DataFrame, unit: str | None) -> pd.Series:
    """Gaps in a unit (None: in all). What is short is told for communities, and for a unit below the county that is
    asked for itself: a sum of what grids need, each in whole numbers, is more than is needed."""
    units = found["unit"].fillna("")
    inside = (" " + units).str.contains(f" {unit or ''}", regex=False)
    lengths = figures.workspace.county.layout.lengths
    there = [level for level in LEVELS[:-1] if (figures.units["level"] == level).any()]
    digits = max(lengths[there[-1]] if there else 0, len(unit or ""))
    return inside & ((found["kind"] != "shortage") | (units.str.len() == digits))


def _of_units(figures: Figures, found: pd.DataFrame, codes: pd.Series) -> pd.Series:
    """Denominator of the figure of each gap's unit."""
    sums = {name: figures.denominators(name) for name in found["indicator"].unique()}
    return pd.Series(
        [sums[name].get(code, 0) for name, code in zip(found["indicator"], codes, strict=True)], dtype=float
    )


def _of_chief(figures: Figures, found: pd.DataFrame, chief: str) -> pd.Series:
    """Denominator of the chief's figure for each gap's indicator."""
    table = figures.table(chief=chief).set_index("indicator")["denominator_int"].astype(float)
    return found["indicator"].map(table)


def _gain(figures: Figures, found: pd.DataFrame, amount: pd.Series, whole: pd.Series) -> pd.Series:
    """What closing each gap adds to a figure, in the indicator's unit."""
    scale = {name: figures.indicators[name] for name in found["indicator"].unique()}
    factor = {name: quantities(one)[0] / quantities(one)[1] * one.factor for name, one in scale.items()}
    return amount / whole.where(whole > 0) * found["indicator"].map(factor)


def _own(figures: Figures, found: pd.DataFrame, amount: pd.Series, every: pd.Series) -> pd.Series:
    """What of each gap's size counts in the unit or for the chief; sizes of stretches are those on the ground."""
    above = found["indicator"].map({name: quantities(one)[0] for name, one in figures.indicators.items()})
    part = found["size"] * (amount / every).fillna(1.0)
    return (amount * above).where((found["kind"] == "stretch") & amount.notna(), part).astype(float)


def _by(found: pd.DataFrame, chief: str) -> pd.Series:
    """Whether each gap is older than the duty of one chief."""
    rows = pd.DataFrame(found[["chiefs", "taken_up", "since", "clear_on"]]).to_dict("records")
    told = [taken_over(row, chief) for row in rows]
    return pd.Series(pd.array(told, dtype="boolean"), index=found.index)


def _ordered(figures: Figures, found: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Those first that bring the county nearest to its goal: by the part of the way there, then by gain and size."""
    way = found["gain_county"] / _ways(figures, found)
    # who is there already goes no further
    found = found.assign(way=way.clip(upper=1.0).fillna(0.0).astype(float))
    return found.sort_values(
        ["way", "gain_county", "size", "indicator", "gap"],
        ascending=[False, False, False, True, True],
        ignore_index=True,
    )


def _ways(figures: Figures, found: pd.DataFrame) -> pd.Series:
    """How far each gap's county is from the goal of its indicator; NaN where it is there, or there is none."""
    counties = figures.counties
    down = counties["indicator"].map(
        {name: one.direction == "down" for name, one in figures.indicators.items()}
    )
    way = (counties["goal"] - counties["value"]).astype(float)
    way = way.where(~down.astype(bool), -way)
    ways = dict(
        zip(zip(counties["indicator"], counties["subject"], strict=True), way.where(way > 0), strict=True)
    )
    codes = found["unit"].str[: figures.workspace.county.layout.lengths[LEVELS[0]]]
    return pd.Series(
        [ways.get(one, np.nan) for one in zip(found["indicator"], codes, strict=True)],
        found.index,
        dtype=float,
    )
