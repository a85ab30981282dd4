"""`pose25d animate`, as people call it: the three kinds of motion, the three kinds of film, and one line for every way to get it wrong."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from example_pose import EXAMPLES
from invented_video import FPS, FRAMES, film, write_film, write_openpose
from PIL import Image
from small_recording import CAMERA_IDS, POSES, write_recording
from small_weights import SIZE, write_model
from standing import POSE

from pipeline.datasets.human36m.probe import probe_video
from pipeline.motion.films import is_painted_film
from pipeline.motion.motion_file import read_motion
from pose25d.cli import main

ROOT = Path(__file__).resolve().parents[2]
MOTION = EXAMPLES / "motion.json"
LENGTH = len(read_motion(MOTION))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recording") / "raw"
    write_recording(folder)
    return folder


def animate(model: Path, out: Path, *more: object, image: Path = EXAMPLES / "person.png", motion: Path = MOTION) -> Result:
    words = ["--image", image, "--source-pose", EXAMPLES / "person.json", "--motion", motion, "--out", out, "--params", ROOT / "params.yaml"]
    weights = [word for name in ("g1", "g2") for word in (f"--{name}", model / f"{name}.safetensors")]
    return CliRunner().invoke(main, ["animate", *map(str, [*words, *weights, *more])])


def painted(*words: object, **given: Path) -> str:
    """What it says where it has to work."""
    done = animate(*words, **given)  # type: ignore[arg-type]
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(model: Path, out: Path, *more: object, **given: Path) -> str:
    """The one line that it says where it has to fail."""
    before = out.read_bytes() if out.is_file() else None
    done = animate(model, out, *more, **given)
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert done.stderr.endswith(f"{lines[0]}\n")
    assert (out.read_bytes() if out.is_file() else None) == before
    return lines[0]


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_the_example_moves(suffix: str, model: Path, tmp_path: Path) -> None:
    out = tmp_path / f"new{suffix}"
    said = painted(model, out)
    assert said.startswith(f"animate: {LENGTH} frames at 25 per second, painted with the weights ")
    if suffix == ".mp4":
        video = probe_video(out, decode=True)
        assert (video.frames, video.fps, video.height, video.width) == (LENGTH, 25, *SIZE)
    else:
        with Image.open(out) as image:
            assert (image.n_frames, image.size) == (LENGTH, SIZE[::-1])
    first = out.read_bytes()
    painted(model, out)  # over what it painted before
    assert out.read_bytes() == first


def test_a_recording_moves_the_person_beside_its_own_video(model: Path, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.mp4"
    painted(model, out, "--sequence", "S1/SittingDown 2", "--camera", CAMERA_IDS[0], "--side-by-side", motion=recording)
    video = probe_video(out)
    assert (video.frames, video.fps, video.height, video.width) == (POSES, 50, 256, 5 * 128)  # two of them skeletons


def test_the_person_keeps_the_own_proportions_unless_it_is_asked_not_to(model: Path, tmp_path: Path) -> None:
    own, motions, asked = tmp_path / "own.mp4", tmp_path / "motions.mp4", tmp_path / "asked.mp4"
    assert painted(model, own).endswith("proportions: the person's own\n")
    assert painted(model, motions, "--as-the-motion").endswith("proportions: the motion's\n")
    painted(model, asked, "--keep-proportions")
    assert asked.read_bytes() == own.read_bytes() != motions.read_bytes()
    frame = {"fps": 25, "frames": [json.loads((EXAMPLES / "person.json").read_text(encoding="utf-8"))]}
    (tmp_path / "frame.json").write_text(json.dumps(frame), encoding="utf-8")
    assert painted(model, tmp_path / "again.mp4", motion=tmp_path / "frame.json").endswith("proportions: the motion's\n")


def test_a_driving_video_moves_the_person(model: Path, tmp_path: Path) -> None:
    shot = film(0, POSE, np.arange(FRAMES) / FPS)
    write_film(tmp_path / "driving.mp4", shot.pictures)
    keypoints, out, saved = write_openpose(tmp_path / "keypoints", [shot.points]), tmp_path / "new.mp4", tmp_path / "motion.json"
    driving = "--video", tmp_path / "driving.mp4", "--start", 0.2, "--stop", 0.7
    plain = "--frame-by-frame", "--as-the-motion"
    painted(model, tmp_path / "steady.mp4", *driving, motion=keypoints)
    painted(model, out, *driving, *plain, "--save-motion", saved, motion=keypoints)
    assert probe_video(out).frames == 10
    assert out.read_bytes() != (tmp_path / "steady.mp4").read_bytes()
    again = tmp_path / "again.mp4"
    painted(model, again, *plain, motion=saved)  # a motion that was saved is painted the same
    assert again.read_bytes() == out.read_bytes()
    content = json.loads(saved.read_text(encoding="utf-8"))
    for frame in content["frames"]:
        frame["labels"]["left_forearm"] = frame["labels"]["right_forearm"] = -1
        frame["labels"]["left_upper_arm"] = frame["labels"]["right_upper_arm"] = 1
    saved.write_text(json.dumps(content), encoding="utf-8")
    painted(model, again, *plain, motion=saved)
    assert again.read_bytes() != out.read_bytes()


def test_only_what_was_painted_here_is_painted_over(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "holiday.mp4"
    write_film(out, np.zeros((3, 16, 16, 3), np.uint8))
    assert "is there already, and is no film that was painted here" in refused(model, out)
    painted(model, out, "--force")
    assert is_painted_film(out)
    with out.open("ab") as file:
        file.write(b"somebody's own")
    assert "is there already, and is no film that was painted here" in refused(model, out)


def test_what_it_reads_is_never_written_over(model: Path, recording: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(recording, tmp_path / "raw"))
    video = own / "S1" / "Videos" / f"SittingDown 2.{CAMERA_IDS[0]}.mp4"
    line = refused(model, video, "--sequence", "S1/SittingDown 2", "--camera", CAMERA_IDS[0], "--force", motion=own)
    assert "is read by this very command" in line
    saved = tmp_path / "motion.json"
    shutil.copy(MOTION, saved)
    assert "is read by this very command" in refused(model, tmp_path / "new.mp4", "--save-motion", saved, "--force", motion=saved)
    assert "is there already" in refused(model, tmp_path / "new.mp4", "--save-motion", saved)


def test_a_motion_of_no_kind_is_one_line(model: Path, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.mp4"
    assert "is a folder, and nothing says of what" in refused(model, out, motion=recording)
    assert "expected --sequence and --camera together, found one of them" in refused(model, out, "--camera", "1", motion=recording)
    both = ("--video", EXAMPLES / "person.png", "--camera", "1")
    assert "expected --video, or --sequence and --camera of a recording, found both" in refused(model, out, *both, motion=recording)
    unknown = ("--sequence", "S1/Walking", "--camera", CAMERA_IDS[0])
    assert "expected sequence 'Walking' of S1" in refused(model, out, *unknown, motion=recording)
    assert "expected text in UTF-8" in refused(model, out, motion=EXAMPLES / "person.png")
    assert "found none in its" in refused(model, out, "--start", 60)
    assert "films are written as .mp4, .gif, .webp" in refused(model, tmp_path / "new.avi")
    (tmp_path / "empty.json").touch()
    assert "it is empty or cut short" in refused(model, out, motion=tmp_path / "empty.json")


def test_several_pictures_of_the_person_are_given_with_a_pose_each(model: Path, tmp_path: Path) -> None:
    person, pose = EXAMPLES / "person.png", EXAMPLES / "person.json"
    assert "expected a --source-pose for each --image, found 2 and 1" in refused(model, tmp_path / "new.mp4", "--image", person)
    said = painted(model, tmp_path / "new.mp4", "--image", person, "--source-pose", pose)
    assert said.startswith(f"animate: {LENGTH} frames")
