"""People in 3D for the tests of views and of the lifter, and the label rule for them."""

import numpy as np
from standing import RULE

from pipeline.config.pose import PoseConfig
from pipeline.pose.skeleton import H36M_17


def pose_config(**values: object) -> PoseConfig:
    defaults = {**RULE, "depth": True, "maps": ("limbs",), "appearance": True, "lift": True, "source": True}
    return PoseConfig.model_validate({"heatmap_radius": 4, "background": "none", "head": False, **defaults, **values})


def people(count: int = 300, seed: int = 0, forward: bool = False) -> np.ndarray:
    """(count, 17, 3) mm: people 4 m away whose arms point anywhere, or anywhere forward, and whose legs stand."""
    rng = np.random.default_rng(seed)
    joints = {
        "hips": (0, 0, 0),
        "right_hip": (-120, 0, 0),
        "right_knee": (-130, 440, 0),
        "right_ankle": (-140, 870, 0),
        "left_hip": (120, 0, 0),
        "left_knee": (130, 440, 0),
        "left_ankle": (140, 870, 0),
        "spine": (0, -240, 0),
        "thorax": (0, -490, 0),
        "nose": (0, -590, -80),
        "head": (0, -700, 0),
        "left_shoulder": (170, -480, 0),
        "right_shoulder": (-170, -480, 0),
    }
    pose = np.zeros((count, 17, 3))
    for name, place in joints.items():
        pose[:, H36M_17.index(name)] = place
    for side in ("left", "right"):
        shoulder, elbow, wrist = (H36M_17.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
        for start, end, length in ((shoulder, elbow, 280), (elbow, wrist, 255)):
            way = rng.normal(size=(count, 3)) + np.array([0, 0.7, 0])
            way[:, 2] = -np.abs(way[:, 2]) if forward else way[:, 2]
            pose[:, end] = pose[:, start] + length * way / np.linalg.norm(way, axis=1, keepdims=True)
    return pose + np.array([0, 0, 4000])


def in_picture(pose: np.ndarray) -> np.ndarray:
    return 1000 * pose[..., :2] / pose[..., 2:]
