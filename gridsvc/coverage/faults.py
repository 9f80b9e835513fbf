"""What is wrong with definitions of indicators: in themselves, and in what they ask of layers that lack it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gridsvc.coverage.clauses import Choice, Condition, Near, Select, Where, rising
from gridsvc.layers import NAME, Field, Layer, Layers
from gridsvc.text import Text, bilingual

if TYPE_CHECKING:
    from gridsvc.coverage.indicators import Indicator

NUMBERS = ("integer", "number")
WAYS = {
    "count_share": ("match", "responsible", "has_chief", "filled", "covered"),
    "length_share": ("match", "responsible", "vacant", "dead_ends"),
}
"""By kind of share: the keys of which one says what counts."""


# in themselves


def own_faults(one: Indicator) -> list[Text]:
    """Everything in a definition that contradicts its kind or itself."""
    found = [*_features(one), *_sums(one), *_grading(one), *_points(one)]
    return [bilingual(en, zh) for wrong, en, zh in found if wrong]


Checked = Iterator[tuple[bool, str, str]]


def _features(one: Indicator) -> Checked:
    """What is asked about, and what decides whether it counts."""
    kind, ways = one.kind, WAYS.get(one.kind, ())
    yield not NAME.match(one.id), f"id {one.id!r} must be a lower-case word", f"id {one.id!r} 须为小写英文词"
    yield (
        kind.endswith("_near") != (one.near is not None),
        "near: kinds that end in _near, and only these, have it",
        "near：仅且须用于以 _near 结尾的类型",
    )
    yield (
        (kind == "spacing") != (one.along is not None),
        "along: spacing, and only spacing, has it",
        "along：仅且须用于 spacing",
    )
    without = kind in ("area_near", "reported")
    yield (
        without != (one.of is None),
        "of: every kind but area_near and reported has it",
        "of：除 area_near、reported 外各类型均须给出",
    )
    yield (
        kind == "area_near" and one.near is not None and one.near.by == "of",
        "near.by: area_near has no of that could decide",
        "near.by：area_near 没有 of，不能由其决定距离",
    )
    wrong = [name for name in one.ways if name not in ways and (name, kind) != ("dead_ends", "density")]
    yield (
        bool(ways) and (len(one.ways) != 1 or bool(wrong)),
        f"a {kind} needs one of {', '.join(ways)}",
        f"{kind} 须给出且只给出 {'、'.join(ways)} 之一",
    )
    yield (
        not ways and bool(wrong),
        f"{', '.join(wrong)}: belong to count_share and length_share",
        f"{'、'.join(wrong)}：仅用于 count_share 和 length_share",
    )
    yield (
        one.base is not None and not kind.startswith("area_"),
        "base: belongs to area kinds",
        "base：仅用于 area_ 类型",
    )
    yield (
        kind == "reported" and bool(one.zone),
        "zone: reported values are of units, not of zones",
        "zone：上报值按单元给出，不按范围",
    )


def _sums(one: Indicator) -> Checked:
    """What a density sums and divides by."""
    density = one.kind == "density"
    yield (
        density and one.dead_ends is not None and one.measure != "count",
        "measure: dead ends are counted",
        "measure：断头路只能计数",
    )
    yield density != bool(one.per), "per: density, and only density, has it", "per：仅且须用于 density"
    yield not density and one.measure != "count", "measure: belongs to density", "measure：仅用于 density"
    yield (
        (one.per in ("length", "weight")) != (one.per_of is not None),
        "per_of: names the layer that per = length or weight sums",
        "per_of：per = length 或 weight 时须指明图层，其他情形不得给出",
    )
    yield (
        one.per == "weight" and one.per_of is not None and not one.per_of.weight,
        "per_of.weight: names the number field that per = weight sums",
        "per_of.weight：per = weight 时须指明数值字段",
    )


def _grading(one: Indicator) -> Checked:
    """Goals, bands and the rules for small numbers."""
    a, b = one.bands.get("A"), one.bands.get("B")
    yield bool(one.bands) and (a is None or b is None), "bands: both A and B", "bands：A 与 B 须同时给出"
    if a is not None and b is not None:
        worse = a <= b if one.direction == "up" else a >= b
        yield worse, f"bands: A ({a}) must be better than B ({b})", f"bands：A（{a}）须优于 B（{b}）"
    yield not rising(list(one.allowed)), "allowed: rows must rise", "allowed：各行须递增"
    rated = one.rated
    name = "reported value" if one.kind == "reported" else "density"
    yield (
        not rated and bool(one.allowed),
        f"allowed: a {name} has no failures to count",
        f"allowed：{one.kind} 没有可计的不合格数",
    )
    yield (
        not rated and bool(one.minimum_known),
        f"minimum_known: a {name} has no share that is known",
        f"minimum_known：{one.kind} 没有已知比例",
    )


def _points(one: Indicator) -> Checked:
    """Points in the assessment."""
    off = one.deductions
    yield one.veto and not one.goals, "veto: without a goal nothing decides", "veto：没有目标，无从否决"
    yield (
        bool(one.weight or one.veto or off) and not one.system,
        "system: weight, veto and deductions name the assessment system that they are of",
        "system：给出 weight、veto、deductions 时须注明测评体系及版本",
    )
    if off is not None:
        yield (
            off.by == "failures" and not one.rated,
            f"deductions.by: a {one.kind} has no failures to count",
            f"deductions.by：{one.kind} 没有可计的不合格数",
        )
        yield (
            off.by == "shortfall" and not one.goals,
            "deductions.by: without a goal nothing falls short",
            "deductions.by：没有目标，无从计算差距",
        )
        most = max(points for _, points in off.steps)
        yield (
            one.weight is not None and most > one.weight,
            f"deductions.steps: {most:g} points off are more than the weight ({one.weight})",
            f"deductions.steps：扣分 {most:g} 超过权重（{one.weight}）",
        )


# of layers


def find_faults(indicator: Indicator, layers: Layers) -> list[Text]:
    """Everything that *indicator* names and *layers* lack: sentences that start with the key."""
    faults = [fault for key, select in indicator.selects for fault in _choice_faults(key, select, layers)]
    return faults or list(_kind_faults(indicator, layers))


def _choice_faults(key: str, select: Choice, layers: Layers) -> Iterator[Text]:
    """What a choice of features names that does not exist."""
    if select.layer not in layers:
        yield bilingual(f"{key}.layer: no layer {select.layer!r}", f"{key}.layer：没有图层 {select.layer!r}")
        return
    layer = layers[select.layer]
    if not layer.geometry:
        yield bilingual(
            f"{key}.layer: {layer.name} is a table, it has no features",
            f"{key}.layer：{layer.name} 是表格，没有要素",
        )
        return
    yield from _value_faults(f"{key}.where", select.where, layer)
    if isinstance(select, Select):
        yield from _number_faults(f"{key}.weight", select.weight, layer)
        if select.on and layer.role != "asset":
            yield bilingual(
                f"{key}.on: {layer.name} are no assets, which belong to roads",
                f"{key}.on：{layer.name} 不是部件，不归属道路",
            )
        yield from _value_faults(f"{key}.on", select.on, layers.roads)


def _number_faults(key: str, name: str, layer: Layer) -> Iterator[Text]:
    """A field that should hold numbers."""
    if name and (name not in layer.fields or layer.fields[name].type not in NUMBERS):
        yield bilingual(
            f"{key}: {layer.name} has no number field {name!r}", f"{key}：{layer.name} 没有数值字段 {name!r}"
        )


def _value_faults(key: str, where: Where, layer: Layer) -> Iterator[Text]:
    for name, values in where.items():
        field = layer.fields.get(name)
        if field is None:
            yield _no_field(key, layer, name)
        elif not values:
            yield bilingual(f"{key}.{name}: no value is given", f"{key}.{name}：未给出任何值")
        else:
            for value in values:
                if not _holds(field, value):
                    yield bilingual(
                        f"{key}.{name}: {value!r} is no value of it", f"{key}.{name}：没有取值 {value!r}"
                    )


def _no_field(key: str, layer: Layer, name: str) -> Text:
    return bilingual(f"{key}: {layer.name} has no field {name!r}", f"{key}：{layer.name} 没有字段 {name!r}")


def _holds(field: Field, value: Condition) -> bool:
    """Whether a field can have a value."""
    if field.values:
        return value in {known.value for known in field.values}
    if field.type == "boolean" or isinstance(value, bool):
        return field.type == "boolean" and isinstance(value, bool)
    return isinstance(value, int | float) == (field.type in NUMBERS)


def _distance_faults(near: Near, deciding: Layer) -> Iterator[Text]:
    """Distances for values that the deciding field cannot have."""
    field = deciding.fields.get(near.field)
    if field is None:
        yield _no_field("near.field", deciding, near.field)
        return
    known = {value.value for value in field.values} or set(near.distances)
    for name in near.distances:
        if name not in known:
            yield bilingual(
                f"near.distances.{name}: no value of {near.field}",
                f"near.distances.{name}：{near.field} 没有此取值",
            )


def _kind_faults(indicator: Indicator, layers: Layers) -> Iterator[Text]:
    """What a kind needs of the layers that it names."""
    chosen = {key: layers[select.layer] for key, select in indicator.selects}
    of = chosen.get("of")
    if of is not None:
        yield from _way_faults(indicator, of)
    yield from _shape_faults(indicator, chosen)
    if indicator.near is not None and indicator.near.field:
        deciding = chosen["of" if indicator.near.by == "of" else "near"]
        yield from _distance_faults(indicator.near, deciding)
    kinds = {value.value for value in layers.zones.fields["kind"].values}
    if indicator.zone and indicator.zone not in kinds:
        names = ", ".join(sorted(kinds))
        yield bilingual(
            f"zone: {indicator.zone!r} is no kind of zone ({names})",
            f"zone：没有范围类型 {indicator.zone!r}（{names}）",
        )


def _way_faults(indicator: Indicator, of: Layer) -> Iterator[Text]:
    """What decides whether features count, of the layer asked about."""
    yield from _value_faults("match", indicator.match, of)
    if indicator.kind == "count_share" and indicator.responsible and of.role != "unit":
        yield bilingual(
            f"of.layer: people answer for units and roads, {of.name} are neither",
            f"of.layer：责任人只对应单元和道路，{of.name} 两者都不是",
        )
    if indicator.has_chief and of.role != "asset":
        yield bilingual(f"of.layer: {of.name} are no assets", f"of.layer：{of.name} 不是部件")
    if indicator.filled and indicator.filled not in of.fields:
        yield _no_field("filled", of, indicator.filled)
    if indicator.covered is not None:
        yield from _number_faults("covered.field", indicator.covered.field, of)
    weight = indicator.features.weight
    width = indicator.kind == "length_share" and weight and of.fields[weight].unit == "m"
    if indicator.of_length and weight and not width:
        yield bilingual(
            "of.weight: only length_share has one, a width in metres",
            "of.weight：仅 length_share 可用，且须为以米计的宽度",
        )


def _shape_faults(indicator: Indicator, chosen: dict[str, Layer]) -> Iterator[Text]:
    """Lengths are of roads, areas of polygons, what stands along roads are assets."""
    lengths = {
        "of": indicator.of_length or indicator.measure == "length" or indicator.dead_ends is not None,
        "per_of": indicator.per == "length",
    }
    own_area = indicator.kind == "area_share" or indicator.measure == "area" or indicator.covered is not None
    sized = indicator.near is not None and bool(indicator.near.by_area)
    areas = {"of": own_area, "base": True, "covered": True, "near": sized}
    for key, layer in chosen.items():
        if lengths.get(key) and layer.role != "road":
            yield bilingual(
                f"{key}.layer: {layer.name} are no roads, whose length is measured",
                f"{key}.layer：{layer.name} 不是道路，没有长度",
            )
        if areas.get(key) and 2 not in layer.dimensions:
            yield bilingual(f"{key}.layer: {layer.name} have no area", f"{key}.layer：{layer.name} 没有面积")
        if key == "along" and layer.role != "asset":
            yield bilingual(
                f"along.layer: {layer.name} are no assets, which belong to roads",
                f"along.layer：{layer.name} 不是部件，不归属道路",
            )
