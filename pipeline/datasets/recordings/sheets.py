"""Contact sheets: the skeleton over a few frames of each view, for eyes to judge what numbers cannot."""

from pathlib import Path

import numpy as np

from pipeline.datasets.human36m.extract import read_frames, stored_size
from pipeline.datasets.human36m.probe import Video
from pipeline.pose.drawing import draw_over, scaled_pose
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.files import atomic_file
from pipeline.utils.images import encode, image_grid
from pipeline.utils.numbers import spread

FRAMES, HEIGHT = 6, 320  # of a sheet; px of each picture
_SIDES = np.array([1 if name.startswith("right") else -1 for name in LIMB_NAMES])  # drawn red and blue


def write_sheet(path: Path, source: Path, video: Video, pose_2d: np.ndarray) -> None:
    """Draw poses (T, 17, 2) in px over frames of the video `source`, evenly spread: right limbs red, left limbs blue."""
    size = (video.width, video.height)
    scale = stored_size(*size, HEIGHT)[1] / video.height
    kept = spread(np.arange(len(pose_2d)), FRAMES).tolist()
    images = read_frames(source, kept, size, HEIGHT)
    drawn = [draw_over(image, scaled_pose(pose_2d[i], scale), _SIDES, width=2) for i, image in zip(kept, images, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as partial:
        partial.write_bytes(encode(image_grid([f"frame {i}" for i in kept], [drawn], min(HEIGHT, video.height)), ".jpg"))
