"""Sections of a recipe that paints people in photographs: where the pictures and the field's files about them are, and the built-in photos."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.data import TwoPacks
from pipeline.config.section import EachOnce, Flag, PictureSide, Section, Seed, Size, TestShare, Text, Whole, refuse


class PhotoDataConfig(TwoPacks):
    """Section `data` of a recipe that paints people in photographs."""

    kind: Literal["photos"] = Field(description="what the data are: photographs, with keypoints")
    root: Text = Field(description="folder with the pictures, itself or in its folders `train` and `test`, and the files below")
    annotations: Annotated[tuple[Text, ...], EachOnce] = Field(
        min_length=1, description="files of keypoints in `data.root`, `name:keypoints_y:keypoints_x`"
    )
    labels: Text | None = Field(
        description="file of depth labels in `data.root` (`.csv`), or of 3D poses that are labelled by the rule (`.npz`), or null"
    )
    labelled_only: Flag = Field(description="leave out pictures without depth labels; otherwise their limbs count as level with the torso")
    train_list: Text | None = Field(description="list of the pictures that are trained on, in `data.root`, or null: people are split by `data.seed`")
    test_list: Text | None = Field(description="list of the pictures that are scored, in `data.root`, or null")
    test_pairs: Text | None = Field(
        description="file of the pairs that are scored, `from,to`, in `data.root`, or null: they are chosen as those of training"
    )
    test_share: TestShare = Field(description="without lists: share of the people that are never trained on")
    seed: Seed = Field(description="without lists: seed of the choice of these people")
    image_size: Size = Field(description="height and width of the images, px; pictures are cut to these proportions")

    @model_validator(mode="after")
    def _both_lists(self) -> "PhotoDataConfig":
        if (self.train_list is None) != (self.test_list is None):
            raise refuse("train_list", "train_list, test_list: expected both or none, found one")
        return self


class PhotosConfig(Section):
    """Section `photos`: the built-in photos."""

    seed: Seed = Field(description="seed of people, poses and views")
    people: Whole = Field(ge=2, le=10**6, description="people to invent")
    pictures: Whole = Field(ge=2, le=1000, description="pictures of each of them")
    picture_size: PictureSide = Field(description="height and width of the pictures, px")
    test_share: TestShare = Field(description="share of the people in the list of those who are scored")
