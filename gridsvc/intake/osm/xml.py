"""The XML form of OpenStreetMap data (``.osm``), read as a stream."""

from __future__ import annotations

from array import array
from typing import BinaryIO
from xml.parsers import expat

import numpy as np

from gridsvc.intake.osm.elements import Gathering, Member, Tags
from gridsvc.intake.osm.pbf import BrokenError

_CHUNK = 1024 * 1024
_KINDS = {"node": "n", "way": "w", "relation": "r"}


def read_xml(file: BinaryIO, gathering: Gathering) -> None:
    """Read a whole XML file into *gathering*; raises :class:`BrokenError`."""
    reader = _Reader(gathering)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    # an extract declares nothing: no entities that grow, none that read other files
    parser.StartDoctypeDeclHandler = _refuse_declarations
    parser.buffer_text = True
    try:
        while chunk := file.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise BrokenError(f"it is not whole XML: {error}") from error
    except LookupError as error:
        raise BrokenError(
            f"it is in an encoding that is not read: {error}", f"文件编码不支持：{error}"
        ) from error
    reader.finish()


def _id(text: str) -> int:
    """An id, of the size that ids have."""
    number = int(text)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{text[:40]} is no id")
    return number


def _refuse_declarations(*_: object) -> None:
    raise BrokenError("it declares a document type, which no extract does", "文件含有不应出现的文档类型声明")


class _Reader:
    """Handlers of the parser."""

    def __init__(self, gathering: Gathering) -> None:
        self.gathering = gathering
        self.nodes, self.xy = array("q"), array("d")
        self.ways, self.counts, self.refs = array("q"), array("q"), array("q")
        self.kind = ""
        self.number = 0
        self.skipped = False
        self.tags: Tags = {}
        self.members: list[Member] = []
        self.count = 0
        self.root = ""

    def start(self, name: str, given: dict[str, str]) -> None:
        if not self.root:
            self.root = name
            if name != "osm":
                raise BrokenError(
                    f"its root is <{name}>; only <osm> is read", f"根元素为 <{name}>；仅支持 <osm>"
                )
        if self.kind and name in _KINDS:
            raise BrokenError(f"a <{name}> stands inside a <{self.kind}>")
        try:
            self._start(name, given)
        except (KeyError, ValueError) as error:
            raise BrokenError(f"<{name}> lacks a number or has a wrong one ({error})") from error

    def _start(self, name: str, given: dict[str, str]) -> None:
        if name == "tag":
            self.tags[given["k"]] = given["v"]
        elif name == "nd":
            # some services draw the ways of a relation inside it, without ids
            if self.kind != "way":
                return
            node = _id(given["ref"])
            self.refs.append(node)
            self.count += 1
            # some services give positions along the way instead of nodes
            if "lat" in given:
                self._place(node, given)
        elif name == "member":
            kind = _KINDS.get(given["type"])
            if kind:
                self.members.append((kind, _id(given["ref"]), given.get("role", "")))
        elif name in _KINDS:
            self.kind, self.number = name, _id(given["id"])
            self.tags, self.members, self.count = {}, [], 0
            # deleted in an editor, or in a file of all versions
            self.skipped = given.get("action") == "delete" or given.get("visible") == "false"
            if name == "node" and "lat" in given and not self.skipped:
                self._place(self.number, given)
        elif name == "meta" and "osm_base" in given:
            self.gathering.dated = given["osm_base"]

    def _place(self, node: int, given: dict[str, str]) -> None:
        self.nodes.append(node)
        self.xy.append(float(given["lon"]))
        self.xy.append(float(given["lat"]))

    def end(self, name: str) -> None:
        if name != self.kind:
            return
        if name == "way":
            if self.skipped and self.count:
                del self.refs[-self.count :]
            if not self.skipped:
                self.ways.append(self.number)
                self.counts.append(self.count)
        if not self.skipped:
            if name == "relation":
                self.gathering.add_relation(self.number, self.tags, self.members)
            else:
                self.gathering.add_tags(_KINDS[name], self.number, self.tags)
        self.kind = ""

    def finish(self) -> None:
        """Hand over positions and refs."""
        xy = np.array(self.xy, dtype=float).reshape(-1, 2)
        if not np.isfinite(xy).all():
            raise BrokenError("a node has a position that is no number")
        self.gathering.add_nodes(np.array(self.nodes, dtype=np.int64), xy)
        self.gathering.add_ways(
            *(np.array(part, dtype=np.int64) for part in (self.ways, self.counts, self.refs))
        )
