"""Which column feeds which field: by the person's word, exact name, alias, a name cut short, its last heading."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.export.vectors import short_names
from gridsvc.intake.header import SERIAL, aside, lone_last, unmarked
from gridsvc.intake.positions import POSITION_NAMES
from gridsvc.intake.values import UNIT_NAMES, units_of
from gridsvc.layers import Field, Layer, fold
from gridsvc.text import Text, bilingual

How = Literal["map", "name", "alias", "cut"]
ROW_NUMBER = "#row"
"""Column name for ``--map`` that stands for the number of the source row."""


@dataclass(frozen=True)
class Match:
    """One field fed by one column."""

    field: str
    column: str
    how: How


@dataclass(frozen=True)
class Matching:
    """How the columns of one delivery were understood."""

    matches: dict[str, Match]
    ignored: list[str]
    """Columns that feed no field."""


def names_of(name: str, field: Field) -> list[str]:
    """Folded exact names of a field: its name and titles."""
    return [fold(text) for text in (name, field.title.zh, field.title.en)]


def spellings(layer: Layer, mapping: Mapping[str, str]) -> frozenset[str]:
    """Every folded column name that means something to *layer*: by these a header row is recognised."""
    known = {fold(column) for column in mapping.values()}
    for name, field in layer.fields.items():
        known.update(names_of(name, field), (fold(alias) for alias in field.aliases))
    if layer.geometry:
        known.update(POSITION_NAMES)
    return frozenset(known)


def check_options(layer: Layer, mapping: Mapping[str, str], constants: Mapping[str, str]) -> None:
    """Refuse ``--map`` and ``--set`` for fields that the layer does not have, or for one field both."""
    for option, named in (("--map", mapping), ("--set", constants)):
        for field in named:
            if field not in layer.fields:
                raise UsageError(
                    f"{option} {field}: layer {layer.name} has no such field; it has: {', '.join(layer.fields)}",
                    f"{option} {field}：图层 {layer.name} 没有该字段；现有字段：{'、'.join(layer.fields)}",
                )
    both = next((field for field in mapping if field in constants), None)
    if both is not None:
        raise UsageError(
            f"{both}: give either --map or --set, not both", f"{both}：--map 与 --set 只能给一个"
        )


def match_fields(
    layer: Layer,
    columns: Sequence[str],
    where: str,
    *,
    mapping: Mapping[str, str],
    constants: Mapping[str, str],
    cut: bool = False,
    paths: Mapping[str, Sequence[str]] | None = None,
) -> Matching:
    """Match the *columns* of the delivery *where* to the fields of *layer*.

    The better claim wins: an exact name before an alias, an earlier alias before a later one; each column
    feeds one field (but ``--map`` may use a column twice). *cut*: names may have been cut at ten bytes.
    *paths*: the headings over a column, from the top; it may be known by all of them or by the last alone.
    Raises :class:`InputRefusedError` when a required field finds no column, :class:`UsageError` when a
    mapped column does not exist.
    """
    matches = {
        field: Match(field, _named(column, columns, where, field), "map") for field, column in mapping.items()
    }
    taken = {match.column for match in matches.values()}
    claims = sorted(_claims(layer, columns, cut, paths or {}), key=lambda claim: claim[0])
    for _, match in claims:
        if match.field in matches or match.field in constants or match.column in taken:
            continue
        matches[match.field] = match
        taken.add(match.column)
    _require(layer, matches, constants, columns, where)
    return Matching(matches, [column for column in columns if column not in taken])


def _named(column: str, columns: Sequence[str], where: str, field: str) -> str:
    """The column that the person named, exactly or up to case and separators."""
    if column in columns or column == ROW_NUMBER:
        return column
    alike = [name for name in columns if fold(name) == fold(column)]
    if len(alike) == 1:
        return alike[0]
    raise UsageError(
        f"--map {field}={column}: {where} has no such column; it has: {_listed(columns).en}",
        f"--map {field}={column}：{where} 没有该列；现有：{_listed(columns).zh}",
    )


def _listed(columns: Sequence[str]) -> Text:
    if not columns:
        return bilingual(
            "none (those of a shapefile are in its .dbf)", "无（Shapefile 的属性在 .dbf 文件中）"
        )
    shown = ", ".join(columns[:40]) + (" …" if len(columns) > 40 else "")
    return bilingual(shown, shown)


Rank = tuple[int, int, int, int, int]


def _claims(
    layer: Layer, columns: Sequence[str], cut: bool, paths: Mapping[str, Sequence[str]]
) -> list[tuple[Rank, Match]]:
    """Every way in which a column could feed a field, with its rank (smaller is better)."""
    lone = lone_last([tuple(paths.get(column, (column,))) for column in columns])
    headings = [_headings(column, paths.get(column, ()), lone) for column in columns]
    short = dict(zip(layer.fields, short_names(list(layer.fields)), strict=True))
    claims = []
    for order, (name, field) in enumerate(layer.fields.items()):
        exact = names_of(name, field)
        aliases = [fold(alias) for alias in field.aliases]
        for number, column in enumerate(columns):
            for level, (text, unit) in enumerate(headings[number]):
                if not _fits(unit, field):
                    continue
                place = (level, order, number)
                if text in exact:
                    claims.append(((0, exact.index(text), *place), Match(name, column, "name")))
                elif text in aliases:
                    claims.append(((1, aliases.index(text), *place), Match(name, column, "alias")))
            if cut and column == short[name] != name:
                claims.append(((2, 0, 0, order, number), Match(name, column, "cut")))
            elif cut and _cut(column) and any(known.startswith(fold(column)) for known in (*exact, *aliases)):
                claims.append(((2, 1, 0, order, number), Match(name, column, "cut")))
    return claims


def _headings(column: str, path: Sequence[str], lone: Collection[str]) -> list[tuple[str, str]]:
    """Folded names under which a column may be known, the better first, and the unit that each leaves out."""
    texts = ["".join(path) or column]
    if len(path) > 1 and fold(path[-1]) in lone:
        texts.append(path[-1])
    found: list[tuple[str, str]] = []
    for text in texts:
        plain = unmarked(text)
        found += [(fold(plain), ""), (fold(aside(plain)[0]), aside(plain)[1])]
    return [(name, unit) for name, unit in found if name and name not in SERIAL]


def _fits(unit: str, field: Field) -> bool:
    """False where a heading names another unit than the field's: 路宽(km) is no width in metres."""
    return unit.lower() not in UNIT_NAMES or unit.lower() in units_of(field.unit)


def _cut(column: str) -> bool:
    """True where a name fills the ten bytes of a .dbf header, so that its end may be missing."""
    return any(len(column.encode(codec, "replace")) in {9, 10} for codec in ("utf-8", "gb18030"))


def _require(
    layer: Layer,
    matches: Mapping[str, Match],
    constants: Mapping[str, str],
    columns: Sequence[str],
    where: str,
) -> None:
    missing = [
        name
        for name, field in layer.fields.items()
        if field.required and name not in matches and name not in constants and field.default is None
    ]
    if not missing:
        return
    titles = ", ".join(f"{name} ({layer.fields[name].title.en})" for name in missing)
    titles_zh = "、".join(f"{name}（{layer.fields[name].title.zh}）" for name in missing)
    options = " ".join(f"--map {name}=COLUMN" for name in missing)
    options_zh = " ".join(f"--map {name}=列名" for name in missing)
    # a unit's code means something: numbering the rows would be no help
    unnamed = missing[0] in layer.key and layer.role != "unit"
    numbered = f", --map {missing[0]}={ROW_NUMBER} to number the rows" if unnamed else ""
    numbered_zh = f"，按行号编号可用 --map {missing[0]}={ROW_NUMBER}" if unnamed else ""
    raise InputRefusedError(
        f"{where}: no column for {titles}; its columns are: {_listed(columns).en}. Give {options} "
        f"(or --set FIELD=VALUE for one value in every row{numbered})",
        f"{where}：找不到必填字段 {titles_zh} 对应的列；现有列：{_listed(columns).zh}。请给出 {options_zh}"
        f"（各行同值可用 --set 字段=值{numbered_zh}）",
    )
