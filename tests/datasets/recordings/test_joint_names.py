"""Markers of other people's joint sets become the 17 joints."""

import numpy as np
import pytest

from pipeline.datasets.recordings.joint_names import BODY_25, BODY_25B, DERIVED, HALPE_26, MEDIAPIPE_33, SETS, SPELLINGS, to_17
from pipeline.datasets.recordings.recording import Markers
from pipeline.pose.joint_sets import COCO_17
from pipeline.pose.skeleton import H36M_17, H36M_32_TO_17
from pipeline.utils.errors import UserError


def markers(names: tuple[str, ...]) -> Markers:
    """Two frames; the marker at place i lies at (i + 1, 0, 0), and a unit further in the second frame."""
    positions = np.zeros((2, len(names), 3))
    positions[..., 0] = np.arange(len(names)) + np.array([[1], [2]])
    return Markers("poses.trc", names, positions)


SIDED = tuple(f"{side}{part}" for side in "RL" for part in ("Hip", "Knee", "Ankle", "BigToe", "Heel", "Shoulder", "Elbow", "Wrist", "Eye", "Ear"))
FILES = {  # how Pose2Sim and others name them: the names, the joint set, what has to be derived
    "HALPE_26": (("Hip", "Neck", "Head", "Nose", *SIDED), {"spine"}),
    "BODY_25": (("CHip", "Neck", "Nose", *SIDED), {"spine", "head"}),
    "BODY_25B": (("CHip", "Neck", "Head", "Nose", *SIDED), {"spine", "thorax"}),
    "Human3.6M's 17": (H36M_17.names, set()),
    "Human3.6M's 32": (
        (
            *("Hips", "RightUpLeg", "RightLeg", "RightFoot", "RightToeBase", "Site", "LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase", "Site"),
            *("Spine", "Spine1", "Neck", "Head", "Site", "LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand", "LeftHandThumb", "Site"),
            *("L_Wrist_End", "Site", "RightShoulder", "RightArm", "RightForeArm", "RightHand", "RightHandThumb", "Site", "R_Wrist_End", "Site"),
        ),
        {"head"},
    ),
}


@pytest.mark.parametrize("joint_set", FILES)
def test_joint_sets_are_known_by_their_names(joint_set: str) -> None:
    names, derived = FILES[joint_set]
    joints = to_17(markers(names), {})
    assert joints.joint_set == joint_set
    assert set(joints.derived) == derived
    for joint, name in (("right_hip", {"RHip", "RightUpLeg", "right_hip"}), ("left_wrist", {"LWrist", "LeftHand", "left_wrist"})):
        place = next(i for i, found in enumerate(names) if found in name)
        assert joints.positions[0, H36M_17.index(joint), 0] == place + 1


def test_capitals_blanks_and_the_subject_before_a_colon_do_not_count() -> None:
    names = tuple(f"Anna:{name[0]} {name[1:].upper()}" if name in SIDED else name for name in ("Hip", "Neck", "Head", "Nose", *SIDED))
    assert set(to_17(markers(names), {}).derived) == {"spine"}


def test_a_neck_at_the_skull_is_no_thorax() -> None:
    names, _ = FILES["BODY_25B"]
    shoulders = [names.index(f"{side}Shoulder") + 1 for side in "RL"]
    assert to_17(markers(names), {}).positions[0, H36M_17.index("thorax"), 0] == np.mean(shoulders)


def test_sets_by_number_are_complete() -> None:
    assert [len(joint_set) for joint_set in (HALPE_26, BODY_25, BODY_25B, MEDIAPIPE_33, COCO_17)] == [26, 25, 25, 33, 17]
    for count, joint_set in SETS.items():
        assert len(set(joint_set)) == len(joint_set) <= count
        found = to_17(Markers("a.npy", (), np.random.default_rng(0).normal(size=(3, count, 3))), {})
        assert np.isfinite(found.positions).all()
    as_files_have_it = np.random.default_rng(1).normal(size=(3, 32, 3))
    np.testing.assert_array_equal(to_17(Markers("a.npy", (), as_files_have_it), {}).positions, as_files_have_it[:, H36M_32_TO_17])


def test_rules_move_with_the_body() -> None:
    assert all(sum(shares.values()) == pytest.approx(1) or joint == "head" for joint, shares in DERIVED)
    assert sum(DERIVED[4][1].values()) == pytest.approx(1)
    assert sum(DERIVED[5][1].values()) == pytest.approx(1)
    assert {joint for spelling in SPELLINGS.values() for joint in spelling.values()} >= set(H36M_17.names)


def test_a_derived_head_lies_above_the_nose() -> None:
    """Of somebody who stands 1.7 m tall, the head's top within 5 cm, from ears or from the nose alone."""
    names = ("Hip", "Neck", "Nose", *SIDED)
    positions = np.zeros((1, len(names), 3))
    for name, place in {"Hip": (0, 0, 0.93), "Neck": (0, 0, 1.42), "Nose": (0, 0.1, 1.57), "REar": (0.07, 0, 1.6), "LEar": (-0.07, 0, 1.6)}.items():
        positions[0, names.index(name)] = place
    with_ears = to_17(Markers("a", names, positions + 1e-9), {}).positions[0, H36M_17.index("head")]
    positions[0, names.index("REar")] = np.nan
    without = to_17(Markers("a", names, positions + 1e-9), {}).positions[0, H36M_17.index("head")]
    assert abs(with_ears[2] - 1.73) < 0.05
    assert abs(without[2] - 1.7) < 0.05


def test_a_joint_that_nothing_stands_for_is_named() -> None:
    with pytest.raises(UserError, match="found none of left_knee that is ever seen"):
        to_17(markers(tuple(name for name in ("Hip", "Nose", *SIDED) if name != "LKnee")), {})
