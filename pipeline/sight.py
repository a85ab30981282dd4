"""What the networks see of two poses and the source image: the maps that `pose` in params.yaml asks for, one after the other."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline import appearance, relief
from pipeline.config.pose import MapConfig
from pipeline.networks.lifter import Lifter
from pipeline.pose_maps import Body, channels, draw_body, measure, part_layers
from pipeline.relief import Relief, raise_relief, relief_maps

Look = Literal["image", "parts", "placed"]


@dataclass(frozen=True)
class Sight:
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

    def look_at(self, image: Tensor, pose_2d_source: Tensor, label_source: Tensor, pose_2d_target: Tensor, label_target: Tensor) -> Tensor:
        """What the networks see of the person in source images (B, 3, H, W), for a target pose: (B, *look_size).

        Poses are (B, 17, 2) float32, px of the image, labels (B, 8).
        """
        size = image.shape[2], image.shape[3]
        return (
            image
            if self.look == "image"
            else self.examine(image, measure(pose_2d_source, size), label_source, measure(pose_2d_target, size), label_target)
        )

    @torch.no_grad()
    def examine(self, image: Tensor, source: Body, label_source: Tensor, target: Body, label_target: Tensor) -> Tensor:
        """`look_at` of bodies that are measured already."""
        if self.look == "image":
            return image
        shown = self._layers(source, label_source)[0]
        if self.look == "parts":
            return appearance.cut_parts(image, source, shown)
        placed = appearance.place_appearance(image, source, shown, target, self._layers(target, label_target))
        return F.avg_pool2d(placed, appearance.CROP_SHRINK)

    def maps(
        self, image: Tensor, pose_2d_source: Tensor, label_source: Tensor, pose_2d_target: Tensor, label_target: Tensor, size: tuple[int, int]
    ) -> Tensor:
        """Maps of source images (B, 3, H, W), poses (B, 17, 2) float32, px of images of `size` (height, width), and labels (B, 8)."""
        return self.draw(image, measure(pose_2d_source, size), label_source, measure(pose_2d_target, size), label_target)

    @torch.no_grad()
    def draw(self, image: Tensor, source: Body, label_source: Tensor, target: Body, label_target: Tensor) -> Tensor:
        """`maps` of bodies that are measured already, (B, channels, H, W) float32.

        First the source's colours, placed part by part, then the target's maps and relief, then those of the source.
        """
        bodies, labels = (target, source), (label_target, label_source)
        if not self.config.depth:
            labels = torch.zeros_like(label_target), torch.zeros_like(label_source)
        reliefs = [self._raise(body, label) for body, label in zip(bodies, labels, strict=True)] if self.config.lift else []
        drawn = []
        if self.config.appearance:
            layers, shown = [r[:2] for r in reliefs] or [part_layers(body, label) for body, label in zip(bodies, labels, strict=True)]
            drawn.append(appearance.place_appearance(image, source, shown[0], target, layers))
        for number in range(2 if self.config.source else 1):
            drawn.append(draw_body(bodies[number], labels[number], self.config.maps, self.config.heatmap_radius))
            drawn += [relief_maps(r) for r in reliefs[number : number + 1]]
        return torch.cat(drawn, dim=1)

    def _layers(self, body: Body, label: Tensor) -> tuple[Tensor, Tensor]:
        """The parts that are seen, and those beneath them, (B, H, W) each."""
        label = label if self.config.depth else torch.zeros_like(label)
        if not self.config.lift:
            return part_layers(body, label)
        seen, beneath, *_ = self._raise(body, label)
        return seen, beneath

    def _raise(self, body: Body, label: Tensor) -> Relief:
        assert self.lifter is not None
        return raise_relief(body, self.lifter(body.joint, label), label)
