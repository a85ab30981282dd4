"""Read a file of parameters as plain values.

Values are taken as YAML 1.2 has them: `true` and `"10"` are no numbers. DVC may write a whole number as `1000.0`.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from pipeline.utils.errors import UserError, is_machine_fault, machine_error, printable, shown

MOST_BYTES = 2**18  # of a file of parameters; its parser takes seconds for more
MOST_NODES, MOST_DEPTH = 20_000, 16  # values with what aliases stand for, and lists within lists
_SHOWN = 100  # characters of a value in a message


def read_params(params: Path) -> dict[str, Any]:
    """The whole file as plain values, read as YAML 1.2 just as DVC reads it (`2e-4` is a number).

    Raises UserError where it is not a file of sections, too large or too deep; an alias counts as what it stands for.
    """
    text = _read_text(params)
    try:
        _check_shape(params, text)
        values = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise UserError(f"{params}: not valid YAML: {_reason(error)}") from None
    except (ValueError, TypeError, LookupError) as error:  # a tag, a date or a number of thousands of digits that is none
        raise UserError(f"{params}: not valid YAML: {printable(str(error), _SHOWN)}") from None
    if not isinstance(values, dict):
        raise UserError(f"{params}: expected sections with keys, found {type(values).__name__}")
    _check_plain(params, "", values)
    return values


def _read_text(params: Path) -> str:
    try:
        if not params.exists():
            raise UserError(f"{params}: not found; expected the file of parameters")
        if not params.is_file():  # a pipe would be waited for
            what = "a folder" if params.is_dir() else "a pipe or a device"
            raise UserError(f"{params}: expected a file of parameters, found {what}; give the name of a file")
        with params.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UserError(f"{params}: expected a file of parameters of at most {MOST_BYTES} bytes, found more; give the right file")
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{params}: expected text in UTF-8, found the byte 0x{data[error.start]:02x} at {error.start}; save it as UTF-8") from None
    except OSError as error:
        if not is_machine_fault(error):
            raise
        raise machine_error(error, params) from None


def _check_shape(params: Path, text: str) -> None:
    """Raise UserError where there are too many values or too many lists within lists, before anything is built of them."""
    count, sizes = 0, dict[str, int]()
    inside: list[tuple[str | None, int]] = []  # the collections that are open: name of the anchor, values before it
    for event in YAML(typ="safe").parse(text):
        if isinstance(event, CollectionEndEvent):
            anchor, before = inside.pop()
            if anchor is not None:
                sizes[anchor] = count - before
        elif isinstance(event, AliasEvent):
            if any(anchor == event.anchor for anchor, _ in inside):
                raise UserError(
                    f"{params}: line {event.start_mark.line + 1}: `*{printable(event.anchor, _SHOWN)}` is a part of what it stands for; write it out"
                )
            count += sizes.get(event.anchor, 1)
        elif isinstance(event, NodeEvent):
            if isinstance(event, CollectionStartEvent):
                inside.append((event.anchor, count))
            count += 1
        if count > MOST_NODES or len(inside) > MOST_DEPTH:
            found = f"more than {MOST_NODES} values" if count > MOST_NODES else f"more than {MOST_DEPTH} lists within lists"
            raise UserError(f"{params}: expected sections with keys, found {found}; write the file anew")


def _check_plain(params: Path, path: str, value: Any) -> None:
    """Raise UserError where a key is no word, or a value of a kind that parameters do not have."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isprintable():
                raise UserError(f"{params}: {path or 'the file'}: expected words as keys, found {shown(key)}; put it in quotes or take it out")
            _check_plain(params, f"{path}.{printable(key, _SHOWN)}".lstrip("."), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_plain(params, f"{path}.{number}", inner)
    elif value is not None and not isinstance(value, str | int | float):
        raise UserError(f"{params}: {path} = {shown(value)}: expected words and numbers, found {type(value).__name__}; put it in quotes")


def _reason(error: YAMLError) -> str:
    """What is wrong with a text, and where, in one line."""
    if isinstance(error, MarkedYAMLError) and error.problem:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f" in line {mark.line + 1}"
        return printable(f"{' '.join(str(error.context or '').split())} {' '.join(error.problem.split())}".strip(), 2 * _SHOWN) + place
    return printable(" ".join(str(error).split()), 2 * _SHOWN)
