"""Published runs: frozen under a number and a label, each correction a further revision of both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gridsvc.errors import NotFoundError, UsageError
from gridsvc.store.database import Database
from gridsvc.store.schema import RECORDS

LABEL_LENGTH = 40
NUMBER = re.compile(r"(\d{4}-\d+)(?:-r(\d+))?")
REVISION = re.compile(r"(.+)-r(\d+)", re.DOTALL)


@dataclass(frozen=True)
class NewPublication:
    """How a run is about to be published."""

    label: str
    digest: str
    """SHA-256 of its figures."""
    definitions: str
    """The definitions that it was computed with, as they are kept."""
    published: str
    """When, UTC, ISO 8601."""
    objections_from: str
    """First day of the objection period (异议期), ISO."""
    objections_until: str
    """Last day of it; empty where there is none."""
    objections_to: str = ""
    """Where to object."""
    filled_by: str = ""
    reviewed_by: str = ""
    revises: int | None = None
    """Run that it corrects."""
    reason: str = ""
    """Why."""


@dataclass(frozen=True)
class Publication:
    """A run that was published."""

    id: int
    """The run."""
    number: str
    """Year of the figures' day and a running number in it: ``2026-3``. Revisions share it."""
    label: str
    revision: int
    """1, 2 …"""
    revises: int | None
    reason: str
    published: str
    objections_from: str
    objections_until: str
    objections_to: str
    filled_by: str
    reviewed_by: str
    digest: str

    @property
    def edition(self) -> str:
        """Number, with the revision where it is not the first: ``2026-3-r2``."""
        return self.number if self.revision == 1 else f"{self.number}-r{self.revision}"

    @property
    def folder(self) -> str:
        """Name of the folder that holds its files: safe on every file system."""
        words = re.sub(r"[\s\\/:*?\"<>|\x00-\x1f\x7f]+", "-", self.label).strip("-. ")
        ending = f"-r{self.revision}" if self.revision > 1 else ""
        return f"{self.number}-{words}{ending}" if words else f"{self.number}{ending}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def read_publications(db: Database) -> dict[int, Publication]:
    """Publications by run, in the order in which they were made."""
    if not db.columns("publications"):
        return {}
    names = list(RECORDS["publications"])
    rows = db.rows(f"SELECT {', '.join(names)} FROM publications ORDER BY published, id")
    return {row[0]: Publication(**dict(zip(names, row, strict=True))) for row in rows}


def insert_publication(
    db: Database, run_id: int, year: str, new: NewPublication, known: dict[int, Publication]
) -> Publication:
    """Store the publication of a run of *year*; inside a writing transaction. Raises :class:`UsageError`."""
    label = checked_label(new.label)
    number, revision = _numbered(label, year, new, known)
    made = Publication(
        run_id,
        number,
        label,
        revision,
        new.revises,
        new.reason,
        new.published,
        new.objections_from,
        new.objections_until,
        new.objections_to,
        new.filled_by,
        new.reviewed_by,
        new.digest,
    )
    values = made.as_dict()
    names = tuple(RECORDS["publications"])
    db.insert("publications", names, [tuple(values[name] for name in names)])
    db.run("UPDATE runs SET status = 'published', label = ? WHERE id = ?", (label, run_id))
    return made


def checked_label(label: str) -> str:
    """*label* without outer blanks; one that cannot be told from a number or a revision is refused."""
    label = label.strip()
    plain = folded(label)
    unfit = plain.isdigit() or NUMBER.fullmatch(plain) or REVISION.fullmatch(plain)
    hidden = any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in label)
    if not label or len(label) > LABEL_LENGTH or unfit or hidden:
        raise UsageError(
            f"{label!r} is no label: give 1 to {LABEL_LENGTH} characters that are not a number alone and do not end "
            "in -r and a number, e.g. 第32周",
            f"{label!r} 不能用作标签：应为 1 至 {LABEL_LENGTH} 个字符，不能只是数字或期号，"
            "也不能以 -r 加数字结尾，如 第32周",
        )
    return label


def folded(text: str) -> str:
    """*text* as labels are compared: full-width digits are plain ones, capitals small ones."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _numbered(label: str, year: str, new: NewPublication, known: dict[int, Publication]) -> tuple[str, int]:
    """Number and revision of a new publication."""
    if new.revises is None:
        taken = [
            one for one in known.values() if folded(one.label) == folded(label) and one.number[:4] == year
        ]
        if taken:
            last = taken[-1]
            raise UsageError(
                f"the label {label} is in use: {last.edition}, run {last.id}; take another one, or correct that one "
                f"with --revises {last.number} --reason TEXT",
                f"标签 {label} 已用于 {last.edition}（计算批次 {last.id}）；请换一个标签，"
                f"或用 --revises {last.number} --reason 原因 发布修订版",
            )
        numbers = [int(one.number[5:]) for one in known.values() if one.number[:4] == year]
        return f"{year}-{max(numbers, default=0) + 1}", 1
    last = newest_revision(known, known[new.revises])
    if last.id != new.revises:
        raise UsageError(
            f"{known[new.revises].edition} was corrected by {last.edition} already; correct that one: "
            f"--revises {last.edition}",
            f"{known[new.revises].edition} 已由 {last.edition} 修订；请修订后者：--revises {last.edition}",
        )
    if folded(label) != folded(last.label):
        raise UsageError(
            f"{last.edition} has the label {last.label}: a revision keeps it, got {label}",
            f"{last.edition} 的标签是 {last.label}：修订版应沿用该标签，而不是 {label}",
        )
    if year != last.number[:4]:
        raise UsageError(
            f"{last.edition} is of {last.number[:4]}, the run of {year}: a revision is of the same year",
            f"{last.edition} 属于 {last.number[:4]} 年，该批次属于 {year} 年：修订版应更正同一年的指标",
        )
    if not new.reason.strip():
        raise UsageError("a revision needs a reason: add --reason TEXT", "修订须说明原因：请加 --reason 原因")
    return last.number, last.revision + 1


def newest_revision(known: dict[int, Publication], one: Publication) -> Publication:
    """The newest revision of the number that *one* has."""
    return max((other for other in known.values() if other.number == one.number), key=lambda p: p.revision)


def find_publication(known: dict[int, Publication], name: str) -> Publication:
    """The publication that *name* means: a number or label (its newest revision), or either with ``-rN``.

    A label that was used in several years means the last of them. Raises :class:`NotFoundError`.
    """
    plain = folded(name)
    wanted, revision = plain, 0
    if found := NUMBER.fullmatch(plain) or REVISION.fullmatch(plain):
        wanted, revision = found[1], int(found[2] or 0)
    alike = [one for one in known.values() if wanted in (one.number, folded(one.label))]
    last = max((_order(one) for one in alike), default=(0, 0))
    alike = [one for one in alike if _order(one) == last]
    alike = [one for one in alike if not revision or one.revision == revision]
    if alike:
        return max(alike, key=lambda one: one.revision)
    labels = _listed(list(known.values()))
    raise NotFoundError(
        f"no run is published as {name!r}; there are: {labels or 'none'}. gridsvc runs lists all runs",
        f"没有以 {name!r} 发布的批次；已发布：{labels or '无'}。gridsvc runs 列出全部批次",
    )


def _order(one: Publication) -> tuple[int, int]:
    """Year and running number of a publication."""
    return int(one.number[:4]), int(one.number[5:])


def _listed(known: Sequence[Publication]) -> str:
    """The last few editions, to choose from."""
    return ", ".join(f"{one.edition} {one.label}" for one in known[-5:])
