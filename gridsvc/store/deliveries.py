"""What was delivered: the files behind a load, byte for byte, compressed, kept once whatever loads use them."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from gridsvc.errors import InputRefusedError, StoreError, UsageError
from gridsvc.store.database import Database

CHUNK = 4 * 1024**2
"""Bytes of a file that are read, compressed and stored at a time."""
# the fastest: a shapefile shrinks to a fifth, and the others take twice as long for little more
LEVEL = 1


@dataclass(frozen=True)
class DeliveredFile:
    """A file as it was handed over."""

    name: str
    """Name, with folders seen from what was named, separated by ``/``; no two of a load are alike."""
    path: Path
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class KeptFile:
    """A file that the store keeps with a load."""

    name: str
    sha256: str
    size: int
    """Bytes of the file."""


def keep(db: Database, load_id: int, files: Sequence[DeliveredFile]) -> None:
    """Keep *files* with a load; inside a writing transaction. Content that is there already is not read.

    Raises :class:`InputRefusedError` for a file that is no longer what was read.
    """
    first = _next(db, "delivered")
    for number, file in enumerate(files):
        if not db.rows("SELECT 1 FROM chunks WHERE sha256 = ? LIMIT 1", (file.sha256,)):
            db.insert("chunks", ("id", "sha256", "number", "data"), _chunks(file, _next(db, "chunks")))
        row = (first + number, load_id, number, file.name, file.sha256, file.size)
        db.insert("delivered", ("id", "load_id", "number", "name", "sha256", "size"), [row])


def _next(db: Database, table: str) -> int:
    return int(db.rows(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {table}")[0][0])


def _chunks(file: DeliveredFile, first: int) -> Iterator[tuple[Any, ...]]:
    """Rows of a file's content; it must still be what was read."""
    total, number = hashlib.sha256(), 0
    try:
        with file.path.open("rb") as stream:
            while data := stream.read(CHUNK):
                total.update(data)
                yield first + number, file.sha256, number, zlib.compress(data, LEVEL)
                number += 1
    except OSError as error:
        raise _altered(file) from error
    if total.hexdigest() != file.sha256:
        raise _altered(file)


def _altered(file: DeliveredFile) -> InputRefusedError:
    return InputRefusedError(
        f"{file.name} was changed while it was being loaded; nothing was stored: load it again",
        f"{file.name} 在入库过程中被修改；未存入任何内容，请重新入库",
    )


def kept_files(db: Database, load_id: int) -> list[KeptFile]:
    """The files that are kept with a load, in the order in which they were named; none for older loads."""
    if not db.columns("delivered"):
        return []
    found = db.rows("SELECT name, sha256, size FROM delivered WHERE load_id = ? ORDER BY number", (load_id,))
    return [KeptFile(*row) for row in found]


def write_back(db: Database, files: Sequence[KeptFile], folder: Path) -> list[Path]:
    """Write *files* into *folder* as they were delivered, all of them or none; returns where they are.

    Raises :class:`UsageError` where one of them exists already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    targets = [_target(folder, file.name) for file in files]
    for target in targets:
        if target.exists() or target.is_symlink():
            raise UsageError(
                f"{target} exists already; name another folder", f"{target} 已存在；请指定其他文件夹"
            )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".gridsvc-") as name:
        aside = [Path(name) / str(number) for number in range(len(files))]
        for file, path in zip(files, aside, strict=True):
            _write(db, file, path)
        for path, target in zip(aside, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    return targets


def _target(folder: Path, name: str) -> Path:
    """Where a file goes: never outside of *folder*."""
    place = PurePosixPath(name)
    target = folder.joinpath(*place.parts)
    inside = target.resolve().is_relative_to(folder.resolve()) and target.resolve() != folder.resolve()
    if place.is_absolute() or ".." in place.parts or "\0" in name or not inside:
        raise StoreError(
            f"the store names a delivered file {name!r}, outside of the folder; nothing was written",
            f"库中的原始文件名 {name!r} 指向文件夹以外；未写入任何文件",
        )
    return target


def _write(db: Database, file: KeptFile, path: Path) -> None:
    """Write one file, chunk by chunk, and compare it with what was delivered."""
    total = hashlib.sha256()
    numbers = db.rows("SELECT id FROM chunks WHERE sha256 = ? ORDER BY number", (file.sha256,))
    with path.open("wb") as stream:
        for (number,) in numbers:
            data = zlib.decompress(db.rows("SELECT data FROM chunks WHERE id = ?", (number,))[0][0])
            total.update(data)
            stream.write(data)
    if total.hexdigest() != file.sha256:
        raise StoreError(
            f"{file.name} in the store is not what was delivered: the store is damaged",
            f"库中的 {file.name} 与原始文件不一致：数据库已损坏",
        )
