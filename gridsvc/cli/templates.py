"""``gridsvc template``: a blank file of a layer to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridsvc.cli.session import Session, command
from gridsvc.export.template import write_template
from gridsvc.text import bilingual


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "template")
    def template(
        session: Session,
        layer: Annotated[str, typer.Argument(metavar="LAYER", help="Layer to fill in; see gridsvc layers.")],
        file: Annotated[
            Path,
            typer.Argument(metavar="FILE", help="A workbook (.xlsx), or an empty layer to draw in (.gpkg)."),
        ],
    ) -> None:
        """Write a blank workbook, or an empty layer, to fill in for a layer."""
        chosen = session.layers[layer]
        made = write_template(chosen, file, session.lang)
        session.answer(
            {"files": [str(path) for path in made], "layer": layer},
            bilingual(
                f"written: {file}\nwhen it is filled in: gridsvc load {layer} {file}",
                f"已写入：{file}\n填写后入库：gridsvc load {layer} {file}",
            ),
        )
