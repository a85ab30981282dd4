"""Sections of the recipe that trains the pose estimator."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipeline.config.data import as_names
from pipeline.config.section import BatchSize, EachOnce, Flag, Number, Section, Share, StepsOrNone, Text, Threads, Whole, as_whole, refuse
from pipeline.config.train import LoopConfig

COARSEST = 32  # px of the image per cell of the coarsest features
Backbone = Literal["vgg", "mobilenet"]


def _as_pack(name: str) -> str:
    if name.startswith(".") or "/" in name:
        raise ValueError("expected the name of a pack in data.packed, without its folder")
    return name


PackNames = Annotated[tuple[Annotated[Text, AfterValidator(_as_pack)], ...], BeforeValidator(as_names)]


class PoseDataConfig(Section):
    """Section `data` of the recipe that trains the pose estimator."""

    kind: Literal["keypoints"] = Field(description="what the data are: packs of pictures, with keypoints")
    packed: Text = Field(description="folder of packs, as `pack`, `pack_photos` or `pose25d pack-coco` writes them")
    train_subjects: Annotated[PackNames, EachOnce] = Field(min_length=1, description="packs that are trained on")
    test_subjects: Annotated[PackNames, EachOnce] = Field(min_length=1, description="packs that are scored")

    @model_validator(mode="after")
    def _apart(self) -> "PoseDataConfig":
        both = sorted(set(self.train_subjects) & set(self.test_subjects))
        if both:
            raise refuse("test_subjects", f"{both[0]} is trained on, too; scores would not be of unseen people")
        return self


class PoseNetConfig(Section):
    """Section `pose_net`: the networks, one per backbone."""

    backbones: Annotated[tuple[Backbone, ...], EachOnce] = Field(
        min_length=1, description="`mobilenet`, `vgg` or both: each is trained, exported and scored"
    )
    width: Number = Field(ge=0.01, le=16, description="share of the published numbers of channels")
    stages: Whole = Field(ge=0, le=100, description="stages after the first, each of which refines the maps of the one before")
    stride: Annotated[Literal[4, 8], BeforeValidator(as_whole)] = Field(description="px of the image per cell of the maps")
    sigma: Number = Field(ge=0.5, le=1000, description="of the Gaussian around a joint, px")


class CloseUpConfig(Section):
    """Section `train_pose.close_ups`: steps before those of `train_pose.steps` that see heads and shoulders alone."""

    steps: StepsOrNone = Field(description="steps on close-ups of heads and shoulders, before those on whole crops: who is seen from behind?")
    images: Whole = Field(ge=1, le=1000, description="their images per step, times those of `train_pose.batch_size`")
    side: Whole = Field(ge=8, le=1024, multiple_of=8, description="their height and width, px, a multiple of 8")


class LongerConfig(Section):
    """Section `train_pose.longer`: a light network makes more steps in the same time, and needs them."""

    mobilenet: Whole = Field(ge=1, le=1000, description="how many times `train_pose.steps` the MobileNet is trained on whole crops")
    vgg: Whole = Field(ge=1, le=1000, description="how many times `train_pose.steps` the VGG is trained on whole crops")


class TrainPoseConfig(LoopConfig):
    """Section `train_pose`."""

    close_ups: CloseUpConfig
    longer: LongerConfig
    flip: Flag = Field(description="mirror half of the images left to right")
    turn: Number = Field(ge=0, le=180, description="turn the images by up to this many degrees, either way")
    zoom: Number = Field(ge=1, le=10, description="enlarge or reduce them by up to this factor")
    shift: Number = Field(ge=0, lt=1, description="shift them by up to this share of their width and height")
    light: Number = Field(ge=0, lt=1, description="change brightness and contrast by up to this share")
    two_people: Share = Field(description="share of the steps whose images show two people side by side")


class EvaluatePoseConfig(Section):
    """Section `evaluate_pose`."""

    images: Whole = Field(ge=1, le=10**7, description="images that are scored at most, spread over the test subjects")
    pairs: Whole = Field(ge=1, le=10**6, description="images of two people side by side that are scored")
    batch_size: BatchSize = Field(description="images that are looked at at a time")
    threads: Threads = Field(description="CPU threads; fixed, because the number changes the last bits, and times depend on it")
    samples: Whole = Field(ge=1, le=1000, description="images in the grid of samples")
