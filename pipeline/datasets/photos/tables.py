"""The text files that people keep beside their photos: UTF-8, a header, a row per picture; and the names that such files can hold."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import read_csv, read_text

_SHOWN = 60  # letters of what was found
_UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # Unicode's categories of what breaks a line, or is no text


def name_fault(name: str) -> str | None:
    """Why no row can name this file, None where one can. Colons, commas, and quotes are no fault."""
    if name != name.strip():
        return "its name begins or ends with a blank; rename it"
    if any(unicodedata.category(letter) in _UNWRITABLE for letter in name):
        return "its name is not UTF-8, or holds a line break or another control character; rename it"
    return None


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a file, ended as on any system; raises as `read_text`."""
    return read_text(path, what).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_table(path: Path, what: str, header: Sequence[str]) -> list[tuple[int, list[str]]]:
    """The rows after the header of a file with commas, stripped cells that may be quoted, each with the number of its line.

    Raises as `read_text`, and where the header is another. Rows may have any number of cells, but blank ones do not count.
    """
    rows = [(number, [cell.strip() for cell in row]) for number, row in read_csv(path, what)]
    check_header(path, rows[0][1] if rows else [], header, ",")
    return [(number, row) for number, row in rows[1:] if row]


def check_header(path: Path, found: Sequence[str], expected: Sequence[str], delimiter: str) -> None:
    """Raise UserError where the columns of a file are others."""
    if list(found) != list(expected):
        text = printable(delimiter.join(found), _SHOWN) or "nothing"
        raise UserError(f"{path}: expected the header {delimiter.join(expected)}, found {text}")
