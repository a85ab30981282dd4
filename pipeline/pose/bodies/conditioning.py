"""What the networks see of two bodies and the source image: the maps that `pose` in params.yaml asks for, one after the other."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.config.pose import MapConfig
from pipeline.pose.bodies import depth_layers, warp
from pipeline.pose.bodies.depth_layers import DepthLayers, depth_layer_maps, make_depth_layers
from pipeline.pose.bodies.maps import Body, channels, draw_body, mask_body, mask_idle_labels, measure, overlap_of, part_layers
from pipeline.pose.conditioning import WARP_CHANNELS, Condition, DepthLifter, Look


@dataclass(frozen=True)
class BodyConditioning:
    """The kinds of map, with `pose.lift` the lifter that gives joints their depth, and how the networks look at the source's person.

    look : the whole `image`; crops of its `parts` (`warp.cut_parts`); or its colours `placed` where the target shows the parts
    (`warp.warp_parts`), a quarter as high and wide
    """

    config: MapConfig
    lifter: DepthLifter | None
    look: Look = "image"

    def __post_init__(self) -> None:
        if self.config.lift != (self.lifter is not None):
            raise ValueError(f"lift = {self.config.lift}: expected {'a' if self.config.lift else 'no'} lifter")

    @property
    def placed(self) -> bool:
        """As `Conditioning` says."""
        return self.config.appearance

    @property
    def depth(self) -> bool:
        """As `Conditioning` says."""
        return self.config.depth

    @property
    def channels(self) -> int:
        """Channels of the maps."""
        looks = 2 if self.config.source else 1
        each = channels(self.config.maps) + (depth_layers.CHANNELS if self.config.lift else 0)
        return each * looks + (WARP_CHANNELS if self.config.appearance else 0)

    def look_size(self, image_size: tuple[int, int]) -> tuple[int, int, int]:
        """Channels, height and width of a look at an image of this height and width."""
        if self.look == "image":
            return 3, *image_size
        channels, height, width = warp.crop_size(image_size)
        return (channels if self.look == "parts" else WARP_CHANNELS), height, width

    def measure(self, pose_2d: Tensor, size: tuple[int, int]) -> Body:
        """As `Conditioning` says."""
        return measure(pose_2d, size)

    def mask(self, measured: Body) -> Tensor:
        """As `Conditioning` says: the whole body, a little widened."""
        return mask_body(measured)

    def overlap(self, measured: Body) -> Tensor:
        """As `Conditioning` says."""
        return overlap_of(measured)

    @torch.no_grad()
    def encode(
        self, image: Tensor, source: Body, label_source: Tensor, target: Body, label_target: Tensor, _target_image: Tensor | None = None
    ) -> Condition:
        """As `Conditioning` says; no map of a body is made of the target image."""
        views = [
            _View(body, mask_idle_labels(body, label) if self.config.depth else torch.zeros_like(label), self.lifter)
            for body, label in ((source, label_source), (target, label_target))
        ]
        return Condition(self._look(image, *views), self._draw(image, *views))

    def _look(self, image: Tensor, source: "_View", target: "_View") -> Tensor:
        """The look at the source's person."""
        if self.look == "image":
            return image
        if self.look == "parts":
            return warp.cut_parts(image, source.body, source.layers[0])
        placed = warp.warp_parts(image, source.body, source.layers[0], target.body, target.layers)
        return F.avg_pool2d(placed, warp.CROP_SHRINK)

    def _draw(self, image: Tensor, source: "_View", target: "_View") -> Tensor:
        """The maps: first the source's colours, placed part by part, then the target's maps and relief, then those of the source."""
        drawn = []
        if self.config.appearance:
            drawn.append(warp.warp_parts(image, source.body, source.layers[0], target.body, target.layers))
        for view in (target, source)[: 2 if self.config.source else 1]:
            drawn.append(draw_body(view.body, view.label, self.config.maps, self.config.heatmap_radius))
            if self.config.lift:
                drawn.append(depth_layer_maps(view.relief))
        return torch.cat(drawn, dim=1)


@dataclass(frozen=True)
class _View:
    """A body and its labels, as far as the networks know them; what follows from them is worked out once, where it is asked for."""

    body: Body
    label: Tensor
    lifter: DepthLifter | None

    @cached_property
    def relief(self) -> DepthLayers:
        """The body in relief; only with a lifter."""
        assert self.lifter is not None
        return make_depth_layers(self.body, self.lifter(self.body.joint, self.label), self.label)

    @cached_property
    def layers(self) -> tuple[Tensor, Tensor]:
        """The parts that are seen, and those beneath them, (B, H, W) each."""
        return part_layers(self.body, self.label) if self.lifter is None else self.relief[:2]
