"""``gridsvc init`` and ``gridsvc layers``: a workspace and what can be loaded into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import show_table
from gridsvc.codes import CodeLayout
from gridsvc.crs import named_crs, require_metres
from gridsvc.errors import UsageError
from gridsvc.layers import Layer
from gridsvc.settings import County, Workspace, init_workspace
from gridsvc.text import Text, bilingual

ROLES: dict[str, Text] = {
    "unit": bilingual("boundary", "边界"),
    "zone": bilingual("zone", "范围"),
    "road": bilingual("road", "道路"),
    "asset": bilingual("asset", "部件"),
    "place": bilingual("place", "地物"),
    "table": bilingual("table", "表"),
}


def parse_layout(text: str) -> tuple[int, int, int, int]:
    """Four positive widths separated by commas, e.g. ``6,3,3,3``."""
    parts = [part.strip() for part in text.replace("+", ",").split(",")]
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise UsageError(
            f"--code-layout {text}: give the digits of county, district, community and grid, e.g. 6,3,3,3",
            f"--code-layout {text}：请给出县、街道、社区、网格四级编码位数，例如 6,3,3,3",
        )
    a, b, c, d = (int(part) for part in parts)
    return a, b, c, d


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""

    @command(app, "init")
    def init(
        session: Session,
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make the workspace in.")],
        name: Annotated[
            str, typer.Option("--name", help="Name of the county; the folder's when left out.")
        ] = "",
        name_en: Annotated[str, typer.Option("--name-en", help="Its name in English.")] = "",
        code_layout: Annotated[
            str,
            typer.Option(
                "--code-layout", metavar="6,3,3,3", help="Digits that each of the four levels adds."
            ),
        ] = "6,3,3,3",
        metre_crs: Annotated[
            str,
            typer.Option("--metre-crs", metavar="EPSG:CODE", help="Metre CRS; by position when left out."),
        ] = "",
        marking: Annotated[str, typer.Option("--marking", help="Classification mark printed on maps.")] = "",
        map_approval: Annotated[str, typer.Option("--map-approval", help="Map approval number.")] = "",
    ) -> None:
        """Make a workspace: a folder with county.toml, layers/ and maps/."""
        layout = parse_layout(code_layout)
        CodeLayout(layout)
        if metre_crs:
            require_metres(named_crs(metre_crs), "--metre-crs")
        own = name or name_en or folder.resolve().name
        county = County(
            name=Text(zh=own, en=name_en or own),
            code_layout=layout,
            metre_crs=metre_crs or None,
            marking=marking,
            map_approval=map_approval,
        )
        made = init_workspace(folder, county)
        told = bilingual(
            f"workspace made: {made.root}\nnext: gridsvc load counties FILE -w {folder}",
            f"工作区已建立：{made.root}\n下一步：gridsvc load counties 文件 -w {folder}",
        )
        session.answer(described(made), told)

    @command(app, "layers")
    def layers(
        session: Session,
        name: Annotated[str, typer.Argument(metavar="[LAYER]", help="Show the fields of this layer.")] = "",
    ) -> None:
        """List the layers and how many features each holds, or the fields of one."""
        if name:
            chosen = session.layers[name]
            session.answer(chosen.model_dump(mode="json"), lambda out: show_fields(out, chosen, session.lang))
            return
        with session.store() as store:
            counts = store.counts()
        own = {path.stem for path in session.workspace.layers_dir.glob("*.toml")}
        rows = [
            {
                "layer": layer.name,
                "title": layer.title.model_dump(),
                "role": layer.role,
                "geometry": list(layer.geometry),
                "category": layer.category,
                "features": counts[layer.name],
                "own_definition": layer.name in own,
            }
            for layer in session.layers.values()
        ]
        session.answer({"layers": rows}, lambda out: show_layers(out, rows, session.lang))


def described(workspace: Workspace) -> dict[str, Any]:
    """A workspace as plain values."""
    return {"workspace": str(workspace.root), "county": workspace.county.model_dump(mode="json")}


def show_layers(out: Console, rows: list[dict[str, Any]], lang: str) -> None:
    """Print the list of layers."""
    headings = (
        bilingual("Layer", "图层"),
        bilingual("Title", "名称"),
        bilingual("Role", "类别"),
        bilingual("Geometry", "图形"),
        bilingual("GB/T 30428.2", "GB/T 30428.2"),
        bilingual("Features", "要素数"),
    )
    show_table(
        out,
        [(heading(lang), "right" if heading.en == "Features" else "left") for heading in headings],
        [
            (
                row["layer"],
                row["title"][lang],
                ROLES[row["role"]](lang),
                # a layer that takes single shapes takes those of several parts, too
                " ".join(kind for kind in row["geometry"] if not kind.startswith("Multi")),
                row["category"],
                row["features"],
            )
            for row in rows
        ],
        spare=[["GB/T 30428.2"]],
        lang=lang,
    )


def show_fields(out: Console, layer: Layer, lang: str) -> None:
    """Print the fields of one layer: what each holds and the names under which it arrives."""
    headings = (
        bilingual("Field", "字段"),
        bilingual("Title", "名称"),
        bilingual("Type", "类型"),
        bilingual("Unit", "单位"),
        bilingual("Required", "必填"),
        bilingual("Values", "取值"),
        bilingual("Also called", "别名"),
    )
    show_table(
        out,
        [(heading(lang), "whole" if heading.en in ("Field", "Type") else "left") for heading in headings],
        [
            (
                name,
                field.title(lang),
                field.type,
                field.unit,
                field.required,
                " ".join(f"{value.value}={value.title(lang)}" for value in field.values),
                " ".join(field.aliases),
            )
            for name, field in layer.fields.items()
        ],
        title=f"{layer.name} · {layer.title(lang)}",
    )
