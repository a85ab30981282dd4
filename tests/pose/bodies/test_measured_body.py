"""Bodies as they are measured: the torso from any side, limbs in any direction."""

import pytest
from figures import make_pose
from standing import SIZE, STANDING

from pipeline.pose.bodies.body import TORSO_FIELD, measure
from pipeline.pose.bodies.scale import body_scale
from pipeline.pose.skeleton import LIMB_NAMES


def test_from_the_side_the_torso_keeps_its_thickness() -> None:
    side = {name: (32, y) for name, (_, y) in STANDING.items()}
    torso = measure(make_pose(**side), SIZE).area(TORSO_FIELD)[0]
    scale = body_scale(make_pose(**side)).item()
    assert torso[52].count_nonzero().item() == pytest.approx(2 * 145 * scale, abs=1.5)  # half the depth and the rim, on both sides


def test_the_torso_of_a_twisted_body_is_still_there() -> None:
    twisted = make_pose(left_shoulder=STANDING["right_shoulder"], right_shoulder=STANDING["left_shoulder"])
    torso = measure(twisted, SIZE).area(TORSO_FIELD)[0]
    assert torso[40, 32] > 0
    assert torso[62, 32] > 0
    assert torso[52, 20] == 0


def test_limbs_that_point_at_the_camera_are_discs() -> None:
    pose = make_pose(right_elbow=STANDING["right_shoulder"], right_wrist=STANDING["right_shoulder"])
    x, y = STANDING["right_shoulder"]
    forearm = measure(pose, SIZE).area(LIMB_NAMES.index("right_forearm"))[0]
    assert forearm[y, x] == 1
    assert 10 < forearm.sum() < 60
