"""Extracts opened by content: ``.osm.pbf``, ``.osm``, and ``.osm`` packed with bzip2 or gzip."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, cast

from gridsvc.errors import InputRefusedError
from gridsvc.intake.archive import MAX_BYTES, MAX_RATIO, SMALL
from gridsvc.intake.osm.elements import Elements, Gathering
from gridsvc.intake.osm.pbf import BrokenError, read_pbf
from gridsvc.intake.osm.xml import read_xml

_HEAD = 512
_PBF_RATIO = 20
"""How many times its size a PBF may unpack to, once that is more than :data:`SMALL`; real ones reach three."""


class _Capped(io.RawIOBase):
    """A packed stream that may not unpack to more than a stated number of bytes."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.left = stream, most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise BrokenError(
                "it unpacks to far more than it may hold; unpack it yourself",
                "解压后数据量过大；请自行解压后再入库",
            )
        return data


def read_extract(path: Path, wanted: frozenset[str]) -> Elements:
    """Read the extract *path*, keeping the tags of elements that bear one of the keys *wanted*.

    Raises :class:`InputRefusedError` for a file that is damaged, is no extract, or holds nothing.
    """
    gathering = Gathering(wanted)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(0)
            _reader(head, path)(file, gathering)
    except (BrokenError, EOFError, zlib.error, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        why = (error if isinstance(error, BrokenError) else BrokenError(str(error))).text
        raise InputRefusedError(
            f"{path.name} cannot be read as an OpenStreetMap extract: {why.en}",
            f"{path.name} 无法作为 OpenStreetMap 数据读取：{why.zh}",
        ) from error
    elements = gathering.finish()
    if not len(elements.node_ids) and not elements.tagged.ids:
        raise InputRefusedError(
            f"{path.name} is an OpenStreetMap extract without any element",
            f"{path.name} 是空的 OpenStreetMap 数据文件",
        )
    return elements


def _reader(head: bytes, path: Path) -> Callable[[BinaryIO, Gathering], None]:
    """How a file with these first bytes is read."""
    size = path.stat().st_size
    most = min(MAX_BYTES, max(SMALL, size * MAX_RATIO))
    if b"OSMHeader" in head[:64]:
        return lambda file, gathering: read_pbf(file, gathering, max(SMALL, size * _PBF_RATIO))
    if head.startswith(b"BZh"):
        return lambda file, gathering: _unpack(bz2.BZ2File(file), most, gathering)
    if head.startswith(b"\x1f\x8b"):
        return lambda file, gathering: _unpack(
            cast("IO[bytes]", gzip.GzipFile(fileobj=file)), most, gathering
        )
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"<"):
        return read_xml
    raise BrokenError(
        "it is neither PBF nor XML (.osm.pbf, .osm, .osm.bz2 and .osm.gz are read; unpack a zip first)",
        "既不是 PBF 也不是 XML（可读取 .osm.pbf、.osm、.osm.bz2、.osm.gz；zip 请先解压）",
    )


def _unpack(stream: IO[bytes], most: int, gathering: Gathering) -> None:
    with stream:
        read_xml(cast("BinaryIO", _Capped(stream, most)), gathering)
