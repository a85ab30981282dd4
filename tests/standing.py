"""A pose for the tests of whatever is drawn, and the rule that its labels go by: that of params.yaml."""

from pathlib import Path

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config

SIZE = (128, 64)
POSE = load_config(PoseConfig, Path(__file__).parents[1] / "params.yaml", "pose")
RULE, THICKNESS, RADIUS = POSE.rule, POSE.torso_thickness, POSE.limb_radius
# Someone who stands and faces the camera, so that right is on the left of the picture.
STANDING = {
    "hips": (32, 66),
    "right_hip": (24, 66),
    "right_knee": (23, 92),
    "right_ankle": (23, 118),
    "left_hip": (40, 66),
    "left_knee": (41, 92),
    "left_ankle": (41, 118),
    "spine": (32, 52),
    "thorax": (32, 36),
    "nose": (32, 25),
    "head": (32, 18),
    "left_shoulder": (42, 37),
    "left_elbow": (50, 52),
    "left_wrist": (57, 65),
    "right_shoulder": (22, 37),
    "right_elbow": (14, 52),
    "right_wrist": (7, 65),
}
