"""Addresses of pages."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.maps.links import FileLinks, ServedLinks, file_stem


def test_plain_ids_are_their_own_file_names():
    assert file_stem("LZ001") == "LZ001"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", "CON", "nul", "x.en", ".hidden", "张三", "a b", "<img>"]
)
def test_ids_that_would_go_astray_become_safe_names(name):
    stem = file_stem(name)
    assert stem != name
    assert PurePosixPath(stem).name == stem
    assert stem.replace("-", "").isalnum()
    assert stem.isascii()


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_ids_have_different_files(one, other):
    assert (one == other) == (file_stem(one) == file_stem(other))


def test_files_of_the_first_language_carry_no_language():
    links = FileLinks("zh")
    assert links.path("index", "", "zh") == "index.html"
    assert links.path("index", "", "en") == "index.en.html"
    assert links.path("chief", "LZ001", "zh") == "chiefs/LZ001.html"
    assert links.path("overview", "lit_road", "en") == "overview/lit_road.en.html"


def test_links_lead_from_one_folder_to_another():
    links = FileLinks("en")
    assert links.on("index").to("chief", "C1", "en") == "chiefs/C1.html"
    assert links.on("chief").to("index", "", "zh") == "../index.zh.html"
    assert links.on("overview").to("overview", "lit_road", "en") == "../overview/lit_road.html"


def test_pages_that_are_not_there_get_no_link():
    links = FileLinks("zh", pages=frozenset({"index.html"}))
    assert links.to("index", "", "zh") == "index.html"
    assert links.to("chief", "C1", "zh") == ""


def test_served_pages_take_the_language_as_a_parameter():
    links = ServedLinks("/gis/maps")
    assert links.on("chief").to("chief", "a/b ü", "zh") == "/gis/maps/chiefs/a%2Fb%20%C3%BC?lang=zh"
    assert links.to("index", "", "en") == "/gis/maps?lang=en"
