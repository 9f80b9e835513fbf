"""A workspace, a village in OpenStreetMap's terms, and writers of its XML and PBF forms."""

import struct
import zlib
from types import SimpleNamespace
from xml.sax.saxutils import quoteattr

import pytest

from gridsvc.intake.osm import OsmOptions, load_osm
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace
from gridsvc.store import open_store
from gridsvc.text import bilingual

KINDS = {"n": "node", "w": "way", "r": "relation"}


class Village:
    """Elements by hand: nodes on a lattice of 0.001°, ways and relations over them."""

    def __init__(self):
        self.nodes = {}
        self.ways = {}
        self.relations = {}
        self.lost = set()

    def node(self, number, x, y, **tags):
        self.nodes[number] = (114 + x / 1000, 34 + y / 1000, plain(tags))
        return number

    def way(self, number, refs, **tags):
        self.ways[number] = (list(refs), plain(tags))
        return number

    def square(self, number, x, y, side=1, **tags):
        """A closed way of four nodes of its own."""
        corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
        refs = [self.node(number * 10 + place, *corner) for place, corner in enumerate(corners)]
        return self.way(number, [*refs, refs[0]], **tags)

    def relation(self, number, members, **tags):
        self.relations[number] = (list(members), plain(tags))
        return number

    def lose(self, *nodes):
        """Nodes that the extract does not have."""
        self.lost.update(nodes)

    def xml(self):
        lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6">']
        lines.append('<meta osm_base="2024-03-22T14:10:45Z"/>')
        for number, (lon, lat, tags) in self.nodes.items():
            if number not in self.lost:
                lines.append(f'<node id="{number}" lat="{lat:.7f}" lon="{lon:.7f}">{marks(tags)}</node>')
        for number, (refs, tags) in self.ways.items():
            inside = "".join(f'<nd ref="{ref}"/>' for ref in refs)
            lines.append(f'<way id="{number}">{inside}{marks(tags)}</way>')
        for number, (members, tags) in self.relations.items():
            inside = "".join(
                f'<member type="{KINDS[kind]}" ref="{ref}" role="{role}"/>' for kind, ref, role in members
            )
            lines.append(f'<relation id="{number}">{inside}{marks(tags)}</relation>')
        return "\n".join([*lines, "</osm>"]).encode()

    def pbf(self, *, dense=True):
        return blob(
            "OSMHeader", field(4, b"OsmSchema-V0.6") + field(4, b"DenseNodes") + number(32, 1711116645)
        ) + (blob("OSMData", self._block(dense)))

    def _block(self, dense):
        strings = [""]
        there = {key: value for key, value in self.nodes.items() if key not in self.lost}
        places = {key: (round(lon * 1e7), round(lat * 1e7), tags) for key, (lon, lat, tags) in there.items()}

        def index(text):
            if text not in strings:
                strings.append(text)
            return strings.index(text)

        def pairs(tags):
            keys = b"".join(varint(index(key)) for key in tags)
            return field(2, keys) + field(3, b"".join(varint(index(value)) for value in tags.values()))

        groups = []
        if dense:
            texts = [
                part
                for _, _, tags in places.values()
                for part in (*(index(text) for pair in tags.items() for text in pair), 0)
            ]
            columns = [
                list(places),
                [lat for _, lat, _ in places.values()],
                [lon for lon, _, _ in places.values()],
            ]
            ids, lats, lons = (deltas(column) for column in columns)
            packed = b"".join(varint(text) for text in texts)
            groups.append(field(2, field(1, ids) + field(8, lats) + field(9, lons) + field(10, packed)))
        else:
            groups += [
                field(
                    1, number(1, zigzag(key)) + pairs(tags) + number(8, zigzag(lat)) + number(9, zigzag(lon))
                )
                for key, (lon, lat, tags) in places.items()
            ]
        groups += [
            field(3, number(1, key) + pairs(tags) + field(8, deltas(refs)))
            for key, (refs, tags) in self.ways.items()
        ]
        groups += [
            field(
                4,
                number(1, key)
                + pairs(tags)
                + field(8, b"".join(varint(index(role)) for _, _, role in members))
                + field(9, deltas([ref for _, ref, _ in members]))
                + field(10, b"".join(varint("nwr".index(kind)) for kind, _, _ in members)),
            )
            for key, (members, tags) in self.relations.items()
        ]
        table = b"".join(field(1, text.encode()) for text in strings)
        return field(1, table) + b"".join(field(2, group) for group in groups)


def plain(tags):
    """Keyword arguments as tags: ``__`` for a colon."""
    return {key.replace("__", ":").rstrip("_"): value for key, value in tags.items()}


def marks(tags):
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


def varint(value):
    value &= (1 << 64) - 1
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def deltas(values):
    steps = (after - before for before, after in zip([0, *values], values, strict=False))
    return b"".join(varint(zigzag(step)) for step in steps)


def field(tag, content):
    return varint(tag << 3 | 2) + varint(len(content)) + content


def number(tag, value):
    return varint(tag << 3) + varint(value)


def blob(kind, content):
    packed = number(2, len(content)) + field(3, zlib.compress(content))
    head = field(1, kind.encode()) + number(3, len(packed))
    return struct.pack(">I", len(head)) + head + packed


@pytest.fixture
def encode():
    """The parts that a PBF file is made of, to make odd ones."""
    return SimpleNamespace(varint=varint, field=field, blob=blob)


@pytest.fixture
def village():
    """A street in two ways, a lane, lamps, a toilet, a park with a pond, a car park, a house."""
    made = Village()
    for place in range(5):
        made.node(1 + place, place * 2, 0)
    made.way(1, [1, 2, 3], highway="primary", name="人民路", width="20", lit="yes", ref="G310")
    made.way(2, [3, 4, 5], highway="primary", name="人民路", dual_carriageway="yes")
    made.way(3, [3, made.node(6, 4, 3)], highway="living_street", ref="L7")
    made.way(4, [6, made.node(7, 4, 4)], highway="footway")
    made.node(101, 1, 0, highway="street_lamp", light__count="2", addr__street="人民路")
    made.node(102, 2, 0, highway="street_lamp", light__count="many")
    made.node(103, 3, 1, amenity="toilets", toilets__disposal="pitlatrine", wheelchair="no")
    made.node(104, 3, 2, amenity="waste_basket")
    made.square(20, 0, 5, side=3, type="x", note="outer ring")
    made.square(21, 1, 6, note="inner ring")
    made.relation(
        6, [("w", 20, "outer"), ("w", 21, "inner")], type="multipolygon", leisure="park", name="中山公园"
    )
    made.square(30, 6, 5, amenity="parking", capacity="40", access="yes")
    made.square(40, 8, 5, building="apartments", building__levels="6")
    return made


class Loader:
    """Loads extracts into one workspace, and reads what is stored."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.layers = load_layers(workspace)

    def __call__(self, source, **options):
        with open_store(self.workspace, self.layers, write=True) as store:
            return load_osm(store, self.layers, self.workspace, str(source), OsmOptions(**options))

    def read(self, layer):
        with open_store(self.workspace, self.layers) as store:
            return store.read(layer).set_index("key")

    def quarantine(self, layer):
        with open_store(self.workspace, self.layers) as store:
            return store.quarantine(layer=layer)

    def loads(self):
        with open_store(self.workspace, self.layers) as store:
            return store.loads()

    def digest(self):
        with open_store(self.workspace, self.layers) as store:
            return store.digest()


@pytest.fixture
def workspace(tmp_path):
    return init_workspace(tmp_path / "county", County(name=bilingual("Test", "测试县")))


@pytest.fixture
def load(workspace):
    return Loader(workspace)


@pytest.fixture
def write(tmp_path):
    """Write bytes to a file of the test's own."""

    def writer(content, name="village.osm"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return writer
