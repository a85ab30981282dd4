"""Painted frames made steady: each is the mean of itself and of the frames around it, along the way that the body's parts go between them.

Networks that paint each frame on its own invent what the source does not show a little anew each time. Such colours flicker. They are averaged over
a few frames before and after, as films are denoised with motion compensation. The way of a pixel needs no search, for the part that is in front there
says it: a pixel on the forearm goes to the pixel as far along and as far across the forearm of another frame. Where that shows another part, or a
colour too far off, it does not count: what really changes stays sharp.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.pose.bodies.body import Body
from pipeline.pose.bodies.parts import part_axes

REACH = 0.12  # s before and after a frame
MOST_FRAMES = 6  # before and after, however many there are a second
DIFFERENT = 20.0  # grey levels by which colours may differ: at as many another frame's counts e^-0.5 as much as one that is equal


@dataclass(frozen=True)
class Shown:
    """What n frames show.

    image : (n, 3, H, W) float32, grey levels; front : (n, H, W) float32, the part in front at each pixel, a part map
    frame : (n, 11, 2, 3) float32, where each part lies, the background first: from a point along and across it to px of the image
    """

    image: Tensor
    front: Tensor
    frame: Tensor

    def __len__(self) -> int:
        return len(self.image)

    def rows(self, rows: slice) -> "Shown":
        """Some of the frames."""
        return Shown(self.image[rows], self.front[rows], self.frame[rows])

    def then(self, later: "Shown") -> "Shown":
        """These frames and those after them."""
        return Shown(*(torch.cat([getattr(one, name) for one in (self, later)]) for name in ("image", "front", "frame")))


def reach_of(fps: Fraction) -> int:
    """How many frames before and after each one count."""
    return min(round(REACH * fps), MOST_FRAMES)


def part_frames(body: Body, place: Tensor) -> Tensor:
    """Where the parts of bodies lie, (n, 11, 2, 3) as `Shown.frame`; place : (n, 3), of the background, as `Scene.place`."""
    start, end, radius = part_axes(body)
    axis = end - start
    length = axis.norm(dim=-1, keepdim=True).clamp(min=1e-3)
    down = axis / length * torch.maximum(length, radius[..., None])  # a limb that points to the camera has hardly a direction to stretch along
    across = torch.stack([-axis[..., 1], axis[..., 0]], dim=-1) / length * radius[..., None]
    scale, shift = place[:, :1, None], place[:, None, 1:]
    axes = torch.cat([torch.eye(2) / scale[..., None], torch.stack([down, across], dim=-1)], dim=1)
    return torch.cat([axes, torch.cat([-shift / scale, start], dim=1)[..., None]], dim=-1)


def blend(chunks: Iterable[Shown], reach: int) -> Iterator[np.ndarray]:
    """Every frame of the chunks, which follow each other, as the mean of those around it: (H, W, 3) uint8 RGB each."""
    held: Shown | None = None
    done = 0  # of those that are held
    for chunk in chunks:
        held = chunk if held is None else held.then(chunk)
        ready = max(len(held) - reach, done)
        yield from _blend_rows(held, range(done, ready), reach)
        forget = max(ready - reach, 0)
        held, done = held.rows(slice(forget, None)), ready - forget
    if held is not None:
        yield from _blend_rows(held, range(done, len(held)), reach)


@torch.inference_mode()
def _blend_rows(shown: Shown, rows: range, reach: int) -> Iterator[np.ndarray]:
    """Some of the frames, blended with those of all that lie around them."""
    if not rows:
        return
    chosen = torch.tensor(rows)
    own = shown.image[chosen]
    total, weight = own.clone(), torch.ones_like(own[:, :1])
    for step in (step for step in range(-reach, reach + 1) if step):
        other = chosen + step
        there = (other >= 0) & (other < len(shown))
        brought, known = _bring(shown, chosen[there], other[there])
        counts = known * torch.exp(-((brought - own[there]) ** 2).mean(dim=1, keepdim=True) / (2 * DIFFERENT**2))
        total[there] += counts * brought
        weight[there] += counts
    yield from (total / weight).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def _bring(shown: Shown, rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """The colours of `others` where the pixels of `rows` have gone, (N, 3, H, W), and whether they show the same part there, (N, 1, H, W)."""
    front, (height, width) = shown.front[rows], shown.front.shape[1:]
    down, right = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixel = torch.stack([right, down], dim=-1).float()
    way = _ways(shown.frame[rows], shown.frame[others]).flatten(2)[torch.arange(len(rows))[:, None, None], front.long()].unflatten(-1, (2, 3))
    place = (way[..., :2] * pixel[..., None, :]).sum(dim=-1) + way[..., 2]  # (N, H, W, 2)
    grid = (2 * place.nan_to_num(-2.0 * (height + width)) + 1) / torch.tensor([width, height]) - 1
    brought = F.grid_sample(shown.image[others], grid, padding_mode="border", align_corners=False)
    there = F.grid_sample(shown.front[others][:, None] + 1, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return brought, (there == front[:, None] + 1).float()


def _ways(here: Tensor, there: Tensor) -> Tensor:
    """The affine maps (N, 11, 2, 3) by which each part goes from the one frame to the other."""
    turn = there[..., :2] @ torch.linalg.pinv(here[..., :2].nan_to_num())
    return torch.cat([turn, there[..., 2:] - turn @ here[..., 2:]], dim=-1)
