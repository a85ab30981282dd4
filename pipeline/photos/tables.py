"""The text files that people keep beside their photos: UTF-8, a header, a row per picture; and the names that such files can hold."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import UserError
from pipeline.files import machine_faults

MOST_BYTES = 2**28  # of a file: 256 MiB, a million pictures
_SHOWN = 60  # letters of what was found
_UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # Unicode's categories of what breaks a line, or is no text


def printable(text: str, most: int = 300) -> str:
    """Text, such as the name of a file, in one line that can be printed and encoded, however it was."""
    letters = (letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNWRITABLE else letter for letter in text[: most + 1])
    shown = "".join(letters)
    return shown if len(shown) <= most else f"{shown[:most]}..."


def name_fault(name: str) -> str | None:
    """Why no row can name this file, None where one can. Colons, commas, and quotes are no fault."""
    if name != name.strip():
        return "its name begins or ends with a blank; rename it"
    if any(unicodedata.category(letter) in _UNWRITABLE for letter in name):
        return "its name is not UTF-8, or holds a line break or another control character; rename it"
    return None


def read_text(path: Path, what: str) -> str:
    """The text of a file; raise UserError where it is missing, too large, or no text in UTF-8. `what` says what is expected, as in `a text file`."""
    try:
        with machine_faults(path):
            if path.exists() and not path.is_file():
                raise UserError(f"{path}: expected {what}, found a folder or a device")
            if path.stat().st_size > MOST_BYTES:
                raise UserError(f"{path}: expected {what} of at most {MOST_BYTES} bytes, found {path.stat().st_size}")
            text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: expected {what}, {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected text in UTF-8, found something else; save it as UTF-8") from None
    if "\0" in text:
        raise UserError(f"{path}: expected text in UTF-8, found bytes that are 0; it is damaged, or in UTF-16: save it as UTF-8")
    return text


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a file, ended as on any system; raises as `read_text`."""
    return read_text(path, what).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_csv(path: Path, what: str, header: Sequence[str]) -> list[tuple[int, list[str]]]:
    """The rows after the header of a file with commas, stripped cells that may be quoted, each with the number of its line.

    Raises as `read_text`, and where the header is another. Rows may have any number of cells, but blank ones do not count.
    """
    reader = csv.reader(io.StringIO(read_text(path, what), newline=""))
    rows, number = [], 1
    try:
        for row in reader:
            rows.append((number, [cell.strip() for cell in row]))
            number = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}, line {number}: expected cells between commas, found a damaged row ({error})") from None
    check_header(path, rows[0][1] if rows else [], header, ",")
    return [(number, row) for number, row in rows[1:] if row]


def check_header(path: Path, found: Sequence[str], expected: Sequence[str], delimiter: str) -> None:
    """Raise UserError where the columns of a file are others."""
    if list(found) != list(expected):
        text = printable(delimiter.join(found), _SHOWN) or "nothing"
        raise UserError(f"{path}: expected the header {delimiter.join(expected)}, found {text}")
