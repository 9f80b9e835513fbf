import codecs

import pytest

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.encoding import decode, decodes, detect, detect_text, known_codec

CHINESE = ["解放路", "人民大街", "样例县建成区", "正常"]
TRADITIONAL = ["繁體國語", "苗栗縣大湖鄉", "臺灣"]


def raw(texts, codec):
    return [text.encode(codec) for text in texts]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("65001", "utf-8"),
        ("936", "gb18030"),
        ("GBK", "gb18030"),
        ("ANSI 936", "gb18030"),
        ("Big5", "cp950"),
        ("88591", "iso8859-1"),
        ("hex", None),
        ("nonsense", None),
    ],
)
def test_names_people_give_to_encodings(name, codec):
    assert known_codec(name) == codec


@pytest.mark.parametrize("codec", ["gbk", "gb18030", "utf-8"])
def test_chinese_text_is_told_from_its_bytes(codec):
    assert detect(raw(CHINESE, codec), "f").codec == ("utf-8" if codec == "utf-8" else "gb18030")


def test_a_true_declaration_is_believed():
    assert detect(raw(TRADITIONAL, "big5"), "f", declared="950").codec == "cp950"


@pytest.mark.parametrize(("declared", "codec"), [("UTF-8", "gbk"), ("936", "utf-8"), ("ISO-8859-1", "gbk")])
def test_a_declaration_that_lies_is_noticed(declared, codec):
    found = detect(raw(CHINESE, codec), "roads.dbf", declared=declared)
    assert found.codec == ("utf-8" if codec == "utf-8" else "gb18030")
    assert declared in found.notes[0].en


def test_a_cpg_that_holds_a_web_page_is_noticed():
    found = detect(raw(CHINESE, "gbk"), "f", declared="<!DOCTYPE html><html>")
    assert found.codec == "gb18030"
    assert "DOCTYPE" in found.notes[0].en


def test_big5_is_not_taken_for_gb18030():
    with pytest.raises(InputRefusedError, match=r"Big5: .*--encoding Big5"):
        detect(raw(TRADITIONAL, "big5"), "f")


def test_the_persons_word_decides_if_it_can_be_true():
    assert detect(raw(TRADITIONAL, "big5"), "f", forced="big5").codec == "cp950"
    with pytest.raises(InputRefusedError, match="not valid UTF-8"):
        detect(raw(CHINESE, "gbk"), "f", forced="utf-8")
    with pytest.raises(UsageError, match="not known"):
        detect([], "f", forced="klingon")


def test_ascii_needs_no_guess():
    assert detect([b"LD001", b"on"], "f").codec == "utf-8"


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_a_character_cut_at_the_end_of_a_field_is_forgiven(codec):
    cut = "解放路解放路".encode(codec)[:-1]
    assert decodes([cut, "中".encode(codec)], codec)
    assert decode(cut, codec).startswith("解放路解放")
    assert not decodes([cut + b"abc\xff\xff"], codec)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_files_in_any_usual_encoding_read_the_same(codec):
    text = "编号,名称\n001,解放路\n"
    assert detect_text(text.encode(codec), "f.csv")[0] == text


def test_a_broken_text_file_is_refused_with_the_place():
    with pytest.raises(InputRefusedError, match="byte"):
        detect_text(codecs.BOM_UTF8 + b"abc\xff\xff", "f.csv")
