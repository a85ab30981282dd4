"""A video with keypoints becomes a folder that the graph of photos reads: who is who, where their joints are, and what is guessed of their depth."""

from pathlib import Path

import numpy as np
import pytest
from importing_video import Held, run_video
from invented_video import FRAMES, SIDE, write_coco, write_film, write_openpose
from onnx_models import write_still_model
from recut import turned

from pipeline.datasets.human36m.extract import read_frames
from pipeline.datasets.photos.annotations import identity, read_annotations
from pipeline.datasets.photos.hand_labels import read_label_file
from pipeline.datasets.photos.layout import find_pictures
from pipeline.datasets.recordings.joint_names import BODY_25, HALPE_26
from pipeline.datasets.videos.guesses import read_confidence
from pipeline.datasets.videos.importer import REPORT
from pipeline.page.folder import PhotoFolder
from pipeline.page.guess import guess_from_file
from pipeline.pose.joint_sets import COCO_17
from pipeline.pose.labels import UNLABELLED
from pipeline.pose.skeleton import COCO_18
from pipeline.utils.pictures import read_picture

KEPT = range(0, FRAMES, 4)  # at 5 a second


def frame_of(name: str) -> int:
    return int(name.rpartition("_")[2].removesuffix(".jpg"))


def shift(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where a picture was cut out, (2,) px; every joint of it says the same."""
    moved = truth - found
    known = ~np.isnan(moved[:, 0])
    assert known.sum() >= 8
    assert (np.isnan(found) == np.isnan(truth)).all()
    np.testing.assert_allclose(moved[known], moved[known][:1].repeat(known.sum(), axis=0), atol=0.51)  # keypoints are written in whole px
    return np.rint(moved[known].mean(axis=0))


def check_pictures(out: Path, held: Held, video: Path) -> None:
    """Each person has a picture in every kept frame, cut out of the video where their joints are."""
    points, pictures = read_annotations(out / "annotation.csv").points, find_pictures(out).paths
    assert sorted(points) == sorted(pictures) == sorted(f"{video.stem.replace('_', '-')}-{who}_{frame:06d}.jpg" for who in (1, 2) for frame in KEPT)
    frames = dict(zip(KEPT, read_frames(video, KEPT, (2 * SIDE, SIDE), SIDE), strict=True))
    for name, found in points.items():
        who, frame = int(identity(name).rpartition("-")[2]) - 1, frame_of(name)
        x, y = shift(found, held.people[who][frame]).astype(int)
        picture = read_picture(pictures[name])
        height, width = picture.shape[:2]
        assert x >= 0
        assert y >= 0
        assert ((found >= 0) & (found < (width, height)))[~np.isnan(found[:, 0])].all()
        cut = frames[frame][y : y + height, x : x + width].astype(int)
        assert cut.shape == picture.shape
        assert np.abs(cut - picture).mean() < 4  # grey levels: JPEG


def test_each_person_of_a_video_is_a_person_with_pictures_joints_and_guesses(held: Held, out: Path) -> None:
    said = run_video(held.video, out, "--keypoints", held.keypoints)
    check_pictures(out, held, held.video)
    assert f"{FRAMES} frames at 20 a second, one in 4 kept, 5 a second" in said
    assert f"{2 * len(KEPT)} pictures of 2 people, from {len(KEPT)} frames" in said
    assert (out / REPORT).read_text(encoding="utf-8") in said
    guessed, confidence = read_label_file(out / "guess.csv"), read_confidence(out)
    assert sorted(guessed) == sorted(confidence) == sorted(find_pictures(out).paths)
    assert 0 < min(confidence.values()) < max(confidence.values()) <= 1


def test_the_page_shows_doubtful_pictures_first_and_takes_no_guess_for_an_answer(held: Held, out: Path) -> None:
    run_video(held.video, out, "--keypoints", held.keypoints)
    confidence, folder, guess = read_confidence(out), PhotoFolder(out), guess_from_file(out)
    assert guess is not None
    shown = [confidence[name] for name in folder.photos]
    assert shown == sorted(shown)
    for name, photo in folder.photos.items():
        assert guess(name, photo.pose_2d) == read_label_file(out / "guess.csv")[name]
        assert folder.labels(name) == UNLABELLED
    assert folder.done == 0
    assert not folder.label_file.exists()


@pytest.mark.parametrize(("joints", "first"), [(COCO_18.names, 0), (HALPE_26, 0), (COCO_17, 0), (BODY_25, 1)])
def test_joint_sets_are_told_by_their_count_and_frames_by_the_last_number(
    held: Held, tmp_path: Path, out: Path, joints: tuple[str, ...], first: int
) -> None:
    keypoints = write_openpose(tmp_path / "json", held.people, joints, first)
    said = run_video(held.video, out, "--keypoints", keypoints)
    assert ("the keypoints count its frames from 1" in said) == (first == 1)
    for name, found in read_annotations(out / "annotation.csv").points.items():
        truth = held.people[int(identity(name).rpartition("-")[2]) - 1][frame_of(name)]
        if joints == COCO_17:
            found, truth = (np.delete(points, COCO_18.index("neck"), axis=0) for points in (found, truth))
        shift(found, truth)


def test_keypoints_of_coco_belong_to_frames_by_the_names_of_their_pictures(held: Held, tmp_path: Path, out: Path) -> None:
    names = [f"frame_{number:05d}.jpg" for number in range(1, FRAMES + 1)]  # as ffmpeg counts
    people = write_coco(tmp_path / "people.json", names, held.people, (2 * SIDE, SIDE))
    said = run_video(held.video, out, "--keypoints", people)
    assert "the keypoints count its frames from 1" in said
    assert f"{2 * len(KEPT)} pictures of 2 people" in said
    for name, found in read_annotations(out / "annotation.csv").points.items():
        truth = held.people[int(identity(name).rpartition("-")[2]) - 1][frame_of(name)]
        shift(*(np.delete(points, COCO_18.index("neck"), axis=0) for points in (found, truth)))


def test_a_model_finds_one_person_in_every_frame_and_looks_again_from_near(held: Held, tmp_path: Path, out: Path) -> None:
    pytest.importorskip("onnxruntime")
    places = {name: (10 + number % 5, 12 + number // 2) for number, name in enumerate(COCO_17) if name != "left_ear"}
    run_video(held.video, out, "--model", write_still_model(tmp_path / "pose.onnx", places))
    points = read_annotations(out / "annotation.csv").points
    assert len(points) == len(KEPT)
    assert {identity(name) for name in points} == {"two-people-1"}
    for found in points.values():
        assert np.isnan(found[COCO_18.index("left_ear")]).all()
        span = np.nanmax(found, axis=0) - np.nanmin(found, axis=0)
        assert 15 < span[1] < 30  # a cell of its maps measures 6.7 px of the whole picture, and 2.7 px of what is cut out


def test_several_videos_become_one_folder(held: Held, tmp_path: Path, out: Path) -> None:
    other = write_film(tmp_path / "a.b_c.mp4", np.zeros((FRAMES, SIDE, 2 * SIDE, 3), np.uint8))
    alone = write_openpose(tmp_path / "json", held.people[:1])
    run_video(held.video, other, out, "--keypoints", held.keypoints, "--keypoints", alone)
    assert {identity(name) for name in find_pictures(out).paths} == {"two-people-1", "two-people-2", "a-b-c-1"}


def test_a_part_of_a_video_and_another_rate(held: Held, out: Path) -> None:
    run_video(held.video, out, "--keypoints", held.keypoints, "--fps", 10, "--start", 0.4, "--stop", 0.9)
    assert sorted({frame_of(name) for name in find_pictures(out).paths}) == [8, 10, 12, 14, 16]


def test_a_video_without_so_many_frames_a_second_gives_all_that_it_has(held: Held, out: Path) -> None:
    said = run_video(held.video, out, "--keypoints", held.keypoints, "--fps", 60)
    assert "all kept, 20 a second: the video has no 60 a second" in said
    assert len(find_pictures(out).paths) == 2 * FRAMES


def test_a_turned_video_is_cut_as_a_player_shows_it(held: Held, tmp_path: Path, out: Path) -> None:
    """A phone's: stored lying, and shown standing by its display matrix, here a quarter turn to the left."""
    video = turned(held.video, tmp_path / "turned.mp4", 0, -1, 1, 0)
    people = [np.stack([points[..., 1], 2 * SIDE - 1 - points[..., 0]], axis=-1) for points in held.people]
    run_video(video, out, "--keypoints", write_openpose(tmp_path / "json", people))
    frames = dict(zip(KEPT, read_frames(video, KEPT, (SIDE, 2 * SIDE), 2 * SIDE), strict=True))
    for name, found in read_annotations(out / "annotation.csv").points.items():
        frame = frame_of(name)
        x, y = shift(found, people[int(identity(name).rpartition("-")[2]) - 1][frame]).astype(int)
        picture = read_picture(out / name)
        assert np.abs(frames[frame][y : y + picture.shape[0], x : x + picture.shape[1]].astype(int) - picture).mean() < 4


def test_one_person_alone_is_said_to_be_too_few(held: Held, tmp_path: Path, out: Path) -> None:
    said = run_video(held.video, out, "--keypoints", write_openpose(tmp_path / "json", held.people[:1]))
    assert "only one person is there, and the pipeline needs somebody else to test on" in said


def test_keypoints_that_were_not_found_are_missing(held: Held, tmp_path: Path, out: Path) -> None:
    """NaN, a confidence of 0, places outside; a limb of them has no label, and who has nearly none is left out."""
    wrist, people = COCO_18.index("left_wrist"), [points.copy() for points in held.people]
    people[0][:, wrist] = np.nan
    people[1][4, 7:] = np.nan
    people[1][8, wrist] = (2 * SIDE + 30, 5)
    folder = write_openpose(tmp_path / "json", people)
    text = (folder / "json_000000000008_keypoints.json").read_text(encoding="utf-8")
    (folder / "json_000000000008_keypoints.json").write_text(text.replace("0.8", "NaN", 1), encoding="utf-8")
    said = run_video(held.video, out, "--keypoints", folder)
    points, guessed = read_annotations(out / "annotation.csv").points, read_label_file(out / "guess.csv")
    assert np.isnan([points[name][wrist] for name in points if name.startswith("two-people-1")]).all()
    assert all(labels[5] is None for name, labels in guessed.items() if name.startswith("two-people-1"))
    assert "left out, with fewer than 8 keypoints: 1 detections" in said
    assert "two-people-2_000004.jpg" not in points
    assert np.isnan(points["two-people-2_000008.jpg"][wrist]).all()
