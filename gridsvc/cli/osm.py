"""``gridsvc osm``: an OpenStreetMap extract, or a place by its name, into the layers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.cli.load import Mode, pairs, require_report
from gridsvc.cli.publishing import publish
from gridsvc.cli.session import Session, command
from gridsvc.errors import GridsvcError, UsageError
from gridsvc.intake.osm import OsmOptions, load_osm
from gridsvc.intake.osm.report import NothingLoadedError
from gridsvc.store import Store
from gridsvc.text import Text, bilingual


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "osm")
    def osm(
        session: Session,
        source: Annotated[
            str,
            typer.Argument(
                metavar="FILE|PLACE",
                help="Extract (.osm.pbf, .osm, .osm.bz2), or a place by its name (needs osmnx and a network).",
            ),
        ],
        layers: Annotated[
            str, typer.Option("--layers", metavar="LAYER,...", help="Layers to load; else all there is.")
        ] = "",
        mapping: Annotated[
            list[str] | None,
            typer.Option("--map", metavar="LAYER.FIELD=TAG", help="Tag that holds a field."),
        ] = None,
        constants: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="LAYER.FIELD=VALUE", help="One value for every row."),
        ] = None,
        mode: Annotated[
            Mode | None,
            typer.Option(
                "--mode",
                help="replace: the extract is all there is (as without it, unless the store holds features from "
                "elsewhere); upsert: others stay; append: new.",
            ),
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Report, and store nothing.")] = False,
        report: Annotated[
            Path | None,
            typer.Option("--report", metavar="FILE", help="Write the report (.json, or .xlsx per layer)."),
        ] = None,
    ) -> int:
        """Load an OpenStreetMap extract, or a place by its name: one load per layer."""
        wanted = [name.strip() for name in layers.split(",") if name.strip()]
        options = OsmOptions(
            layers=wanted,
            mode=mode.value if mode else None,
            mapping=by_layer("--map", mapping or [], wanted),
            constants=by_layer("--set", constants or [], wanted),
            dry_run=dry_run,
        )
        require_report(report)
        code = 0
        try:
            with session.store(write=not dry_run) as store, session.progress() as progress:
                with _told(session, store, wanted=not dry_run):
                    told = load_osm(store, session.layers, session.workspace, source, options, progress.step)
                if not dry_run:
                    code = publish(session, store, _stored([one.load_id for one in told.loads]), progress)
        except NothingLoadedError as refusal:
            if report is not None:
                refusal.report.write(report, session.lang)
            if not session.as_json:
                refusal.report.print(session.out, session.lang)
            raise
        if report is not None:
            told.write(report, session.lang)
        session.answer(told.to_dict(), lambda out: told.print(out, session.lang))
        return max(told.exit_code, code)


@contextlib.contextmanager
def _told(session: Session, store: Store, *, wanted: bool) -> Iterator[None]:
    """Where the block fails after some layers: these are loaded, published, and told."""
    before = {record.id for record in store.loads()}
    try:
        yield
    except (GridsvcError, OSError):
        made = [record for record in store.loads() if record.id not in before] if wanted else []
        if made:
            with contextlib.suppress(OSError):
                publish(session, store, _stored([record.id for record in made]))
            loaded = ", ".join(f"{record.layer} ({record.id})" for record in made)
            session.note(
                bilingual(
                    f"loaded before the failure, each to be undone with gridsvc rollback: {loaded}",
                    f"出错前已入库（可分别用 gridsvc rollback 撤销）：{loaded}",
                )
            )
        raise


def _stored(loads: Sequence[int | None]) -> Text:
    """What was loaded, by the numbers of its loads."""
    numbers = ", ".join(map(str, loads))
    return bilingual(f"what was loaded (loads {numbers})", f"本次内容（入库 {numbers}）")


def by_layer(option: str, texts: list[str], layers: list[str]) -> dict[str, dict[str, str]]:
    """``LAYER.FIELD=VALUE`` arguments by layer; the layer may be left out where only one is loaded."""
    found: dict[str, dict[str, str]] = {}
    for name, value in pairs(option, texts).items():
        layer, dot, field = name.partition(".")
        if not dot:
            if len(layers) != 1:
                raise UsageError(
                    f"{option} {name}={value}: name the layer, too: {option} LAYER.{name}={value}",
                    f"{option} {name}={value}：请写明图层：{option} 图层.{name}={value}",
                )
            layer, field = layers[0], name
        found.setdefault(layer, {})[field] = value
    return found
