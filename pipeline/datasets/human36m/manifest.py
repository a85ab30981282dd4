"""Manifests, read again: what `index` wrote, or a word about what else is in them."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.datasets.human36m.names import name_fault, path_fault, text_fault
from pipeline.utils.errors import MachineError, UserError, shown
from pipeline.utils.files import read_json
from pipeline.utils.numbers import MOST_MM


def _rule(fault: Callable[[str], str | None]) -> AfterValidator:
    def check(text: str) -> str:
        reason = fault(text)
        if reason:
            raise ValueError(reason)
        return text

    return AfterValidator(check)


Name = Annotated[str, _rule(name_fault)]
Text = Annotated[str, _rule(text_fault)]
PathBelow = Annotated[str, _rule(path_fault)]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Rate = Annotated[float, Field(gt=0, le=1e6)]
Side = Annotated[int, Field(ge=1, le=32_767)]  # px
Count = Annotated[int, Field(ge=0, lt=2**31)]
Number = Annotated[float, Field(ge=-MOST_MM, le=MOST_MM)]
Row = Annotated[list[Number], Field(min_length=3, max_length=3)]
Matrix = Annotated[list[Row], Field(min_length=3, max_length=3)]


class _Entry(BaseModel):
    """Values are taken as JSON has them; keys that nobody reads are let through."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _File(_Entry):
    path: PathBelow
    sha256: Hash


class _LeftOut(_Entry):
    sequence: str
    camera: str | None
    reason: str


class _Video(_File):
    sequence: Name
    action: Text
    camera: Name
    fps: Rate
    width: Side
    height: Side
    frames: Count
    poses: Count


class _Calibration(_Entry):
    K: Matrix
    distortion: Annotated[list[Number], Field(min_length=5, max_length=5)]
    R: Matrix
    T: Row


class _View(_Entry):
    camera: Name
    fps: Rate
    width: Side
    height: Side
    calibration: _Calibration
    path: PathBelow | None = None
    sha256: Hash | None = None


class _Sequence(_Entry):
    sequence: Name
    action: Text
    subaction: Count
    identity: Text
    poses: Count
    space: Literal["world", "camera"]
    path: PathBelow | None = None
    sha256: Hash | None = None
    views: list[_View]

    @model_validator(mode="after")
    def _has_files(self) -> "_Sequence":
        """Poses stand in one file of the world's frame, or in one of each camera's."""
        for entry in [self] if self.space == "world" else self.views:
            if entry.path is None or entry.sha256 is None:
                raise ValueError(f"expected path and sha256 of the poses in the {self.space}'s frame")
        return self


class _Videos(_Entry):
    subject: Name
    videos: list[_Video]
    left_out: list[_LeftOut]


class _Poses(_Entry):
    subject: Name
    sequences: list[_Sequence]
    truth: _File | None
    left_out: list[_LeftOut]


def read_videos(folder: Path, subject: str) -> dict[str, Any]:
    """`<subject>.videos.json`, as it stands there; raise UserError where it is missing, damaged or another subject's, or names a view twice."""
    path = folder / f"{subject}.videos.json"
    values = _read(_Videos, path, subject)
    _check_once(path, [(video["sequence"], video["camera"]) for video in values["videos"]])
    return values


def read_poses(folder: Path, subject: str) -> dict[str, Any]:
    """`<subject>.poses.json`, in the same way."""
    path = folder / f"{subject}.poses.json"
    values = _read(_Poses, path, subject)
    _check_once(path, [(sequence["sequence"], view["camera"]) for sequence in values["sequences"] for view in sequence["views"]])
    _check_once(path, [(sequence["sequence"],) for sequence in values["sequences"]])
    return values


def _read(kind: type[_Entry], path: Path, subject: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = read_json(path)
        found = kind.model_validate(values).model_dump(include={"subject"})["subject"]
    except MachineError:
        raise
    except UserError as error:
        raise UserError(f"{error}; run the stage `index` again") from None
    except ValidationError as error:
        raise UserError(f"{path}: {_fault(error)}; run the stage `index` again") from None
    if found != subject:
        raise UserError(f"{path}: expected the manifest of {subject}, found that of {found}; run the stage `index` again")
    return values


def _fault(error: ValidationError) -> str:
    """The first of its faults: where, what was found, and what is wrong with it."""
    fault = error.errors(include_url=False)[0]
    key, found = ".".join(map(str, fault["loc"])), fault["input"]
    if fault["type"] == "missing":
        return f"{key}: missing"
    if not key:
        return f"expected a manifest, found {type(found).__name__}"
    value = "" if isinstance(found, dict) else f" = {shown(str(found))}"
    return f"{key}{value}: {fault['msg'].removeprefix('Value error, ')}"


def _check_once(path: Path, names: list[tuple[str, ...]]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(f"{path}: expected {', camera '.join(name)} once, found it {count} times; run the stage `index` again")
