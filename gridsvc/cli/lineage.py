"""``gridsvc lineage``: where a unit came from, what became of it, and all changes by date."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import pandas as pd
import shapely
import typer
from rich.console import Console

from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.codes import LEVEL_TITLES
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.vintages import Vintages
from gridsvc.errors import NotFoundError
from gridsvc.layers import Layers
from gridsvc.partition.lineage import LINEAGE, Change, changes
from gridsvc.text import Text, bilingual

FROM, BECAME = bilingual("from", "来源"), bilingual("became", "去向")
HEADINGS: dict[str, Text] = {
    "date": bilingual("Date", "日期"),
    "way": bilingual("Way", "方向"),
    "kind": bilingual("Kind", "类型"),
    "old": bilingual("Old code", "原编码"),
    "new": bilingual("New code", "新编码"),
    "name": bilingual("Name of the other", "对方名称"),
    "share": bilingual("Of the old area", "占原面积"),
    "document": bilingual("Document", "文号"),
}
ALL = ("date", "kind", "old", "new", "document")
WHOLE = {"date", "way", "kind", "old", "new"}


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "lineage")
    def lineage(
        session: Session,
        code: Annotated[
            str | None, typer.Argument(metavar="[CODE]", help="Code of a unit that there is or was.")
        ] = None,
    ) -> None:
        """Show where a unit came from and what became of it; without a code all changes by date."""
        titles = kind_titles(session.layers)
        with session.store() as store, store.snapshot():
            if code is None:
                found = [plain_change(change) for change in changes(store.read(LINEAGE))]
                session.answer({"changes": found}, lambda out: show_changes(out, found, titles, session.lang))
                return
            vintages = Vintages.of(Scene(store, session.workspace, session.layers, dt.date.today()))
        told = biography(vintages, code)
        session.answer(told, lambda out: show_biography(out, told, titles, session.lang))


def kind_titles(layers: Layers) -> dict[str, Text]:
    """Labels of the kinds of change."""
    return {value.value: value.title for value in layers[LINEAGE].fields["kind"].values}


def plain_change(change: Change) -> dict[str, Any]:
    """A change as plain values."""
    return {
        "date": change.day.date().isoformat(),
        "kinds": list(change.kinds),
        "old_codes": sorted(change.old),
        "new_codes": sorted(change.new),
        "documents": list(change.documents),
    }


def biography(vintages: Vintages, code: str) -> dict[str, Any]:
    """A unit with its days, and the rows of the lineage before and after it, through all changes.

    A code that neither the boundaries nor the lineage ever held is a :class:`NotFoundError`.
    """
    rows, units = vintages.lineage, vintages.units
    own = units[units["code"] == code].sort_values("standing").tail(1).to_dict("records")
    before, after = (
        _chain(rows, code, *ways) for ways in (("new_code", "old_code"), ("old_code", "new_code"))
    )
    if not own and not before and not after:
        raise NotFoundError(
            f"there is and was no unit {code!r}; gridsvc lineage lists all changes",
            f"没有也从未有过编码为 {code!r} 的单元；gridsvc lineage 可列出全部变更",
        )
    unit = own[0] if own else {}
    return {
        "code": code,
        "name": unit.get("name"),
        "level": unit.get("level"),
        "valid_from": _day(unit.get("begins")),
        "valid_to": _day(unit.get("ends")),
        "standing": bool(unit.get("standing", False)),
        "from": [_step(vintages, row, "old_code") for row in before],
        "became": [_step(vintages, row, "new_code") for row in after],
    }


def _chain(rows: pd.DataFrame, code: str, here: str, there: str) -> list[dict[str, Any]]:
    """Rows that lead from *code* on, one way, in the order of time; each once, also where codes run in a circle."""
    codes = {code}
    found: set[int] = set()
    while True:
        more = set(rows.index[rows[here].isin(codes)]) - found
        if not more:
            break
        found |= more
        codes = set(rows.loc[sorted(more), there]) - {""}
    return [
        {str(name): value for name, value in row.items()}
        for row in rows.loc[sorted(found)].to_dict("records")
    ]


def _step(vintages: Vintages, row: dict[str, Any], other: str) -> dict[str, Any]:
    """One row of the lineage as plain values, with how much of the old unit's ground the new one has."""
    old, new, shapes = row["old_code"], row["new_code"], vintages.shapes
    share = None
    if old in shapes.index and new in shapes.index and old != new:
        share = round(
            float(shapely.area(shapely.intersection(shapes[old], shapes[new])) / shapes[old].area), 6
        )
    names = vintages.units.drop_duplicates("code", keep="last").set_index("code")["name"]
    return {
        "date": _day(row["changed_on"]),
        "kind": row["kind"],
        "old_code": old or None,
        "new_code": new or None,
        "name": names.get(row[other]),
        "share": share,
        "document": row["document"],
    }


def _day(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value).date().isoformat()


def show_changes(out: Console, found: list[dict[str, Any]], titles: dict[str, Text], lang: str) -> None:
    """Print all changes by date."""
    if not found:
        none = bilingual(
            "no changes of codes are loaded: gridsvc load lineage FILE",
            "尚未入库编码沿革：gridsvc load lineage 文件",
        )
        out.print(none(lang), highlight=False, markup=False, soft_wrap=True)
        return
    rows = [
        (
            one["date"],
            "、".join(titles[kind](lang) for kind in one["kinds"]),
            "\n".join(one["old_codes"]),
            "\n".join(one["new_codes"]),
            ", ".join(one["documents"]),
        )
        for one in found
    ]
    show_table(out, _columns(ALL, lang), rows, lang=lang)


def show_biography(out: Console, told: dict[str, Any], titles: dict[str, Text], lang: str) -> None:
    """Print one unit, where it came from and what became of it."""
    level = LEVEL_TITLES[told["level"]](lang) if told["level"] else ""
    out.print(
        " ".join(filter(None, (level, told["code"], told["name"]))),
        style="bold",
        highlight=False,
        markup=False,
    )
    out.print(_days_of(told)(lang), highlight=False, markup=False, soft_wrap=True)
    rows = [
        (
            step["date"],
            way(lang),
            titles[step["kind"]](lang),
            step["old_code"],
            step["new_code"],
            step["name"],
            None if step["share"] is None else f"{step['share']:.1%}",
            step["document"],
        )
        for way, steps in ((FROM, told["from"]), (BECAME, told["became"]))
        for step in steps
    ]
    if not rows:
        none = bilingual("the lineage says nothing of it", "编码沿革中没有它的记录")
        out.print(none(lang), highlight=False, markup=False)
        return
    spare = [[HEADINGS[name](lang)] for name in ("document", "name")]
    show_table(out, _columns(tuple(HEADINGS), lang), rows, spare=spare, lang=lang)


def _days_of(told: dict[str, Any]) -> Text:
    """From when to when a unit holds, in words."""
    first, last = told["valid_from"] or "…", told["valid_to"] or "…"
    if told["level"] is None:
        return bilingual("its boundary was never loaded", "其边界从未入库")
    state = (
        bilingual("a boundary of it is loaded", "边界在库")
        if told["standing"]
        else bilingual("its boundary has ended in the store", "边界已从库中移除")
    )
    return bilingual(f"valid {first} to {last}; {state.en}", f"有效期 {first} 至 {last}；{state.zh}")


def _columns(names: tuple[str, ...], lang: str) -> list[tuple[str, Side]]:
    sides: dict[str, Side] = {**dict.fromkeys(WHOLE, "whole"), "share": "right"}
    return [(HEADINGS[name](lang), sides.get(name, "left")) for name in names]
