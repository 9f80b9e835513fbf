"""Why a figure changed between two runs: whose counting is another, and what happened to it or near it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.clauses import Along, Choice, Near, Select
from gridsvc.coverage.comparison import Comparison
from gridsvc.coverage.evidence import layers_used
from gridsvc.coverage.facts import EXACT, Facts, list_facts
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.measures import KINDS, measure, prepare
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.coverage.tallies import OWNERS, Owners, cell_of
from gridsvc.store import LoadRecord

Sheet = pd.DataFrame
FACT = ["subject", "layer", "key"]
CAUSES = [*FACT, "part", "name", "what", "changes", "moved_m", *EXACT.values()]
# metres by which a feature may lie beside the ground it counts on: half of a wide road
ASIDE = 40.0


@dataclass(frozen=True)
class Causes:
    """What changed the figures of one indicator for some subjects."""

    rows: Sheet
    """:data:`CAUSES`: ``part`` is ``counted`` (with the exact amounts by which it counts otherwise) or ``near`` (what
    is near or covers such a feature; without amounts). ``what``: ``added``, ``ended``, ``observed`` (its state was
    not known), ``changed``, ``moved``, ``exempted``, ``counts_again`` (no longer exempt), ``duty``, ``near`` (it did
    not change, something near it did), ``other`` (roads' widths, zones, agreements). ``changes``: field, old and new
    value."""
    loads: list[LoadRecord]
    """Loads between the two runs into layers that the indicator rests on."""


def find_causes(comparison: Comparison, indicator: str, kind: str, subjects: Collection[str]) -> Causes:
    """What changed a figure of *subjects* (units, with ``*`` their rests; roads; chiefs), to the last digit.

    The amounts of a subject's ``counted`` rows add up to what its figure changed by. Measures both runs.
    """
    old = (comparison.after if comparison.definitions else comparison.before).indicators
    both = []
    for scene, definition, figures in (
        (comparison.scene_of(indicator), old[indicator], comparison.before),
        (comparison.later_scene, comparison.after.indicators[indicator], comparison.after),
    ):
        loaded = all(figures.run.versions.get(name) for name in definition.layers)
        ready = loaded and definition.kind in KINDS
        both.append(Side(scene, definition, kind, list(subjects), ready))
    changed = _differences(both[0].sums(), both[1].sums())
    parts = [_told(both, changed), *_beside(both, changed)]
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    used = {
        name for side in both for name in layers_used(comparison.after.layers, side.indicator, side.facts)
    }
    return Causes(rows.reindex(columns=CAUSES), loads_between(comparison, used))


def loads_between(comparison: Comparison, layers: Collection[str]) -> list[LoadRecord]:
    """Loads into *layers* that the later run rests on and the earlier did not."""
    first, last = comparison.before.run.versions, comparison.after.run.versions
    return [
        one
        for one in comparison.after.store.loads()
        if one.layer in layers and one.touched and first.get(one.layer, 0) < one.id <= last.get(one.layer, 0)
    ]


@dataclass
class Side:
    """One run, measured for one indicator and some subjects."""

    scene: Scene
    indicator: Indicator
    kind: str
    subjects: list[str]
    ready: bool
    """It can be measured: the layers that the indicator rests on were loaded."""
    facts: list[Facts] = default(default_factory=list)
    owned: dict[str, Owners] = default(default_factory=dict)
    """Which facts of a grain are whose, of roads and chiefs."""

    def sums(self) -> Sheet:
        """Whole amounts by subject and feature: :data:`FACT` and the four sides."""
        parts = [pd.DataFrame(columns=[*FACT, *EXACT.values()])]
        if self.ready:
            prepare(self.scene, [self.indicator])
            measured = measure(self.scene, self.indicator)
            zone = self.scene.in_zone(self.indicator.zone)
            if self.kind == "unit":
                self.facts = list(
                    list_facts(self.scene, self.indicator, measured, lambda g: zone[cell_of(self.scene, g)])
                )
                parts += [self._by_unit(one.rows) for one in self.facts]
            else:
                for subject in self.subjects:
                    own = list(list_facts(self.scene, self.indicator, measured, self._taker(subject, zone)))
                    self.facts += own
                    parts += [one.rows.assign(subject=subject) for one in own]
        rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
        rows = rows.assign(layer=rows["layer"].fillna(""))
        sums: Sheet = rows.groupby(FACT, as_index=False)[list(EXACT.values())].sum()
        return sums

    def _by_unit(self, rows: Sheet) -> Sheet:
        """Facts with each of the subjects that they lie in."""
        unit = rows["cell"].map(self.unit_of_cell)
        parts = []
        for length, rest in sorted(
            {(len(one.removesuffix("*")), one.endswith("*")) for one in self.subjects}
        ):
            mine = unit + "*" if rest else unit.str[:length].where(unit.str.len() >= length)
            wanted = mine.isin([one for one in self.subjects if len(one.removesuffix("*")) == length])
            parts.append(rows[wanted].assign(subject=mine[wanted]))
        return pd.concat(parts)

    @property
    def unit_of_cell(self) -> pd.Series:
        """Code of the unit that owns each cell."""
        cells = self.scene.partition.cells
        owners: pd.Series = pd.Series(cells["unit"].to_numpy(object), index=cells["cell"].to_numpy(object))
        return owners

    def _taker(self, subject: str, zone: Rows) -> Any:
        """Chooses the facts of a road or chief in the zone."""

        def taken(grain: str) -> Rows:
            if grain not in self.owned:
                self.owned[grain] = OWNERS[self.kind](self.scene, grain)
            (row, owner), cell = self.owned[grain], cell_of(self.scene, grain)
            mine = np.zeros(len(cell), dtype=bool)
            mine[row[owner == subject]] = True
            return mine & zone[cell]

        return taken

    def frame(self, layer: str, *, targets: bool = False) -> Sheet:
        """Features of a layer by key; with *targets* those of neighbours, too. Nothing where it held nothing."""
        frame = self.scene.targets(layer) if targets else self.scene.layer(layer)
        indexed: Sheet = frame.set_index(frame["key"].to_numpy(object))
        return indexed

    def exempt(self, layer: str) -> set[str]:
        """Keys of features that are exempt, or of which a stretch is, spelled with from–to."""
        rows = self.scene.exemptions(layer, self.indicator.id)
        return set(rows["feature_key"].dropna())

    def ground(self, subjects: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """Cells of the subjects, each with its subject."""
        cells, unit = self.scene.partition.cells, self.unit_of_cell
        for subject in subjects:
            code = subject.removesuffix("*")
            mine = unit == code if code != subject else unit.str.startswith(code)
            for shape in cells.geometry.to_numpy(object)[mine.to_numpy(bool)]:
                yield subject, shape


def _differences(old: Sheet, new: Sheet) -> Sheet:
    """Features whose amounts differ, with the differences."""
    names = list(EXACT.values())
    both = [frame.set_index(FACT)[names].astype("int64") for frame in (old, new)]
    change = both[1].sub(both[0], fill_value=0)
    return change[(change != 0).any(axis=1)].astype("int64").reset_index()


def _told(both: list[Side], changed: Sheet) -> Sheet:
    """What happened to the features that count otherwise."""
    indicator = both[1].indicator
    parts = []
    cause = "near" if indicator.near is not None else "other"
    others = _other_duties(both)
    by_duty = indicator.responsible or indicator.has_chief or indicator.vacant
    for layer, rows in changed.groupby("layer", sort=False):
        if not layer:
            # ground: what covers it or is near it is told beside
            parts.append(rows.assign(part="counted", what="near", name=None))
            continue
        told = _happened(both, str(layer), rows["key"].unique(), deciding(indicator, str(layer)))
        found = rows.merge(told, on="key", how="left").assign(part="counted")
        unclear, duty = found["what"].isna(), found["subject"].isin(others) | by_duty
        found["what"] = found["what"].where(~unclear, duty.map({True: "duty", False: cause}))
        parts.append(found)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=CAUSES)


def _other_duties(both: list[Side]) -> set[str]:
    """Chiefs among the subjects who answer for other stretches than before."""
    if both[0].kind != "chief":
        return set()
    held = []
    for side in both:
        rows, keys = side.scene.duties.stretches, side.scene.roads.frame["key"].to_numpy(object)
        road = keys[rows["row"].to_numpy("int64")]
        held.append(set(zip(rows["holder"], road, rows["start"], rows["end"], strict=True)))
    return {holder for holder, *_ in held[0] ^ held[1]}


def deciding(indicator: Indicator, layer: str) -> list[str]:
    """Fields of a layer that decide how its features count."""
    selects = [one for _, one in indicator.selects if one.layer == layer]
    names = [name for one in selects for name in one.where]
    names += [one.weight for one in selects if isinstance(one, Select) and one.weight]
    counted = indicator.of is not None and indicator.of.layer == layer
    if counted:
        names += [*indicator.match, indicator.filled]
        names += [indicator.covered.field] if indicator.covered is not None else []
    near = indicator.near
    if near is not None and (near.layer == layer if near.by == "near" else counted):
        names.append(near.field)
    return [name for name in dict.fromkeys(names) if name]


def _happened(
    both: list[Side], layer: str, keys: Iterable[str], fields: list[str], *, targets: bool = False
) -> Sheet:
    """What happened to features between the two runs: ``key``, ``name``, ``what``, ``changes``, ``moved_m``.

    Features to which nothing that decides happened have no ``what``.
    """
    old, new = (side.frame(layer, targets=targets) for side in both)
    freed, now = (side.exempt(layer) for side in both)
    title = "road_name" if "road_name" in new else "name"
    known = both[0].scene.layers[layer].fields
    # what concerns persons decides nothing, and may not be shown everywhere
    others = [name for name, field in known.items() if name not in fields and not field.personal]
    rows = []
    for key in keys:
        was, is_ = (frame.loc[key] if key in frame.index else None for frame in (old, new))
        one = is_ if is_ is not None else was
        if one is None:
            continue
        changes, moved, what = [], np.nan, None
        if was is None or is_ is None:
            what = "added" if was is None else "ended"
        else:
            changes = _changes(was, is_, fields)
            moved = (
                0.0 if was.geometry == is_.geometry else float(was.geometry.hausdorff_distance(is_.geometry))
            )
            if (key in freed) != (key in now):
                what = "exempted" if key in now else "counts_again"
            elif changes:
                what = "observed" if any(before is None for _, before, _ in changes) else "changed"
            elif moved:
                what = "moved"
            elif not targets:
                # width, class, carriageway and the like
                changes = _changes(was, is_, others)
                what = "changed" if changes else None
        rows.append((key, one.get(title), what, changes, moved or np.nan))
    return pd.DataFrame(rows, columns=["key", "name", "what", "changes", "moved_m"])


def _changes(was: Any, is_: Any, fields: list[str]) -> list[tuple[str, Any, Any]]:
    """Fields that differ: name, old and new value (None: none)."""
    found = []
    for name in fields:
        old, new = (None if pd.isna(one[name]) else one[name] for one in (was, is_))
        if old != new:
            found.append((name, _plain(old), _plain(new)))
    return found


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _beside(both: list[Side], changed: Sheet) -> Iterator[Sheet]:
    """Features that are near or cover what counts otherwise, and to which something happened."""
    counted = set(changed["layer"])
    # what counts on ground or because of others
    open_ = changed
    for select in {one.layer: one for side in both for _, one in side.indicator.selects}.values():
        if select.layer in counted or open_.empty:
            continue
        keys = _touched(both, select)
        if keys:
            yield _near(both, select, keys, open_)


def _touched(both: list[Side], select: Choice) -> list[str]:
    """Keys of features that a choice may take in one of the runs, and that are not the same in both."""
    fields = [*deciding(both[1].indicator, select.layer)]
    frames = []
    for side in both:
        chosen = side.scene.choose(select).possible
        frames.append(side.frame(select.layer, targets=isinstance(select, Near))[chosen])
    old, new = frames
    common = old.index.intersection(new.index)
    differ = np.zeros(len(common), dtype=bool)
    for name in fields:
        was, is_ = (frame.loc[common, name].astype(object).to_numpy(object) for frame in (old, new))
        differ |= (pd.isna(was) != pd.isna(is_)) | (~pd.isna(was) & ~pd.isna(is_) & (was != is_))
    differ |= ~shapely.equals_identical(
        old.loc[common].geometry.to_numpy(object), new.loc[common].geometry.to_numpy(object)
    )
    alone = old.index.symmetric_difference(new.index)
    return sorted({*common[differ], *alone})


def _near(both: list[Side], select: Choice, keys: list[str], changed: Sheet) -> Sheet:
    """Of features *keys* those near what counts otherwise, one row a subject."""
    targets = isinstance(select, Near)
    metres = _reach(select, both[1].scene.workspace.county.asset_distance)
    fields = deciding(both[1].indicator, select.layer)
    told = _happened(both, select.layer, keys, fields, targets=targets).set_index("key")
    shapes, owners = [], []
    for side in both:
        frame = side.frame(select.layer, targets=targets)
        held = [key for key in keys if key in frame.index]
        shapes += list(frame.loc[held].geometry)
        owners += held
    places = _places(both, changed)
    if not len(places) or not shapes:
        return pd.DataFrame(columns=CAUSES)
    tree = shapely.STRtree([shape for _, shape in places])
    feature, place = tree.query(np.asarray(shapes, dtype=object), predicate="dwithin", distance=metres)
    pairs = {(places[at][0], owners[of]) for of, at in zip(feature.tolist(), place.tolist(), strict=True)}
    if both[0].kind == "unit":
        pairs &= _on_ground(both[1], {subject for subject, _ in pairs}, shapes, owners, metres + ASIDE)
    rows = pd.DataFrame(sorted(pairs), columns=["subject", "key"])
    found = rows.merge(told.reset_index(), on="key", how="left")
    # it was taken, or is now, for a reason that its own row does not show
    return found.assign(what=found["what"].fillna("changed"), layer=select.layer, part="near")


def _reach(select: Choice, beside: float) -> float:
    """Metres within which a feature may make others count; *beside*: how far from its road an asset stands."""
    if isinstance(select, Near):
        steps = [metres for _, metres in select.by_area]
        return max([select.distance or 0.0, *select.distances.values(), *steps])
    return beside if isinstance(select, Along) else 0.0


def _places(both: list[Side], changed: Sheet) -> list[tuple[str, Any]]:
    """Shapes of what counts otherwise, each with its subject."""
    found: list[tuple[str, Any]] = []
    for layer, rows in changed.groupby("layer", sort=False):
        for side in both:
            if layer:
                frame = side.frame(str(layer))
            else:
                cells = side.scene.partition.cells
                frame = cells.set_index(cells["cell"].to_numpy(object))
            held = rows[rows["key"].isin(frame.index)]
            found += zip(held["subject"], frame.loc[held["key"]].geometry, strict=True)
    return found


def _on_ground(
    side: Side, subjects: set[str], shapes: list[Any], owners: list[str], metres: float
) -> set[tuple[str, str]]:
    """Pairs of a subject and a feature within *metres* of its ground: a road goes on beyond the unit."""
    ground = list(side.ground(sorted(subjects)))
    tree = shapely.STRtree([shape for _, shape in ground])
    feature, cell = tree.query(np.asarray(shapes, dtype=object), predicate="dwithin", distance=metres)
    return {(ground[at][0], owners[of]) for of, at in zip(feature.tolist(), cell.tolist(), strict=True)}
