"""``gridsvc check --fix``: closing slivers, and what people are told of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rich.console import Console

from gridsvc.checks.mending import Mended, apply, mend
from gridsvc.cli.publishing import publish
from gridsvc.cli.session import DONE, Session
from gridsvc.cli.tables import show_table
from gridsvc.codes import LEVEL_TITLES
from gridsvc.coverage.scene import Scene
from gridsvc.errors import UsageError
from gridsvc.store import LoadRecord
from gridsvc.text import Text, bilingual

MENDING = bilingual("Closing slivers", "消除细缝")
SHOWN = 20
HEADINGS = (
    bilingual("Level", "层级"),
    bilingual("Unit", "单元"),
    bilingual("Given (m²)", "让出 (m²)"),
    bilingual("Taken (m²)", "并入 (m²)"),
    bilingual("Largest shift (m)", "最大位移 (m)"),
)


def close(
    session: Session, day: dt.date, width: float | None, *, dry_run: bool
) -> tuple[Mended, list[LoadRecord], int]:
    """Close slivers below *width* metres (None: the county's ``sliver_width``); with *dry_run* store nothing.

    Returns what moved, the loads, and the exit code.
    """
    width = session.workspace.county.sliver_width if width is None else width
    if not 0 < width <= 100:
        raise UsageError(
            f"--width {width:g}: give metres above 0 and up to 100",
            f"--width {width:g}：应大于 0 且不超过 100 米",
        )
    with session.store(write=not dry_run) as store, session.progress() as progress:
        progress.step("fix", MENDING)
        mended = mend(Scene(store, session.workspace, session.layers, day), width)
        loads, code = [] if dry_run else apply(store, mended), DONE
        if loads:
            code = publish(session, store, bilingual("what was mended", "修复结果"), progress)
    return mended, loads, code


def plain_mended(mended: Mended, loads: list[LoadRecord]) -> dict[str, Any]:
    """What moved, for machines."""
    closed = mended.closed
    units = closed.units.rename(columns={"given": "given_m2", "taken": "taken_m2", "shift": "shift_m"})
    columns = ["level", "code", "given_m2", "taken_m2", "shift_m"]
    return {
        "width_m": mended.width,
        "slivers": closed.slivers,
        "area_m2": closed.area,
        "left": closed.left,
        "loads": [record.id for record in loads],
        "units": units[columns].to_dict(orient="records"),
    }


def show_mended(out: Console, mended: Mended, loads: list[LoadRecord], lang: str) -> None:
    """Print what moved, the units that moved farthest first."""
    closed = mended.closed
    units = closed.units.sort_values(["shift", "code"], ascending=[False, True])
    if len(units):
        show_table(
            out,
            [
                (word(lang), "left" if number == 0 else "whole" if number == 1 else "right")
                for number, word in enumerate(HEADINGS)
            ],
            [
                (
                    LEVEL_TITLES[str(row["level"])](lang),
                    row["code"],
                    f"{row['given']:,.1f}",
                    f"{row['taken']:,.1f}",
                    f"{row['shift']:.2f}",
                )
                for row in units.head(SHOWN).to_dict(orient="records")
            ],
        )
    if len(units) > SHOWN:
        more = bilingual(
            f"and {len(units) - SHOWN:,} more units; --json has all of them",
            f"另有 {len(units) - SHOWN:,} 个单元（--json 输出全部）",
        )
        out.print(more(lang), highlight=False, markup=False)
    for text in told(mended, loads):
        out.print(text(lang), highlight=False, markup=False, soft_wrap=True)


def told(mended: Mended, loads: list[LoadRecord]) -> list[Text]:
    """What was done, in sentences."""
    closed, width = mended.closed, mended.width
    if not closed.slivers:
        return [bilingual(f"there are no slivers below {width:g} m", f"没有宽度小于 {width:g} m 的细缝")]
    said = [
        bilingual(
            f"{closed.slivers:,} slivers below {width:g} m ({closed.area:,.1f} m²): "
            f"{len(closed.units):,} units {'moved' if loads else 'would move'}",
            f"宽度小于 {width:g} m 的细缝 {closed.slivers:,} 处（{closed.area:,.1f} m²），"
            f"{'已' if loads else '将'}调整 {len(closed.units):,} 个单元",
        )
    ]
    if closed.left:
        said.append(
            bilingual(
                f"{closed.left:,} slivers stay: no unit of the same parent lies at them within {width:g} m, or an "
                "outline would move farther",
                f"另有 {closed.left:,} 处保留：{width:g} m 内没有同一上级的单元，或边界位移会超过该宽度",
            )
        )
    if loads:
        undo = [f"gridsvc rollback {record.id}" for record in reversed(loads)]
        said.append(
            bilingual(
                f"stored as {', '.join(f'load {record.id} ({record.layer})' for record in loads)}; "
                f"to undo: {'; '.join(undo)}\nnext: gridsvc compute",
                f"已存为{'、'.join(f'入库 {record.id}（{record.layer}）' for record in loads)}；"
                f"撤销：{'；'.join(undo)}\n下一步：gridsvc compute",
            )
        )
    return said
