"""Pages by name: one chief, the index, one overview; and all of them into the pages folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gridsvc.maps.atlas import Atlas
from gridsvc.maps.chief_data import chief_page
from gridsvc.maps.chief_page import chief_html
from gridsvc.maps.index_data import index_page
from gridsvc.maps.index_page import index_html
from gridsvc.maps.links import FOLDERS, FileLinks, Links, PageKind
from gridsvc.maps.overview_data import overview_page
from gridsvc.maps.overview_page import overview_html
from gridsvc.maps.payload import shapes_json
from gridsvc.text import Lang

Progress = Callable[[str, int, int], None]
"""Called with the page being made, how many are done, and how many there are."""


def render_chief(atlas: Atlas, chief_id: str, lang: Lang, links: Links) -> str:
    """The page of one chief as HTML; an unknown one is a :class:`~gridsvc.errors.NotFoundError`."""
    return chief_html(chief_page(atlas, chief_id), atlas.style, lang, links)


def render_index(atlas: Atlas, lang: Lang, links: Links) -> str:
    """The index of all chiefs as HTML."""
    return index_html(index_page(atlas), atlas.style, lang, links)


def render_overview(atlas: Atlas, indicator: str, lang: Lang, links: Links) -> str:
    """The overview of one indicator as HTML; an unknown one is a :class:`~gridsvc.errors.NotFoundError`."""
    return overview_html(overview_page(atlas, indicator), atlas.style, lang, links)


def write_all(
    atlas: Atlas,
    *,
    langs: Sequence[Lang] | None = None,
    chiefs: Sequence[str] | None = None,
    overviews: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the index and all (or the named) chiefs and overviews; returns the files, the index first.

    They go to the workspace's pages folder, each put in place only when it is complete: ``index.html`` in the
    county's first language (``index.en.html`` in another), ``chiefs/ID.html``, ``overview/INDICATOR.html``. When
    everything is written, pages of chiefs and indicators that are no more are removed.
    """
    langs = tuple(langs or atlas.stamp.languages)
    folder = atlas.workspace.pages_dir
    tell = progress or (lambda what, done, total: None)
    wanted = atlas.chiefs if chiefs is None else chiefs
    shown = [one.id for one in atlas.counted] if overviews is None else overviews
    links = _links(folder, FileLinks(atlas.stamp.languages[0]), wanted, shown, langs)
    total = 1 + len(wanted) + len(shown)
    written: list[Path] = []
    for done, (name, pages) in enumerate(_pages(atlas, wanted, shown, langs, links)):
        tell(name, done, total)
        for path, html in pages:
            written.append(put_page(folder / path, html))
    if chiefs is None and overviews is None:
        _sweep(folder, set(written), langs=langs, every=atlas.stamp.languages)
    tell("", total, total)
    return written


def _links(
    folder: Path, links: FileLinks, chiefs: Sequence[str], overviews: Sequence[str], langs: Sequence[Lang]
) -> FileLinks:
    """Links to pages that are in the folder or about to be."""
    names: list[tuple[PageKind, str]] = [("index", "")]
    names += [("chief", chief) for chief in chiefs] + [("overview", name) for name in overviews]
    coming = {links.path(kind, name, lang) for kind, name in names for lang in langs}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    return replace(links, pages=frozenset(coming | there))


Made = Iterator[tuple[str, str]]


def _pages(
    atlas: Atlas, chiefs: Sequence[str], overviews: Sequence[str], langs: Sequence[Lang], links: FileLinks
) -> Iterator[tuple[str, Made]]:
    """Name of each page and, made when asked for, its path and HTML in each language."""
    yield "index", _index(atlas, langs, links)
    for chief in chiefs:
        yield chief, _chief(atlas, chief, langs, links)
    for indicator in overviews:
        yield indicator, _overview(atlas, indicator, langs, links)


def _index(atlas: Atlas, langs: Sequence[Lang], links: FileLinks) -> Made:
    page = index_page(atlas)
    shapes = shapes_json(page.sheet)
    for lang in langs:
        yield links.path("index", "", lang), index_html(page, atlas.style, lang, links, shapes)


def _chief(atlas: Atlas, chief_id: str, langs: Sequence[Lang], links: FileLinks) -> Made:
    page = chief_page(atlas, chief_id)
    shapes = shapes_json(page.sheet)
    for lang in langs:
        yield links.path("chief", chief_id, lang), chief_html(page, atlas.style, lang, links, shapes)


def _overview(atlas: Atlas, indicator: str, langs: Sequence[Lang], links: FileLinks) -> Made:
    page = overview_page(atlas, indicator)
    shapes = shapes_json(page.sheet)
    for lang in langs:
        yield links.path("overview", indicator, lang), overview_html(page, atlas.style, lang, links, shapes)


def put_page(path: Path, html: str) -> Path:
    """Write *html* beside *path* and put it in its place; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(html)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def _sweep(folder: Path, written: set[Path], *, langs: Sequence[Lang], every: Sequence[Lang]) -> None:
    """Remove pages that were written for chiefs, indicators or languages that are no more."""
    if set(langs) != set(every):
        return
    for name in filter(None, FOLDERS.values()):
        for path in (folder / name).glob("*.html"):
            if path not in written:
                path.unlink()
