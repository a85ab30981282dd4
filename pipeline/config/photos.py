"""Sections of a recipe that paints people in photographs: where the pictures and the field's files about them are, and the built-in photos."""

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from pipeline.config.data import PairsConfig, TwoPacks
from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import Section
from pipeline.config.train import TrainG1Config, TrainG2Config


class PhotoDataConfig(TwoPacks):
    """Section `data` of a recipe that paints people in photographs."""

    root: str = Field(min_length=1, description="folder with the pictures, itself or in its folders `train` and `test`, and the files below")
    annotations: tuple[str, ...] = Field(min_length=1, description="files of keypoints in `data.root`, `name:keypoints_y:keypoints_x`")
    depth: str | None = Field(
        description="file of depth labels in `data.root` (`.csv`), or of 3D poses that are labelled by the rule (`.npz`), or null"
    )
    labelled_only: bool = Field(description="leave out pictures without depth labels; otherwise their limbs count as level with the torso")
    train_list: str | None = Field(description="list of the pictures that are trained on, in `data.root`, or null: people are split by `data.seed`")
    test_list: str | None = Field(description="list of the pictures that are scored, in `data.root`, or null")
    test_pairs: str | None = Field(
        description="file of the pairs that are scored, `from,to`, in `data.root`, or null: they are chosen as those of training"
    )
    test_share: float = Field(gt=0, lt=1, description="without lists: share of the people that are never trained on")
    seed: NonNegativeInt = Field(description="without lists: seed of the choice of these people")
    image_size: tuple[PositiveInt, PositiveInt] = Field(description="height and width of the images, px; pictures are cut to these proportions")

    @model_validator(mode="after")
    def _both_lists(self) -> "PhotoDataConfig":
        if (self.train_list is None) != (self.test_list is None):
            raise ValueError("train_list, test_list: expected both or none, found one")
        return self


class PhotosConfig(Section):
    """Section `photos`: the built-in photos."""

    seed: NonNegativeInt = Field(description="seed of people, poses and views")
    people: int = Field(ge=2, description="people to invent")
    pictures: int = Field(ge=2, description="pictures of each of them")
    picture_size: PositiveInt = Field(description="height and width of the pictures, px")
    test_share: float = Field(gt=0, lt=1, description="share of the people in the list of those who are scored")


class PhotoParams(Section):
    """The whole of params.yaml of a recipe that paints people in photographs."""

    data: PhotoDataConfig
    photos: PhotosConfig
    pose: PoseConfig
    pairs: PairsConfig
    model: ModelConfig
    train_g1: TrainG1Config
    train_g2: TrainG2Config
    evaluate: EvaluateConfig
    parallel: ParallelConfig

    @model_validator(mode="after")
    def _without_3d(self) -> "PhotoParams":
        if self.pose.lift:
            raise ValueError("pose.lift = True: photographs have no 3D that a lifter could learn from; expected false")
        for name, section in (("train_g1", self.train_g1), ("train_g2", self.train_g2)):
            if section.order:
                raise ValueError(f"{name}.order = {section.order:g}: photographs have no twins to learn it from; expected 0")
        return self
