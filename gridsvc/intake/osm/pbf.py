"""The PBF form of OpenStreetMap data, read by the format's definition.

GDAL's driver bridges the nodes that an extract lacks by a straight line and tells nobody; here they are known.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from gridsvc.intake.osm.elements import Gathering, Ints
from gridsvc.text import bilingual

MAX_HEADER = 64 * 1024
MAX_BLOB = 32 * 1024**2
"""Most bytes of a block, packed and unpacked: the format's own limit."""
FEATURES = frozenset({b"OsmSchema-V0.6", b"DenseNodes", b"LocationsOnWays"})
_KINDS = "nwr"
_WHOLE = (1 << 64) - 1


class BrokenError(ValueError):
    """The file is damaged, or in a form that is not read; carries what is wrong."""

    def __init__(self, en: str, zh: str = "") -> None:
        """Say what is wrong; damage inside of a file needs no *zh* of its own."""
        super().__init__(en)
        self.text = bilingual(en, zh or f"文件已损坏（{en}）")


def read_pbf(file: BinaryIO, gathering: Gathering, most: int) -> None:
    """Read a whole PBF file, which may unpack to *most* bytes, into *gathering*; raises :class:`BrokenError`."""
    try:
        for kind, block in _blocks(file):
            most -= len(block)
            if most < 0:
                raise BrokenError(
                    "it unpacks to far more than an extract of its size holds",
                    "解压后远超该大小的文件应有的内容",
                )
            if kind == b"OSMHeader":
                _header(block, gathering)
            elif kind == b"OSMData":
                _data(block, gathering)
    except (IndexError, zlib.error, UnicodeDecodeError, OverflowError) as error:
        raise BrokenError(f"a block cannot be decoded ({error})") from error


def _blocks(file: BinaryIO) -> Iterator[tuple[bytes, memoryview]]:
    """Type and unpacked content of every block."""
    while head := file.read(4):
        size = int.from_bytes(head, "big")
        if len(head) < 4 or size > MAX_HEADER:
            raise BrokenError("a block header has an impossible size")
        kind, length = b"", -1
        for number, value in _fields(_exactly(file, size)):
            if number == 1:
                kind = bytes(_bytes(value))
            elif number == 3:
                length = _int(value)
        if not 0 <= length <= MAX_BLOB:
            raise BrokenError("a block has an impossible size")
        yield kind, _unpacked(_exactly(file, length))


def _exactly(file: BinaryIO, count: int) -> memoryview:
    data = file.read(count)
    if len(data) != count:
        raise BrokenError("the file ends in the middle of a block")
    return memoryview(data)


def _unpacked(blob: memoryview) -> memoryview:
    for number, value in _fields(blob):
        if number == 1:
            return _bytes(value)
        if number == 3:
            unpacker = zlib.decompressobj()
            data = unpacker.decompress(_bytes(value), MAX_BLOB)
            if unpacker.unconsumed_tail or not unpacker.eof:
                raise BrokenError("a block unpacks to more than it may hold, or not at all")
            return memoryview(data)
        if number in (4, 5, 6, 7):
            raise BrokenError(
                "its blocks are packed with lzma, bzip2, lz4 or zstd; only zlib is read",
                "数据块采用 lzma、bzip2、lz4 或 zstd 压缩；仅支持 zlib",
            )
    raise BrokenError("a block is empty")


def _header(block: memoryview, gathering: Gathering) -> None:
    for number, value in _fields(block):
        if number == 4 and bytes(_bytes(value)) not in FEATURES:
            feature = bytes(_bytes(value)).decode("ascii", "replace")
            raise BrokenError(f"it needs {feature}, which is not read", f"文件需要 {feature}，目前不支持")
        if number == 32:
            gathering.dated = str(np.datetime64(_int(value), "s")) + "Z"


def _data(block: memoryview, gathering: Gathering) -> None:
    strings: list[str] = []
    groups: list[memoryview] = []
    scale = {17: 100, 19: 0, 20: 0}
    for number, value in _fields(block):
        if number == 1:
            strings = [bytes(_bytes(text)).decode("utf-8") for _, text in _fields(_bytes(value))]
        elif number == 2:
            groups.append(_bytes(value))
        elif number in scale:
            scale[number] = _signed(_int(value))
    place = _Place(scale[17], scale[20], scale[19])
    wanted = frozenset(number for number, text in enumerate(strings) if text in gathering.wanted)
    for group in groups:
        _group(group, strings, wanted, place, gathering)


class _Place:
    """From whole numbers of a block to degrees."""

    def __init__(self, granularity: int, lon_offset: int, lat_offset: int) -> None:
        self.granularity, self.lon, self.lat = granularity, lon_offset, lat_offset

    def __call__(self, lon: Ints, lat: Ints) -> npt.NDArray[np.float64]:
        # whole nanodegrees over 10⁹: the nearest float to the decimal number, as XML has it
        x, y = self.lon + self.granularity * lon, self.lat + self.granularity * lat
        return np.column_stack([x / 1e9, y / 1e9])


def _group(
    group: memoryview, strings: list[str], wanted: frozenset[int], place: _Place, gathering: Gathering
) -> None:
    """Nodes, ways or relations of one block."""
    ways: list[int] = []
    packed: list[memoryview] = []
    nodes: list[tuple[int, int, int]] = []
    for number, value in _fields(group):
        if number == 2:
            _dense(_bytes(value), strings, wanted, place, gathering)
            continue
        if number not in (1, 3, 4):
            continue
        parts = dict(_fields(_bytes(value)))
        raw = _int(parts.get(1, 0))
        ident = _zigzag_int(raw) if number == 1 else _signed(raw)
        keys = _varints(parts.get(2))
        tags: dict[str, str] = {}
        if number == 4 or not wanted.isdisjoint(keys.tolist()):
            values = _varints(parts.get(3))
            if len(keys) != len(values):
                raise BrokenError("an element has more keys than values")
            tags = {
                strings[key]: strings[text] for key, text in zip(keys.tolist(), values.tolist(), strict=True)
            }
        if number == 1:
            nodes.append((ident, _zigzag_int(_int(parts.get(9, 0))), _zigzag_int(_int(parts.get(8, 0)))))
            gathering.add_tags("n", ident, tags)
        elif number == 3:
            ways.append(ident)
            packed.append(_bytes(parts.get(8, memoryview(b""))))
            gathering.add_tags("w", ident, tags)
        else:
            _relation(ident, tags, parts, strings, gathering)
    if nodes:
        ids, lon, lat = np.array(nodes, dtype=np.int64).T
        gathering.add_nodes(ids, place(lon, lat))
    if ways:
        _ways(ways, packed, gathering)


def _ways(ids: list[int], packed: list[memoryview], gathering: Gathering) -> None:
    """Refs of the ways of a block, all at once: differences, summed up way by way."""
    data = np.frombuffer(b"".join(packed), dtype=np.uint8)
    sizes = np.array([len(part) for part in packed], dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(data < 0x80)])
    bounds = ends[np.concatenate([[0], np.cumsum(sizes)])]
    counts = np.diff(bounds)
    steps = _zigzag(_varints(memoryview(data.tobytes())))
    sums = np.concatenate([[0], np.cumsum(steps)])
    refs = sums[1:] - np.repeat(sums[bounds[:-1]], counts)
    gathering.add_ways(np.array(ids, dtype=np.int64), counts.astype(np.int64), refs)


def _dense(
    data: memoryview, strings: list[str], wanted: frozenset[int], place: _Place, gathering: Gathering
) -> None:
    """Nodes packed by columns; their tags stand in one list, a zero after each node's."""
    parts = dict(_fields(data))
    ids, lat, lon = (np.cumsum(_zigzag(_varints(parts.get(number)))) for number in (1, 8, 9))
    if not len(ids) == len(lat) == len(lon):
        raise BrokenError("a block of nodes has columns of different length")
    gathering.add_nodes(ids, place(lon, lat))
    texts = _varints(parts.get(10))
    if not len(texts):
        return
    listed = texts.tolist()
    node, at = 0, 0
    while at < len(listed):
        if listed[at] == 0:
            node, at = node + 1, at + 1
            continue
        start = at
        while listed[at]:
            at += 2
        if not wanted.isdisjoint(listed[start:at:2]):
            keys, values = listed[start:at:2], listed[start + 1 : at : 2]
            tags = {strings[key]: strings[value] for key, value in zip(keys, values, strict=True)}
            gathering.add_tags("n", int(ids[node]), tags)


def _relation(
    number: int,
    tags: dict[str, str],
    parts: dict[int, int | memoryview],
    strings: list[str],
    gathering: Gathering,
) -> None:
    roles = _varints(parts.get(8)).tolist()
    members = np.cumsum(_zigzag(_varints(parts.get(9)))).tolist()
    kinds = _varints(parts.get(10)).tolist()
    if not len(roles) == len(members) == len(kinds):
        raise BrokenError("a relation has lists of different length")
    gathering.add_relation(
        number,
        tags,
        [
            (_KINDS[kind], member, strings[role])
            for kind, member, role in zip(kinds, members, roles, strict=True)
        ],
    )


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers of one message with their values: a number, or the bytes of a text, list or message."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise BrokenError("a message has a field of no known kind")
        if at + size > end:
            raise BrokenError("a message ends in the middle of a field")
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _WHOLE, at
        shift += 7
        if shift > 63:
            raise BrokenError("a number has too many digits")


def _varints(value: int | memoryview | None) -> Ints:
    """A packed list of numbers."""
    if value is None:
        return np.zeros(0, dtype=np.int64)
    data = np.frombuffer(_bytes(value), dtype=np.uint8)
    ends = np.flatnonzero(data < 0x80)
    if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        raise BrokenError("a list ends in the middle of a number")
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.intp) if len(ends) else ends
    lengths = ends - starts + 1
    if lengths.max(initial=0) > 10:
        raise BrokenError("a number has too many digits")
    total = np.zeros(len(ends), dtype=np.uint64)
    for digit in range(int(lengths.max(initial=0))):
        here = lengths > digit
        total[here] |= (data[starts[here] + digit] & np.uint64(0x7F)).astype(np.uint64) << np.uint64(
            7 * digit
        )
    return total.view(np.int64)


def _zigzag(values: Ints) -> Ints:
    unsigned = values.view(np.uint64)
    return (unsigned >> np.uint64(1)).view(np.int64) ^ -(unsigned & np.uint64(1)).view(np.int64)


def _zigzag_int(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise BrokenError("a number stands where a text or a list belongs")
    return value


def _int(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise BrokenError("a text or a list stands where a number belongs")
    return value
