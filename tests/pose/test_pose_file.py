"""A pose file is read by names, and every way to get it wrong ends in one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_pose import EXAMPLES, write_pose

from pipeline.pose.pose_file import decode_pose, read_pose
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError


def test_a_pose_file_is_read_by_names(tmp_path: Path) -> None:
    content = json.loads((EXAMPLES / "pose.json").read_text(encoding="utf-8"))
    content["joints"] = dict(reversed(content["joints"].items()))
    (tmp_path / "pose.json").write_text(json.dumps(content), encoding="utf-8")
    pose = read_pose(tmp_path / "pose.json")
    assert pose.pose_2d[H36M_17.index("left_wrist")].tolist() == content["joints"]["left_wrist"]
    assert pose.label[LIMB_NAMES.index("left_forearm")] == content["labels"]["left_forearm"]
    assert pose.label.dtype == np.int8


@pytest.mark.parametrize("left_out", [True, False])
def test_an_unlabelled_limb_is_left_out_or_null_and_0_for_networks(left_out: bool) -> None:
    content = json.loads((EXAMPLES / "pose.json").read_text(encoding="utf-8"))
    content["labels"]["left_calf"] = 1
    assert decode_pose(content, "pose").label[LIMB_NAMES.index("left_calf")] == 1
    content["labels"]["left_calf"] = None
    if left_out:
        del content["labels"]["left_calf"]
    assert decode_pose(content, "pose").label[LIMB_NAMES.index("left_calf")] == 0


def test_a_joint_may_be_unknown_and_its_limbs_have_no_label_then() -> None:
    content = json.loads((EXAMPLES / "pose.json").read_text(encoding="utf-8"))
    content["joints"]["right_wrist"], content["labels"]["right_forearm"] = None, 1
    pose = decode_pose(content, "pose")
    assert pose.label[LIMB_NAMES.index("right_forearm")] == 0
    assert np.isnan(pose.pose_2d[H36M_17.index("right_wrist")]).all()
    assert len(pose.known) == 16


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"joints": {"left_knee": None}}, r"pose\.json: joints\.left_knee: missing; see examples/pose\.json"),
        ({"joints": {"left_kne": [1, 2]}}, r"joints\.left_kne = \[1, 2\]: unknown key; known here: hips, "),
        ({"joints": {"left_knee": [1]}}, r"joints\.left_knee"),
        ({"joints": {"left_knee": ["a", 2]}}, r"joints\.left_knee\.0 = 'a'"),
        ({"joints": {"left_knee": [float("nan"), 2]}}, r"joints\.left_knee\.0 = nan: Input should be a finite number"),
        ({"labels": {"left_calf": 2}}, r"labels\.left_calf = 2: Input should be -1, 0 or 1"),
        ({"labels": {"calf": 1}}, r"labels\.calf = 1: unknown key; known here: right_thigh, "),
        ({"joints": {name: [0.5, 0.5] for name in H36M_17.names}}, "expected joints in px that span at least 8 px, found 17 that span 0"),
    ],
)
def test_a_wrong_pose_file_is_one_line(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match=expected) as error:
        read_pose(write_pose(tmp_path / "pose.json", **changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "lists within lists without end"),
        ('{"joints": ' + "[" * 900 + "]" * 900 + "}", "joints"),
        ('{"joints": {}, "joints": {}}', "the key 'joints' stands twice"),
        ('{"labels": {"left_calf": true}}', "labels.left_calf = True: expected -1, 0 or 1, found true or false"),
        ('{"joints": {"hips": [1e400, 0]}}', "joints.hips.0 = inf: Input should be a finite number"),
        ('{"joints": {"hips": [1%s, 0]}}' % ("0" * 400), "joints.hips.0 = 1000"),
        ('{"joints": {"hips": [true, 0]}}', "joints.hips.0 = True: Input should be a valid number"),
        ('{"joints": {"hips": ["7", 0]}}', "joints.hips.0 = '7': Input should be a valid number"),
        ('{"joints": {"hips": [1e30, 0]}}', "joints.hips.0 = 1e+30: Input should be less than or equal to 100000"),
        ('{"joints": {"hips": [NaN, 0]}}', "joints.hips.0 = nan"),
        ('{"%s": 1}' % ("long" * 10_000), "longlong"),
        (" " * 2_000_000, "expected JSON of at most 1048576 bytes"),
    ],
)
def test_what_no_pose_file_holds_is_named_in_short_lines(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "pose.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_pose(tmp_path / "pose.json")
    assert message in str(error.value)
    assert max(map(len, str(error.value).splitlines())) < 600 + len(str(tmp_path))


def test_a_pose_without_any_joint_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pose.json").write_text(json.dumps({"joints": dict.fromkeys(H36M_17.names), "labels": {}}), encoding="utf-8")
    with pytest.raises(UserError, match="found 0 that span 0"):
        read_pose(tmp_path / "pose.json")
