"""Joint sets as data: the 32 joints of Human3.6M, the 17 that are used, the limbs of the Three-Layer Pose Space, the 18 of OpenPose on COCO,
and a face's landmarks.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Skeleton:
    """A joint set: names, the parent of each joint (-1 for the root), and the joint that a left/right flip puts in its place."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    flip: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Position of the joint called `name`."""
        return self.names.index(name)


def mirror_names(names: tuple[str, ...]) -> tuple[int, ...]:
    """For each name, the position of the same name with left and right exchanged."""
    swap = {"left": "right", "right": "left"}
    return tuple(names.index("_".join(swap.get(word, word) for word in name.split("_"))) for name in names)


_NAMES = (
    "hips",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "spine",
    "thorax",
    "nose",
    "head",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
)

H36M_17 = Skeleton(
    names=_NAMES,
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    flip=mirror_names(_NAMES),
)

# Where the 17 joints stand among the 32 of the data set's files (names as in table `skel_pos` of metadata.xml).
H36M_32_TO_17 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)


# The limbs in the order of every label array: name, kind, upper joint, lower joint. Whatever is made of limbs follows from this table and the next.
_LIMBS = (
    ("right_thigh", "thigh", "right_hip", "right_knee"),
    ("right_calf", "calf", "right_knee", "right_ankle"),
    ("left_thigh", "thigh", "left_hip", "left_knee"),
    ("left_calf", "calf", "left_knee", "left_ankle"),
    ("left_upper_arm", "upper_arm", "left_shoulder", "left_elbow"),
    ("left_forearm", "forearm", "left_elbow", "left_wrist"),
    ("right_upper_arm", "upper_arm", "right_shoulder", "right_elbow"),
    ("right_forearm", "forearm", "right_elbow", "right_wrist"),
)
# How thick each kind of limb is drawn, mm, after ANSUR II (`bodies/body.py`); of limbs with the same label each kind covers those before it.
LIMB_RADIUS = {"calf": 60.0, "thigh": 80.0, "upper_arm": 50.0, "forearm": 45.0}

LIMB_NAMES = tuple(name for name, *_ in _LIMBS)
LIMB_KINDS = tuple(kind for _, kind, *_ in _LIMBS)
LIMBS = tuple((H36M_17.index(upper), H36M_17.index(lower)) for *_, upper, lower in _LIMBS)
LIMB_FLIP = mirror_names(LIMB_NAMES)

# Corners of the torso's quadrilateral, in order around it.
TORSO = tuple(H36M_17.index(name) for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip"))
NECK_AND_HEAD = tuple(H36M_17.index(name) for name in ("thorax", "nose", "head"))

# A limb chain hangs on one root joint: (root, middle, end), and the two limbs it is made of.
_CHAINS = (
    ("right_leg", "right_thigh", "right_calf"),
    ("left_leg", "left_thigh", "left_calf"),
    ("left_arm", "left_upper_arm", "left_forearm"),
    ("right_arm", "right_upper_arm", "right_forearm"),
)
CHAIN_NAMES = tuple(name for name, *_ in _CHAINS)
CHAIN_LIMBS = tuple((LIMB_NAMES.index(first), LIMB_NAMES.index(second)) for _, first, second in _CHAINS)
CHAINS = tuple((*LIMBS[first], LIMBS[second][1]) for first, second in CHAIN_LIMBS)

# The 18 keypoints of OpenPose on COCO, in its order; the bones are its limbs but for the two from shoulder to ear, which close a circle.
_COCO_NAMES = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
COCO_18 = Skeleton(
    names=_COCO_NAMES,
    parents=(1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15),
    flip=mirror_names(_COCO_NAMES),
)

# The 68 landmarks of a face, in iBUG's order: lines of landmarks, each hanging on the one before it. "right" is the person's right.
FACE_LINES = (
    ("jaw", range(17)),
    ("right_brow", range(17, 22)),
    ("left_brow", range(22, 27)),
    ("nose_bridge", range(27, 31)),
    ("nostrils", range(31, 36)),
    ("right_eye", range(36, 42)),
    ("left_eye", range(42, 48)),
    ("outer_lips", range(48, 60)),
    ("inner_lips", range(60, 68)),
)
FACE_CLOSED = ("right_eye", "left_eye", "outer_lips", "inner_lips")  # lines that end where they begin
_FACE_FLIP = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *(*range(54, 47, -1), *range(59, 54, -1)),
    *(*range(64, 59, -1), *range(67, 64, -1)),
)

IBUG_68 = Skeleton(
    names=tuple(f"{name}_{number}" for name, line in FACE_LINES for number in range(len(line))),
    parents=tuple(-1 if landmark == line[0] else landmark - 1 for _, line in FACE_LINES for landmark in line),
    flip=_FACE_FLIP,
)


_SKELETONS = (H36M_17, COCO_18, IBUG_68)
JOINT_COUNTS = tuple(len(skeleton) for skeleton in _SKELETONS)


def skeleton_of(joints: int) -> Skeleton:
    """The joint set with this many joints; ValueError where there is none."""
    for skeleton in _SKELETONS:
        if len(skeleton) == joints:
            return skeleton
    raise ValueError(f"expected poses of {len(H36M_17)} or {len(COCO_18)} joints, or of {len(IBUG_68)} landmarks, got {joints}")


def mirror_pose(pose_2d: np.ndarray, label: np.ndarray, width: int, mirrored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copies of the poses (B, J, 2) px and labels (B, L) of which those chosen by `mirrored` (B,) bool are mirrored left to right.

    In an image `width` px wide x becomes width - 1 - x, and what was left is right.
    """
    pose_2d, label = pose_2d.copy(), label.copy()
    pose_2d[mirrored] = pose_2d[mirrored][:, skeleton_of(pose_2d.shape[1]).flip]
    pose_2d[mirrored, :, 0] = width - 1 - pose_2d[mirrored, :, 0]
    if label.shape[1]:  # a joint set with limbs
        label[mirrored] = label[mirrored][:, LIMB_FLIP]
    return pose_2d, label
