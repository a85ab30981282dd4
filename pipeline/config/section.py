"""Read one typed section of params.yaml, and the kinds of value that sections are made of.

Values are taken as YAML 1.2 has them: `true` and `"10"` are no numbers. DVC may write a whole number as `1000.0`, which is one here, too.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from pipeline.utils.errors import UserError, is_machine_fault, machine_error, printable, shown

MOST_BYTES = 2**18  # of a file of parameters; its parser takes seconds for more
MOST_NODES, MOST_DEPTH = 20_000, 16  # values with what aliases stand for, and lists within lists
MOST_SIDE = 8192  # px of an image or a picture
_SHOWN = 100  # characters of a value in a message
RENAMED = {  # parameters that had another name
    "data.depth": "data.labels",
    "model.vunet.look": "model.vunet.appearance_input",
    "train_g1.order": "train_g1.order_weight",
    "train_g2.order": "train_g2.order_weight",
}


class Section(BaseModel):
    """A section of params.yaml: frozen, no unknown keys, no defaults (the values stand in params.yaml alone)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, strict=False, allow_inf_nan=False)


def as_whole(value: object) -> object:
    """A whole number that is written as `1e3` or `1000.0` is read as a float."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError(f"expected each value once, found {', '.join(values)}")
    return values


def _readable(text: str) -> str:
    if not text.strip() or any(letter < " " or letter == "\x7f" for letter in text):
        raise ValueError("expected a word or a path without control characters")
    return text


Whole = Annotated[int, Strict(), BeforeValidator(as_whole)]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_readable)]  # a word, a path, a sentence
Seed = Annotated[Whole, Field(ge=0, lt=2**63)]  # torch takes no more than 64 bits
Threads = Annotated[Whole, Field(ge=1, le=1024)]
BatchSize = Annotated[Whole, Field(ge=1, le=2**16)]
Steps = Annotated[Whole, Field(ge=1, le=10**8)]
StepsOrNone = Annotated[Whole, Field(ge=0, le=10**8)]
Share = Annotated[Number, Field(ge=0, le=1)]
TestShare = Annotated[Number, Field(gt=0, lt=1)]
Weight = Annotated[Number, Field(ge=0, le=1e6)]  # of a loss
Rate = Annotated[Number, Field(gt=0)]  # learning rate
FramesPerSecond = Annotated[Number, Field(ge=0.01, le=1000)]
Side = Annotated[Whole, Field(ge=1, le=MOST_SIDE)]
PictureSide = Annotated[Whole, Field(ge=32, le=MOST_SIDE)]
Size = tuple[Side, Side]  # height and width, px
PictureSize = tuple[PictureSide, PictureSide]
EachOnce = AfterValidator(_each_once)  # of a tuple of words: none stands twice
C = TypeVar("C", bound=BaseModel)


def refuse(key: str, message: str) -> PydanticCustomError:
    """What a validator of a whole section, or file, raises where values do not go together; `key` : the full name below that section."""
    return PydanticCustomError("rule", "{key}: {message}", {"key": key, "message": message})


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


def load_config(cls: type[C], params: Path, section: str) -> C:
    """Build `cls` from one section of `params`.

    Raises UserError with one line per wrong key: its full name, the value found, and what is allowed.
    """
    values = read_params(params)
    if section not in values:
        raise UserError(f"{params}: section `{section}` is missing")
    return parse(cls, values[section], str(params), (section,))


def parse(cls: type[C], values: Any, where: str, path: tuple[str, ...] = (), hint: str = "see docs/parameters.md") -> C:
    """Validate `values` as `cls`; each line of an error begins with `where` and the full name of the key below `path`.

    `hint` says what to do about a missing key.
    """
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise UserError("\n".join(_line(where, path, cls, fault, hint) for fault in error.errors())) from None


def _line(where: str, path: tuple[str, ...], cls: type[BaseModel], fault: Any, hint: str) -> str:
    names = ".".join(printable(str(part), _SHOWN) for part in (*path, *fault["loc"]))
    if fault["type"] == "rule":
        return f"{where}: {'.'.join(filter(None, (names, printable(fault['msg'], 10 * _SHOWN))))}"
    key = f"{where}: {names}"
    if fault["type"] == "extra_forbidden" and names in RENAMED:
        return f"{key}: renamed; write {RENAMED[names]}"
    if fault["type"] == "extra_forbidden":
        return f"{key} = {shown(fault['input'])}: unknown key; known here: {', '.join(_keys(cls, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{key}: missing; {hint}"
    return f"{key} = {shown(fault['input'])}: {printable(fault['msg'].removeprefix('Value error, '), 5 * _SHOWN)}"


def _keys(cls: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys of the section that `path` leads to."""
    for name in path:
        fields = {field.alias or key: field.annotation for key, field in cls.model_fields.items()}
        inner = fields.get(name)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        cls = inner
    return [field.alias or key for key, field in cls.model_fields.items()]
