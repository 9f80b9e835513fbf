"""The forms in which tables leave a command: on the terminal, as JSON, or as a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from gridsvc.cli.session import UNBOUNDED, Session, print_json
from gridsvc.errors import UsageError
from gridsvc.export import file_format, write_file
from gridsvc.export.tables import csv_text
from gridsvc.export.vectors import geojson_text
from gridsvc.text import Text, bilingual


class Format(StrEnum):
    """A form of output."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    GEOJSON = "geojson"


FormatOption = Annotated[
    Format | None, typer.Option("--format", help="Form of the output; by the ending of -o when left out.")
]
OutOption = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")]


def choose_format(session: Session, asked: Format | None, out: Path | None) -> Format:
    """The form asked for, else the one that the file's ending names, else JSON or a table."""
    if asked is None and out is not None:
        ending = out.suffix.lower().removeprefix(".")
        asked = Format.JSON if ending == "json" else _of_ending(out)
    if asked is None:
        return Format.JSON if session.as_json else Format.TABLE
    if out is None and asked is Format.XLSX:
        raise UsageError(
            "a workbook needs a file: add -o FILE.xlsx", "导出工作簿需要指定文件：请加 -o 文件.xlsx"
        )
    return asked


def _of_ending(path: Path) -> Format:
    ending = file_format(path)
    if ending not in set(Format):
        raise UsageError(
            f"{path}: figures are written as .csv, .json, .xlsx or .geojson",
            f"{path}：此处可用的格式为 .csv、.json、.xlsx、.geojson",
        )
    return Format(ending)


@dataclass(frozen=True)
class Listing:
    """One table in every form that it can leave in; each form is made when it is asked for."""

    name: str
    data: Callable[[], Any]
    """What JSON holds."""
    frame: Callable[[], pd.DataFrame]
    """The columns of a spreadsheet."""
    shapes: Callable[[], pd.DataFrame]
    """The features of a GeoJSON file."""
    show: Callable[[Console], None]
    """Prints it for a person."""
    sheets: Callable[[], Mapping[str, pd.DataFrame]] | None = None
    """The sheets of a workbook, where one table does not hold everything."""

    def write(self, form: Format, out: Path) -> None:
        """Write the file *out*."""
        match form:
            case Format.TABLE:
                _write_text(out, self.show)
            case Format.JSON:
                _write_text(out, lambda console: print_json(self.data(), console.file))
            case Format.GEOJSON:
                write_file({self.name: self.shapes()}, _require_ending(out, form))
            case Format.XLSX if self.sheets is not None:
                write_file(self.sheets(), _require_ending(out, form))
            case _:
                write_file({self.name: self.frame()}, _require_ending(out, form))

    def print(self, form: Format, console: Console) -> None:
        """Print it on standard output."""
        match form:
            case Format.TABLE:
                self.show(console)
            case Format.JSON:
                print_json(self.data())
            case Format.GEOJSON:
                sys.stdout.write(geojson_text(self.shapes()))
            case _:
                sys.stdout.write(csv_text(self.frame()))


def deliver(session: Session, listing: Listing, asked: Format | None, out: Path | None) -> None:
    """Give *listing* in the form asked for; with a file, what was written is told (to machines as JSON)."""
    form = choose_format(session, asked, out)
    if out is None:
        listing.print(form, session.out)
        return
    listing.write(form, out)
    session.answer({"file": str(out), "format": form.value}, written(out))


def written(file: Path) -> Text:
    """That a file was written."""
    return bilingual(f"written: {file}", f"已写入：{file}")


def _write_text(out: Path, show: Callable[[Console], None]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        show(Console(file=file, width=UNBOUNDED, color_system=None))


def _require_ending(path: Path, form: Format) -> Path:
    """*path*, which must end as its form does."""
    if path.suffix.lower() != f".{form.value}":
        raise UsageError(
            f"{path} does not end in .{form.value}, the form asked for",
            f"{path} 的扩展名与所选格式 .{form.value} 不符",
        )
    return path


def plain_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: days as YYYY-MM-DD, no value as None."""
    table = pd.DataFrame(frame)
    for name in table.columns:
        if pd.api.types.is_datetime64_any_dtype(table[name].dtype):
            table = table.assign(**{str(name): table[name].dt.strftime("%Y-%m-%d")})
    table = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]
