"""The forms an extract comes in, and those that are refused."""

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from gridsvc.errors import InputRefusedError
from gridsvc.intake.osm.extract import read_extract
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


def test_a_folder_of_nowhere_is_no_extract(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        read_extract(Path(tmp_path / "none.osm"), KEYS)
