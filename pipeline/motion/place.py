"""Where a motion is painted in a picture: one scale for all of it, the feet on the ground, a camera that moves no more than it must.

Each pose of a single picture is placed by the extent of its own joints (`crop.crop_box`). For a motion that would blow up who sits down, and nobody
would ever leave the spot. A motion has boxes of one size instead, as large as its largest pose needs. They are laid on the box of the person in the
picture. Along each axis the box stands still where the whole motion fits into it, so whoever steps aside does so in the picture. Else it follows
the person, smoothly: who walks across a room walks on the spot.
"""

from fractions import Fraction

import numpy as np

from pipeline.motion.motion import Motion
from pipeline.pose.crop import crop_box, middle_box, to_crop
from pipeline.pose.pose_file import LabelledPose
from pipeline.pose.skeleton import H36M_17

SMOOTH = 1.0  # s over which the way of a box that follows is averaged
MARGIN = 0.15  # of boxes for models of photos, which have no `data.margin`
_REACH = 0.5  # of the margin is left free where somebody moves about
_ANKLES = [H36M_17.index(f"{side}_ankle") for side in ("right", "left")]


def place_motion(motion: Motion, source: LabelledPose, picture: tuple[int, int], size: tuple[int, int], margin: float | None) -> np.ndarray:
    """What the networks see of each frame of a motion: boxes (T, 4) x0, y0, x1, y1 px.

    source : the pose in the picture; picture, size : height and width of the picture and of the image that the networks see; margin : as for
    `transfer.make_portrait`
    """
    share = MARGIN if margin is None else margin
    home = crop_box(source.known[None], size, share)
    ankles = to_crop(source.pose_2d[None, _ANKLES], home, size)[0, :, 1]
    ground = None if np.isnan(ankles).all() else float((np.nanmax(ankles) + 0.5) / size[0])
    boxes = motion_boxes(motion.pose_2d, motion.fps, size, share, ground)
    if margin is not None:
        return boxes
    scale = (boxes[:, 2:] - boxes[:, :2]) / (home[:, 2:] - home[:, :2])  # a model of photos sees more than the person's box
    return np.tile(boxes[:, :2], 2) + (middle_box(picture, size) - np.tile(home[:, :2], 2)) * np.tile(scale, 2)


def motion_boxes(pose_2d: np.ndarray, fps: Fraction, size: tuple[int, int], margin: float, ground: float | None) -> np.ndarray:
    """A box of one size around the person in each frame, (T, 4) x0, y0, x1, y1 px.

    pose_2d : (T, 17, 2) px, NaN where a joint is not known; size : height and width, whose proportions the boxes have
    ground : how far down in the box the feet shall stand, 0 to 1; None: the motion stands in the middle
    """
    low, high = np.nanmin(pose_2d, axis=1).astype(np.float64), np.nanmax(pose_2d, axis=1).astype(np.float64)
    own = crop_box(np.stack([low, high], axis=1), size, margin)
    high = own[:, :2] + own[:, 2:] - low  # with the feet, which reach below the ankles: the middle of a box is that of its person
    half = (own[:, 2:] - own[:, :2]).max(axis=0) / 2
    reach = half * (1 - _REACH * margin)
    centre = np.stack([_follow(low[:, axis], high[:, axis], reach[axis], fps) for axis in (0, 1)], axis=1)
    feet = pose_2d[:, _ANKLES, 1]
    if ground is not None and not np.isnan(feet).all() and np.ptp(centre[:, 1]) == 0:
        standing = np.nanmax(feet) + (1 - 2 * ground) * half[1]
        centre[:, 1] = np.clip(standing, high[:, 1].max() - reach[1], low[:, 1].min() + reach[1])
    return np.concatenate([centre - half, centre + half], axis=1)


def _follow(low: np.ndarray, high: np.ndarray, reach: float, fps: Fraction) -> np.ndarray:
    """The centre of a box in each frame, (T,), along one axis on which the joints lie between `low` and `high` (T,), all within `reach` of it."""
    if high.max() - low.min() <= 2 * reach:
        return np.full(len(low), (low.min() + high.max()) / 2)
    aside = round(SMOOTH * fps / 2)  # frames before and after; beyond both ends the motion goes on as it was
    smooth = np.convolve(np.pad((low + high) / 2, aside, mode="reflect", reflect_type="odd"), np.full(2 * aside + 1, 1 / (2 * aside + 1)), "valid")
    return np.clip(smooth, high - reach, low + reach)
