"""Addresses of pages: as files in a folder, or as served over HTTP."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Literal, Protocol
from urllib.parse import quote

from gridsvc.text import Lang

PageKind = Literal["index", "chief", "overview"]
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}")
# names that Windows keeps for devices
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
FOLDERS: dict[PageKind, str] = {"index": "", "chief": "chiefs/", "overview": "overview/"}


def file_stem(name: str) -> str:
    """A file name for *name* (a chief's id): itself where that is safe, else safe letters and a digest."""
    if PLAIN.fullmatch(name) and not DEVICES.fullmatch(name):
        return name
    letters = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{letters}-{digest}" if letters else digest


class Links(Protocol):
    """Makes the addresses that one page gives to others."""

    def to(self, kind: PageKind, name: str, lang: Lang) -> str:
        """Address of a page, empty where there is none: *name* is a chief's or an indicator's id, or empty."""
        ...

    def on(self, kind: PageKind) -> Links:
        """The links as seen from a page of *kind*."""
        ...


@dataclass(frozen=True)
class FileLinks:
    """Links between files of the pages folder; the default language's files carry no language."""

    default: Lang
    kind: PageKind = "index"
    pages: frozenset[str] | None = None
    """The files there are, or None for all: a page that is not there gets no link."""

    def path(self, kind: PageKind, name: str, lang: Lang) -> str:
        """File of a page, relative to the pages folder."""
        suffix = "" if lang == self.default else f".{lang}"
        return f"{FOLDERS[kind]}{file_stem(name) if name else 'index'}{suffix}.html"

    def to(self, kind: PageKind, name: str, lang: Lang) -> str:
        """Relative address of a page; empty where it is not there."""
        path = self.path(kind, name, lang)
        if self.pages is not None and path not in self.pages:
            return ""
        return ("../" if FOLDERS[self.kind] else "") + path

    def on(self, kind: PageKind) -> FileLinks:
        """The links as seen from a page of *kind*."""
        return replace(self, kind=kind)


@dataclass(frozen=True)
class ServedLinks:
    """Links between pages served under *root*; the language is a parameter."""

    root: str = "/maps"

    def to(self, kind: PageKind, name: str, lang: Lang) -> str:
        """Address of a page, from the root of the server."""
        path = f"{self.root}/{FOLDERS[kind]}{quote(name, safe='')}" if name else self.root or "/"
        return f"{path}?lang={lang}"

    def on(self, kind: PageKind) -> ServedLinks:
        """The links as seen from a page of *kind*: the same everywhere."""
        return self
