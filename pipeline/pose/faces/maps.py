"""What is drawn of a face, in torch, batched, on the device of the landmarks: discs, contours and masks.

The centre of the pixel in column x and row y is at (x, y). A landmark that is missing (NaN) draws nothing.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

RAISE = 0.1  # by how much the ellipse stands higher than the landmarks' box, of its height: a forehead has no landmarks
RIM = 0.2  # width of the line around the polygon, of the distance between the ends of the jaw
OUTLINE = tuple(range(27))  # jaw and brows
DIRECTIONS = 64  # in which the hull is measured
BLUR, WEAK, STRONG = 1.0, 40, 100  # of Canny's edge detector: sigma in px of the image, thresholds of Sobel's gradient of grey levels


@torch.no_grad()
def draw_heatmaps(landmarks: Tensor, size: tuple[int, int], radius: float) -> Tensor:
    """A disc around each landmark, 1 inside and 0 outside.

    Not -1 as in PG2's code: 136 maps that are -1 almost everywhere would drown the three channels of the image.

    landmarks : (B, 68, 2) px; radius : px; returns (B, 68, H, W) float32
    """
    x, y = (torch.arange(side, dtype=torch.float32, device=landmarks.device) for side in (size[1], size[0]))
    across, down = (landmarks[..., 0, None] - x) ** 2, radius**2 - (landmarks[..., 1, None] - y) ** 2
    maps = torch.empty((*landmarks.shape[:2], *size), device=landmarks.device, memory_format=torch.channels_last)  # as the networks want it
    return torch.ge(down[..., :, None], across[..., None, :], out=maps)


def draw_edges(image: Tensor) -> Tensor:
    """Contours of images (B, 3, H, W) in [-1, 1] by Canny's detector: (B, 1, H, W) float32, 1 on an edge, else 0."""
    grey = ((image.detach().float() + 1) * 127.5).mul(image.new_tensor((0.299, 0.587, 0.114)).view(1, 3, 1, 1)).sum(1)
    found = [_canny(one) for one in grey.round().clamp(0, 255).byte().cpu().numpy()]
    return torch.from_numpy(np.stack(found)).to(image.device)[:, None]


def _canny(grey: np.ndarray) -> np.ndarray:
    edges = cv2.Canny(cv2.GaussianBlur(grey, (0, 0), BLUR), WEAK, STRONG)
    return (edges > 0).astype(np.float32)


@torch.no_grad()
def ellipse_mask(landmarks: Tensor, size: tuple[int, int], scale: tuple[float, float]) -> Tensor:
    """An ellipse around the landmarks' box (face report, 4.2.1), its centre raised: (B, 1, H, W) float32, 0 or 1.

    landmarks : (B, 68, 2) px; scale : width and height of the ellipse, shares of the box
    """
    low, high = (landmarks.nan_to_num(fill).aminmax(dim=1)[which] for which, fill in ((0, torch.inf), (1, -torch.inf)))
    extent = high - low  # (B, 2), -inf without any landmark
    centre = (low + high) / 2 - torch.stack([torch.zeros_like(extent[:, 0]), RAISE * extent[:, 1]], dim=1)
    half = extent * extent.new_tensor(scale) / 2
    x, y = (torch.arange(side, dtype=torch.float32, device=landmarks.device) for side in (size[1], size[0]))
    across, down = (((axis - centre[:, i, None]) / half[:, i, None]) ** 2 for i, axis in ((0, x), (1, y)))
    return (across[:, None, :] + down[:, :, None] <= 1).float()[:, None]


@torch.no_grad()
def polygon_mask(landmarks: Tensor, size: tuple[int, int]) -> Tensor:
    """The convex hull of jaw and brows with a line around it (face report, 4.2.1): (B, 1, H, W) float32, 0 or 1; landmarks : (B, 68, 2) px.

    The hull, because in profile the polygon of jaw and brows folds up to a line. A pixel is in it where it lies, in every direction, no
    farther than the farthest landmark.
    """
    corner = landmarks[:, OUTLINE]
    rim = (landmarks[:, 16] - landmarks[:, 0]).norm(dim=-1).nan_to_num(0.0) * RIM / 2
    turn = torch.arange(DIRECTIONS, device=landmarks.device) * (2 * torch.pi / DIRECTIONS)
    direction = torch.stack([turn.cos(), turn.sin()])  # (2, directions)
    farthest = (corner @ direction).nan_to_num(-torch.inf).amax(dim=1) + rim[:, None]  # (B, directions)
    x, y = (torch.arange(side, dtype=torch.float32, device=landmarks.device) for side in (size[1], size[0]))
    along = direction[0, :, None, None] * x + direction[1, :, None, None] * y[:, None]  # (directions, H, W)
    return (along <= farthest[:, :, None, None]).all(dim=1, keepdim=True).float()
