"""What the networks see of two poses and the source image: the maps that `pose` in params.yaml asks for, one after the other."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline import appearance, relief
from pipeline.config.pose import MapConfig
from pipeline.networks.lifter import Lifter
from pipeline.pose_maps import Body, channels, draw_body, measure, part_layers
from pipeline.relief import Relief, raise_relief, relief_maps


@dataclass(frozen=True)
class Sight:
    """The kinds of map, and with `pose.lift` the lifter that gives joints their depth."""

    config: MapConfig
    lifter: Lifter | None

    def __post_init__(self) -> None:
        if self.config.lift != (self.lifter is not None):
            raise ValueError(f"lift = {self.config.lift}: expected {'a' if self.config.lift else 'no'} lifter")

    @property
    def channels(self) -> int:
        """Channels of the maps."""
        looks = 2 if self.config.source else 1
        each = channels(self.config.maps) + (relief.CHANNELS if self.config.lift else 0)
        return each * looks + (appearance.CHANNELS if self.config.appearance else 0)

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
