"""Section `data`: which recordings, at what rate, cropped to what size."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pipeline.config.section import EachOnce, Section


def _as_names(value: object) -> object:
    """Camera numbers typed without quotes arrive as integers."""
    return [str(item) for item in value] if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class Exclusion(Section):
    """One sequence that is left out, and why."""

    sequence: str = Field(pattern=r"^[^/]+/[^/]+$", description="`subject/file prefix`, as `S9/Waiting 1`")
    reason: str = Field(min_length=1, description="why it is left out; `index` repeats it in its report")


class DataConfig(Section):
    """Section `data` of params.yaml."""

    root: str = Field(min_length=1, description="folder in the Human3.6M layout; `data/synthetic` is the built-in data")
    subjects: Annotated[Names, EachOnce] = Field(min_length=2, description="subjects to use, at least one for training and one for testing")
    test_subjects: Annotated[Names, EachOnce] = Field(min_length=1, description="those of `subjects` that are never trained on")
    cameras: Literal["all"] | Names = Field(description="`all`, or a list of camera numbers")
    fps: PositiveFloat = Field(description="frames per second to keep of each video (the nearest whole divisor of its own rate)")
    frame_height: PositiveInt = Field(description="stored frames are at most this high, px; larger ones are reduced")
    image_size: tuple[PositiveInt, PositiveInt] = Field(description="height and width of the crop around the person, px")
    margin: float = Field(ge=0, lt=0.9, description="share of the crop that is left free around the person's joints")
    skip_bad: bool = Field(description="leave out views that are missing or cannot be decoded, and list them, instead of stopping")
    exclude: tuple[Exclusion, ...] = Field(description="sequences left out, each with its reason")

    @model_validator(mode="after")
    def _check(self) -> "DataConfig":
        for name in self.test_subjects:
            if name not in self.subjects:
                raise ValueError(f"test_subjects: {name} is not one of subjects ({', '.join(self.subjects)})")
        if not self.train_subjects:
            raise ValueError("test_subjects: every subject is a test subject; leave at least one for training")
        if self.cameras != "all" and not self.cameras:
            raise ValueError("cameras: expected `all` or at least one camera number, found an empty list")
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


class PairsConfig(Section):
    """Section `pairs` of params.yaml."""

    train: PositiveInt = Field(description="training pairs at most")
    test: PositiveInt = Field(description="test pairs at most")
    across_cameras: bool = Field(description="source and target may be seen by different cameras")
    min_distance: float = Field(ge=0, description="smallest mean distance of the joints of source and target, px of the crop")
    seed: NonNegativeInt = Field(description="seed of the choice")
