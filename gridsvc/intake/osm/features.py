"""From tagged elements to one delivery per layer: rows, the fields that their tags tell, their shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

from gridsvc.intake.delivery import Column, Delivery, LeftOut, Mask
from gridsvc.intake.osm.elements import Tagged, Tags
from gridsvc.intake.osm.shapes import Built, Shapes
from gridsvc.intake.osm.tags import KINDS, Reading, read_field
from gridsvc.intake.osm.tags import Mapping as Rules
from gridsvc.intake.problems import Positions
from gridsvc.layers import Layer
from gridsvc.text import Text, bilingual

TAG = "osm:"
"""Prefix of a column that holds a tag as it is."""
TAGS = "tags"
"""Column with all tags of an element."""
WGS84 = bilingual("OpenStreetMap is in WGS 84", "OpenStreetMap 采用 WGS 84")
_ABSENT = bilingual(
    "it cannot be drawn: the extract lacks nodes or members of it",
    "无法构成图形：数据范围内缺少其节点或成员",
)
_SAMPLES = 3


@dataclass(frozen=True)
class Rows:
    """Rows of one layer: positions among the tagged elements, and why some of them are left out."""

    chosen: Positions
    left: list[LeftOut]
    numbers: Positions
    """Row numbers of :attr:`chosen`, from 1 over all rows of the layer in the extract."""

    @property
    def count(self) -> int:
        """Rows in all."""
        return len(self.chosen) + len(self.left)


def key_of(tagged: Tagged, position: int) -> str:
    """Key of an element: its kind and id (``n123``, ``w45``, ``r6``), the same in every extract."""
    return f"{tagged.kinds[position]}{tagged.ids[position]}"


def select(tagged: Tagged, rules: Rules) -> Rows:
    """Elements that are rows by *rules*; those with a tag to leave, or without a field it needs, are left out."""
    number = 0
    chosen: list[int] = []
    numbers: list[int] = []
    left: list[LeftOut] = []
    needed = [rules.fields[name] for name in rules.needs]
    for position, tags in enumerate(tagged.tags):
        if KINDS[tagged.kinds[position]] not in rules.elements:
            continue
        why = rules.selected(tags)
        if why is None:
            continue
        number += 1
        leave = rules.left(tags)
        if leave is None and any(read_field(field, [tags]).texts[0] is None for field in needed):
            leave = why
        if leave is None and rules.form == "area" and tagged.kinds[position] == "n":
            leave = f"{why} (node)"
        if leave is None:
            chosen.append(position)
            numbers.append(number)
        else:
            left.append(LeftOut(number, f"{leave} {key_of(tagged, position)}"))
    return Rows(np.array(chosen, dtype=np.intp), left, np.array(numbers, dtype=np.intp))


def deliver(
    name: str, layer: Layer, rules: Rules, rows: Rows, shapes: Shapes, mapping: Mapping[str, str]
) -> Delivery:
    """The delivery of one layer; *mapping* gives fields that are fed by a tag of the person's choice."""
    notes: list[Text] = []
    tags = [shapes.tagged.tags[position] for position in rows.chosen.tolist()]
    columns = {layer.key[0]: _column([key_of(shapes.tagged, position) for position in rows.chosen.tolist()])}
    made_of = {layer.key[0]: "type, id"}
    lost = 0
    for field, field_rules in rules.fields.items():
        if field not in layer.fields or field in mapping or field in columns:
            continue
        reading = read_field(field_rules, tags)
        if reading.tags or reading.lost:
            columns[field] = _column(reading.texts)
            made_of[field] = ", ".join(reading.tags or [rule.tag for rule in field_rules])
        lost += len(reading.lost)
        notes += _lost(layer, field, reading)
    columns |= tag_columns(mapping, tags)
    built = _built(rules, rows.chosen, shapes, notes)
    notes += _told_left(rows) + _told_cut(built)
    return Delivery(
        name,
        "osm",
        rows.numbers.astype(np.int64),
        columns,
        built.shapes,
        crs=pyproj.CRS.from_epsg(4326),
        crs_note=WGS84,
        left_out=rows.left,
        notes=notes,
        made_of=made_of,
        no_shape=_ABSENT,
        lost_values=lost,
    )


def tag_columns(mapping: Mapping[str, str], tags: list[Tags]) -> dict[str, Column]:
    """Columns with tags as they are: those that the person maps to fields, and all of them together."""
    columns = {TAG + tag: _column([row.get(tag) for row in tags]) for tag in mapping.values()}
    columns[TAGS] = Column.of_cells(lambda: tags)
    return columns


def _column(texts: list[str | None] | list[str]) -> Column:
    return Column.of_cells(lambda: texts)


def _built(rules: Rules, chosen: Positions, shapes: Shapes, notes: list[Text]) -> Built:
    """Shapes in the form that the layer wants."""
    build: Callable[[Positions], Built] = shapes.lines if rules.form == "line" else shapes.areas
    built = build(chosen)
    if rules.form != "point":
        return built
    areas = np.flatnonzero(np.isin(shapely.get_type_id(built.shapes), (3, 6)))
    if len(areas):
        built.shapes[areas] = shapely.point_on_surface(built.shapes[areas])
        notes.append(
            bilingual(
                f"{len(areas)} are drawn as areas and stored as a point inside",
                f"{len(areas)} 个以面表示，入库为面内一点",
            )
        )
    return built


def _told_cut(built: Built) -> list[Text]:
    """Notes on shapes that are incomplete: given in part, or not at all."""
    drawn: Mask = ~shapely.is_missing(built.shapes)
    part, none = int((built.incomplete & drawn).sum()), int((~drawn).sum())
    notes = []
    if part:
        notes.append(
            bilingual(
                f"{part} features are only as long or large as the extract has their nodes: it cuts them",
                f"{part} 个要素被数据范围截断，仅按已有节点入库",
            )
        )
    if none:
        notes.append(
            bilingual(
                f"{none} features could not be drawn: the extract lacks nodes or members of them",
                f"{none} 个要素缺少节点或成员，无法构成图形",
            )
        )
    return notes


def _told_left(rows: Rows) -> list[Text]:
    """Note on what was left out, by tag."""
    if not rows.left:
        return []
    counts = Counter(left.text.rsplit(" ", 1)[0] for left in rows.left).most_common()
    shown = ", ".join(f"{what} {count:,}" for what, count in counts[:12]) + (" …" if len(counts) > 12 else "")
    return [bilingual(f"left out by their tags: {shown}", f"按标签不计入：{shown}")]


def _lost(layer: Layer, field: str, reading: Reading) -> list[Text]:
    """Note on tag values that should be numbers and are none."""
    if not reading.lost:
        return []
    count, samples = len(reading.lost), list(dict.fromkeys(reading.lost.values()))
    shown = ", ".join(text[:40] for text in samples[:_SAMPLES]) + (" …" if len(samples) > _SAMPLES else "")
    title = layer.fields[field].title
    return [
        bilingual(
            f"{title.en} ({field}): {count} tags are no number and are stored as unknown: {shown}",
            f"{title.zh}（{field}）：{count} 个标签不是有效数值，按未知入库：{shown}",
        )
    ]
