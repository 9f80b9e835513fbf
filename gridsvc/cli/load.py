"""``gridsvc load``: files in, and what became of them; what every command that loads shares."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gridsvc.checks import loaded
from gridsvc.cli.publishing import publish
from gridsvc.cli.session import DONE, Session, command
from gridsvc.errors import UsageError
from gridsvc.intake import LoadOptions, LoadReport, NothingAcceptedError, load_file
from gridsvc.intake.storing import Progress
from gridsvc.store import Store
from gridsvc.text import Text, bilingual

MapOption = Annotated[
    list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Column that holds a field.")
]
EncodingOption = Annotated[str | None, typer.Option("--encoding", help="Encoding of texts, e.g. gb18030.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Report, and store nothing.")]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write the report (.json or .xlsx).")
]


class Mode(StrEnum):
    """How a load treats the features that the store has."""

    REPLACE = "replace"
    APPEND = "append"
    UPSERT = "upsert"


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "load")
    def load(
        session: Session,
        layer: Annotated[
            str, typer.Argument(metavar="LAYER", help="Layer to load into; see gridsvc layers.")
        ],
        files: Annotated[
            list[Path], typer.Argument(metavar="FILE...", help="Files, folders or zip archives.")
        ],
        encoding: EncodingOption = None,
        crs: Annotated[
            str | None, typer.Option("--crs", help="CRS of the files: EPSG:4547, GCJ02, BD09, PROJ.")
        ] = None,
        mapping: MapOption = None,
        constants: Annotated[
            list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="One value for every row.")
        ] = None,
        source_layer: Annotated[
            str | None,
            typer.Option("--source-layer", metavar="NAME", help="Layer or sheet, where there are several."),
        ] = None,
        mode: Annotated[
            Mode,
            typer.Option(
                "--mode", help="replace: the files are all there is; upsert: others stay; append: new."
            ),
        ] = Mode.REPLACE,
        context: Annotated[
            bool, typer.Option("--context", help="Features of neighbouring counties: near, never counted.")
        ] = False,
        dry_run: DryRunOption = False,
        report: ReportOption = None,
    ) -> int:
        """Load files into a layer: one load, all of it or nothing."""
        options = LoadOptions(
            encoding=encoding,
            crs=crs,
            mapping=pairs("--map", mapping or []),
            constants=pairs("--set", constants or []),
            source_layer=source_layer,
            mode=mode.value,
            dry_run=dry_run,
            context=context,
        )
        _ = session.layers[layer]
        return run_load(
            session,
            report,
            lambda store, progress: load_file(
                store, session.layers, session.workspace, layer, files, options, progress
            ),
            dry_run=dry_run,
        )


def run_load(
    session: Session,
    report: Path | None,
    load: Callable[[Store, Progress], LoadReport],
    *,
    dry_run: bool,
) -> int:
    """Do one *load*, publish what it changed, report it at the terminal and to *report*; returns the exit code."""
    require_report(report)
    try:
        with _no_search(), session.store(write=not dry_run) as store, session.progress() as progress:
            told, code = load(store, progress.step), DONE
            if told.load_id is not None:
                _return_memory()
                if not store.load(told.load_id).context:
                    told.warnings += loaded(store, session.workspace, session.layers, told.layer)
                stored = bilingual(f"load {told.load_id}", f"入库 {told.load_id} ")
                code = publish(session, store, stored, progress)
    except NothingAcceptedError as refusal:
        write_report(refusal.report, report, session.lang)
        if not session.as_json:
            refusal.report.print(session.out, session.lang)
        raise
    write_report(told, report, session.lang)

    def show(out: Console) -> None:
        told.print(out, session.lang)
        for text in next_steps(told):
            out.print(text(session.lang), highlight=False, markup=False, soft_wrap=True)

    session.answer(told.to_dict(), show)
    return max(told.exit_code, code)


def _return_memory() -> None:
    """Give the system back what the load has freed, where the C library can: glibc keeps it, a sixth of the peak."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@contextmanager
def _no_search() -> Iterator[None]:
    """Have Python search for no cycles meanwhile: millions of cells form none, and it took a tenth of a load."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def next_steps(report: LoadReport) -> Iterator[Text]:
    """What a person does after a load that has stored something."""
    if report.load_id is None:
        return
    if report.quarantined:
        name = report.layer
        yield bilingual(
            f"next, to correct what waits: gridsvc quarantine {name} --export {name}.xlsx, correct it, then "
            f"gridsvc quarantine {name} --admit {name}.xlsx",
            f"下一步，更正待处理的行：gridsvc quarantine {name} --export {name}.xlsx，改好后执行 "
            f"gridsvc quarantine {name} --admit {name}.xlsx",
        )
    if any(report.counts[name] for name in ("added", "changed", "split")) or report.ended:
        yield bilingual("when all files are loaded: gridsvc compute", "全部文件入库后执行：gridsvc compute")


def pairs(option: str, texts: list[str]) -> dict[str, str]:
    """``FIELD=VALUE`` arguments as a mapping."""
    for text in texts:
        if not text.partition("=")[0].strip() or "=" not in text:
            raise UsageError(
                f"{option} {text}: write it as FIELD=VALUE", f"{option} {text}：应写作 字段=取值"
            )
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in texts)}


def require_report(path: Path | None) -> None:
    """A report is a ``.json`` or an ``.xlsx`` file."""
    if path is not None and path.suffix.lower() not in (".json", ".xlsx"):
        raise UsageError(
            f"--report {path}: a report is written as .json or .xlsx",
            f"--report {path}：报告只能写为 .json 或 .xlsx",
        )


def write_report(report: LoadReport, path: Path | None, lang: str) -> None:
    """Write the report of a load where it is wanted."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".xlsx":
        report.write_xlsx(path, lang)
    else:
        path.write_text(report.to_json() + "\n", encoding="utf-8")
