"""What the networks see of a face: its landmarks as discs, or the contours of the picture, of the target and perhaps of the source."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.config.faces import FaceMapConfig
from pipeline.pose.background import Scene
from pipeline.pose.conditioning import AppearanceInput, Condition, Layer
from pipeline.pose.faces.maps import draw_edges, draw_heatmaps, ellipse_mask, polygon_mask
from pipeline.pose.skeleton import IBUG_68

CHANNELS = {"heatmaps": len(IBUG_68), "edges": 1}


@dataclass(frozen=True)
class Landmarks:
    """Landmarks (B, 68, 2) px in images of `size` (height, width)."""

    point: Tensor
    size: tuple[int, int]


@dataclass(frozen=True)
class FaceConditioning:
    """The kinds of map, and whether the source's are seen, too; every method as `Conditioning` says. A face has no limbs."""

    config: FaceMapConfig
    appearance_input: AppearanceInput = "image"
    lifter: None = None
    layers: tuple[Layer, ...] = ()
    uses_labels: bool = False

    @property
    def channels(self) -> int:
        """Channels of the maps."""
        return sum(CHANNELS[kind] for kind in self.config.maps) * (2 if self.config.source else 1)

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
    ) -> Condition:
        """The source image, and maps of the target, then of the source; ValueError where contours are asked for without a target image."""
        drawn = self._draw(target, target_image)
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
