"""Section `data`: which recordings, at what rate, cropped to what size."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from pipeline.config.section import EachOnce, Flag, FramesPerSecond, Number, Section, Seed, Size, Text, Whole, refuse


def as_names(value: object) -> object:
    """Camera numbers typed without quotes arrive as integers."""
    if isinstance(value, list | tuple):
        return [str(item) if isinstance(item, int) and not isinstance(item, bool) and abs(item) < 10**18 else item for item in value]
    return value


def _is_file_name(name: str) -> bool:
    return name[:1].isalnum() and len(name) <= 100 and all(letter.isalnum() or letter in "_.-" for letter in name)


def _as_file_name(name: str) -> str:
    """Subjects and packs are names of files and folders, and words of the command of a stage."""
    if not _is_file_name(name):
        raise ValueError("expected letters, digits and `_.-` alone, the first a letter or a digit: it is the name of a file")
    return name


def _as_cameras(value: object) -> object:
    """`all`, or else a list of names; its message speaks of both."""
    names = as_names(value)
    if value == "all" or (isinstance(names, list | tuple) and all(isinstance(name, str) and _is_file_name(name) for name in names)):
        return names
    raise PydanticCustomError("cameras", "expected `all` or a list of camera numbers")


Name = Annotated[str, StringConstraints(max_length=100), AfterValidator(_as_file_name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_names)]
Cameras = Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(_as_cameras)]


class Exclusion(Section):
    """One sequence that is left out, and why."""

    sequence: Text = Field(pattern=r"^[^/]+/[^/]+$", description="`subject/file prefix`, as `S9/Waiting 1`")
    reason: Text = Field(description="why it is left out; `index` repeats it in its report")


class DataConfig(Section):
    """Section `data` of params.yaml."""

    kind: Literal["recordings"] = Field(description="what the data are: recordings by several cameras, with 3D poses")
    root: Text = Field(description="folder in the Human3.6M layout; `data/synthetic` is the built-in data")
    subjects: Annotated[Names, EachOnce] = Field(min_length=2, description="subjects to use, at least one for training and one for testing")
    test_subjects: Annotated[Names, EachOnce] = Field(min_length=1, description="those of `subjects` that are never trained on")
    cameras: Cameras = Field(description="`all`, or a list of camera numbers")
    fps: FramesPerSecond = Field(
        description="frames per second to keep of each video (the nearest whole divisor of its own rate); a slower one is refused"
    )
    frame_height: Whole = Field(ge=8, le=16384, description="stored frames are at most this high, px; larger ones are reduced")
    image_size: Size = Field(description="height and width of the crop around the person, px")
    margin: Number = Field(ge=0, lt=0.9, description="share of the crop that is left free around the person's joints")
    skip_bad: Flag = Field(description="leave out views that are missing, cannot be decoded or make no sense, and list them, instead of stopping")
    exclude: tuple[Exclusion, ...] = Field(description="sequences left out, each with its reason")

    @model_validator(mode="after")
    def _check(self) -> "DataConfig":
        for name in self.test_subjects:
            if name not in self.subjects:
                raise refuse("test_subjects", f"{name} is not one of subjects ({', '.join(self.subjects)})")
        if not self.train_subjects:
            raise refuse("test_subjects", "every subject is a test subject; leave at least one for training")
        if self.cameras != "all" and not self.cameras:
            raise refuse("cameras", "expected `all` or at least one camera number, found an empty list")
        return self

    @property
    def train_subjects(self) -> tuple[str, ...]:
        """The subjects that are trained on, in the order of `subjects`."""
        return tuple(name for name in self.subjects if name not in self.test_subjects)


class TwoPacks(Section):
    """Section `data` of recipes whose people are split by picture: two packs take the place of the subjects."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The packs: one of all people who are trained on, one of the others."""
        return *self.train_subjects, *self.test_subjects

    @property
    def train_subjects(self) -> tuple[str, ...]:
        """The pack that is trained on."""
        return ("train",)

    @property
    def test_subjects(self) -> tuple[str, ...]:
        """The pack that is scored."""
        return ("test",)


class SourcesConfig(Section):
    """How many pictures of the person a pair has."""

    train: Whole = Field(
        ge=1, le=8, description="pictures of the person of a training pair; a step takes one to all, pose.appearance and pose.head see them"
    )
    test: Whole = Field(ge=1, le=8, description="pictures of the person of a test pair; beside one source, 2, 4, 8 and all are scored")


class PairsConfig(Section):
    """Section `pairs` of params.yaml."""

    train: Whole = Field(ge=1, le=10**7, description="training pairs at most")
    test: Whole = Field(ge=1, le=10**7, description="test pairs at most")
    across_cameras: Flag = Field(description="source and target may be seen by different cameras")
    min_distance: Number = Field(
        ge=0, le=1e5, description="smallest mean distance of the joints of source and target, px of the crop; null: 1/32 of its height"
    )
    sources: SourcesConfig
    seed: Seed = Field(description="seed of the choice")
