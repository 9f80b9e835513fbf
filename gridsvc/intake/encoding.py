"""Which encoding a table's bytes are in, decided from the bytes and not from what a side file hopes.

Anything decodes as GB18030, so its result is judged: real Chinese text is made of common characters.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.formats import readable
from gridsvc.text import Text, bilingual

UTF8 = "UTF-8"
GB18030 = "GB18030"
# one superset serves every variant of the Chinese national encodings
_ALIASES = {"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "big5": "cp950"}
_NAMES = {"utf-8": UTF8, "gb18030": GB18030, "cp950": "Big5", "ascii": "ASCII", "iso8859-1": "ISO-8859-1"}
# share of common characters below which text was probably decoded wrongly
_PLAUSIBLE = 0.6
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Encoding:
    """An encoding, why it was taken, and what is worth telling about it."""

    codec: str
    """Python's name."""
    how: Text
    notes: list[Text] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The name people know it by."""
        return _NAMES.get(self.codec, self.codec.upper())


def known_codec(name: str) -> str | None:
    """Python codec of a name as .cpg files and people write it (``936``, ``ANSI 1252``, ``UTF8``), or None."""
    plain = name.strip().lower().removeprefix("ansi").strip(" _-")
    if plain.isdigit():
        plain = {"65001": "utf-8", "88591": "iso8859-1"}.get(plain, f"cp{plain}")
    try:
        found = codecs.lookup(plain)
    except (LookupError, ValueError):
        return None
    # "hex" and "rot13" are codecs of Python's, too
    if not getattr(found, "_is_text_encoding", True):
        return None
    return _ALIASES.get(found.name, found.name)


def named_codec(name: str) -> str:
    """Python codec for ``--encoding``; an unknown name is refused."""
    codec = known_codec(name)
    if codec is None:
        raise UsageError(
            f"encoding {name!r} is not known; try GB18030, UTF-8 or Big5",
            f"无法识别编码 {name!r}；可用 GB18030、UTF-8、Big5 等",
        )
    return codec


def decodes(values: Sequence[bytes], codec: str) -> bool:
    """True when every value is strictly valid; a character cut off by the field's end is forgiven."""
    try:
        b"\n".join(values).decode(codec)
    except UnicodeDecodeError:
        try:
            for value in values:
                codecs.getincrementaldecoder(codec)().decode(value)
        except UnicodeDecodeError:
            return False
    return True


def decode(value: bytes, codec: str) -> str:
    """Decode one value; half a character at its end is dropped, other broken bytes become �."""
    try:
        return value.decode(codec)
    except UnicodeDecodeError:
        return codecs.getincrementaldecoder(codec)("replace").decode(value)


def plausible(values: Sequence[bytes], codec: str) -> bool:
    """True when the text that *codec* gives consists of common characters."""
    text = _sample(values, codec)
    foreign = [char for char in text if ord(char) >= 0x80]
    if not foreign:
        return True
    return sum(_common(char) for char in foreign) / len(foreign) >= _PLAUSIBLE


def _sample(values: Sequence[bytes], codec: str) -> str:
    """Enough decoded text to judge by."""
    return "".join(decode(value, codec) for value in values[:2000])[:100_000]


def _common(char: str) -> bool:
    """Punctuation, signs and level-1 characters of GB 2312; for traditional text, of Big5's frequent half."""
    try:
        lead = char.encode("gb2312")[0]
        return lead <= 0xA3 or 0xB0 <= lead <= 0xD7
    except UnicodeEncodeError:
        return False


def _frequent_in_big5(values: Sequence[bytes]) -> bool:
    """True where the bytes read as Big5 text of its frequently used characters."""
    if not decodes(values, "cp950"):
        return False
    leads = [
        char.encode("cp950")[0] for char in _sample(values, "cp950") if ord(char) >= 0x80 and char != "�"
    ]
    return bool(leads) and sum(0xA1 <= lead <= 0xC6 for lead in leads) / len(leads) >= 0.9


def detect(
    values: Sequence[bytes], where: str, *, forced: str | None = None, declared: str | None = None
) -> Encoding:
    """Encoding of *values* (distinct byte strings: names and records) of the file *where*.

    *forced* is the person's word; *declared* what a .cpg or the file's header says, believed when it is true.
    Raises :class:`InputRefusedError` when nothing fits.
    """
    if forced is not None:
        return _forced(values, where, named_codec(forced))
    raw = [value for value in values if not value.isascii()]
    codec, notes = _declared(declared)
    if not raw:
        return Encoding(codec or "utf-8", bilingual("plain ASCII", "纯 ASCII"), notes)
    lie = bilingual(
        f"{where}: the file says its encoding is {declared}, but its bytes are not",
        f"{where}：文件声明编码为 {declared}，但内容并非该编码",
    )
    chinese = decodes(raw, "gb18030") and plausible(raw, "gb18030")
    # two letters of UTF-8 can be one Chinese character: then the file's own word counts
    if decodes(raw, "utf-8") and not (codec == "gb18030" and chinese and not _wide(raw)):
        notes += [lie] if codec not in {None, "utf-8"} else []
        return Encoding("utf-8", _reason(codec == "utf-8"), notes)
    trusted = codec if codec is not None and codec != "utf-8" and _multibyte(codec) else None
    big5 = trusted == "cp950" and chinese and not _frequent_in_big5(raw)
    if trusted and decodes(raw, trusted) and not big5 and (trusted != "gb18030" or chinese):
        return Encoding(trusted, _reason(True), notes)
    if chinese:
        notes += [lie] if codec not in {None, "gb18030"} else []
        return Encoding("gb18030", _reason(False), notes)
    if codec and codec != "utf-8" and not _multibyte(codec) and not _frequent_in_big5(raw):
        return Encoding(codec, _reason(True), notes)
    raise _undecided(raw, where)


def _wide(values: Sequence[bytes]) -> bool:
    """True where UTF-8 text holds any character of three bytes or more, as all Chinese ones have."""
    return any(char >= "\u0800" for char in _sample(values, "utf-8"))


def _multibyte(codec: str) -> bool:
    """False for encodings of one byte a character, in which any bytes at all are valid: they prove nothing."""
    return len(b"\xb0\xa1".decode(codec, "replace")) < 2


def detect_text(data: bytes, where: str, forced: str | None = None) -> tuple[str, Encoding]:
    """Text and encoding of a whole text file (CSV, GeoJSON); a byte order mark is taken off."""
    marked = next((codec for bom, codec in BOMS.items() if data.startswith(bom)), None)
    if forced is None and marked:
        encoding = Encoding("utf-8" if "8" in marked else marked, bilingual("byte order mark", "字节序标记"))
    else:
        encoding = detect(data.split(b"\n"), where, forced=forced)
    try:
        return data.decode(marked or encoding.codec), encoding
    except UnicodeDecodeError as error:
        raise InputRefusedError(
            f"{where}: byte {error.start} is not valid {encoding.title}; name the encoding with --encoding",
            f"{where}：第 {error.start} 字节不是有效的 {encoding.title}；请用 --encoding 指定编码",
        ) from error


def _reason(declared: bool) -> Text:
    if declared:
        return bilingual("declared, and true to the bytes", "文件声明，与内容相符")
    return bilingual("judged from the bytes", "根据内容判断")


def _declared(declared: str | None) -> tuple[str | None, list[Text]]:
    """Codec that the file declares, with a note where the declaration is nonsense."""
    if not declared:
        return None, []
    codec = known_codec(declared) if re.fullmatch(r"[\w .:-]{1,40}", declared) else None
    if codec is None and declared.strip().upper() not in {"OEM", "ANSI"}:
        shown = " ".join(declared.split())[:30]
        return None, [
            bilingual(
                f"the .cpg file holds {shown!r}, which is no encoding; it was not used",
                f".cpg 文件内容为 {shown!r}，不是编码名称，未采用",
            )
        ]
    return codec, []


def _forced(values: Sequence[bytes], where: str, codec: str) -> Encoding:
    if not decodes(values, codec):
        title = _NAMES.get(codec, codec.upper())
        raise InputRefusedError(
            f"{where}: its bytes are not valid {title}, as --encoding says; leave the option out, or try another",
            f"{where}：内容不是 --encoding 指定的 {title}；请去掉该选项或换一种编码",
        )
    return Encoding(codec, bilingual("as told by --encoding", "由 --encoding 指定"))


def _undecided(raw: Sequence[bytes], where: str) -> InputRefusedError:
    """What the text would be in each encoding that it may have, to be chosen from by eye."""
    candidates = [codec for codec in ("cp950", "gb18030", "cp1252") if decodes(raw, codec)] or ["latin-1"]
    names = [_NAMES.get(codec, codec.upper()) for codec in candidates]
    longest = max(raw[:200], key=len)
    shown = "; ".join(
        f"{name}: {readable(decode(longest, codec).strip())[:20]}"
        for name, codec in zip(names, candidates, strict=True)
    )
    options = [f"--encoding {name}" for name in names]
    return InputRefusedError(
        f"{where}: the encoding is not clear ({shown}); give the one that reads right: {' or '.join(options)}",
        f"{where}：无法确定编码（{shown}）；请指定读起来正确的一种：{' 或 '.join(options)}",
    )
