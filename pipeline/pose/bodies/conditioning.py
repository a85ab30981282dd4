"""What the networks see of two bodies and the source image: the maps that `pose` in params.yaml asks for, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.config.pose import MapConfig
from pipeline.pose.background import LAYER_CHANNELS, Scene, bring_source, lay_over
from pipeline.pose.bodies import body, depth_layers, maps, masks, warp
from pipeline.pose.bodies.body import Body
from pipeline.pose.bodies.depth_layers import DepthLayers, depth_layer_maps, make_depth_layers
from pipeline.pose.bodies.heads import TOLD, Heads, find_heads, see_heads, squares
from pipeline.pose.bodies.parts import BACKGROUND, part_layers
from pipeline.pose.conditioning import WARP_CHANNELS, WARP_LAYERS, AppearanceInput, CloseUp, Condition, DepthLifter, Further, Layer

BEHIND = 0.5  # how much is known of the background where the target's body should be


@dataclass(frozen=True)
class BodyConditioning:
    """The kinds of map, with `pose.lift` the lifter that gives joints their depth, and what the networks see of the source's person.

    appearance_input : the whole `image`; crops of its `parts` (`warp.cut_parts`); or the `warped` source (`warp.warp_parts`), a quarter
    as high and wide
    """

    config: MapConfig
    lifter: DepthLifter | None
    appearance_input: AppearanceInput = "image"

    def __post_init__(self) -> None:
        if self.config.lift != (self.lifter is not None):
            raise ValueError(f"lift = {self.config.lift}: expected {'a' if self.config.lift else 'no'} lifter")

    @property
    def layers(self) -> tuple[Layer, ...]:
        """As `Conditioning` says."""
        background: tuple[Layer, ...] = () if self.config.background == "none" else ("background",)
        return (WARP_LAYERS if self.config.appearance else ()) + background

    @property
    def uses_labels(self) -> bool:
        """As `Conditioning` says."""
        return self.config.depth

    @property
    def told(self) -> int:
        """As `Conditioning` says."""
        return TOLD if self.config.head else 0

    @property
    def channels(self) -> int:
        """Channels of the maps."""
        poses = 2 if self.config.source else 1
        each = maps.channels(self.config.maps) + (depth_layers.CHANNELS if self.config.lift else 0)
        return each * poses + LAYER_CHANNELS * len(self.layers)

    def appearance_size(self, image_size: tuple[int, int]) -> tuple[int, int, int]:
        """As `Conditioning` says."""
        if self.appearance_input == "image":
            return 3, *image_size
        channels, height, width = warp.crop_size(image_size)
        return (channels if self.appearance_input == "parts" else WARP_CHANNELS), height, width

    def measure(self, pose_2d: Tensor, size: tuple[int, int]) -> Body:
        """As `Conditioning` says."""
        return body.measure(pose_2d, size)

    def mask(self, measured: Body) -> Tensor:
        """As `Conditioning` says: the whole body, a little widened."""
        return masks.body_mask(measured)

    def overlap(self, measured: Body) -> Tensor:
        """As `Conditioning` says."""
        return masks.overlap_mask(measured)

    def heads(self, measured: Body) -> Tensor:
        """As `Conditioning` says."""
        return squares(measured)

    @torch.no_grad()
    def front_parts(self, measured: Body, label: Tensor) -> Tensor:
        """Which part is in front at each pixel, as `encode` has it: a part map, (B, H, W)."""
        return self._labelled(measured, label).layers[0]

    @torch.no_grad()
    def encode(
        self,
        image: Tensor,
        source: Body,
        label_source: Tensor,
        target: Body,
        label_target: Tensor,
        _target_image: Tensor | None = None,
        scene: Scene | None = None,
        further: Sequence[Further] = (),
    ) -> Condition:
        """As `Conditioning` says; no map of a body is made of the target image."""
        labelled = self._labelled(target, label_target)
        first = Further(image, source, label_source, scene)
        sources = [_Picture(one.image, self._labelled(one.measured, one.label), one.scene) for one in (first, *further)]
        head = self._heads(sources, labelled) if self.config.head else None
        return Condition(self._appearance(sources, labelled), self._maps(sources, labelled), head)

    def _labelled(self, measured: Body, label: Tensor) -> "_LabelledBody":
        """A body with the labels that the networks see of it."""
        return _LabelledBody(measured, masks.mask_idle_labels(measured, label) if self.config.depth else torch.zeros_like(label), self.lifter)

    def _appearance(self, sources: "Sequence[_Picture]", target: "_LabelledBody") -> Tensor:
        """The appearance input."""
        first = sources[0]
        if self.appearance_input == "image":
            return first.image
        if self.appearance_input == "parts":
            return warp.cut_parts(first.image, first.labelled.body, first.labelled.layers[0])
        return F.avg_pool2d(_warp_sources(sources, target), warp.CROP_SHRINK)

    def _maps(self, sources: "Sequence[_Picture]", target: "_LabelledBody") -> Tensor:
        """The maps: first the warped sources and the background, then the target's maps and depth layers, then those of the first source."""
        drawn = []
        if self.config.appearance:
            drawn.append(_warp_sources(sources, target))
        if self.config.background != "none":
            drawn.append(self._background(sources, target))
        for one in (target, sources[0].labelled)[: 2 if self.config.source else 1]:
            drawn.append(maps.draw_maps(one.body, one.label, self.config.maps, self.config.heatmap_radius))
            if self.config.lift:
                drawn.append(depth_layer_maps(one.depth_layers))
        return torch.cat(drawn, dim=1)

    def _heads(self, sources: "Sequence[_Picture]", target: "_LabelledBody") -> CloseUp:
        """The heads, larger."""
        return see_heads(_shown(sources), [one.labelled.heads for one in sources], target.heads, _facing(sources, target))

    def _background(self, sources: "Sequence[_Picture]", target: "_LabelledBody") -> Tensor:
        """What is known of the target's background, (B, 4, H, W): colours, and 1 where they are known, `BEHIND` behind the target's body."""
        brought = [bring_source(one.image, self.mask(one.labelled.body), one.scene.place) for one in sources if one.scene is not None]
        plate = sources[0].scene.plate if self.config.background == "plate" and sources[0].scene is not None else None
        layers = [*([] if plate is None else [plate]), *brought]
        if not layers:
            return torch.zeros_like(sources[0].image[:, :1]).repeat(1, LAYER_CHANNELS, 1, 1)
        known = reduce(lay_over, layers)
        behind = (target.layers[0] != BACKGROUND)[:, None]
        return torch.cat([known[:, :3], torch.where(behind, BEHIND * known[:, 3:], known[:, 3:])], dim=1)


class _Picture(NamedTuple):
    """A source as `encode` looks at it."""

    image: Tensor
    labelled: "_LabelledBody"
    scene: Scene | None


@dataclass(frozen=True)
class _LabelledBody:
    """A body and its labels, as far as the networks know them; what follows from them is worked out once, where it is asked for."""

    body: Body
    label: Tensor
    lifter: DepthLifter | None

    @cached_property
    def depth(self) -> Tensor:
        """What the lifter makes of joints and labels, (B, 17) mm; only with a lifter."""
        assert self.lifter is not None
        return self.lifter(self.body.joint, self.label) if self.body.depth is None else self.body.depth

    @cached_property
    def depth_layers(self) -> DepthLayers:
        """Its layers by these depths; only with a lifter."""
        return make_depth_layers(self.body, self.depth, self.label)

    @cached_property
    def layers(self) -> tuple[Tensor, Tensor]:
        """The front parts and the second ones, (B, H, W) each."""
        return part_layers(self.body, self.label) if self.lifter is None else self.depth_layers[:2]

    @cached_property
    def facing(self) -> Tensor:
        """Where its left is, (B, 2), as `warp.facing_of` says."""
        return warp.facing_of(self.body, self.known_depth)

    @cached_property
    def heads(self) -> Heads:
        """Where its head is, and which way it looks."""
        return find_heads(self.body, self.known_depth, self.facing)

    @property
    def known_depth(self) -> Tensor | None:
        """Its depth, or None without a lifter."""
        return None if self.lifter is None else self.depth


def _warp_sources(sources: Sequence[_Picture], target: _LabelledBody) -> Tensor:
    return warp.warp_parts(_shown(sources), target.body, target.layers, _facing(sources, target))


def _shown(sources: Sequence[_Picture]) -> list[warp.Source]:
    """The sources as their parts are taken from them; which way they face matters where there is a choice."""
    several = len(sources) > 1
    return [warp.Source(one.image, one.labelled.body, one.labelled.layers[0], one.labelled.facing if several else None) for one in sources]


def _facing(sources: Sequence[_Picture], target: _LabelledBody) -> Tensor | None:
    return target.facing if len(sources) > 1 else None
