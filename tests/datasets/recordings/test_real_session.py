"""A real recording as its makers hold it; the right answer is the same recording in Human3.6M's layout."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from importing import ROOT, Imported, check, make_packs, refused, run_import

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.layout import CAMERA, PIXELS
from pipeline.datasets.human36m.metadata import read_metadata
from pipeline.datasets.recordings.pose2sim.trc import read_trc
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.pose.skeleton import H36M_17

RIGHT = Path(os.environ.get("POSE25D_REAL", ROOT.parent / "shared" / "real" / "balancing"))
SESSION = RIGHT.parent / "pose2sim-session"
AS_THERE = ("--subject", "Trial_1=S1", "--subject", "Trial_2=S9")
SEQUENCES = (("S1", "Trial_1", "Directions"), ("S9", "Trial_2", "Directions 1"))

pytestmark = pytest.mark.skipif(not SESSION.is_dir() or not RIGHT.is_dir(), reason="no real session here")


def same_room(session: Path) -> None:
    """Bring the poses of Trial_2 into the room of the calibration, where they are not: they are held in the world of S9, turned and moved."""
    cameras = read_metadata(RIGHT).cameras
    (path,) = (session / "Trial_2" / "pose-3d").iterdir()
    world = 1000 * read_trc(path).positions[..., [2, 0, 1]]
    moved = cameras["S1", "54138969"].to_world(cameras["S9", "54138969"].to_camera(world))
    text = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t")[:2] for line in text[5:]]
    for row, markers in zip(rows, moved[..., [1, 2, 0]] / 1000, strict=True):
        row += ["" if np.isnan(value) else f"{value:.6f}" for value in markers.ravel()]
    path.write_text("\n".join([*text[:5], *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(SESSION, tmp_path_factory.mktemp("real") / "session", copy_function=shutil.copyfile))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    same_room(folder)
    return folder


@pytest.fixture(scope="module")
def imported(session: Path) -> tuple[Imported, str]:
    said = run_import(session, session.parent / "out", *AS_THERE)
    return Imported(session.parent / "out"), said


def test_joints_with_markers_agree_within_a_pixel_in_every_view(imported: tuple[Imported, str]) -> None:
    right, out = Imported(RIGHT), imported[0]
    known = [joint for joint, name in enumerate(H36M_17.names) if name != "spine"]
    for subject, trial, prefix in SEQUENCES:
        for name, number in zip(out.metadata.camera_ids, right.metadata.camera_ids, strict=True):
            found, expected = out.view(PIXELS, subject, trial, name, 2), right.view(PIXELS, subject, prefix, number, 2)
            assert np.linalg.norm(found - expected, axis=-1)[:, known].max() < 1.0  # px


def test_labels_agree(imported: tuple[Imported, str]) -> None:
    right, out = Imported(RIGHT), imported[0]
    rule = load_config(PoseConfig, ROOT / "recipes" / "tiny" / "params.yaml", "pose")
    same = []
    for subject, trial, prefix in SEQUENCES:
        for name, number in zip(out.metadata.camera_ids, right.metadata.camera_ids, strict=True):
            poses = out.view(CAMERA, subject, trial, name, 3), right.view(CAMERA, subject, prefix, number, 3)
            found, expected = (label_limbs(pose, rule.torso_thickness, rule.limb_radius) for pose in poses)
            same.append((found == expected).mean())
    assert np.mean(same) >= 0.97


def test_what_was_not_simple_is_said(imported: tuple[Imported, str]) -> None:
    for words in ("derived: spine from hips and thorax", "left_wrist interpolated in 3 frames (20 to 22)", "calibration in m", "up is +z"):
        assert words in imported[1]
    assert "the pipeline can run on S1, S9" in check(imported[0].root)


def test_poses_of_another_room_are_refused_by_name(tmp_path: Path) -> None:
    """As the session is held: its second trial is in the world of S9, and the calibration in that of S1."""
    assert "S9, Trial_2, camera cam01: expected the skeleton inside most frames" in refused(SESSION, tmp_path / "out", *AS_THERE)


def test_stages_make_packs_of_it(imported: tuple[Imported, str], tmp_path: Path) -> None:
    pack = make_packs(imported[0].root, tmp_path, ["S1", "S9"])
    assert len(pack) == 4 * (12 + 5)  # 68 and 28 poses at 60 Hz, every sixth
