"""A road chief's page as data: own roads, assets by state, gaps and figures out of the atlas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from gridsvc.errors import NotFoundError
from gridsvc.maps.assets import asset_groups
from gridsvc.maps.atlas import Atlas
from gridsvc.maps.cards import card
from gridsvc.maps.chief_gaps import chief_gaps
from gridsvc.maps.chief_roads import grids_near, own_roads, since_when
from gridsvc.maps.model import Card, ChiefPage, Gap
from gridsvc.maps.pixels import Geometries, bounds_of, grow


def chief_page(atlas: Atlas, chief_id: str) -> ChiefPage:
    """The page of the chief *chief_id*; an unknown one is a :class:`~gridsvc.errors.NotFoundError`."""
    chief = atlas.people.get(chief_id)
    if chief is None or chief_id not in atlas.chiefs:
        raise NotFoundError(f"there is no road chief {chief_id!r}", f"没有编号为 {chief_id!r} 的路长")
    rows = atlas.holders.get(chief_id, np.empty(0, dtype=np.intp))
    stretches, own = own_roads(atlas, rows, vacant=chief.vacant)
    gaps, gap_groups = chief_gaps(atlas, chief_id)
    cards = chief_cards(atlas, chief_id, gaps)
    order = {card.indicator: place for place, card in enumerate(cards)}
    gaps.sort(key=lambda gap: (order.get(gap.indicator, len(order)), -gap.amount))
    shapes = own.geometry if own else np.empty(0, dtype=object)
    groups = [
        *atlas.ground.groups(shapes, without={stretch.road for stretch in stretches}),
        *grids_near(atlas, shapes),
        *atlas.ground.borders(("county", "district", "community", "grid"), _box(atlas, shapes)),
        *([own] if own else []),
        *gap_groups,
        *asset_groups(atlas, chief_id),
    ]
    since, predecessor = since_when(atlas, chief_id, rows)
    view = bounds_of(shapes) or atlas.ground.bounds
    return ChiefPage(
        atlas.stamp,
        chief,
        cards,
        gaps,
        stretches,
        atlas.ground.sheet(groups, grow(view, 60 * atlas.ground.scale)),
        sum(stretch.metres for stretch in stretches),
        since,
        predecessor,
        atlas.notes.get(chief_id, ""),
    )


def _box(atlas: Atlas, own: Geometries) -> tuple[float, float, float, float] | None:
    bounds = bounds_of(own)
    if bounds is None:
        return None
    return grow(bounds, max(2500 * atlas.ground.scale, bounds[2] - bounds[0], bounds[3] - bounds[1]))


def chief_cards(atlas: Atlas, chief_id: str, gaps: Iterable[Gap] = ()) -> list[Card]:
    """The chief's figures, the worst first; those without a value come last, with the reason."""
    counts = Counter(gap.indicator for gap in gaps)
    found = [
        card(row, atlas.indicators[row["indicator"]], atlas.layers, counts[row["indicator"]])
        for row in atlas.chief_figures.get(chief_id, [])
    ]
    return sorted(found, key=lambda one: one.rank)
