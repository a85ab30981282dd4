"""The exceptions for everything that a user can put right."""

import errno
import os
import reprlib
from typing import Any

_FAULTS = {
    errno.ENOSPC: "the disk is full; free some space, then run it again",
    errno.EDQUOT: "the disk quota is used up; free some space, then run it again",
    errno.EFBIG: "files may not grow so large here; raise the limit (`ulimit -f`) or use another disk",
    errno.EACCES: "permission denied; check who owns it and its mode",
    errno.EPERM: "permission denied; check who owns it and its mode",
    errno.EROFS: "the disk is read-only; use another place",
    errno.EIO: "the disk or the network drive does not answer; check it, then run it again",
    errno.ENAMETOOLONG: "the name is too long for this disk; choose a shorter one",
    errno.EMFILE: "too many files are open; raise the limit (`ulimit -n`)",
    errno.ENFILE: "too many files are open on this machine; close some programs, then run it again",
    errno.ENOMEM: "not enough memory; close some programs, then run it again",
    errno.ESTALE: "the network drive has lost the file; mount it anew, then run it again",
}

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict = 4, 8
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = 20
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80
_LONGEST = 160  # letters of a value in a line


class UserError(Exception):
    """One line: where, what was expected, what was found, what to do.

    Stages print it without a traceback and exit with status 1; any other exception is a bug and keeps its traceback.
    """


class MachineError(UserError):
    """A fault of this machine, not of what it reads: a full disk, a folder that may not be written. It is never skipped."""


def is_machine_fault(error: OSError) -> bool:
    """Whether the machine is at fault, and not the input."""
    return error.errno in _FAULTS


def machine_error(error: OSError, where: str | os.PathLike[str]) -> MachineError:
    """One line about a fault of the machine; `where` counts where the error names no file of its own."""
    place = error.filename if isinstance(error.filename, str | os.PathLike) else where
    return MachineError(f"{os.fspath(place)}: {_FAULTS[error.errno or 0]}")


def shown(value: Any) -> str:
    """A value of somebody's file as a line can show it: printable, and short however long or deep it is."""
    try:
        return printable(_SHORT.repr(value), _LONGEST)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"


def printable(text: str, most: int = 300) -> str:
    """Text, such as the name of a file, in one line that can be printed and encoded, of at most `most` letters."""
    letters = [letter if letter.isprintable() else _escape(letter) for letter in text[: most + 1]]
    return "".join(letters[:most]) + "..." * (len(letters) > most)


def _escape(letter: str) -> str:
    """A letter that cannot be printed; a byte of a name that is not UTF-8 as that byte."""
    return f"\\x{ord(letter) - 0xDC00:02x}" if "\udc80" <= letter <= "\udcff" else letter.encode("unicode_escape").decode()
