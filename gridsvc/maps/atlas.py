"""Everything that pages are made from, read once: people, figures, ground and assets of one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicator, Indicators
from gridsvc.duties.people import People
from gridsvc.layers import Layers
from gridsvc.maps.assets import AssetLayer
from gridsvc.maps.ground import Ground
from gridsvc.maps.model import Person, Stamp
from gridsvc.maps.reader import Measure, Reader, chief_figures, people_of, records, stamp_of
from gridsvc.maps.style import Style, load_style
from gridsvc.settings import Workspace
from gridsvc.store import Store
from gridsvc.store.loads import attributions


@dataclass
class Atlas:
    """What pages are made from. Open one with :meth:`open`; the store may be closed before pages are made."""

    workspace: Workspace
    layers: Layers
    indicators: Indicators
    style: Style
    stamp: Stamp
    figures: Figures | None
    """None while nothing has been computed. All that it sums is read: it asks the store no more."""
    county_figures: list[dict[str, Any]]
    """Rows of the counties' figures."""
    chief_figures: dict[str, list[dict[str, Any]]]
    """Rows of the chiefs' figures by chief: all that persons can have, in the order of the indicators."""
    people: dict[str, Person]
    chiefs: list[str]
    """Ids of all chiefs, by level, then id."""
    notes: dict[str, str]
    ground: Ground
    roads: pd.DataFrame
    """The road layer without geometry, one row a feature, in the order of ``ground.roads``."""
    measures: dict[str, Measure]
    """Road features along their roads, by key."""
    assets: dict[str, AssetLayer]
    stretches: pd.DataFrame
    """The run's stretches, with ``shape`` in pixels and ``metres`` as the figures count them."""
    posts: pd.DataFrame
    assignments: pd.DataFrame
    """Assets to roads, one row an asset and chief, with ``chief``."""
    gaps: pd.DataFrame
    """The run's gaps, with ``shape`` in pixels."""
    duties: pd.DataFrame
    cache: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        store: Store,
        workspace: Workspace,
        layers: Layers,
        indicators: Indicators,
        run: int | None = None,
        *,
        phones: bool = True,
        personal: bool = True,
    ) -> Self:
        """Read everything of *run* (None: the newest) from *store*.

        Without *phones*, the telephones of chiefs and officers stay out of the pages; without *personal*, fields
        of assets that concern persons (:attr:`gridsvc.layers.Field.personal`). An unknown run is a
        :class:`~gridsvc.errors.NotFoundError`; while there is none, pages have no figures.
        """
        with store.snapshot():
            record = store.run(run)
            style = load_style(workspace)
            figures = (
                None if record is None else Figures.open(store, workspace, layers, indicators, record.id)
            )
            people, chiefs, notes = people_of(People.open(store), layers, phones=phones)
            reader = Reader(store, workspace, layers, style, record)
            roads = reader.layer(layers.roads.name)
            stretches = reader.stretches(roads)
            return cls(
                workspace=workspace,
                layers=layers,
                indicators=indicators,
                style=style,
                stamp=stamp_of(
                    workspace, record, attributions(store.loads()), figures.left_out if figures else ()
                ),
                figures=figures,
                county_figures=[] if figures is None else records(figures.table()),
                chief_figures={} if figures is None else chief_figures(figures, stretches["holder"]),
                people=people,
                chiefs=chiefs,
                notes=notes,
                ground=reader.ground(roads, figures),
                roads=pd.DataFrame(roads.drop(columns="geometry")),
                measures=reader.measures(),
                assets=reader.assets(personal=personal),
                stretches=stretches,
                posts=reader.plain("posts"),
                assignments=_by_chief(reader.plain("assignments")),
                gaps=reader.shaped("gaps"),
                duties=pd.DataFrame(store.read("duties")),
            )

    @property
    def counted(self) -> list[Indicator]:
        """Indicators that the run has; all while there is none."""
        missing = {one.id for one in self.figures.left_out} if self.figures else set()
        return [one for one in self.indicators.values() if one.id not in missing]

    def team(self, ids: Iterable[str]) -> tuple[Person, ...]:
        """The persons of these ids, the highest level first, each once."""
        wanted = set(ids)
        order = self._order
        return tuple(
            self.people[i] for i in sorted(wanted & set(self.people), key=lambda i: order.get(i, 1 << 30))
        )

    def span(self, road_id: object, start: float, end: float) -> tuple[float, float] | None:
        """Metres along the road of two measures along one of its features; None where nobody can tell."""
        measure = self.measures.get(str(road_id))
        if measure is None or np.isnan(start) or np.isnan(end):
            return None
        return measure.span(start, end)

    @cached_property
    def _order(self) -> dict[str, int]:
        return {chief: place for place, chief in enumerate(self.chiefs)}

    @cached_property
    def holders(self) -> dict[str, npt.NDArray[np.intp]]:
        """Rows of :attr:`stretches` by chief."""
        return _rows_by(self.stretches["holder"])

    @cached_property
    def by_road(self) -> dict[str, npt.NDArray[np.intp]]:
        """Rows of :attr:`stretches` by road feature."""
        return _rows_by(self.stretches["road_id"])

    @cached_property
    def assigned(self) -> dict[str, npt.NDArray[np.intp]]:
        """Rows of :attr:`assignments` by chief."""
        return _rows_by(self.assignments["chief"])

    @cached_property
    def gaps_of(self) -> dict[str, npt.NDArray[np.intp]]:
        """Rows of :attr:`gaps` by chief."""
        chiefs = self.gaps["chiefs"].fillna("").str.split().reset_index(drop=True).explode()
        index = {str(chief): rows for chief, rows in chiefs.groupby(chiefs, sort=False).groups.items()}
        return {chief: np.asarray(rows, dtype=np.intp) for chief, rows in index.items()}

    @cached_property
    def officers(self) -> dict[str, list[str]]:
        """Who holds a post on a unit, by its code."""
        held = self.posts[self.posts["holder"].fillna("") != ""]
        return {str(unit): list(ids) for unit, ids in held.groupby("unit")["holder"]}

    @cached_property
    def unit_names(self) -> dict[str, str]:
        """Names of all units by code."""
        return {
            code: name
            for units in self.ground.units.values()
            for code, name in zip(units.codes, units.names, strict=True)
        }

    def level_figures(self, level: str, indicator: str) -> list[dict[str, Any]]:
        """Rows of one indicator's figures for all units of a level and the remainders above it."""
        return [] if self.figures is None else records(self.figures.table(level=level, indicator=indicator))

    @cached_property
    def road_rows(self) -> dict[str, int]:
        """Row of :attr:`roads` by road feature's key."""
        return {key: row for row, key in enumerate(self.roads["key"])}


def _rows_by(values: pd.Series) -> dict[str, npt.NDArray[np.intp]]:
    groups = values.reset_index(drop=True).groupby(values.to_numpy(object), sort=False).indices
    return {str(key): np.asarray(rows, dtype=np.intp) for key, rows in groups.items()}


def _by_chief(assignments: pd.DataFrame) -> pd.DataFrame:
    """One row an asset and chief; assets that no chief answers for are left out."""
    chiefs = assignments["chiefs"].fillna("").str.split()
    long = assignments.assign(chief=chiefs).explode("chief", ignore_index=True)
    return long[long["chief"].notna()].reset_index(drop=True)
