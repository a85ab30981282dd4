"""Read one typed section of params.yaml, and the kinds of value that sections are made of.

DVC may write a whole number as `1000.0`, which is one here, too. What is null in `BY_SIZE` follows the size of the images, so that one value,
`data.image_size`, makes everything larger.
"""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from pipeline.utils.errors import UserError, printable, shown
from pipeline.utils.params_file import read_params

MOST_SIDE = 8192  # px of an image or a picture
SHARE = 32  # of the images' height: discs, the border that D does not see, the distance of two poses; 4 px of 128
LEAST_ROWS = 8  # at the smallest size inside of G1
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


def load_config(cls: type[C], params: Path, section: str) -> C:
    """Build `cls` from one section of `params`; what is null and follows the size of the images is filled in.

    Raises UserError with one line per wrong key: its full name, the value found, and what is allowed.
    """
    values = with_sizes(read_params(params))
    if section not in values:
        raise UserError(f"{params}: section `{section}` is missing")
    return parse(cls, values[section], str(params), (section,))


def _share(image_size: tuple[int, int], _model: Mapping[str, Any]) -> float:
    return max(image_size[0] / SHARE, 0.5)


def _border(image_size: tuple[int, int], _model: Mapping[str, Any]) -> int:
    return image_size[0] // SHARE


def _blocks(image_size: tuple[int, int], model: Mapping[str, Any]) -> int:
    """As many as keep `LEAST_ROWS` at the smallest size, which have to be whole numbers there; at least three."""
    shrink = model.get("shrink")
    factor = shrink if isinstance(shrink, int) and shrink > 0 else 1
    return max(3, 1 + _halvings(image_size, factor, LEAST_ROWS))


def _levels(image_size: tuple[int, int], _model: Mapping[str, Any]) -> int:
    """As many as the sides can be halved, from four to twelve."""
    return min(max(4, _halvings(image_size, 1, 1)), 12)


def _halvings(image_size: tuple[int, int], factor: int, least: int) -> int:
    """How often sides that are divided by `factor` can be halved, and be whole numbers of `least` rows or more."""
    count = 0
    while image_size[0] // (2 * factor) >= least and not any(side % (2 * factor) for side in image_size):
        factor, count = 2 * factor, count + 1
    return count


BY_SIZE: dict[str, Callable[[tuple[int, int], Mapping[str, Any]], float]] = {
    "pose.heatmap_radius": _share,
    "pairs.min_distance": _share,
    "model.border": _border,
    "model.blocks": _blocks,
    "model.vunet.levels": _levels,
}


def with_sizes(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The content of a file of parameters with a number, by the size of its images, in place of every null of `BY_SIZE`.

    Where the size itself is no size, it is what fault is found with, and not these.
    """
    image_size = _image_size(values)
    filled = copy.deepcopy(dict(values))
    for name, rule in BY_SIZE.items():
        *path, key = name.split(".")
        section: Any = filled
        for part in path:
            section = section.get(part) if isinstance(section, dict) else None
        if isinstance(section, dict) and key in section and section[key] is None:
            section[key] = rule(image_size, filled["model"] if isinstance(filled.get("model"), dict) else {})
    return filled


def _image_size(values: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of a file's images, px; where it does not say them, those of the field."""
    data = values.get("data")
    match data.get("image_size") if isinstance(data, dict) else None:
        case [int() | float() as height, int() | float() as width] if 1 <= height <= MOST_SIDE and 1 <= width <= MOST_SIDE:
            return int(height), int(width)
    return 128, 64


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
