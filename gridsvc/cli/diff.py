"""``gridsvc diff``: what changed between two moments in the history of the store."""

from __future__ import annotations

import json
from typing import Annotated, Any

import geopandas
import pandas as pd
import typer
from rich.console import Console

from gridsvc.cli.output import Listing, OutOption, deliver
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.layers import Layers
from gridsvc.text import Text, bilingual

CHANGES: dict[str, Text] = {
    "added": bilingual("added", "新增"),
    "removed": bilingual("removed", "移除"),
    "changed": bilingual("changed", "变更"),
}
MOVED = bilingual("geometry", "图形")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "diff")
    def diff(
        session: Session,
        a: Annotated[int, typer.Argument(metavar="A", min=0, help="Load; 0 is before the first.")],
        b: Annotated[int | None, typer.Argument(metavar="B", min=0, help="Load; now when left out.")] = None,
        layer: Annotated[str, typer.Option("--layer", help="This layer only.")] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, help="Features of each layer to show.")] = 20,
        out: OutOption = None,
    ) -> None:
        """Tell what changed between the states after two loads, of any layers."""
        names = [session.layers[layer].name] if layer else list(session.layers)
        with session.store() as store, store.snapshot():
            found = {name: store.diff(name, a, b) for name in names}
            crs = store.crs
        found = {name: frame for name, frame in found.items() if len(frame) or layer}
        listing = Listing(
            "changes",
            lambda: {"a": a, "b": b, "layers": [plain_changes(*one) for one in found.items()]},
            lambda: listed(found, session.layers, session.lang),
            lambda: (
                geopandas.GeoDataFrame(pd.concat([shaped(*one) for one in found.items()]), crs=crs)
                if found
                else geopandas.GeoDataFrame({"layer": []}, geometry=[], crs=crs)
            ),
            lambda console: show_changes(console, found, session.layers, limit, session.lang),
        )
        deliver(session, listing, None, out)


def _count(frame: pd.DataFrame, change: str) -> int:
    return int((frame["change"] == change).sum())


def plain_changes(layer: str, frame: pd.DataFrame) -> dict[str, Any]:
    """The differences of a layer as plain values."""
    return {
        "layer": layer,
        **{change: _count(frame, change) for change in CHANGES},
        "features": [
            {
                "key": row["key"],
                "fid": row["fid"],
                "change": row["change"],
                "fields": row["fields"],
                "before": row["before"],
                "after": row["after"],
                "moved_m": None if row["moved_m"] != row["moved_m"] else row["moved_m"],
            }
            for row in _rows(frame)
        ],
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]


def _shown(value: Any) -> Any:
    """A value as a cell: numbers as they are, flags as words that no language needs."""
    return {True: "✓", False: "✗"}[value] if isinstance(value, bool) else value


def _lines(frame: pd.DataFrame, layers: Layers, layer: str, lang: str) -> list[tuple[Any, ...]]:
    """One line a changed field, one a feature that was added or removed."""
    fields = layers[layer].fields
    lines: list[tuple[Any, ...]] = []
    for row in _rows(frame):
        head = (row["key"], CHANGES[row["change"]](lang))
        if row["change"] != "changed":
            texts = [
                " ".join(str(_shown(value)) for value in (side or {}).values())
                for side in (row["before"], row["after"])
            ]
            lines.append((*head, None, *(text or None for text in texts)))
            continue
        for name in row["fields"]:
            if name == "geometry":
                far = "" if row["moved_m"] != row["moved_m"] else f"{row['moved_m']:,.2f} m"
                lines.append((*head, MOVED(lang), None, far or None))
            else:
                title = fields[name].title(lang)
                lines.append((*head, title, _shown(row["before"][name]), _shown(row["after"][name])))
        if not row["fields"]:
            lines.append((*head, None, None, None))
    return lines


HEADINGS: tuple[tuple[Text, Side], ...] = (
    (bilingual("Key", "编号"), "left"),
    (bilingual("Change", "变化"), "whole"),
    (bilingual("Field", "字段"), "left"),
    (bilingual("Before", "原值"), "left"),
    (bilingual("After", "新值"), "left"),
)


def listed(found: dict[str, pd.DataFrame], layers: Layers, lang: str) -> pd.DataFrame:
    """All differences as the rows of a spreadsheet."""
    rows = [
        (layers[name].title(lang), *line)
        for name, frame in found.items()
        for line in _lines(frame, layers, name, lang)
    ]
    names = [bilingual("Layer", "图层")(lang), *(word(lang) for word, _ in HEADINGS)]
    return pd.DataFrame(rows, columns=names, dtype=object)


def shaped(layer: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The differences of a layer as features, where they are now or, when removed, were."""
    places = frame["geometry_after"].where(frame["geometry_after"].notna(), frame["geometry_before"])
    return pd.DataFrame(
        {
            "layer": layer,
            "key": frame["key"],
            "change": frame["change"],
            "fields": frame["fields"].map(", ".join),
            "before": frame["before"].map(_json),
            "after": frame["after"].map(_json),
            "moved_m": frame["moved_m"],
            "geometry": places,
        }
    )


def _json(values: dict[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False)


def show_changes(
    console: Console, found: dict[str, pd.DataFrame], layers: Layers, limit: int, lang: str
) -> None:
    """Print counts by layer, then the features that differ."""
    if not any(len(frame) for frame in found.values()):
        console.print(bilingual("nothing changed", "没有变化")(lang), highlight=False)
        return
    titles = [CHANGES[change](lang) for change in CHANGES]
    heading: list[tuple[str, Side]] = [(bilingual("Layer", "图层")(lang), "whole")]
    show_table(
        console,
        [*heading, *((title, "right") for title in titles)],
        [
            (layers[name].title(lang), *(_count(frame, change) for change in CHANGES))
            for name, frame in found.items()
        ],
    )
    for name, frame in found.items():
        rows = _lines(frame.head(limit), layers, name, lang)
        show_table(console, [(word(lang), side) for word, side in HEADINGS], rows, layers[name].title(lang))
        if len(frame) > limit:
            more = bilingual(
                f"{limit} of {len(frame):,} features; --limit shows more, -o FILE.xlsx has all",
                f"共 {len(frame):,} 个，显示 {limit} 个（--limit 可调，-o 文件.xlsx 导出全部）",
            )
            console.print(more(lang), highlight=False, soft_wrap=True)
