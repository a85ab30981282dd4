"""Pictures of estimated poses."""

from collections.abc import Mapping

import cv2
import numpy as np

from pipeline.networks.openpose import bones
from pipeline.pose.drawing import enlarge, image_grid, scaled_pose

HEIGHT = 256  # of an image in the grid, px
_HUES = np.linspace(0, 150, 32, dtype=np.uint8)


def draw_skeleton(image: np.ndarray, pose_2d: np.ndarray) -> np.ndarray:
    """A copy of the image (H, W, 3) uint8 with the bones between known joints, each in a colour of its own; pose_2d : (J, 2) px."""
    canvas = image.copy()
    width = max(1, image.shape[0] // 90)
    for number, bone in enumerate(bones(len(pose_2d))):
        ends = pose_2d[list(bone)]
        if not np.isnan(ends).any():
            (x, y), (u, v) = np.rint(ends).astype(int).tolist()
            colour = cv2.cvtColor(np.array([[[_HUES[number], 220, 240]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].tolist()
            cv2.line(canvas, (x, y), (u, v), colour, width, cv2.LINE_AA)
    for x, y in np.rint(pose_2d[~np.isnan(pose_2d[:, 0])]).astype(int).tolist():
        cv2.circle(canvas, (x, y), width, (255, 255, 255), -1, cv2.LINE_AA)
    return canvas


def skeleton_grid(images: np.ndarray, poses: Mapping[str, np.ndarray]) -> np.ndarray:
    """Each image (N, H, W, 3) uint8 beside itself with each kind of pose (N, J, 2) over it, two images a row: (h, w, 3) uint8."""
    scale = HEIGHT / images.shape[1]
    tiles = []
    for number, image in enumerate(images):
        large = enlarge(image, HEIGHT)
        tiles.append([large, *(draw_skeleton(large, scaled_pose(pose[number], scale)) for pose in poses.values())])
    rows = [[tile for pair in tiles[first : first + 2] for tile in pair] for first in range(0, len(tiles), 2)]
    return image_grid(["image", *poses] * 2, rows, HEIGHT)
