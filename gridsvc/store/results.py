"""Result tables: what a run stores, from cells and tallies to gaps and findings."""

from __future__ import annotations

from dataclasses import dataclass

from gridsvc.layers import FieldType
from gridsvc.text import Text, bilingual


@dataclass(frozen=True)
class ResultTable:
    """One result: its key, its columns with types, its geometry types (none for a plain table)."""

    name: str
    title: Text
    key: tuple[str, ...]
    columns: dict[str, FieldType]
    geometry: tuple[str, ...] = ()
    lookups: tuple[tuple[str, ...], ...] = ()


def _columns(
    *, text: str = "", integer: str = "", number: str = "", boolean: str = "", date: str = ""
) -> dict[str, FieldType]:
    """Columns by type, each a blank-separated list of names."""
    columns: dict[str, FieldType] = dict.fromkeys(text.split(), "text")
    columns.update(dict.fromkeys(integer.split(), "integer"))
    columns.update(dict.fromkeys(number.split(), "number"))
    columns.update(dict.fromkeys(boolean.split(), "boolean"))
    columns.update(dict.fromkeys(date.split(), "date"))
    return columns


_ALL = [
    ResultTable(
        "cells",
        bilingual("Cells", "单元"),
        ("cell",),
        _columns(text="cell unit level zones", boolean="remainder", integer="area_mm2"),
        ("Polygon", "MultiPolygon"),
        (("unit",),),
    ),
    ResultTable(
        "tallies",
        bilingual("Tallies", "计数"),
        ("indicator", "subject_kind", "subject"),
        _columns(text="indicator subject_kind subject", integer="numerator denominator unknown exempt"),
        lookups=(("indicator", "subject_kind"), ("subject",)),
    ),
    ResultTable(
        "gaps",
        bilingual("Gaps", "短板"),
        ("indicator", "gap"),
        _columns(
            text="indicator gap kind unit amounts road_id road_name measure layer feature_key chiefs officers "
            "taken_up",
            number="from_m to_m size residents",
            boolean="inherited",
            date="since clear_on",
        ),
        ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"),
        (("indicator", "unit"),),
    ),
    ResultTable(
        "stretches",
        bilingual("Road stretches with a responsible person", "责任路段"),
        ("holder", "role", "road_id", "from_m", "to_m", "date_from"),
        _columns(
            text="holder role road_id level", number="from_m to_m", date="date_from date_to", boolean="vacant"
        ),
        ("LineString", "MultiLineString"),
        (("holder",),),
    ),
    ResultTable(
        "posts",
        bilingual("Units with a responsible person", "责任单元"),
        ("holder", "unit", "role", "date_from"),
        _columns(text="holder unit role level", date="date_from date_to", boolean="vacant"),
        lookups=(("unit",),),
    ),
    ResultTable(
        "assignments",
        bilingual("Assets to roads", "部件归路"),
        ("layer", "asset_key"),
        _columns(
            text="layer asset_key road_id how chiefs cell", number="at_m distance_m", boolean="confirmed"
        ),
        lookups=(("layer",),),
    ),
    ResultTable(
        "findings",
        bilingual("Findings", "检查发现"),
        ("kind", "level", "unit_a", "unit_b", "part"),
        _columns(text="kind level unit_a unit_b part", number="area_m2 width_m lon lat"),
    ),
]

RESULTS: dict[str, ResultTable] = {table.name: table for table in _ALL}
