"""Invented people, written as other tools hold them, come back as the same poses and pixels."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from importing import SPINE, TWO, Imported, check, run_import
from invented_session import (
    CAMERAS,
    FRAMES,
    JOINTS,
    SIZE,
    cameras,
    people,
    trc,
    write_c3d,
    write_freemocap,
    write_keypoints,
    write_toml,
    write_videos,
)

from pipeline.datasets.human36m.extract import read_frames
from pipeline.datasets.human36m.layout import PIXELS
from pipeline.pose.skeleton import H36M_17

MM, PX = 0.01, 0.1  # how far a joint may lie beside itself: TRC holds micrometres; the lens of the data set is another one


def trc_of(session: Path, trial: str) -> Path:
    (path,) = (session / trial / "pose-3d").iterdir()
    return path


def check_poses(found: np.ndarray, poses: np.ndarray, atol: float = MM) -> None:
    assert len(found) == len(poses)
    np.testing.assert_allclose(found[:, JOINTS], poses[:, JOINTS], rtol=0, atol=atol)


def grey(path: Path, frame: int) -> int:
    """Which frame of the invented video stands at a place of another one."""
    (image,) = read_frames(path, [frame], SIZE, SIZE[1])
    return round(float(image.mean()) / 5)


def test_poses_and_pixels_come_back(session: Path, tmp_path: Path) -> None:
    said = run_import(session, tmp_path / "out", *TWO)
    out = Imported(tmp_path / "out")
    for subject, prefix, seed in (("S1", "Walk", 1), ("S2", "Sit", 2)):
        poses, found = people(seed), out.world(subject, prefix)
        check_poses(found, poses)
        np.testing.assert_allclose(found[:, SPINE], (poses[:, 0] + poses[:, H36M_17.index("thorax")]) / 2, atol=MM)
        for name, camera in cameras().items():
            pixels = out.view(PIXELS, subject, prefix, name, 2)
            np.testing.assert_allclose(pixels[:, JOINTS], camera.project(poses)[:, JOINTS], rtol=0, atol=PX)
            assert out.video(subject, prefix, name).is_symlink()
            assert (out.root / "contact_sheets" / subject / f"{prefix}.{name}.jpg").stat().st_size > 1000
    assert "derived: spine from hips and thorax" in said
    assert (out.root / "import.txt").read_text(encoding="utf-8") in said
    assert "the pipeline can run on S1, S2" in check(out.root)


def test_windows_line_ends_a_byte_order_mark_and_another_unit_change_nothing(session: Path, tmp_path: Path) -> None:
    text = trc(people(1), unit=1)  # mm, and the header says m
    trc_of(session, "Walk").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    write_toml(session / "calibration" / "Calib.toml", unit=1)
    said = run_import(session, tmp_path / "out", *TWO)
    check_poses(Imported(tmp_path / "out").world("S1", "Walk"), people(1))
    assert "in mm" in said


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1)])
def test_axes_are_found(session: Path, tmp_path: Path, axes: tuple[int, int, int]) -> None:
    poses = {1: people(1), 2: people(2)}
    for trial, seed in (("Walk", 1), ("Sit", 2)):
        turned = poses[seed] * (np.array([1, -1, 1]) if axes == (0, 2, 1) else 1)  # (x, z, -y): y up, right-handed
        trc_of(session, trial).write_text(trc(turned, axes=axes), encoding="utf-8")
        write_keypoints(session / trial / "pose", poses[seed])
    said = run_import(session, tmp_path / "out", *TWO)
    check_poses(Imported(tmp_path / "out").world("S1", "Walk"), poses[1])
    assert "S1, Walk, camera cam01: 0.0 px from the 2D keypoints (median)" in said


def test_axes_that_fit_as_well_are_told_and_can_be_chosen(session: Path, tmp_path: Path) -> None:
    turned = {trial: people(seed) * np.array([1, -1, 1]) for trial, seed in (("Walk", 1), ("Sit", 2))}
    for trial, poses in turned.items():
        trc_of(session, trial).write_text(trc(poses, axes=(0, 2, 1)), encoding="utf-8")
    said = run_import(session, tmp_path / "guessed", *TWO)
    assert "if the contact sheets look wrong, give --axes (y-up-about-x)" in said
    run_import(session, tmp_path / "out", *TWO, "--axes", "y-up-about-x")
    check_poses(Imported(tmp_path / "out").world("S1", "Walk"), people(1))


def test_a_calibration_of_larger_pictures_is_scaled(session: Path, tmp_path: Path) -> None:
    write_toml(session / "calibration" / "Calib.toml", size=(2 * SIZE[0], 2 * SIZE[1]))
    said = run_import(session, tmp_path / "out", *TWO)
    pixels = Imported(tmp_path / "out").view(PIXELS, "S1", "Walk", "cam02", 2)
    np.testing.assert_allclose(pixels[:, JOINTS], cameras()["cam02"].project(people(1))[:, JOINTS], rtol=0, atol=PX)
    assert "calibrated with 256x192 px and scaled" in said


def test_short_gaps_are_interpolated_and_long_ones_split(session: Path, tmp_path: Path) -> None:
    poses, gaps = people(1), people(1)
    gaps[5:8, H36M_17.index("left_wrist")] = np.nan
    gaps[12:16, H36M_17.index("right_knee")] = np.nan
    trc_of(session, "Walk").write_text(trc(gaps), encoding="utf-8")
    said = run_import(session, tmp_path / "out", *TWO, "--max-gap", 3)
    out = Imported(tmp_path / "out")
    assert "left_wrist interpolated in 3 frames (5 to 7)" in said
    assert "4 of 40 frames left out, where a joint is not known; 2 sequence(s) remain" in said
    check_poses(out.world("S1", "Walk 1"), poses[:12], atol=1.0)
    check_poses(out.world("S1", "Walk 2"), poses[16:])
    assert out.video("S1", "Walk 1", "cam01").is_symlink()
    assert [grey(out.video("S1", "Walk 2", "cam01"), frame) for frame in (0, 5)] == [16, 21]
    assert {key: prefix for key, prefix in out.metadata.prefixes.items() if key[0] == "S1"} == {("S1", 2, 1): "Walk 1", ("S1", 2, 2): "Walk 2"}
    check(out.root)


def test_poses_that_begin_later_cut_the_videos(session: Path, tmp_path: Path) -> None:
    trc_of(session, "Walk").write_text(trc(people(1)[7:], first=7), encoding="utf-8")
    said = run_import(session, tmp_path / "out", *TWO, "--offset", "cam03=-2")
    out = Imported(tmp_path / "out")
    assert "poses begin at frame 7 of cam01, 7 of cam02, 5 of cam03, 7 of cam04; these videos are cut" in said
    check_poses(out.world("S1", "Walk"), people(1)[7:])
    assert [grey(out.video("S1", "Walk", camera), 3) for camera in CAMERAS] == [10, 10, 8, 10]
    check_poses(out.world("S2", "Sit"), people(2)[2:])  # its third camera began two frames late
    check(out.root)


def test_the_shifts_of_synchronised_keypoints_are_found(session: Path, tmp_path: Path) -> None:
    late = {"cam02": 3}  # its video shows 3 frames later what the others show
    write_keypoints(session / "Walk" / "pose", people(1), late)
    for camera in CAMERAS:
        shift = late.get(camera, 0)
        for number in range(FRAMES - 3):
            source = session / "Walk" / "pose" / f"{camera}_json" / f"{camera}_{number + shift:06d}.json"
            target = session / "Walk" / "pose-sync" / f"{camera}_json" / f"{camera}_{number:06d}.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    said = run_import(session, tmp_path / "out", *TWO)
    assert "poses begin at frame 3 of cam02; these videos are cut" in said
    assert "S1, Walk, camera cam02: 0.0 px from the 2D keypoints (median)" in said
    assert grey(Imported(tmp_path / "out").video("S1", "Walk", "cam02"), 0) == 3


def test_poses_at_a_multiple_of_the_videos_rate_are_thinned(session: Path, tmp_path: Path) -> None:
    twice = people(1).repeat(2, axis=0)
    trc_of(session, "Walk").write_text(trc(twice, rate=100), encoding="utf-8")
    run_import(session, tmp_path / "out", *TWO)
    check_poses(Imported(tmp_path / "out").world("S1", "Walk"), people(1))


def test_several_people_and_participants_are_several_subjects(session: Path, tmp_path: Path) -> None:
    trc_of(session, "Walk").rename(session / "Walk" / "pose-3d" / "Walk_P1_0-40.trc")
    (session / "Walk" / "pose-3d" / "Walk_P2_0-40.trc").write_text(trc(people(3)), encoding="utf-8")
    (session / "Anna").mkdir()
    (session / "Sit").rename(session / "Anna" / "Sit")
    run_import(session, tmp_path / "out")
    out = Imported(tmp_path / "out")
    assert set(out.metadata.prefixes) == {("S1", 2, 1), ("S2", 2, 1), ("S3", 3, 1)}
    for subject, prefix, seed in (("S1", "Walk", 1), ("S2", "Walk", 3), ("S3", "Sit", 2)):
        check_poses(out.world(subject, prefix), people(seed))
    assert out.metadata.actions[3] == "Sit"


def test_one_person_is_one_subject_and_what_to_do_is_said(session: Path, tmp_path: Path) -> None:
    said = run_import(session, tmp_path / "out")
    assert "only S1 is there, and the pipeline needs somebody else to test on" in said


def test_a_trial_without_poses_can_be_left_out(session: Path, tmp_path: Path) -> None:
    trc_of(session, "Sit").unlink()
    run_import(session, tmp_path / "out", "--trials", "Walk")
    assert Imported(tmp_path / "out").metadata.subjects() == ["S1"]


def test_a_session_that_is_its_only_trial(session: Path, tmp_path: Path) -> None:
    shutil.rmtree(session / "Sit")
    for path in (session / "Walk").iterdir():
        path.rename(session / path.name)
    run_import(session, tmp_path / "out")
    check_poses(Imported(tmp_path / "out").world("S1", "session"), people(1))


def test_the_filtered_poses_are_taken_and_never_the_augmented(session: Path, tmp_path: Path) -> None:
    for name in ("Walk_0-40.trc", "Walk_0-40_filt_butterworth_LSTM.trc"):
        (session / "Walk" / "pose-3d" / name).write_text(trc(people(5)), encoding="utf-8")
    run_import(session, tmp_path / "out", *TWO)
    check_poses(Imported(tmp_path / "out").world("S1", "Walk"), people(1))


@pytest.mark.parametrize("pattern", ["int_{}_img", "{}.walk", "GOPRO{:04d}"])
def test_videos_are_found_by_the_names_of_their_cameras(session: Path, tmp_path: Path, pattern: str) -> None:
    for number, camera in enumerate(CAMERAS, start=1):
        name = pattern.format(number if ":" in pattern else camera)
        (session / "Walk" / "videos" / f"{camera}.mp4").rename(session / "Walk" / "videos" / f"{name}.mp4")
    run_import(session, tmp_path / "out", *TWO)
    assert Imported(tmp_path / "out").video("S1", "Walk", "cam03").resolve().stem == pattern.format(3 if ":" in pattern else "cam03")


def test_single_files_by_options(session: Path, tmp_path: Path) -> None:
    files = ("--calibration", session / "calibration" / "Calib.toml", "--poses", trc_of(session, "Walk"), "--videos", session / "Walk" / "videos")
    (tmp_path / "elsewhere").mkdir()
    run_import(tmp_path / "elsewhere", tmp_path / "out", *files, "--copy", "--cameras", "cam01,cam04")
    out = Imported(tmp_path / "out")
    check_poses(out.world("S1", "elsewhere"), people(1))
    assert out.metadata.camera_ids == ("cam01", "cam04")
    assert not out.video("S1", "elsewhere", "cam04").is_symlink()


def test_the_right_one_of_two_calibrations_is_named(session: Path, tmp_path: Path) -> None:
    write_toml(session / "calibration" / "Old.toml", size=(640, 480))
    run_import(session, tmp_path / "out", *TWO, "--calibration", session / "calibration" / "Calib.toml")
    check_poses(Imported(tmp_path / "out").world("S1", "Walk"), people(1))


def test_markers_that_are_called_otherwise_are_named(session: Path, tmp_path: Path) -> None:
    path = trc_of(session, "Walk")
    path.write_text(path.read_text(encoding="utf-8").replace("RWrist", "Hand 2"), encoding="utf-8")
    run_import(session, tmp_path / "out", "--marker", "right_wrist=Hand 2", "--poses", path, "--videos", session / "Walk/videos",
               "--calibration", session / "calibration" / "Calib.toml")  # fmt: skip
    check_poses(Imported(tmp_path / "out").world("S1", "session"), people(1))


def test_freemocap_in_the_frame_of_its_first_camera(tmp_path: Path) -> None:
    poses = people(1)
    said = run_import(write_freemocap(tmp_path / "recording", poses), tmp_path / "out")
    out = Imported(tmp_path / "out")
    for number, camera in enumerate(cameras().values(), start=1):
        pixels = out.view(PIXELS, "S1", "recording", f"Camera_{number:03d}_synchronized", 2)
        known = [joint for joint in JOINTS if H36M_17.names[joint] not in ("hips", "thorax", "head")]
        np.testing.assert_allclose(pixels[:, known], camera.project(poses)[:, known], rtol=0, atol=PX)
    assert "derived: hips from left_hip and right_hip, thorax from" in said
    up = out.world("S1", "recording")
    assert (up[:, H36M_17.index("head"), 2] - up[:, H36M_17.index("left_ankle"), 2] > 1000).all()


def test_c3d(session: Path, tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    for trial, seed in (("Walk", 1), ("Sit", 2)):
        trc_of(session, trial).unlink()
        write_c3d(session / trial / "pose-3d" / f"{trial}.c3d", people(seed))
    run_import(session, tmp_path / "out", *TWO)
    check_poses(Imported(tmp_path / "out").world("S1", "Walk"), people(1), atol=0.1)


def test_the_same_session_gives_the_same_bytes(session: Path, tmp_path: Path) -> None:
    write_videos(session / "Sit" / "videos", FRAMES + 1)
    files = []
    for name in ("one", "two"):
        run_import(session, tmp_path / name, *TWO, "--offset", "cam01=1")
        files.append({path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()})
    assert files[0] == files[1]
