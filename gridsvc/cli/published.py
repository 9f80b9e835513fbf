"""The folder of a published run: its pages, its workbook in every language, its figures, put in place at once."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from xlsxwriter.exceptions import FileCreateError

from gridsvc.cli.bulletin import write_bulletin
from gridsvc.coverage.comparison import changed_figures
from gridsvc.coverage.definitions import definitions_text
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicators
from gridsvc.coverage.statement import digest_of, statement
from gridsvc.errors import StoreError
from gridsvc.maps import Atlas, write_all
from gridsvc.settings import Workspace
from gridsvc.store import Publication, Store

FIGURES, RUN, DEFINITIONS = "figures.csv", "run.json", "indicators.jsonl"


def published_dir(workspace: Workspace) -> Path:
    """Folder that holds the folders of published runs."""
    return workspace.pages_dir / "published"


def folder_of(workspace: Workspace, publication: Publication) -> Path:
    """Folder of a published run."""
    return published_dir(workspace) / publication.folder


def require_unchanged(figures: Figures) -> None:
    """Refuse, as :class:`StoreError`, a published run whose figures are not those that were published."""
    one = figures.run.publication
    if one is not None and digest_of(figures) != one.digest:
        raise StoreError(
            f"the figures of run {one.id} ({one.edition} {one.label}) are not those that were published: their "
            f"digest is not {one.digest[:12]}…; the store was changed by other means, or this software grades "
            "differently",
            f"计算批次 {one.id}（{one.edition} {one.label}）的指标值与发布时不一致：摘要不是 {one.digest[:12]}…；"
            "数据库被其他方式改动，或软件的评级方法不同",
        )


def write_published(
    store: Store, indicators: Indicators, publication: Publication, progress: Callable[[str, int, int], None]
) -> Path:
    """Write the folder of a published run, all of it or nothing, in the place of an older one; returns it.

    It is written aside and put in place by renaming. A file that cannot be written is a :class:`StoreError`, and so
    are figures that are not those that were published.
    """
    target = folder_of(store.workspace, publication)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # of a command that was cut short
        for left in target.parent.glob(f".{target.name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            _fill(aside, store, indicators, publication, progress)
            aside.chmod(0o755)
            if target.exists():
                target.rename(aside.with_name(f"{aside.name}.old"))
            aside.rename(target)
        finally:
            for left in (aside, aside.with_name(f"{aside.name}.old")):
                shutil.rmtree(left, ignore_errors=True)
    except (OSError, FileCreateError) as error:
        raise StoreError(f"{target} cannot be written: {error}", f"无法写入 {target}：{error}") from error
    return target


def _fill(
    folder: Path,
    store: Store,
    indicators: Indicators,
    publication: Publication,
    progress: Callable[[str, int, int], None],
) -> None:
    """Write everything into *folder*."""
    workspace, layers = store.workspace, store.layers
    with store.snapshot():
        figures = Figures.open(store, workspace, layers, indicators, publication.id)
        require_unchanged(figures)
        atlas = Atlas.open(store, workspace, layers, indicators, publication.id)
        corrected = None
        if publication.revises is not None:
            before = Figures.open(store, workspace, layers, indicators, publication.revises)
            corrected = changed_figures(before, figures)
        (folder / FIGURES).write_bytes(statement(figures))
        told = json.dumps(figures.run.as_dict(), ensure_ascii=False, indent=2)
        (folder / RUN).write_text(told + "\n", encoding="utf-8")
        (folder / DEFINITIONS).write_text(definitions_text(figures.indicators) + "\n", encoding="utf-8")
        first = workspace.county.languages[0]
        for lang in workspace.county.languages:
            name = f"figures{'' if lang == first else '.' + lang}.xlsx"
            write_bulletin(figures, folder / name, lang, corrected)
    write_all(atlas, progress=progress, folder=folder)
