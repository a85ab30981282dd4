"""Names that come out of files and go into names of files: short, printable, and of one folder only."""

import re

LONGEST = 100  # characters; what names a file gets more of them, and disks take 255 bytes
RESERVED = ("twins",)  # a group of the file of poses


def name_fault(name: str) -> str | None:
    """Why `name` cannot be that of a sequence or a camera, which name files; None where it can."""
    fault = text_fault(name)
    if fault:
        return fault
    if re.search(r'[/\\:*?"<>|]', name):
        return "it holds a character that names of files do not have"
    if name.startswith(".") or name in RESERVED:
        return "such a name has another meaning"
    return None


def text_fault(text: str) -> str | None:
    """Why `text` cannot be a word that is shown (an action, a person); None where it can."""
    if not text or text != text.strip():
        return "it is empty, or begins or ends with a blank"
    if len(text) > LONGEST or len(text.encode("utf-8", "replace")) > 2 * LONGEST:
        return f"it has more than {LONGEST} letters"
    return None if text.isprintable() else "it holds characters that cannot be printed"


def path_fault(path: str) -> str | None:
    """Why `path` cannot be that of a file below a folder, with `/`; None where it can."""
    if not all(part not in ("", ".", "..") and not re.search(r'[\\:*?"<>|]', part) for part in path.split("/")):
        return "it does not stay in the folder"
    if len(path) > 5 * LONGEST or not path.isprintable():
        return "it is too long, or holds characters that cannot be printed"
    return None
