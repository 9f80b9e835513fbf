"""``gridsvc map``: pages for road chiefs, their index, and overviews."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from gridsvc.cli.figures import RunOption, choose_run
from gridsvc.cli.session import Session, command
from gridsvc.coverage.indicators import Indicators, load_indicators
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.maps import Atlas, write_all
from gridsvc.store import Store
from gridsvc.text import Lang, bilingual

DRAWING = bilingual("Drawing maps", "绘制地图")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "map")
    def map_(
        session: Session,
        chief: Annotated[
            list[str] | None,
            typer.Option("--chief", metavar="ID", help="The page of a road chief; repeatable."),
        ] = None,
        all_chiefs: Annotated[
            bool, typer.Option("--all-chiefs", help="The pages of all road chiefs.")
        ] = False,
        overview: Annotated[
            list[str] | None,
            typer.Option("--overview", metavar="INDICATOR", help="The overview of an indicator; repeatable."),
        ] = None,
        everything: Annotated[bool, typer.Option("--all", help="Every page.")] = False,
        run: RunOption = None,
    ) -> None:
        """Draw pages into maps/out/; the index of all chiefs is drawn with them."""
        if not (chief or all_chiefs or overview or everything):
            raise UsageError(
                "say which pages to draw: --chief ID, --all-chiefs, --overview INDICATOR or --all",
                "请指明要绘制的页面：--chief 编号、--all-chiefs、--overview 指标 或 --all",
            )
        indicators = load_indicators(session.workspace, session.layers)
        chiefs = None if all_chiefs or everything else list(dict.fromkeys(chief or []))
        overviews = None if everything else [indicators[name].id for name in dict.fromkeys(overview or [])]
        with session.store() as store, session.progress() as progress:
            progress.step("map", DRAWING)
            made = write_pages(
                store,
                indicators,
                progress.reach,
                chiefs=chiefs,
                overviews=overviews,
                lang=session.asked_lang,
                run=choose_run(store, run, None),
            )
            computed = store.run() is not None
        if not computed:
            session.note(
                bilingual(
                    "nothing is computed yet, so the pages hold no figures; next: gridsvc compute, then draw again",
                    "尚未计算，页面中没有指标；请先执行 gridsvc compute，再重新生成",
                )
            )
        index = made[0]
        session.answer(
            {"index": str(index), "pages": [str(path) for path in made]},
            bilingual(f"{len(made)} pages drawn; open {index}", f"已生成 {len(made)} 个页面；请打开 {index}"),
        )


def write_pages(
    store: Store,
    indicators: Indicators,
    progress: Callable[[str, int, int], None],
    *,
    chiefs: Sequence[str] | None = None,
    overviews: Sequence[str] | None = None,
    lang: Lang | None = None,
    run: int | None = None,
) -> list[Path]:
    """Write pages of *run* (None: the newest), all of a kind for None; the index is the first of the files."""
    atlas = Atlas.open(store, store.workspace, store.layers, indicators, run)
    unknown = [one for one in chiefs or [] if one not in atlas.chiefs]
    if unknown:
        raise NotFoundError(f"there is no road chief {unknown[0]!r}", f"没有编号为 {unknown[0]!r} 的路长")
    langs = [lang] if lang else None
    return write_all(atlas, langs=langs, chiefs=chiefs, overviews=overviews, progress=progress)
