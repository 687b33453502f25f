"""A list of people as a spreadsheet writes it (CSV): any of three encodings and separators, read with bounds, every fault named by its place."""

import csv
import io
from dataclasses import dataclass
from typing import Final, Literal

from heliograph.kit.errors import Invalid

MOST_BYTES: Final = 512 << 10
MOST_PEOPLE: Final = 5000
MOST_PROBLEMS: Final = 100
_MOST_CELL: Final = 1000
COLUMNS: Final = ("name", "display_name", "roles", "sites", "departments", "clearances", "disabled")
_LISTS: Final = frozenset({"roles", "sites", "departments", "clearances"})
_TOLD: Final = "sep="
_SEPARATORS: Final = (";", ",", "\t")
_SECRETS: Final = ("password", "passwort", "kennwort", "contrase", "pin", "secret", "clave")
_YES: Final = frozenset({"yes", "true", "1", "x", "ja", "si", "sí"})
_NO: Final = frozenset({"no", "false", "0", "nein"})


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Line and column as a spreadsheet counts and calls them; the message says how to mend it. Of values only what is a word of ours."""

    line: int
    column: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """One person; None where the file has no such column or the cell is empty."""

    line: int
    name: str
    display_name: str | None = None
    roles: tuple[str, ...] | None = None
    sites: tuple[str, ...] | None = None
    departments: tuple[str, ...] | None = None
    clearances: tuple[str, ...] | None = None
    disabled: bool | None = None


def read(data: bytes) -> tuple[list[Row], list[Problem]]:
    """Rows and what is wrong with them. Raises Invalid when it is no such file at all."""
    text = _decoded(data)
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    problems: list[Problem] = []
    columns: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None and cells[0].lower().startswith(_TOLD):
                continue
            if columns is None:
                columns = _header(cells, begins)
                continue
            if len(rows) >= MOST_PEOPLE:
                raise Invalid(f"the file holds more than {MOST_PEOPLE} people; divide it", code="import_too_long")
            row = _row(cells, columns, begins, problems)
            if row is not None:
                rows.append(row)
            if len(problems) >= MOST_PROBLEMS:
                break
    except csv.Error:
        problems.append(
            Problem(line, "", "bad_quotes", "the quotation marks of this line do not match; close every one")
        )
    if columns is None:
        raise Invalid(f"the first line must name columns: {', '.join(COLUMNS)}", code="import_no_header")
    return rows, problems


def _decoded(data: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with it, or what Windows writes in the west."""
    if len(data) > MOST_BYTES:
        raise Invalid(f"the file is larger than {MOST_BYTES >> 10} KiB; divide it", code="import_too_long")
    encoding: Literal["utf-8-sig", "utf-16", "cp1252"] = "utf-8-sig"
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encoding = "utf-16"
    try:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise Invalid(
            "the file is neither UTF-8 nor Windows-1252; save it as CSV UTF-8", code="import_encoding"
        ) from None
    if "\0" in text:
        raise Invalid("this is no text; save the table as CSV", code="import_encoding")
    return text


def _separator(text: str) -> str:
    """The one that divides the first line into most columns; Excel says it outright in a line before (`sep=;`)."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    told = first.lower().removeprefix(_TOLD)[:1] if first.lower().startswith(_TOLD) else ""
    return told if told and told in _SEPARATORS else max(_SEPARATORS, key=first.count)


def _header(cells: list[str], line: int) -> list[str]:
    columns = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    for number, column in enumerate(columns, 1):
        if any(word in column for word in _SECRETS):
            raise Invalid(
                f"line {line}, column {number}: a list of people carries no passwords; take the column out, everybody new gets a one-time link",
                code="import_secret",
            )
        if column not in COLUMNS:
            raise Invalid(
                f"line {line}, column {number} is none of: {', '.join(COLUMNS)}; rename it or take it out", code="import_columns"
            )  # fmt: skip
    if "name" not in columns:
        raise Invalid("a column `name` is missing: what the person types to sign in", code="import_columns")
    if len(set(columns)) != len(columns):
        raise Invalid("two columns have the same name; take one out", code="import_columns")
    return columns


def _row(cells: list[str], columns: list[str], line: int, problems: list[Problem]) -> Row | None:
    before = len(problems)
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        message = (
            f"the line has more than {len(columns)} cells; put quotation marks round a text that holds the separator"
        )
        problems.append(Problem(line, "", "too_many_cells", message))
    values = {column: cell.strip() for column, cell in zip(columns, cells, strict=False)}
    for column, value in values.items():
        if len(value) > _MOST_CELL:
            problems.append(Problem(line, column, "too_long", f"shorten it to {_MOST_CELL} characters"))
    name, display = values.pop("name", ""), values.pop("display_name", "")
    if not 1 <= len(name) <= 64 or not name.isprintable():
        problems.append(Problem(line, "name", "bad_name", "write 1 to 64 printable characters"))
    if len(display) > 100 or not display.isprintable():
        problems.append(Problem(line, "display_name", "bad_name", "write at most 100 printable characters"))
    word = values.pop("disabled", "").lower()
    if word and word not in _YES | _NO:
        problems.append(Problem(line, "disabled", "bad_word", "write yes or no, or leave it empty"))
    lists = {key: _list(values[key]) for key in _LISTS & values.keys() if values[key]}
    if len(problems) > before:
        return None
    return Row(line, name, display or None, disabled=word in _YES if word else None, **lists)


def _list(cell: str) -> tuple[str, ...]:
    """`a | b`: a bar divides, because names of sites have blanks, commas and semicolons in them."""
    return tuple(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))
