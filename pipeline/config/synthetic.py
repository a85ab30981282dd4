"""Section `synthetic`: the built-in data."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from pipeline.config.data import Names
from pipeline.config.section import Section


class SyntheticConfig(Section):
    """Section `synthetic` of params.yaml."""

    seed: NonNegativeInt = Field(description="seed of people, clothes, cameras and motion")
    subjects: Names = Field(min_length=1, description="subjects to invent")
    sequences: int = Field(ge=1, le=30, description="sequences per subject, each with another invented person")
    seconds: float = Field(ge=0.1, description="length of a sequence, s")
    video_size: PositiveInt = Field(multiple_of=16, description="height and width of the videos, px, a multiple of 16")
    crf: int = Field(ge=0, le=51, description="constant rate factor of H.264: smaller is better and larger")
    twin_subjects: Names = Field(description="subjects whose frames get twins (one limb mirrored in depth)")
    twin_fps: PositiveFloat = Field(description="frames per second and view for which twins are sought")

    @field_validator("subjects")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        allowed = [f"S{number}" for number in range(1, 12)]
        for name in names:
            if name not in allowed:
                raise ValueError(f"{name} is not one of {', '.join(allowed)} (the layout has room for eleven subjects)")
        return names
