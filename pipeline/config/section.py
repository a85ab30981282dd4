"""Read one typed section of params.yaml."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import UserError


class Section(BaseModel):
    """A section of params.yaml: frozen, no unknown keys, no defaults (the values stand in params.yaml alone)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, strict=False, allow_inf_nan=False)


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError(f"expected each value once, found {', '.join(values)}")
    return values


EachOnce = AfterValidator(_each_once)  # of a tuple of words: none stands twice
C = TypeVar("C", bound=BaseModel)


def read_params(params: Path) -> dict[str, Any]:
    """The whole file as plain values, read as YAML 1.2 just as DVC reads it (`2e-4` is a number)."""
    try:
        values = YAML(typ="safe").load(params)
    except FileNotFoundError:
        raise UserError(f"{params}: not found; expected the file of parameters") from None
    except YAMLError as error:
        raise UserError(f"{params}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise UserError(f"{params}: expected sections with keys, found {type(values).__name__}")
    return values


def load_config(cls: type[C], params: Path, section: str) -> C:
    """Build `cls` from one section of `params`.

    Raises UserError with one line per wrong key: its full name, the value found, and what is allowed.
    """
    values = read_params(params)
    if section not in values:
        raise UserError(f"{params}: section `{section}` is missing")
    return parse(cls, values[section], str(params), (section,))


def parse(cls: type[C], values: Any, where: str, path: tuple[str, ...] = (), hint: str = "see the table of parameters in README.md") -> C:
    """Validate `values` as `cls`; each line of an error begins with `where` and the full name of the key below `path`.

    `hint` says what to do about a missing key.
    """
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise UserError("\n".join(_line(where, path, cls, fault, hint) for fault in error.errors())) from None


def _line(where: str, path: tuple[str, ...], cls: type[BaseModel], fault: Any, hint: str) -> str:
    key = f"{where}: {'.'.join(str(part) for part in (*path, *fault['loc']))}"
    if fault["type"] == "extra_forbidden":
        return f"{key} = {fault['input']!r}: unknown key; known here: {', '.join(_keys(cls, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{key}: missing; {hint}"
    return f"{key} = {fault['input']!r}: {fault['msg'].removeprefix('Value error, ')}"


def _keys(cls: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys of the section that `path` leads to."""
    for name in path:
        fields = {field.alias or key: field.annotation for key, field in cls.model_fields.items()}
        inner = fields.get(name)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        cls = inner
    return [field.alias or key for key, field in cls.model_fields.items()]
