"""What definitions of indicators ask of layers that these do not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gridsvc.layers import Field, Layer, Layers

if TYPE_CHECKING:
    from gridsvc.coverage.indicators import Condition, Indicator, Near, Select


def find_faults(indicator: Indicator, layers: Layers) -> list[str]:
    """Everything that *indicator* names and *layers* lack: sentences that start with the key."""
    faults = [fault for key, select in indicator.selects for fault in _faults(key, select, layers)]
    return faults or _kind_faults(indicator, layers)


def _faults(key: str, select: Select | Near, layers: Layers) -> list[str]:
    """What a choice of features names that does not exist."""
    if select.layer not in layers:
        return [f"{key}.layer: no layer {select.layer!r}"]
    layer = layers[select.layer]
    if not layer.geometry:
        return [f"{key}.layer: {layer.name} is a table, it has no features"]
    faults = _value_faults(f"{key}.where", select.where, layer)
    weight = getattr(select, "weight", "")
    if weight and (weight not in layer.fields or layer.fields[weight].type not in ("integer", "number")):
        faults.append(f"{key}.weight: {select.layer} has no number field {weight!r}")
    return faults


def _value_faults(key: str, where: Mapping[str, tuple[Condition, ...]], layer: Layer) -> list[str]:
    faults = []
    for name, values in where.items():
        field = layer.fields.get(name)
        if field is None:
            faults.append(f"{key}: {layer.name} has no field {name!r}")
        elif not values:
            faults.append(f"{key}.{name}: no value is given")
        else:
            faults += [
                f"{key}.{name}: {value!r} is no value of it" for value in values if not _holds(field, value)
            ]
    return faults


def _holds(field: Field, value: Condition) -> bool:
    """Whether a field can have a value."""
    if field.values:
        return value in {known.value for known in field.values}
    if field.type == "boolean" or isinstance(value, bool):
        return field.type == "boolean" and isinstance(value, bool)
    return isinstance(value, int | float) == (field.type in ("integer", "number"))


def _distance_faults(near: Near, deciding: Layer) -> list[str]:
    """Distances for values that the deciding field cannot have."""
    field = deciding.fields.get(near.field)
    if field is None:
        return [f"near.field: {deciding.name} has no field {near.field!r}"]
    known = {value.value for value in field.values} or set(near.distances)
    return [
        f"near.distances.{name}: no value of {near.field}" for name in near.distances if name not in known
    ]


def _kind_faults(indicator: Indicator, layers: Layers) -> list[str]:
    """What a kind needs of the layers that it names."""
    faults = []
    chosen = {key: layers[select.layer] for key, select in indicator.selects}
    of = chosen.get("of")
    if of is not None:
        faults += _value_faults("match", indicator.match, of)
        if indicator.kind == "count_share" and indicator.responsible and of.role != "unit":
            faults.append(f"of.layer: people answer for units and roads, {of.name} are neither")
    lengths = {
        "of": indicator.kind.startswith("length_")
        or indicator.measure == "length"
        or indicator.dead_ends is not None,
        "per_of": indicator.per == "length",
    }
    areas = {"of": indicator.kind == "area_share" or indicator.measure == "area", "base": True}
    for key, layer in chosen.items():
        if lengths.get(key) and layer.role != "road":
            faults.append(f"{key}.layer: {layer.name} are no roads, whose length is measured")
        if areas.get(key) and 2 not in layer.dimensions:
            faults.append(f"{key}.layer: {layer.name} have no area")
    if indicator.near is not None and indicator.near.field:
        deciding = chosen["of" if indicator.near.by == "of" else "near"]
        faults += _distance_faults(indicator.near, deciding)
    kinds = {value.value for value in layers.zones.fields["kind"].values}
    if indicator.zone and indicator.zone not in kinds:
        faults.append(f"zone: {indicator.zone!r} is no kind of zone ({', '.join(sorted(kinds))})")
    return faults
