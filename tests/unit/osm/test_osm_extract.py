"""The forms an extract comes in, and those that are refused."""

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from gridsvc.errors import InputRefusedError
from gridsvc.intake.osm.extract import read_extract
from gridsvc.intake.osm.shapes import ExtractShapes
from gridsvc.intake.osm.tags import load_table

KEYS = load_table().keys


def told(path):
    elements = read_extract(path, KEYS)
    tagged = elements.tagged
    return (
        elements.node_ids.tolist(),
        elements.node_xy.tolist(),
        elements.way_ids.tolist(),
        elements.refs.tolist(),
        elements.members,
        sorted(
            zip(tagged.kinds, tagged.ids, [sorted(tags.items()) for tags in tagged.tags], strict=True),
        ),
        elements.dated,
    )


def test_every_form_of_an_extract_tells_the_same(village, write):
    plain = told(write(village.xml()))
    assert plain == told(write(bz2.compress(village.xml()), "village.osm.bz2"))
    assert plain == told(write(gzip.compress(village.xml()), "village.osm.gz"))
    assert plain[:-1] == told(write(village.pbf(), "village.osm.pbf"))[:-1]
    assert plain[:-1] == told(write(village.pbf(dense=False), "loose.osm.pbf"))[:-1]
    assert plain[-1] == "2024-03-22T14:10:45Z"
    assert told(write(village.pbf(), "dated.osm.pbf"))[-1] == "2024-03-22T14:10:45Z"


def test_form_is_known_by_content_whatever_the_name(village, write):
    assert told(write(village.pbf(), "village.dat")) == told(write(village.pbf(), "village.osm.pbf"))
    assert told(write(bz2.compress(village.xml()), "village.xml")) == told(write(village.xml()))


def test_of_an_element_that_stands_twice_the_last_place_counts(village, write):
    second = village.xml().replace(b"</osm>", b'<node id="1" lat="35" lon="115"/></osm>')
    elements = read_extract(write(second), KEYS)
    assert elements.node_xy[np.searchsorted(elements.node_ids, 1)].tolist() == [115, 35]


def test_deleted_elements_are_passed_over(village, write):
    gone = village.xml().replace(b'<way id="1">', b'<way id="1" action="delete">')
    elements = read_extract(write(gone), KEYS)
    assert 1 not in elements.way_ids
    assert len(elements.refs) == elements.way_ends[-1] == len(told(write(village.xml()))[3]) - 3


def test_positions_given_along_a_way_are_taken(write):
    text = (
        b'<osm><way id="1"><nd ref="1" lat="34" lon="114"/><nd ref="2" lat="34.1" lon="114"/>'
        b'<tag k="highway" v="primary"/></way></osm>'
    )
    assert read_extract(write(text), KEYS).node_xy.tolist() == [[114, 34], [114, 34.1]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name,lon,lat\n", "neither PBF nor XML"),
        (b"<osmChange/>", "only <osm> is read"),
        (b"<osm><node id='1' lat='x' lon='2'/></osm>", "lacks a number or has a wrong one"),
        (b"<osm><node id='1'", "not whole XML"),
        (b"<!DOCTYPE osm [<!ENTITY a 'aa'>]><osm>&a;</osm>", "declares a document type"),
        (b"<?xml version='1.0' encoding='klingon'?><osm/>", "unknown encoding"),
        (b"<osm><node id='%d' lat='1' lon='2'/></osm>" % 2**63, "is no id"),
        (b"<osm><way id='1'><nd ref='%d'/></way></osm>" % -(2**70), "is no id"),
        (b"<osm><relation id='1'><member type='way' ref='%d'/></relation></osm>" % 2**70, "is no id"),
        (b"<osm><node id='1' lat='nan' lon='2'/></osm>", "a position that is no number"),
        (b"<osm><node id='1' lat='1' lon='1e999'/></osm>", "a position that is no number"),
        (b"<osm><way id='1'><nd ref='1'/><node id='1'/></way></osm>", "a <node> stands inside a <way>"),
        (b"<osm/>", "without any element"),
        (b"", "neither PBF nor XML"),
        (bz2.compress(b"<osm></osm>")[:-8], "cannot be read"),
        (b"BZhello", "cannot be read"),
        (b"\x00\x00\x00\x11\x0a\x09OSMHeader\x18\xff\xff\xff\xff\x0f", "impossible size"),
    ],
)
def test_what_is_no_extract_is_refused_with_the_reason(write, content, reason):
    with pytest.raises(InputRefusedError, match=reason):
        read_extract(write(content), KEYS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"name,lon,lat", "zip 请先解压"), (b"<osmChange/>", "仅支持 <osm>"), (b"<osm", "文件已损坏")],
)
def test_the_reason_is_told_in_chinese_too(write, content, reason):
    with pytest.raises(InputRefusedError) as refused:
        read_extract(write(content), KEYS)
    assert reason in refused.value.text.zh


def test_a_cut_pbf_is_refused_wherever_it_is_cut(village, write):
    whole = village.pbf()
    header = len(whole) - whole[::-1].index(b"OSMData"[::-1]) - 13
    for length in {*range(30, len(whole), 37), len(whole) - 1} - {header}:
        with pytest.raises(InputRefusedError):
            read_extract(write(whole[:length]), KEYS)


def test_a_damaged_pbf_is_read_or_refused_but_never_crashes(village, write):
    whole = village.pbf()
    spoiled = bytearray(whole)
    for place in range(0, len(whole), 11):
        spoiled[place] ^= 0x55
        path = write(bytes(spoiled))
        try:
            read_extract(path, KEYS)
        except InputRefusedError as refusal:
            assert path.name in refusal.text.en
        spoiled[place] = whole[place]


def test_a_packed_file_that_unpacks_to_far_too_much_is_refused(write, monkeypatch):
    monkeypatch.setattr("gridsvc.intake.osm.extract.SMALL", 1_000_000)
    bomb = bz2.compress(b"<osm>" + b" " * 5_000_000 + b"</osm>")
    with pytest.raises(InputRefusedError, match="far more than it may hold"):
        read_extract(write(bomb), KEYS)


def test_a_pbf_that_unpacks_to_far_too_much_is_refused(village, write, encode, monkeypatch):
    monkeypatch.setattr("gridsvc.intake.osm.extract.SMALL", 1_000_000)
    bomb = village.pbf() + encode.blob("OSMData", encode.field(99, bytes(1_100_000)))
    with pytest.raises(InputRefusedError, match="far more than an extract"):
        read_extract(write(bomb), KEYS)


def test_an_id_of_too_many_digits_in_a_pbf_is_cut_to_size(write, encode):
    field, blob = encode.field, encode.blob
    texts = b"".join(field(1, text) for text in (b"", b"type", b"multipolygon", b"building", b"yes"))
    huge = encode.varint(1 << 3) + b"\xff" * 9 + b"\x7f"
    group = field(4, huge + field(2, b"\x01\x03") + field(3, b"\x02\x04"))
    extract = write(blob("OSMHeader", b"") + blob("OSMData", field(1, texts) + field(2, group)))
    shapes = ExtractShapes(read_extract(extract, KEYS))
    assert shapes.areas(np.array([0])).shapes.tolist() == [None]


def test_ways_drawn_inside_a_relation_leave_the_ways_of_the_file_alone(village, write):
    drawn = b'<member type="way" ref="20" role="outer"><nd lat="34" lon="114"/><nd ref="3" lat="1" lon="1"/>'
    bare = b'<member type="way" ref="20" role="outer"/>'
    assert bare in village.xml()
    both = [told(write(text)) for text in (village.xml(), village.xml().replace(bare, drawn + b"</member>"))]
    assert both[0] == both[1]


def test_a_folder_of_nowhere_is_no_extract(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        read_extract(Path(tmp_path / "none.osm"), KEYS)
