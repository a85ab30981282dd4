"""Sections of a recipe that paints faces: where the pictures are, what is drawn of a face, and the built-in heads."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, StringConstraints, model_validator

from pipeline.config.data import PairsConfig, TwoPacks
from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import EachOnce, Section
from pipeline.config.train import TrainG1Config, TrainG2Config

FaceMapKind = Literal["heatmaps", "edges"]
View = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-4])$")]


class FaceDataConfig(TwoPacks):
    """Section `data` of a recipe that paints faces."""

    root: str = Field(min_length=1, description="folder with FEI's pictures, `<person>-<view>.jpg`, and their landmarks")
    predictor: str | None = Field(description="dlib's file of a 68-landmark predictor, for pictures without a file of landmarks, or null")
    views: Annotated[tuple[View, ...], EachOnce] = Field(
        min_length=2, description="FEI's numbers of the views to use; `01` to `10` are the ten angles"
    )
    test_share: float = Field(gt=0, lt=1, description="share of the people that are never trained on")
    seed: NonNegativeInt = Field(description="seed of the choice of these people")
    image_size: tuple[PositiveInt, PositiveInt] = Field(description="height and width of the images, px; pictures are cut to these proportions")


class FaceMapConfig(Section):
    """Section `pose` of a recipe that paints faces: what the networks see of a face, kept beside the weights of a trained one."""

    maps: Annotated[tuple[FaceMapKind, ...], EachOnce] = Field(
        min_length=1, description="`heatmaps`: a disc per landmark; `edges`: the picture's contours, of an edge detector, which need no landmarks"
    )
    source: bool = Field(description="the source's landmarks (or edges) are part of the input, too")
    heatmap_radius: PositiveFloat = Field(description="radius of a landmark's disc in `heatmaps`, px")
    mask: Literal["ellipse", "polygon"] = Field(
        description="where errors count twice: an `ellipse` around the landmarks' box, or the `polygon` of jaw and brows"
    )
    ellipse: tuple[PositiveFloat, PositiveFloat] = Field(description="width and height of the ellipse, shares of the landmarks' box")


class FacesConfig(Section):
    """Section `faces`: the built-in faces."""

    seed: NonNegativeInt = Field(description="seed of people and views")
    people: int = Field(ge=2, description="people to invent")
    picture_size: tuple[PositiveInt, PositiveInt] = Field(description="height and width of the pictures, px; FEI's are 480 x 640")


class FaceParams(Section):
    """The whole of params.yaml of a recipe that paints faces."""

    data: FaceDataConfig
    faces: FacesConfig
    pose: FaceMapConfig
    pairs: PairsConfig
    model: ModelConfig
    train_g1: TrainG1Config
    train_g2: TrainG2Config
    evaluate: EvaluateConfig
    parallel: ParallelConfig

    @model_validator(mode="after")
    def _without_limbs(self) -> "FaceParams":
        for name, section in (("train_g1", self.train_g1), ("train_g2", self.train_g2)):
            if section.twins or section.order:
                raise ValueError(f"{name}.twins, {name}.order: a face has no limbs whose order could be learned; expected false and 0")
        if self.model.generator == "vunet" and self.model.vunet.look != "image":
            raise ValueError(f"model.vunet.look = {self.model.vunet.look}: a face has no body parts; expected image")
        return self
