"""Section `pose`: the Three-Layer Pose Space and what is drawn of it."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from pipeline.config.section import MOST_SIDE, EachOnce, Flag, Number, Section

Millimetres = Annotated[Number, Field(ge=1, le=2000)]
MapKind = Literal["rgb", "limbs", "parts", "heatmaps"]
Background = Literal["none", "source", "plate"]


class LimbRadius(Section):
    """Radius of each kind of limb, mm."""

    thigh: Millimetres = Field(description="radius of a thigh, mm")
    calf: Millimetres = Field(description="radius of a calf, mm")
    upper_arm: Millimetres = Field(description="radius of an upper arm, mm")
    forearm: Millimetres = Field(description="radius of a forearm, mm")


class MapConfig(Section):
    """What the networks see of a pose: the part of section `pose` that a trained network keeps beside its weights."""

    kind: ClassVar[Literal["bodies"]] = "bodies"  # what the poses are of

    depth: Flag = Field(description="`false` makes every label 0: the 2D baseline")
    maps: Annotated[tuple[MapKind, ...], EachOnce] = Field(
        min_length=1, description=f"what the networks see of a pose: {', '.join(f'`{kind}`' for kind in get_args(MapKind))}"
    )
    appearance: Flag = Field(description="G1 also gets the source, warped part by part to where the target pose shows the parts")
    lift: Flag = Field(description="the depth of the joints is inferred from pose and labels: it orders the warped parts, and is a map itself")
    source: Flag = Field(description="the source pose is part of the input, too")
    background: Background = Field(
        description="what G1 is told of the target's background: `none`; what the `source` shows of it, where one camera took both; or "
        "a `plate`: what the camera shows in the median without the person, else the source"
    )
    head: Flag = Field(description="G1 paints the head once more, at about twice the size, beside the source's head")
    heatmap_radius: Number = Field(ge=0.5, le=MOST_SIDE, description="radius of a joint's disc in `heatmaps`, px; null: 1/32 of the image's height")

    @property
    def of_the_target(self) -> "MapConfig":
        """Without what is drawn of the source."""
        return self.model_copy(update={"source": False, "appearance": False, "background": "none", "head": False})


class PoseConfig(MapConfig):
    """Section `pose` of params.yaml."""

    torso_thickness: Millimetres = Field(description="full thickness of the torso, mm; inside it a limb is neither before nor behind")
    limb_radius: LimbRadius

    @property
    def map_config(self) -> MapConfig:
        """The part that the networks see."""
        return MapConfig(**{name: getattr(self, name) for name in MapConfig.model_fields})

    @property
    def rule(self) -> dict[str, Any]:
        """What labels go by: `torso_thickness` and `limb_radius`, as JSON has them."""
        return self.model_dump(mode="json", include={"torso_thickness", "limb_radius"})
