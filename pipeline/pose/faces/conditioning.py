"""What the networks see of a face: its landmarks as discs, or the contours of the picture, of the target and perhaps of the source."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pipeline.config.faces import FaceMapConfig
from pipeline.pose.background import Scene
from pipeline.pose.conditioning import WARP_LAYERS, AppearanceInput, Condition, Further, Layer
from pipeline.pose.faces import head, warp
from pipeline.pose.faces.head import Head
from pipeline.pose.faces.maps import draw_edges, draw_heatmaps, ellipse_mask, polygon_mask
from pipeline.pose.skeleton import IBUG_68

CHANNELS = {"heatmaps": len(IBUG_68), "edges": 1}


@dataclass(frozen=True)
class Landmarks:
    """Landmarks (B, 68, 2) px in images of `size` (height, width)."""

    point: Tensor
    size: tuple[int, int]

    @cached_property
    def head(self) -> Head:
        """The average head where the landmarks say."""
        return head.place(self.point, self.size)


@dataclass(frozen=True)
class FaceConditioning:
    """The kinds of map, and whether the source's are seen, too; every method as `Conditioning` says. A face has no limbs."""

    config: FaceMapConfig
    appearance_input: AppearanceInput = "image"
    lifter: None = None
    uses_labels: bool = False
    told: int = 0

    @property
    def layers(self) -> tuple[Layer, ...]:
        """As `Conditioning` says: the head as it turns, its other side, and what stands around it."""
        return (*WARP_LAYERS, "background") if self.config.appearance else ()

    @property
    def channels(self) -> int:
        """Channels of the maps."""
        drawn = sum(CHANNELS[kind] for kind in self.config.maps) * (2 if self.config.source else 1)
        return drawn + (warp.CHANNELS if self.config.appearance else 0)

    def appearance_size(self, image_size: tuple[int, int]) -> tuple[int, int, int]:
        """Of the whole image."""
        return 3, *image_size

    def measure(self, pose_2d: Tensor, size: tuple[int, int]) -> Landmarks:
        """Landmarks need no measuring."""
        return Landmarks(pose_2d.float(), size)

    @torch.no_grad()
    def encode(
        self,
        image: Tensor,
        source: Landmarks,
        _label_source: Tensor,
        target: Landmarks,
        _label_target: Tensor,
        target_image: Tensor | None = None,
        _scene: Scene | None = None,
        _further: Sequence[Further] = (),
    ) -> Condition:
        """The source image; the turned source, maps of the target, then of the source. Of several sources the first alone is seen.

        Raises ValueError where contours are asked for without a target image.
        """
        drawn = [warp.turn_source(image, source.head, target.head)] if self.config.appearance else []
        drawn += self._draw(target, target_image)
        if self.config.source:
            drawn += self._draw(source, image)
        return Condition(image.contiguous(memory_format=torch.channels_last), torch.cat(drawn, dim=1))

    def _draw(self, face: Landmarks, image: Tensor | None) -> list[Tensor]:
        maps = []
        for kind in self.config.maps:
            if kind == "heatmaps":
                maps.append(draw_heatmaps(face.point, face.size, self.config.heatmap_radius))
            elif image is None:
                raise ValueError("pose.maps: expected the target's image for `edges`, got none")
            else:
                maps.append(draw_edges(image))
        return maps

    def mask(self, measured: Landmarks) -> Tensor:
        """The face, by `pose.mask`."""
        if self.config.mask == "ellipse":
            return ellipse_mask(measured.point, measured.size, self.config.ellipse)
        return polygon_mask(measured.point, measured.size)

    def overlap(self, measured: Landmarks) -> Tensor:
        """Nowhere."""
        return torch.zeros(len(measured.point), 1, *measured.size, device=measured.point.device)

    def heads(self, measured: Landmarks) -> Tensor:
        """Nowhere: these pictures are heads."""
        return torch.full((len(measured.point), 3), torch.nan, device=measured.point.device)
