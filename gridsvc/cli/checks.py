"""``gridsvc check``: findings over the whole workspace."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from gridsvc.checks import KINDS, SEVERITIES, Findings, find
from gridsvc.cli.figures import AsOfOption, parse_day
from gridsvc.cli.mending import close, plain_mended, show_mended
from gridsvc.cli.output import plain_records, written
from gridsvc.cli.session import ATTENTION, DONE, Session, command
from gridsvc.cli.tables import show_table
from gridsvc.coverage.scene import Scene
from gridsvc.errors import UsageError
from gridsvc.export import write_file
from gridsvc.maps import put_page, render_findings
from gridsvc.text import Text, bilingual

CHECKING = bilingual("Checking", "检查")
HEADINGS: dict[str, Text] = {
    "severity": bilingual("Severity", "级别"),
    "kind": bilingual("Kind", "类型"),
    "text": bilingual("Finding", "发现"),
    "level": bilingual("Level", "层级"),
    "unit_a": bilingual("Unit", "单元"),
    "unit_b": bilingual("Other unit", "另一单元"),
    "unit": bilingual("Lies in", "所在单元"),
    "layer": bilingual("Layer", "图层"),
    "feature": bilingual("Feature", "要素编号"),
    "source": bilingual("File", "来源文件"),
    "source_row": bilingual("Row", "源行号"),
    "other": bilingual("Other feature", "另一要素"),
    "other_source": bilingual("File of the other", "另一要素来源文件"),
    "other_row": bilingual("Row of the other", "另一要素源行号"),
    "target": bilingual("Target", "对象"),
    "holder": bilingual("Holder", "责任人"),
    "size": bilingual("Size", "大小"),
    "measure": bilingual("Unit of size", "单位"),
    "width_m": bilingual("Width (m)", "宽度 (m)"),
    "lon": bilingual("Longitude", "经度"),
    "lat": bilingual("Latitude", "纬度"),
}


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "check")
    def check(
        session: Session,
        as_of: AsOfOption = None,
        limit: Annotated[int, typer.Option("--limit", min=0, help="Findings of each kind to show.")] = 5,
        geojson: Annotated[
            Path | None, typer.Option("--geojson", metavar="FILE", help="Write the findings as points.")
        ] = None,
        xlsx: Annotated[
            Path | None, typer.Option("--xlsx", metavar="FILE", help="Write the findings as a workbook.")
        ] = None,
        html: Annotated[
            Path | None,
            typer.Option("--html", metavar="FILE", help="Write the findings as a page with a map."),
        ] = None,
        fix: Annotated[
            bool, typer.Option("--fix", help="Close thin overlaps, gaps and protrusions of units first.")
        ] = False,
        width: Annotated[
            float | None,
            typer.Option("--width", metavar="M", help="With --fix: metres below which they are thin."),
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="With --fix: report what would move, and store nothing.")
        ] = False,
    ) -> int:
        """Check boundaries, roads, assets, values and duties; ends with 1 when something needs attention."""
        paths = {"geojson": geojson, "xlsx": xlsx, "html": html}
        require_endings(paths)
        if (width is not None or dry_run) and not fix:
            raise UsageError("--width and --dry-run go with --fix", "--width 和 --dry-run 须与 --fix 同用")
        day = parse_day(as_of) or dt.date.today()
        mended, loads, code = close(session, day, width, dry_run=dry_run) if fix else (None, [], DONE)
        with session.store() as store, store.snapshot(), session.progress() as progress:
            progress.step("check", CHECKING)
            findings = find(Scene(store, session.workspace, session.layers, day))
            page = "" if html is None else render_findings(store, session.layers, findings, day, session.lang)
        if geojson is not None:
            write_file({"findings": findings.points()}, geojson)
        if xlsx is not None:
            write_file({"findings": with_headings(findings, session.lang)}, xlsx)
        if html is not None:
            put_page(html, page)
        files = [path for path in (geojson, xlsx, html) if path is not None]
        data = {
            "as_of": day.isoformat(),
            **({} if mended is None else {"fix": plain_mended(mended, loads)}),
            "attention": findings.attention,
            "counts": plain_records(findings.counts()),
            "findings": plain_records(findings.frame),
        }

        def show(out: Console) -> None:
            if mended is not None:
                show_mended(out, mended, loads, session.lang)
            show_findings(out, findings, limit, session.lang)
            for file in files:
                out.print(written(file)(session.lang), highlight=False, markup=False, soft_wrap=True)

        session.answer(data, show)
        return ATTENTION if findings.attention else code


def require_endings(paths: dict[str, Path | None]) -> None:
    """A file for each form ends as its form does."""
    for form, path in paths.items():
        if path is not None and path.suffix.lower() != f".{form}":
            raise UsageError(
                f"--{form} {path}: the file must end in .{form}",
                f"--{form} {path}：文件扩展名应为 .{form}",
            )


def with_headings(findings: Findings, lang: str) -> pd.DataFrame:
    """Findings as the columns of a spreadsheet."""
    frame = findings.frame.assign(
        severity=findings.frame["severity"].map(lambda name: SEVERITIES[name](lang)),
        kind=findings.frame["kind"].map(lambda name: KINDS[name].title(lang)),
        text=findings.frame[f"text_{lang}"],
    )
    return frame[list(HEADINGS)].rename(columns={name: title(lang) for name, title in HEADINGS.items()})


def show_findings(out: Console, findings: Findings, limit: int, lang: str) -> None:
    """Print how many findings there are of each kind, and the largest of each."""
    counts = findings.counts()
    words = (HEADINGS["severity"], HEADINGS["kind"], bilingual("Findings", "数量"), HEADINGS["size"])
    show_table(
        out,
        [(word(lang), "right" if number > 1 else "left") for number, word in enumerate(words)],
        [
            (
                SEVERITIES[row["severity"]](lang),
                KINDS[row["kind"]].title(lang),
                row["count"],
                f"{row['size']:,.1f} m²" if row["measure"] == "m²" else "",
            )
            for row in counts.to_dict(orient="records")
        ],
    )
    for (severity, kind), group in findings.frame.groupby(["severity", "kind"], sort=False):
        shown = group.head(limit)
        if shown.empty:
            continue
        left = len(group) - len(shown)
        more = bilingual(f" (and {left} more)", f"（另有 {left} 条）")(lang) if left else ""
        out.print(
            f"{KINDS[str(kind)].title(lang)} · {SEVERITIES[str(severity)](lang)}{more}",
            style="bold",
            highlight=False,
        )
        for text, lon, lat in zip(shown[f"text_{lang}"], shown["lon"], shown["lat"], strict=True):
            place = "" if lon != lon else f"  [{lon:.6f}, {lat:.6f}]"
            out.print(f"  {text}{place}", highlight=False, markup=False)
    out.print(told(findings)(lang), highlight=False, markup=False)


def told(findings: Findings) -> Text:
    """The findings in one line."""
    if not findings.attention:
        return bilingual("nothing needs attention", "没有需要处理的问题")
    many = "1 finding needs" if findings.attention == 1 else f"{findings.attention:,} findings need"
    return bilingual(f"{many} attention", f"{findings.attention:,} 项需要处理")
