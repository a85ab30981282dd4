"""The crop around a person: its box, how it moves points, and how it brings pixels to the size of the crop.

Pixels: the centre of a pixel stands at whole numbers, in the video as in the crop, so an image W px wide reaches from -0.5 to W - 0.5.
Crops that reach beyond the frame repeat its outermost pixels (a border of one colour would be an edge that is not in the room).
"""

import numpy as np

# What a body shows beyond its joints at the sides (hands) and below (feet), as a share of the extent of the joints.
_PAD = 0.05
_WEIGHT_STEP = 2.0**-20


def crop_box(pose_2d: np.ndarray, image_size: tuple[int, int], margin: float) -> np.ndarray:
    """The box around each person, from the 2D joints alone.

    pose_2d : (n, J, 2) px; image_size : (height, width) of the crop, whose proportions the box has.
    The extent of the joints, with a little more for hands and feet, fills the share 1 - margin of the box in height or in width,
    whichever is the tighter, and stands in its middle. Returns (n, 4) float64: x0, y0, x1, y1, px.
    """
    low, high = pose_2d.min(axis=1).astype(np.float64), pose_2d.max(axis=1).astype(np.float64)
    pad = _PAD * (high - low).max(axis=1, keepdims=True)
    low, high = low - pad * (1, 0), high + pad
    aspect = image_size[1] / image_size[0]
    extent = high - low
    height = np.maximum(extent[:, 1], extent[:, 0] / aspect) / (1 - margin)
    half = np.stack([height * aspect, height], axis=1) / 2
    centre = (low + high) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def middle_box(size: tuple[int, int], image_size: tuple[int, int]) -> np.ndarray:
    """The largest box with the proportions of `image_size` in the middle of a picture of `size`, both (height, width): (4,) x0, y0, x1, y1, px."""
    scale = min(side / wanted for side, wanted in zip(size, image_size, strict=True))
    half = scale * np.array(image_size[::-1]) / 2
    centre = np.array(size[::-1]) / 2 - 0.5
    return np.concatenate([centre - half, centre + half])


def to_crop(points: np.ndarray, box: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Points of the video in px of the crop, float64.

    points : (n, J, 2) px; box : (n, 4) x0, y0, x1, y1. The edges of the box are the outer edges of the crop's first and last pixels.
    """
    scale = np.array(image_size[::-1]) / (box[:, 2:] - box[:, :2])
    return (points - box[:, None, :2]) * scale[:, None] - 0.5


def crop_image(image: np.ndarray, box: np.ndarray, size: tuple[int, int], image_size: tuple[int, int]) -> np.ndarray:
    """Cut `box` out of a picture of the video and bring it to `image_size`, (H, W, 3) uint8.

    image : (h, w, 3) uint8, a frame of the video at any scale; size : (width, height) px of the video, the units of box (4,).
    Each pixel is the exact mean of what it covers (never less than one pixel of `image`, where it interpolates linearly).
    """
    height, width = image.shape[:2]
    x0, x1 = (box[[0, 2]] + 0.5) * width / size[0]
    y0, y1 = (box[[1, 3]] + 0.5) * height / size[1]
    rows, vertical = _area_weights(y0, y1, image_size[0], height)
    columns, horizontal = _area_weights(x0, x1, image_size[1], width)
    part = image[rows, columns].astype(np.float64)
    reduced = vertical @ part.reshape(len(part), -1)  # (H, w * 3)
    mean = horizontal @ reduced.reshape(image_size[0], -1, 3)  # (H, W, 3)
    return np.rint(mean).clip(0, 255).astype(np.uint8)


def _area_weights(start: float, stop: float, count: int, length: int) -> tuple[slice, np.ndarray]:
    """Means over `count` equal parts of start..stop on a line of `length` pixels (pixel j covers j to j + 1).

    Returns the pixels that take part, and their weights (count, pixels). The outermost pixels go on without end.
    """
    step = (stop - start) / count
    centre = start + step * (np.arange(count) + 0.5)
    half = max(step, 1) / 2
    first = int(np.clip(np.floor(centre[0] - half), 0, length - 1))
    last = int(np.clip(np.ceil(centre[-1] + half), first + 1, length))
    edges = np.concatenate([[-np.inf], np.arange(first + 1, last), [np.inf]])
    weights = np.diff(np.clip(edges, (centre - half)[:, None], (centre + half)[:, None])) / (2 * half)
    # Weights in steps of 2^-20 make every sum exact, so its last bit does not depend on the order of summation.
    return slice(first, last), np.round(weights / _WEIGHT_STEP) * _WEIGHT_STEP
