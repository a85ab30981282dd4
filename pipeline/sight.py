"""What the networks see of two poses and the source image: the maps that `pose` in params.yaml asks for, one after the other."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pipeline import appearance, relief
from pipeline.config.pose import MapConfig
from pipeline.networks.lifter import Lifter
from pipeline.pose_maps import Body, channels, draw_body, measure, part_layers
from pipeline.relief import Relief, raise_relief, relief_maps

Look = Literal["image", "parts"]


@dataclass(frozen=True)
class Sight:
    """The kinds of map, with `pose.lift` the lifter that gives joints their depth, and how the networks look at the source's person.

    look : the whole `image`, or crops of its `parts` (`appearance.cut_parts`)
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
        return appearance.crop_size(image_size) if self.look == "parts" else (3, *image_size)

    def look_at(self, image: Tensor, pose_2d: Tensor, label: Tensor) -> Tensor:
        """What the networks see of the person in images (B, 3, H, W) with poses (B, 17, 2) float32, px, and labels (B, 8): (B, *look_size)."""
        return image if self.look == "image" else self.examine(image, measure(pose_2d, (image.shape[2], image.shape[3])), label)

    @torch.no_grad()
    def examine(self, image: Tensor, body: Body, label: Tensor) -> Tensor:
        """`look_at` of bodies that are measured already."""
        if self.look == "image":
            return image
        label = label if self.config.depth else torch.zeros_like(label)
        shown = self._raise(body, label)[0] if self.config.lift else part_layers(body, label)[0]
        return appearance.cut_parts(image, body, shown)

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

    def _raise(self, body: Body, label: Tensor) -> Relief:
        assert self.lifter is not None
        return raise_relief(body, self.lifter(body.joint, label), label)
