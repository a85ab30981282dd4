"""What is wrong with a video, its keypoints or the choice of a part is one line that names it, and nothing is written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from importing_video import Held, call_video, refused_video
from invented_video import FRAMES, SIDE, write_coco, write_film, write_openpose
from onnx_models import write_still_model
from recut import turned

from pipeline.utils.files import read_json

LINES = {
    "another video's keypoints, longer": (lambda folder: shutil.copy(last(folder), named(folder, FRAMES + 5)), "found frame 29; give those of this"),
    "another video's keypoints, shorter": (
        lambda folder: [path.unlink() for path in files(folder)[8:]],
        "found those of 0 to 7; give those of this video, or take the part that has some: --start 0.00 --stop 0.40",
    ),
    "no files": (lambda folder: [path.unlink() for path in files(folder)], "expected OpenPose's files, a .json for each frame, found none"),
    "a file without a number": (
        lambda folder: last(folder).rename(folder / "keypoints.json"),
        "names end in the number of a frame, found keypoints.json",
    ),
    "two videos' files": (
        lambda folder: shutil.copy(last(folder), folder / f"other_{FRAMES - 1:012d}_keypoints.json"),
        "expected one file for each frame, found 25 for 24 frames",
    ),
    "a file cut short": (lambda folder: last(folder).write_text('{"people": [', encoding="utf-8"), "_000000000023_keypoints.json: expected JSON"),
    "no people in it": (lambda folder: last(folder).write_text("{}", encoding="utf-8"), "expected keypoints as OpenPose writes them"),
    "numbers that are none": (
        lambda folder: edited(folder, lambda people: people[0].update(pose_keypoints_2d=["a", 1, 2])),
        "expected keypoints as OpenPose writes them",
    ),
    "a joint set that nobody knows": (
        lambda folder: edited(folder, lambda people: people[0].update(pose_keypoints_2d=[1] * 63)),
        "expected people of 17, 18, 25, 26 keypoints, found one of 21",
    ),
    "one person twice in a frame": (
        lambda folder: edited(folder, lambda people: [person.update(person_id=[4]) for person in people]),
        "frame 23: expected each person once, found number 4 twice",
    ),
    "nobody": (
        lambda folder: [path.write_text('{"people": []}', encoding="utf-8") for path in files(folder)],
        "expected people in its 6 kept frames, found nobody",
    ),
    "nobody whom the detector is sure of": (
        lambda folder: [path.write_text(path.read_text(encoding="utf-8").replace("0.8", "0.0"), encoding="utf-8") for path in files(folder)],
        "found nobody (left out, with fewer than 8 keypoints: 48 detections)",
    ),
    "keypoints without numbers": (
        lambda folder: [path.write_text(path.read_text(encoding="utf-8").replace("0.8", "NaN"), encoding="utf-8") for path in files(folder)],
        "found nobody (left out, with fewer than 8 keypoints: 48 detections)",
    ),
}


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def last(folder: Path) -> Path:
    return files(folder)[-1]


def named(folder: Path, frame: int) -> Path:
    return folder / f"two_people_{frame:012d}_keypoints.json"


def edited(folder: Path, change: Callable[[list[dict[str, object]]], object]) -> None:
    """Change the people of the last frame."""
    content = read_json(last(folder))
    change(content["people"])
    last(folder).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("name", LINES)
def test_damaged_keypoints_of_openpose(held: Held, tmp_path: Path, out: Path, name: str) -> None:
    folder = Path(shutil.copytree(held.keypoints, tmp_path / "two_people"))
    damage, words = LINES[name]
    damage(folder)
    line = refused_video(held.video, "--keypoints", folder, out=out)
    assert line.startswith((str(folder), str(held.video)))
    assert words in line


def test_a_video_that_is_none(held: Held, tmp_path: Path, out: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video", encoding="utf-8")
    assert refused_video(text, "--keypoints", held.keypoints, out=out).startswith(f"{text}: cannot be decoded")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(held.video.read_bytes()[:-2000])
    assert refused_video(cut, "--keypoints", held.keypoints, out=out).startswith(str(cut))


@pytest.mark.parametrize(("part", "words"), [(("--start", 9), "--start 9, found none in its 1.20 s"), (("--stop", 0), "--start 0 --stop 0")])
def test_a_part_without_frames(held: Held, out: Path, part: tuple[object, ...], words: str) -> None:
    assert words in refused_video(held.video, "--keypoints", held.keypoints, *part, out=out)


def test_keypoints_of_the_pictures_as_they_are_stored(held: Held, tmp_path: Path, out: Path) -> None:
    video = turned(held.video, tmp_path / "turned.mp4", 0, -1, 1, 0)
    line = refused_video(video, "--keypoints", held.keypoints, out=out)
    assert f"expected keypoints within {SIDE}x{2 * SIDE} px, as the video is shown" in line
    assert "they fit the pictures as they are stored, lying" in line


def test_keypoints_of_larger_pictures(held: Held, tmp_path: Path, out: Path) -> None:
    folder = write_openpose(tmp_path / "json", [4 * points for points in held.people])
    assert "px, as the video is shown, found (" in refused_video(held.video, "--keypoints", folder, out=out)


NAMES = [f"frame_{number:05d}.jpg" for number in range(FRAMES)]


@pytest.mark.parametrize(
    ("names", "size", "tracks", "words"),
    [
        ([f"{number + 100}.jpg" for number in range(FRAMES)], (2 * SIDE, SIDE), (), "0 to 23, found 100; give the keypoints of this video"),
        (NAMES, (SIDE, 2 * SIDE), (), "expected a picture of 128x64 px"),
        (NAMES, (2 * SIDE, SIDE), (3, 3), "frame 0: expected each person once, found number 3 twice"),
    ],
)
def test_damaged_keypoints_of_coco(
    held: Held, tmp_path: Path, out: Path, names: list[str], size: tuple[int, int], tracks: tuple[int, ...], words: str
) -> None:
    people = write_coco(tmp_path / "people.json", names, held.people, size, tracks)
    line = refused_video(held.video, "--keypoints", people, out=out)
    assert line.startswith(str(people))
    assert words in line


def test_a_keypoint_file_that_is_none(held: Held, tmp_path: Path, out: Path) -> None:
    people = tmp_path / "people.json"
    people.write_text("[", encoding="utf-8")
    assert refused_video(held.video, "--keypoints", people, out=out).startswith(f"{people}: expected JSON")


def test_nobody_whom_a_model_finds(held: Held, tmp_path: Path, out: Path) -> None:
    pytest.importorskip("onnxruntime")
    line = refused_video(held.video, "--model", write_still_model(tmp_path / "pose.onnx", {}), out=out)
    assert line == f"{held.video}: expected people in its 6 kept frames, found nobody; give other keypoints, or another model"


def test_what_belongs_together_is_given_together(held: Held, tmp_path: Path, out: Path) -> None:
    assert "found 0 of 1" in refused_video(held.video, out=out)
    assert "found both" in refused_video(held.video, "--keypoints", held.keypoints, "--model", held.video, out=out)
    twice = ("--keypoints", held.keypoints, "--keypoints", held.keypoints)
    assert "expected each video once" in refused_video(held.video, held.video, *twice, out=out)
    same = write_film(tmp_path / "two-people.mp4", np.zeros((FRAMES, SIDE, 2 * SIDE, 3), np.uint8))
    assert "its pictures would be called two-people-1_..., as those of" in refused_video(held.video, same, *twice, out=out)


def test_a_folder_that_is_there_stays(held: Held, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").touch()
    done = call_video(held.video, out, "--keypoints", held.keypoints)
    assert done.exit_code == 1
    assert "holds mine.txt, which is none of the files that are written here" in done.output
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
