"""What the networks see of two poses and the source image: the maps that `pose` in params.yaml asks for, one after the other.

Training, painting and scoring know poses by `Sight` alone; here is that of bodies, in `faces/sight.py` that of faces.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline import appearance, relief
from pipeline.config.faces import FaceMapConfig
from pipeline.config.pose import MapConfig
from pipeline.networks.lifter import Lifter
from pipeline.pose_maps import Body, channels, draw_body, heed_labels, mask_body, measure, overlap_of, part_layers
from pipeline.relief import Relief, raise_relief, relief_maps

Look = Literal["image", "parts", "placed"]


class Seen(NamedTuple):
    """What the networks see: a look at the source's person, (B, *Sight.look_size), and maps, (B, Sight.channels, H, W) float32."""

    look: Tensor
    maps: Tensor


class Sight(Protocol):
    """How poses become what networks see. Poses are (B, J, 2) float32, px; labels (B, L), of as many limbs as the joint set has.

    config : what is seen of the section `pose`; lifter : of bodies with `pose.lift`; look : how the networks look at the source's person
    """

    @property
    def config(self) -> MapConfig | FaceMapConfig:
        """What is seen of the section `pose`."""

    @property
    def lifter(self) -> Lifter | None:
        """What gives joints their depth, if anything does."""

    @property
    def look(self) -> Look:
        """How the networks look at the source's person."""

    @property
    def channels(self) -> int:
        """Channels of the maps."""

    @property
    def placed(self) -> bool:
        """Whether the first maps are the source's colours, placed where the target shows the parts."""

    @property
    def depth(self) -> bool:
        """Whether labels are seen."""

    def look_size(self, image_size: tuple[int, int]) -> tuple[int, int, int]:
        """Channels, height and width of a look at an image of this height and width."""

    def measure(self, pose_2d: Tensor, size: tuple[int, int]) -> Any:
        """What `see` and the masks need of poses in images of `size` (height, width); missing joints are NaN."""

    def see(self, image: Tensor, source: Any, label_source: Tensor, target: Any, label_target: Tensor, target_image: Tensor | None = None) -> Seen:
        """What is seen of source images (B, 3, H, W) and measured poses; target_image : for kinds of map that are made of it."""

    def mask(self, measured: Any) -> Tensor:
        """Where errors count twice, (B, 1, H, W) float32, 0 or 1."""

    def overlap(self, measured: Any) -> Tensor:
        """Where limbs overlap the torso or each other, (B, 1, H, W) float32, 0 or 1."""


def observe(
    sight: Sight,
    image: Tensor,
    pose_2d_source: Tensor,
    label_source: Tensor,
    pose_2d_target: Tensor,
    label_target: Tensor,
    size: tuple[int, int],
    target_image: Tensor | None = None,
) -> Seen:
    """`Sight.see` of poses that are not measured yet."""
    return sight.see(image, sight.measure(pose_2d_source, size), label_source, sight.measure(pose_2d_target, size), label_target, target_image)


@dataclass(frozen=True)
class BodySight:
    """The kinds of map, with `pose.lift` the lifter that gives joints their depth, and how the networks look at the source's person.

    look : the whole `image`; crops of its `parts` (`appearance.cut_parts`); or its colours `placed` where the target shows the parts
    (`appearance.place_appearance`), a quarter as high and wide
    """

    config: MapConfig
    lifter: Lifter | None
    look: Look = "image"

    def __post_init__(self) -> None:
        if self.config.lift != (self.lifter is not None):
            raise ValueError(f"lift = {self.config.lift}: expected {'a' if self.config.lift else 'no'} lifter")

    @property
    def placed(self) -> bool:
        """As `Sight` says."""
        return self.config.appearance

    @property
    def depth(self) -> bool:
        """As `Sight` says."""
        return self.config.depth

    @property
    def channels(self) -> int:
        """Channels of the maps."""
        looks = 2 if self.config.source else 1
        each = channels(self.config.maps) + (relief.CHANNELS if self.config.lift else 0)
        return each * looks + (appearance.CHANNELS if self.config.appearance else 0)

    def look_size(self, image_size: tuple[int, int]) -> tuple[int, int, int]:
        """Channels, height and width of a look at an image of this height and width."""
        if self.look == "image":
            return 3, *image_size
        channels, height, width = appearance.crop_size(image_size)
        return (channels if self.look == "parts" else appearance.CHANNELS), height, width

    def measure(self, pose_2d: Tensor, size: tuple[int, int]) -> Body:
        """As `Sight` says."""
        return measure(pose_2d, size)

    def mask(self, measured: Body) -> Tensor:
        """As `Sight` says: the whole body, a little widened."""
        return mask_body(measured)

    def overlap(self, measured: Body) -> Tensor:
        """As `Sight` says."""
        return overlap_of(measured)

    @torch.no_grad()
    def see(self, image: Tensor, source: Body, label_source: Tensor, target: Body, label_target: Tensor, _target_image: Tensor | None = None) -> Seen:
        """As `Sight` says; no map of a body is made of the target image."""
        views = [
            _View(body, heed_labels(body, label) if self.config.depth else torch.zeros_like(label), self.lifter)
            for body, label in ((source, label_source), (target, label_target))
        ]
        return Seen(self._look(image, *views), self._draw(image, *views))

    def _look(self, image: Tensor, source: "_View", target: "_View") -> Tensor:
        """The look at the source's person."""
        if self.look == "image":
            return image
        if self.look == "parts":
            return appearance.cut_parts(image, source.body, source.layers[0])
        placed = appearance.place_appearance(image, source.body, source.layers[0], target.body, target.layers)
        return F.avg_pool2d(placed, appearance.CROP_SHRINK)

    def _draw(self, image: Tensor, source: "_View", target: "_View") -> Tensor:
        """The maps: first the source's colours, placed part by part, then the target's maps and relief, then those of the source."""
        drawn = []
        if self.config.appearance:
            drawn.append(appearance.place_appearance(image, source.body, source.layers[0], target.body, target.layers))
        for view in (target, source)[: 2 if self.config.source else 1]:
            drawn.append(draw_body(view.body, view.label, self.config.maps, self.config.heatmap_radius))
            if self.config.lift:
                drawn.append(relief_maps(view.relief))
        return torch.cat(drawn, dim=1)


@dataclass(frozen=True)
class _View:
    """A body and its labels, as far as the networks know them; what follows from them is worked out once, where it is asked for."""

    body: Body
    label: Tensor
    lifter: Lifter | None

    @cached_property
    def relief(self) -> Relief:
        """The body in relief; only with a lifter."""
        assert self.lifter is not None
        return raise_relief(self.body, self.lifter(self.body.joint, self.label), self.label)

    @cached_property
    def layers(self) -> tuple[Tensor, Tensor]:
        """The parts that are seen, and those beneath them, (B, H, W) each."""
        return part_layers(self.body, self.label) if self.lifter is None else self.relief[:2]
