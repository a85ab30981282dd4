"""The motion file: what is written is read, and whatever is wrong with one is one line that names the frame."""

import json
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_pose import EXAMPLES

from pipeline.motion.motion import Motion
from pipeline.motion.motion_file import read_motion, write_motion
from pipeline.pose.pose_file import read_pose
from pipeline.utils.errors import UserError

POSE: dict[str, Any] = json.loads((EXAMPLES / "pose.json").read_text(encoding="utf-8"))


def content(frames: int = 3) -> dict[str, Any]:
    """A motion of one pose that stands still."""
    return {"fps": 25, "frames": [json.loads(json.dumps(POSE)) for _ in range(frames)]}


def written(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def line_of(path: Path) -> str:
    """What is said of a file that cannot be read: one line, which begins with its name."""
    with pytest.raises(UserError) as error:
        read_motion(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


def test_each_frame_is_read_as_a_pose_file_is(tmp_path: Path) -> None:
    motion, pose = read_motion(written(tmp_path / "motion.json", content())), read_pose(EXAMPLES / "pose.json")
    assert len(motion) == 3
    assert motion.fps == 25
    for pose_2d, label in zip(motion.pose_2d, motion.label, strict=True):
        np.testing.assert_allclose(pose_2d, pose.pose_2d, rtol=1e-6)
        np.testing.assert_array_equal(label, pose.label)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pose_2d = rng.uniform(-50, 500, (7, 17, 2)).astype(np.float32).round(2)
    pose_2d[2, 16] = np.nan
    label = rng.integers(-1, 2, (7, 8)).astype(np.int8)
    label[2, 7] = 0  # it ends in the joint that is not known
    for fps in (Fraction(25), Fraction(30000, 1001)):
        write_motion(tmp_path / "motion.json", Motion(pose_2d, label, fps))
        read = read_motion(tmp_path / "motion.json")
        assert read.fps == fps
        np.testing.assert_allclose(read.pose_2d, pose_2d, atol=1e-4)
        np.testing.assert_array_equal(read.label, label)


@pytest.mark.parametrize("indent", [None, 1, 40])
def test_the_form_of_the_json_does_not_matter(tmp_path: Path, indent: int | None) -> None:
    """Keys in any order, and texts that are read in pieces which end anywhere."""
    value = dict(reversed(content(200).items()))
    path = written(tmp_path / "motion.json", f"\ufeff{json.dumps(value, indent=indent)}\n ")
    assert len(read_motion(path)) == 200


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda value: value.pop(key)


def _frame(**change: Any) -> Callable[[dict[str, Any]], None]:
    return lambda value: value["frames"][1].update(change)


DAMAGED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no rate": (_without("fps"), "fps: missing"),
    "no frames": (_without("frames"), "frames: missing"),
    "an empty list of frames": (lambda value: value.update(frames=[]), "frames: expected a pose at least, found none"),
    "frames that are no list": (lambda value: value.update(frames=3), "expected JSON, '[' at letter"),
    "a rate of 0": (lambda value: value.update(fps=0), "fps = 0: expected frames per second, 0.01 to 1000"),
    "a negative rate": (lambda value: value.update(fps=-25), "fps = -25: expected frames per second"),
    "a rate that is no number": (lambda value: value.update(fps="fast"), "expected fps to be a finite number within ±1000, found 'fast'"),
    "a rate that is not finite": (lambda value: value.update(fps=float("nan")), "expected fps to be a finite number"),
    "an unknown key": (lambda value: value.update(speed=2), "expected `fps` and `frames`, each once, found that 'speed' is not known here"),
    "a frame without pose": (lambda value: value["frames"].insert(1, None), "frame 1: expected a pose, joints and labels, found None"),
    "a frame without joints": (_frame(joints={}), "frame 1: joints.hips: missing; see examples/pose.json (and 16 more like it)"),
    "a frame of which no joint is known": (
        _frame(joints=dict.fromkeys(POSE["joints"])),
        "frame 1: expected joints in px that span at least 8 px, found 0 that span 0",
    ),
    "a joint that is not finite": (_frame(joints={**POSE["joints"], "nose": [float("nan"), 3.0]}), "frame 1: joints.nose.0 = nan"),
    "another joint set": (_frame(joints={"neck": [1.0, 2.0], **POSE["joints"]}), "frame 1: joints.neck = [1.0, 2.0]: unknown key"),
    "a label that is none": (_frame(labels={"right_calf": 2}), "frame 1: labels.right_calf = 2"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_wrong_is_one_line(name: str, tmp_path: Path) -> None:
    change, expected = DAMAGED[name]
    value = content()
    change(value)
    assert expected in line_of(written(tmp_path / "motion.json", value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected JSON, '{' at letter 0, found its end: it is empty or cut short"),
        (json.dumps(content())[:-300], "expected JSON, Expecting"),
        (json.dumps(content())[:-2], "found its end: it is empty or cut short"),
        (json.dumps(content()) + "}", "expected JSON, something follows its end"),
        (json.dumps(content()["frames"]), "expected JSON, '{' at letter 0, found '['"),
        (json.dumps(content()).replace('"hips"', '"nose"', 1), "expected JSON, a key stands twice in one place"),
        ('{"fps": 25, "fps": 30}', "'fps' stands twice"),
        ('{"frames": [' + "[" * 100_000, "expected JSON, lists within lists without end"),
        ('{"frames": ["' + "a" * 3_000_000, "expected JSON, a value at letter 12 is longer than"),
    ],
)
def test_damaged_json_is_one_line(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in line_of(written(tmp_path / "motion.json", text))


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    assert "not found; expected a motion file" in line_of(tmp_path / "motion.json")
    assert "found a folder" in line_of(tmp_path)
    (tmp_path / "motion.json").write_bytes(b"\xff\xfe{\x00}\x00")
    assert "expected text in UTF-8" in line_of(tmp_path / "motion.json")


def test_a_long_file_takes_the_memory_of_its_poses_alone(tmp_path: Path) -> None:
    """Beside what a pose takes, 200 bytes and some for its arrays, no more than a piece of the text: as Python's own lists it would be 5000."""
    path, frame, count = tmp_path / "motion.json", json.dumps(POSE), 4000
    with path.open("w", encoding="utf-8") as file:
        file.write('{"fps": 25, "frames": [' + ", ".join([frame] * count) + "]}")
    read_motion(written(tmp_path / "short.json", content()))
    tracemalloc.start()
    assert len(read_motion(path)) == count
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1000 * count + 2**21
