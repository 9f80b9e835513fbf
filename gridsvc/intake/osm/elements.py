"""What an extract holds: positions of nodes, refs of ways, members of relations, and what bears tags of interest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gridsvc.intake.delivery import Mask

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Tags = dict[str, str]
Member = tuple[str, int, str]
"""Kind (``n``, ``w``, ``r``), id and role."""

AREAS = frozenset({"multipolygon", "boundary"})
"""Types of relations that stand for an area."""


@dataclass
class Tagged:
    """Elements that bear a tag of interest, in file order; the three lists run in step."""

    kinds: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    tags: list[Tags] = field(default_factory=list)

    def add(self, kind: str, number: int, tags: Tags) -> None:
        """Add one element."""
        self.kinds.append(kind)
        self.ids.append(number)
        self.tags.append(tags)


@dataclass
class Elements:
    """One extract. Coordinates are WGS 84 longitude, latitude in degrees."""

    node_ids: Ints
    """Ascending."""
    node_xy: Floats
    way_ids: Ints
    """Ascending."""
    way_ends: Ints
    """For each way, where its refs start in :attr:`refs`, and one more: where the last one ends."""
    refs: Ints
    members: dict[int, list[Member]]
    """Members of the relations that stand for areas."""
    tagged: Tagged
    dated: str = ""
    """When the database was as the extract has it (ISO 8601), where the extract says so."""

    def find_nodes(self, ids: Ints) -> tuple[Ints, Mask]:
        """Index of each node, and whether the extract has it."""
        return _find(self.node_ids, ids)

    def find_ways(self, ids: Ints) -> tuple[Ints, Mask]:
        """Index of each way, and whether the extract has it."""
        return _find(self.way_ids, ids)

    def refs_of(self, ways: Ints) -> tuple[Ints, Ints]:
        """Refs of the ways at these indices one after the other, and how many each has."""
        counts = self.way_ends[ways + 1] - self.way_ends[ways]
        starts = np.repeat(self.way_ends[ways] - (np.cumsum(counts) - counts), counts)
        return self.refs[starts + np.arange(counts.sum())], counts


def _find(known: Ints, wanted: Ints) -> tuple[Ints, Mask]:
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return at, known[at] == wanted


class Gathering:
    """Elements as a reader finds them, put in order at the end."""

    def __init__(self, wanted: frozenset[str]) -> None:
        """Take the tag keys of interest."""
        self.wanted = wanted
        self.tagged = Tagged()
        self.members: dict[int, list[Member]] = {}
        self.dated = ""
        self._nodes: list[Ints] = []
        self._xy: list[Floats] = []
        self._ways: list[Ints] = []
        self._counts: list[Ints] = []
        self._refs: list[Ints] = []

    def add_nodes(self, ids: Ints, xy: Floats) -> None:
        """Positions of nodes."""
        self._nodes.append(ids)
        self._xy.append(xy)

    def add_ways(self, ids: Ints, counts: Ints, refs: Ints) -> None:
        """Ways with the number of refs of each, and all refs."""
        self._ways.append(ids)
        self._counts.append(counts)
        self._refs.append(refs)

    def add_tags(self, kind: str, number: int, tags: Tags) -> None:
        """Tags of an element; kept when one of them is of interest."""
        if not self.wanted.isdisjoint(tags):
            self.tagged.add(kind, number, tags)

    def add_relation(self, number: int, tags: Tags, members: Iterable[Member]) -> None:
        """A relation; kept when it stands for an area of interest."""
        if tags.get("type") in AREAS and not self.wanted.isdisjoint(tags):
            self.tagged.add("r", number, tags)
            self.members[number] = list(members)

    def finish(self) -> Elements:
        """All of it; of an element that stands twice its last version."""
        nodes, xy = _joined(self._nodes), np.concatenate(self._xy) if self._xy else np.zeros((0, 2))
        kept = _last(nodes)
        ways, counts, refs = _joined(self._ways), _joined(self._counts), _joined(self._refs)
        order = _last(ways)
        starts = np.cumsum(counts) - counts
        chosen = counts[order]
        ends = np.concatenate([[0], np.cumsum(chosen)]).astype(np.int64)
        at = np.repeat(starts[order] - ends[:-1], chosen) + np.arange(ends[-1])
        return Elements(
            nodes[kept], xy[kept], ways[order], ends, refs[at], self.members, self.tagged, self.dated
        )


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _last(ids: Ints) -> Ints:
    """Positions that put *ids* in order, only the last of equal ones."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    return order[np.append(ordered[1:] != ordered[:-1], True)] if len(ids) else order
