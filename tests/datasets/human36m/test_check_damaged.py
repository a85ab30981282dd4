"""What is wrong with a folder in Human3.6M's layout, said by `pose25d check` at once; with `IMPLAUSIBLE` of test_index.py, 29 kinds of damage."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_index import (
    IMPLAUSIBLE,
    SECOND,
    SITTING,
    damage_calibration,
    damage_nothing_there,
    damage_video,
    damaged_poses,
    lying_video,
    missing_poses,
    the_other_cameras_numbers,
)
from test_index import params as _params
from test_index import run_check as _run_check

from pipeline.datasets.human36m.cdf import read_pose, write_pose

params, run_check = _params, _run_check  # fixtures


def with_nan(root: Path) -> None:
    poses = read_pose(root / SITTING, 3)
    poses[2, 4] = np.nan
    write_pose(root / SITTING, poses)


def lying_against_its_calibration(root: Path) -> None:
    lying_video(root)
    the_other_cameras_numbers(cx=48)(root)


def empty_subject(root: Path) -> None:
    for path in (root / "S9").iterdir():
        shutil.rmtree(path)


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no metadata": (lambda root: (root / "metadata.xml").unlink(), r"metadata\.xml: not found"),
    "metadata cut short": (lambda root: (root / "metadata.xml").write_text("<data><mapping>", encoding="utf-8"), r"metadata\.xml: expected"),
    "no subjects": (lambda root: [shutil.rmtree(root / name) for name in ("S1", "S9")], "expected folders of subjects .*, found none"),
    "one subject": (lambda root: shutil.rmtree(root / "S9"), "expected at least two subjects"),
    "an empty subject": (empty_subject, "S9"),
    "no video": (damage_nothing_there, f"{SECOND}: not found"),
    "a video cut short": (damage_video, f"{SECOND}: cannot be decoded"),
    "a video of no bytes": (lambda root: (root / SECOND).write_bytes(b""), f"{SECOND}: "),
    "text for a video": (lambda root: (root / SECOND).write_text("no video", encoding="utf-8"), f"{SECOND}: cannot be decoded"),
    "a turned video": (lying_against_its_calibration, f"{SECOND}: a player shows pictures of 64x96 px, turned by a right angle"),
    "no calibration": (damage_calibration, "table w0 has no calibration of camera 55011271 for S1"),
    "no poses": (missing_poses, r"SittingDown 2\.cdf: not found"),
    "poses cut short": (damaged_poses, r"SittingDown 2\.cdf: expected a CDF file"),
    "joints that are no numbers": (with_nan, f"{SITTING}: "),
    "poses of other joints": (lambda root: write_pose(root / SITTING, read_pose(root / SITTING, 3)[:, :16]), f"{SITTING}: expected"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_check_says_what_is_wrong(root: Path, run_check: Callable[[], tuple[int, str]], name: str) -> None:
    damage, words = DAMAGED[name]
    damage(root)
    status, output = run_check()
    assert status == 1
    assert re.search(words, output), output
    assert "the pipeline can run" not in output
    assert "Traceback" not in output


def test_these_are_more_than_twenty() -> None:
    assert len(DAMAGED | IMPLAUSIBLE) == 29
