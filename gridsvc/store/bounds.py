"""What is left of a layer's history after prunes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gridsvc.errors import NotFoundError
from gridsvc.store.database import Database


@dataclass(frozen=True)
class Bounds:
    """What is left of a layer's history: states from *horizon* on, and those *kept* before it."""

    horizon: int = 0
    kept: frozenset[int] = frozenset()
    day: str = ""
    """When states were pruned last."""

    def holds(self, load: int) -> bool:
        """True where the state after *load*, a load of the layer or 0, is whole."""
        return load == 0 or load >= self.horizon or load in self.kept


def history_bounds(db: Database) -> dict[str, Bounds]:
    """What earlier prunes left, by layer."""
    if not db.columns("pruned"):
        return {}
    found = db.rows("SELECT layer, horizon, kept, pruned FROM pruned")
    return {
        layer: Bounds(horizon, frozenset(json.loads(kept)), day[:10]) for layer, horizon, kept, day in found
    }


def require_state(db: Database, layer: str, at: int, doing: tuple[str, str] = ("", "")) -> None:
    """Refuse, as :class:`NotFoundError`, the state of *layer* after load *at* where it was pruned.

    *doing* is put before the sentence, in English and Chinese.
    """
    bounds = history_bounds(db).get(layer, Bounds())
    if at >= bounds.horizon:
        return
    newest = db.rows("SELECT COALESCE(MAX(id), 0) FROM loads WHERE layer = ? AND id <= ?", (layer, at))[0][0]
    if not bounds.holds(newest):
        raise NotFoundError(
            f"{doing[0]}what layer {layer} was after load {newest} was pruned on {bounds.day}; its oldest state is "
            f"the one after load {bounds.horizon}",
            f"{doing[1]}图层 {layer} 在入库 {newest} 之后的状态已于 {bounds.day} 清理；"
            f"现存最早的是入库 {bounds.horizon} 之后的状态",
        )
