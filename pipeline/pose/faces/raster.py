"""Which triangle of a surface each pixel shows, compiled."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.utils.compiled import compiled

NOTHING = -1  # in the place of a triangle


@dataclass(frozen=True)
class Drawn:
    """What pixels show of a surface: triangle (B, H, W) int32, `NOTHING` beside it; share (B, H, W, 3) float32 of its corners; depth (B, H, W)."""

    triangle: Tensor
    share: Tensor
    depth: Tensor

    def interpolate(self, values: Tensor, corners: Tensor) -> Tensor:
        """What the points of the surface hold, (B, V, C), at each pixel: (B, H, W, C); corners : (T, 3) of the triangles."""
        corner = corners[self.triangle.clamp_min(0).long()]  # (B, H, W, 3)
        batch = torch.arange(len(values)).view(-1, 1, 1, 1)
        return (values[batch, corner] * self.share[..., None]).sum(dim=3)


def draw(pixel: Tensor, depth: Tensor, triangle: np.ndarray, size: tuple[int, int]) -> Drawn:
    """Draw surfaces seen in images of `size` (height, width): of what lies in front, the triangles whose corners run clockwise in the image.

    pixel : (B, V, 2) float32, px; depth : (B, V) float32; triangle : (T, 3) int32
    """
    shape = (len(pixel), *size)
    shown, share, far = np.full(shape, NOTHING, np.int32), np.zeros((*shape, 3), np.float32), np.full(shape, np.inf, np.float32)
    for one in range(len(pixel)):
        _draw(pixel[one].numpy(), depth[one].numpy(), triangle, shown[one], share[one], far[one])
    return Drawn(torch.from_numpy(shown), torch.from_numpy(share), torch.from_numpy(far))


@compiled
def _draw(pixel: np.ndarray, depth: np.ndarray, triangle: np.ndarray, shown: np.ndarray, share: np.ndarray, far: np.ndarray) -> None:
    height, width = shown.shape
    for number in range(len(triangle)):
        a, b, c = triangle[number]
        ax, ay, bx, by, cx, cy = pixel[a, 0], pixel[a, 1], pixel[b, 0], pixel[b, 1], pixel[c, 0], pixel[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not area > 1e-9:
            continue
        for row in range(max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy)))) + 1):
            for column in range(max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx)))) + 1):
                u = ((bx - column) * (cy - row) - (by - row) * (cx - column)) / area
                v = ((cx - column) * (ay - row) - (cy - row) * (ax - column)) / area
                w = 1 - u - v
                if u < -1e-6 or v < -1e-6 or w < -1e-6:
                    continue
                here = u * depth[a] + v * depth[b] + w * depth[c]
                if here < far[row, column]:
                    far[row, column], shown[row, column] = here, number
                    share[row, column, 0], share[row, column, 1], share[row, column, 2] = u, v, w
