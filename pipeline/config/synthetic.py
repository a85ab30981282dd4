"""Section `synthetic`: the built-in data."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from pipeline.config.data import Names
from pipeline.config.section import EachOnce, FramesPerSecond, Number, Section, Seed, Whole, refuse


class SyntheticConfig(Section):
    """Section `synthetic` of params.yaml."""

    seed: Seed = Field(description="seed of people, clothes, cameras and motion")
    subjects: Annotated[Names, EachOnce] = Field(min_length=1, description="subjects to invent")
    sequences: Whole = Field(ge=1, le=30, description="sequences per subject, each with another invented person")
    seconds: Number = Field(ge=0.1, le=3600, description="length of a sequence, s")
    fps: FramesPerSecond = Field(description="frames per second of videos and poses, all of which are rendered; `data.fps` keeps some of them")
    video_size: Whole = Field(ge=64, le=4096, multiple_of=16, description="height and width of the videos, px, a multiple of 16")
    crf: Whole = Field(ge=0, le=51, description="constant rate factor of H.264: smaller is better and larger")
    twin_subjects: Annotated[Names, EachOnce] = Field(description="subjects whose frames get twins (one limb mirrored in depth)")
    twin_fps: FramesPerSecond = Field(description="frames per second and view for which twins are sought")

    @property
    def frames(self) -> int:
        """Frames of a sequence, at least one."""
        return max(1, round(self.seconds * self.fps))

    @field_validator("subjects")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        allowed = [f"S{number}" for number in range(1, 12)]
        for name in names:
            if name not in allowed:
                raise ValueError(f"{name} is not one of {', '.join(allowed)} (the layout has room for eleven subjects)")
        return names

    @model_validator(mode="after")
    def _twins_of_somebody(self) -> "SyntheticConfig":
        for name in self.twin_subjects:
            if name not in self.subjects:
                raise refuse("twin_subjects", f"{name} is not one of subjects ({', '.join(self.subjects)})")
        return self
