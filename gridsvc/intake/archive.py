"""Zip archives, unpacked so that nothing can be written outside a temporary folder."""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gridsvc.errors import InputRefusedError
from gridsvc.intake.formats import FORMATS, readable

MAX_BYTES = 2 * 1024**3
"""Most that an archive may hold, unpacked."""
MAX_MEMBERS = 10_000
MAX_CELLS = 30_000_000
"""Most cells of a sheet, the empty ones between included: a workbook's reader keeps room for every one."""
MAX_RATIO = 100
"""How many times its packed size an archive may unpack to, once it is larger than :data:`SMALL`."""
SMALL = 64 * 1024**2
# what is data by its name; where an archive has any of it, only that and what may belong to it is unpacked
_DATA = frozenset(FORMATS) - {".txt"} | {".zip", ".kmz"}
WANTED = _DATA | {".shx", ".prj", ".cpg", ".txt"}
_NESTED = (".zip", ".kmz")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError, ValueError, RuntimeError,
)  # fmt: skip
_CHUNK = 1024 * 1024
# a cell with content, by column and row, in the XML of a sheet
_CELL = re.compile(rb'<(?:\w+:)?c\s[^<>]{0,400}?\br="([A-Z]{1,3})([0-9]{1,7})"[^<>]{0,400}(?<!/)>')
_LONGEST_TAG = 256


@dataclass
class _Budget:
    """Bytes that may still be written."""

    left: int

    def take(self, count: int, name: str) -> None:
        """Count written bytes; refuses beyond the budget."""
        self.left -= count
        if self.left < 0:
            raise InputRefusedError(
                f"{name}: the archive unpacks to far more than it may hold; unpack it yourself and load the folder",
                f"{name}：压缩包解压后体积过大；请自行解压后按文件夹入库",
            )


@contextmanager
def work_folder() -> Iterator[Path]:
    """A temporary folder that is always removed."""
    folder = Path(tempfile.mkdtemp(prefix="gridsvc-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unpack(path: Path, folder: Path) -> None:
    """Unpack the archive *path* into *folder*, archives inside it one level deep.

    Raises :class:`InputRefusedError` before anything is written for absolute names, ``..``, symbolic links,
    encryption, too many members, and archives that are damaged or far larger than they look.
    """
    size = path.stat().st_size
    budget = _Budget(min(MAX_BYTES, max(SMALL, size * MAX_RATIO)))
    _unpack(path, folder, budget, path.name)
    for inner in sorted(file for file in folder.rglob("*") if file.suffix in _NESTED and file.is_file()):
        inside = inner.with_suffix("")
        _unpack(inner, inside if not inside.exists() else inner.with_suffix(".unzipped"), budget, inner.name)
        inner.unlink()


def check_workbook(path: Path) -> None:
    """Refuse a workbook (.xlsx) that would not fit into memory: packed content, or one stray cell far out.

    A file that is no zip archive passes; its reader judges it.
    """
    if not zipfile.is_zipfile(path):
        return
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as book:
            members = book.infolist()
            room = _Budget(min(MAX_BYTES, max(SMALL, size * MAX_RATIO)))
            room.take(sum(member.file_size for member in members), path.name)
            for member in members:
                if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
                    _check_sheet(book, member, path.name)
    except _BROKEN:
        return


def _check_sheet(book: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> None:
    """Refuse a sheet whose cells span more than :data:`MAX_CELLS`."""
    columns: set[bytes] = set()
    last, rest = 0, b""
    with book.open(member) as source:
        while chunk := source.read(_CHUNK):
            cells = _CELL.findall(rest + chunk)
            columns.update(letters for letters, _ in cells)
            last = max(last, max((int(row) for _, row in cells), default=0))
            rest = chunk[-_LONGEST_TAG:]
    # the longest name, and the last of these: Z before AA
    letters = max(columns, key=lambda found: (len(found), found), default=b"")
    width = 0
    for letter in letters:
        width = width * 26 + letter - 64
    if last * width > MAX_CELLS:
        far = f"{letters.decode()}{last}"
        raise InputRefusedError(
            f"{name}: a sheet reaches to cell {far}, far beyond what can be read; delete what stands "
            "outside of the table and save it again",
            f"{name}：有工作表延伸到单元格 {far}，范围过大；请删除表格以外的内容后重新保存",
        )


def _unpack(path: Path, folder: Path, budget: _Budget, name: str) -> None:
    try:
        with _open(path) as archive:
            members = _checked(archive, name, budget.left)
            for member, place in members:
                _write(archive, member, folder / place, budget, name)
    except _BROKEN as error:
        # what the system says would name a place in the work folder
        why = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else " ".join(str(error).split())[:100]
        )
        raise InputRefusedError(
            f"{name} is not a whole zip archive ({why}); pack it again as zip",
            f"{name} 不是完整的 zip 压缩包（{why}）；请重新打包为 zip",
        ) from error


def _open(path: Path) -> zipfile.ZipFile:
    """Open with the encoding that fits the member names: UTF-8, else GBK as Windows writes it."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return zipfile.ZipFile(path, metadata_encoding=encoding)
        except UnicodeDecodeError:
            continue
    return zipfile.ZipFile(path)


def _checked(archive: zipfile.ZipFile, name: str, room: int) -> list[tuple[zipfile.ZipInfo, Path]]:
    """Members worth unpacking, with their places; the archive as a whole is judged first."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise InputRefusedError(
            f"{name} holds {len(members)} files; at most {MAX_MEMBERS} are unpacked",
            f"{name} 含 {len(members)} 个文件，最多允许 {MAX_MEMBERS} 个",
        )
    places = [(member, _place(member, name)) for member in members]
    files = [(member, place) for member, place in places if _is_file(member, place)]
    if any(_wanted(place, _DATA) for _, place in files):
        files = [(member, place) for member, place in files if _wanted(place, WANTED)]
    chosen = []
    for member, place in files:
        if member.flag_bits & 0x1:
            raise InputRefusedError(
                f"{name} is encrypted; pack it again without a password",
                f"{name} 已加密；请去掉密码重新打包",
            )
        chosen.append((member, Path(*place.parts[:-1], place.stem + place.suffix.lower())))
    _require_apart([place for _, place in chosen], name)
    _Budget(room).take(sum(member.file_size for member, _ in chosen), name)
    return chosen


def _is_file(member: zipfile.ZipInfo, place: PurePosixPath) -> bool:
    """False for folders and for the side files that macOS adds."""
    ghost = "__MACOSX" in place.parts or place.name.startswith("._") or place.name == ".DS_Store"
    return bool(place.name) and not member.is_dir() and not ghost


def _wanted(place: PurePosixPath, suffixes: frozenset[str]) -> bool:
    """True for one of *suffixes*, and for everything inside of a geodatabase."""
    return place.suffix.lower() in suffixes or any(part.lower().endswith(".gdb") for part in place.parts[:-1])


def _require_apart(places: list[Path], name: str) -> None:
    """Refuse an archive that holds one file twice, or a file where a folder is."""
    twice = {str(place) for place, count in Counter(places).items() if count > 1}
    folders = {parent for place in places for parent in place.parents}
    clash = sorted(twice | {str(place) for place in places if place in folders})
    if clash:
        raise InputRefusedError(
            f"{name} holds {readable(clash[0])!r} twice; pack it again",
            f"{name} 中 {readable(clash[0])!r} 出现两次；请重新打包",
        )


def _place(member: zipfile.ZipInfo, name: str) -> PurePosixPath:
    """Where the member goes, relative to the folder."""
    text = member.filename.replace("\\", "/")
    place = PurePosixPath(text)
    unsafe = place.is_absolute() or ".." in place.parts or re.match(r"[A-Za-z]:", text) or "\0" in text
    if unsafe or stat.S_ISLNK(member.external_attr >> 16):
        shown = readable(text)[:80]
        raise InputRefusedError(
            f"{name}: member {shown!r} points outside the archive; nothing was unpacked",
            f"{name}：成员 {shown!r} 指向压缩包以外的位置，未解压",
        )
    return place


def _write(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, budget: _Budget, name: str
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            budget.take(len(chunk), name)
            sink.write(chunk)
