"""``gridsvc export``: a layer, or the newest results, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gridsvc.cli.figure_rows import described, with_headings, with_shapes
from gridsvc.cli.figures import RunOption, open_figures
from gridsvc.cli.session import Session, command
from gridsvc.codes import LEVEL_TITLES, LEVELS
from gridsvc.coverage.figures import Figures
from gridsvc.errors import UsageError
from gridsvc.export import FORMATS, file_format, write_file
from gridsvc.text import bilingual

RESULTS = "results"


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "export")
    def export(
        session: Session,
        what: Annotated[
            str, typer.Argument(metavar="LAYER|results", help="A layer, or the figures of a run.")
        ],
        file: Annotated[
            Path, typer.Argument(metavar="FILE", help=f"Its ending names the format: {', '.join(FORMATS)}.")
        ],
        load: Annotated[
            int | None, typer.Option("--load", metavar="LOAD", help="The layer as it was after this load.")
        ] = None,
        run: RunOption = None,
        context: Annotated[
            bool, typer.Option("--context", help="The features of neighbouring counties instead.")
        ] = False,
    ) -> None:
        """Write a layer, or the figures of every level, to a file."""
        file_format(file)
        own = (session.workspace.geopackage_path, *session.workspace.store_url.files)
        if file.resolve() in {path.resolve() for path in own}:
            raise UsageError(
                f"{file} is the workspace's own file; choose another name",
                f"{file} 是工作区自己的文件，请另选名称",
            )
        if what == RESULTS:
            with open_figures(session, run) as figures:
                tables = result_tables(figures, file_format(file), session.lang)
        else:
            _ = session.layers[what]
            with session.store() as store:
                if load is not None:
                    store.load(load)
                frame = store.read(what, load=load, context=context)
            tables = {what: frame.drop(columns=["fid", "key"])}
        made = write_file(tables, file, session.layers.by_name)
        rows = sum(len(table) for table in tables.values())
        session.answer(
            {"files": [str(path) for path in made], "rows": rows},
            bilingual(f"written: {file} ({rows:,} rows)", f"已写入：{file}（{rows:,} 行）"),
        )


def result_tables(figures: Figures, ending: str, lang: str) -> dict[str, pd.DataFrame]:
    """The figures of every level as *ending* holds them: sheets, layers with shapes, or one table."""
    rows = {level: described(figures, figures.table(level), lang) for level in LEVELS}
    if ending == "xlsx":
        chiefs = described(figures, figures.table(chiefs=True), lang)
        sheets = {
            LEVEL_TITLES[level](lang).replace("/", " "): with_headings(table, lang)
            for level, table in rows.items()
        }
        return {**sheets, bilingual("Road chiefs", "路长")(lang): with_headings(chiefs, lang)}
    if ending == "csv":
        return {"results": with_headings(pd.concat(rows.values(), ignore_index=True), lang)}
    shaped = {f"figures_{level}": with_shapes(figures, table, level) for level, table in rows.items()}
    if ending == "gpkg":
        return {**shaped}
    return {"results": pd.concat(shaped.values(), ignore_index=True)}
