"""Sections of a recipe that paints faces: where the pictures are, what is drawn of a face, and the built-in heads."""

from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from pipeline.config.data import TwoPacks
from pipeline.config.section import MOST_SIDE, EachOnce, Flag, Number, PictureSize, Section, Seed, Size, TestShare, Text, Whole

BUILT_IN = PurePosixPath("recipes/faces/data/fei")  # where the built-in faces go
BUILT_IN_VIEWS = {f"{number:02d}" for number in range(1, 11)}
FaceMapKind = Literal["heatmaps", "edges"]
Stretch = Annotated[Number, Field(ge=0.01, le=100)]
ViewNumber = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-4])$")]


class FaceDataConfig(TwoPacks):
    """Section `data` of a recipe that paints faces."""

    kind: Literal["faces"] = Field(description="what the data are: FEI's pictures, with landmarks")
    root: Text = Field(description="folder with FEI's pictures, `<person>-<view>.jpg`, and their landmarks")
    predictor: Text | None = Field(description="dlib's file of a 68-landmark predictor, for pictures without a file of landmarks, or null")
    views: Annotated[tuple[ViewNumber, ...], EachOnce] = Field(
        min_length=2, description="FEI's numbers of the views to use; `01` to `10` are the ten angles"
    )
    test_share: TestShare = Field(description="share of the people that are never trained on")
    seed: Seed = Field(description="seed of the choice of these people")
    image_size: Size = Field(description="height and width of the images, px; pictures are cut to these proportions")


class FaceMapConfig(Section):
    """Section `pose` of a recipe that paints faces: what the networks see of a face, kept beside the weights of a trained one."""

    kind: ClassVar[Literal["faces"]] = "faces"  # what the poses are of
    lift: ClassVar[Literal[False]] = False  # a face has no limbs whose depth could be inferred

    maps: Annotated[tuple[FaceMapKind, ...], EachOnce] = Field(
        min_length=1, description="`heatmaps`: a disc per landmark; `edges`: the picture's contours, of an edge detector, which need no landmarks"
    )
    appearance: Flag = Field(description="G1 also gets the source, turned as an average head would turn from its landmarks to the target's")
    source: Flag = Field(description="the source's landmarks (or edges) are part of the input, too")
    heatmap_radius: Number = Field(
        ge=0.5, le=MOST_SIDE, description="radius of a landmark's disc in `heatmaps`, px; null: 1/32 of the image's height"
    )
    mask: Literal["ellipse", "polygon"] = Field(
        description="where errors count twice: an `ellipse` around the landmarks' box, or the `polygon` of jaw and brows"
    )
    ellipse: tuple[Stretch, Stretch] = Field(description="width and height of the ellipse, shares of the landmarks' box")

    @property
    def of_the_target(self) -> "FaceMapConfig":
        """Without what is drawn of the source."""
        return self.model_copy(update={"source": False, "appearance": False})


class FacesConfig(Section):
    """Section `faces`: the built-in faces."""

    seed: Seed = Field(description="seed of people and views")
    people: Whole = Field(ge=2, le=10**6, description="people to invent")
    picture_size: PictureSize = Field(description="height and width of the pictures, px; FEI's are 480 x 640")
