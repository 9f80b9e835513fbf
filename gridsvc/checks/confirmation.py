"""What departments confirm before anybody is graded: of every layer what it holds, where from, and what is unclear.

Driven by the layers' definitions: features, length or area, counts by allowed value and sums of graded fields, by
district. All of it are sums of whole amounts, so the districts, the rest and what lies outside add up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gridsvc.checks.findings import find
from gridsvc.checks.inventory import Figure, figures_of
from gridsvc.checks.kinds import KINDS
from gridsvc.codes import LEVELS
from gridsvc.coverage.scene import Scene
from gridsvc.duties.stretches import DUTIES
from gridsvc.errors import UsageError
from gridsvc.layers import Layer
from gridsvc.partition.faces import Ints
from gridsvc.store.loads import LoadRecord, standing
from gridsvc.text import Text, bilingual

REST = bilingual("Rest of the county", "县内其余部分")
OUTSIDE = bilingual("Outside of the boundaries", "边界以外")
TOTAL = bilingual("Total", "合计")
# kinds of findings that name neither layer nor level
KIND_LAYERS = {"unused_share": "road_shares"}


@dataclass(frozen=True)
class LayerFacts:
    """One layer of the form."""

    layer: Layer
    digest: str
    """SHA-256 of its content."""
    figures: list[Figure]
    unknown: list[tuple[Text, int]]
    """Graded fields with the number of features that have no value."""
    loads: list[LoadRecord]
    """The loads that the content rests on, the newest last."""
    waiting: int
    """Rows in quarantine."""
    findings: dict[str, int] = field(default_factory=dict)
    """Findings that need attention, by kind."""

    @property
    def features(self) -> int:
        """How many features there are."""
        return self.figures[0].total

    @property
    def loaded(self) -> str:
        """Day of the newest load (UTC), or empty."""
        return self.loads[-1].finished[:10] if self.loads else ""

    @property
    def sources(self) -> str:
        """The files that the content came from."""
        return ", ".join(dict.fromkeys(load.source for load in self.loads))


@dataclass(frozen=True)
class Confirmation:
    """The whole form."""

    county: Text
    marking: str
    as_of: dt.date
    made: str
    """When it was made, UTC, ISO 8601."""
    digest: str
    """SHA-256 of the content of the store."""
    groups: list[tuple[str, Text]]
    """Districts (code, name), the rest of the county, and what lies outside."""
    layers: list[LayerFacts]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; lengths in km, areas in m²."""
        return {
            "county": self.county.model_dump(),
            "marking": self.marking,
            "as_of": self.as_of.isoformat(),
            "made": self.made,
            "digest": self.digest,
            "groups": [{"code": code, "name": name.model_dump()} for code, name in self.groups],
            "layers": [self._plain(facts) for facts in self.layers],
        }

    def _plain(self, facts: LayerFacts) -> dict[str, Any]:
        return {
            "layer": facts.layer.name,
            "title": facts.layer.title.model_dump(),
            "digest": facts.digest,
            "figures": [
                {
                    "title": figure.title.model_dump(),
                    "part": figure.part.model_dump() if figure.part else None,
                    "unit": figure.measure.unit.model_dump(),
                    "total": figure.value(figure.total),
                    "by_group": [figure.value(amount) for amount in figure.by_group.tolist()],
                }
                for figure in facts.figures
            ],
            "unknown": [
                {"field": title.model_dump(), "features": count, "share": count / max(facts.features, 1)}
                for title, count in facts.unknown
            ],
            "loads": [
                {"id": load.id, "finished": load.finished, "source": load.source, "sha256": load.sha256}
                for load in facts.loads
            ],
            "quarantine": facts.waiting,
            "findings": facts.findings,
        }


def confirm(scene: Scene, made: str) -> Confirmation:
    """The form for the workspace of *scene*, states as of its day; *made* is when (UTC, ISO 8601).

    Raises :class:`UsageError` while no county is loaded.
    """
    store, county = scene.store, scene.workspace.county
    counts = store.counts()
    if not counts[scene.layers.units[LEVELS[0]].name]:
        raise UsageError(
            "there is nothing to confirm yet: load the boundaries first (gridsvc load counties FILE)",
            "尚无可确认的数据：请先入库边界（gridsvc load counties 文件）",
        )
    groups, group_of = _groups(scene)
    rows = store.quarantine()
    waiting = rows[rows["open"]].groupby("layer").size().to_dict()
    loads: dict[str, list[LoadRecord]] = {}
    for record in standing(store.loads()):
        loads.setdefault(record.layer, []).append(record)
    findings = _attention(scene)
    layers = []
    for name, layer in scene.layers.items():
        if not (counts[name] or name in waiting or name in findings):
            continue
        figures, unknown = figures_of(scene, layer, group_of, len(groups))
        layers.append(
            LayerFacts(
                layer,
                store.digest(name),
                figures,
                unknown,
                loads.get(name, []),
                int(waiting.get(name, 0)),
                findings.get(name, {}),
            )
        )
    return Confirmation(county.name, county.marking, scene.as_of, made, store.digest(), groups, layers)


def _groups(scene: Scene) -> tuple[list[tuple[str, Text]], Ints]:
    """Groups of the form, and the group of every cell; the last entry is that of what lies outside."""
    frame = scene.layer(scene.layers.units[LEVELS[1]].name)
    names = dict(zip(frame["code"], frame["name"], strict=True))
    width = scene.workspace.county.layout.lengths[LEVELS[1]]
    owner = scene.partition.cells["unit"].to_numpy(object)
    codes = sorted(names)
    place = {code: number for number, code in enumerate(codes)}
    found = [place.get(str(code)[:width], len(codes)) for code in owner]
    groups = [(code, bilingual(names[code] or code, names[code] or code)) for code in codes]
    return [*groups, ("", REST), ("", OUTSIDE)], np.array([*found, len(codes) + 1], dtype=np.int64)


def _attention(scene: Scene) -> dict[str, dict[str, int]]:
    """Findings that need attention: layer → kind → how many; rows in quarantine are counted by themselves."""
    frame = find(scene).frame
    frame = frame[(frame["severity"] == "attention") & (frame["kind"] != "quarantine")]
    units = {level: layer.name for level, layer in scene.layers.units.items()}
    layers = [
        layer or units.get(level) or KIND_LAYERS.get(kind, DUTIES)
        for layer, level, kind in zip(frame["layer"], frame["level"], frame["kind"], strict=True)
    ]
    sizes = Counter(zip(layers, frame["kind"], strict=True))
    found: dict[str, dict[str, int]] = {}
    # kinds in their own order
    for kind in KINDS:
        for layer in dict.fromkeys(layers):
            if sizes[layer, kind]:
                found.setdefault(layer, {})[kind] = sizes[layer, kind]
    return found
