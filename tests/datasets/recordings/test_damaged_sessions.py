"""What can be wrong with a session of one's own: each is one line that names the file, and nothing is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from importing import TWO, refused
from invented_session import CAMERAS, FRAMES, SIZE, cameras, people, trc, write_c3d, write_keypoints, write_toml, write_videos

from pipeline.pose.skeleton import H36M_17

Damage = Callable[[Path], object]


def poses_of(session: Path) -> Path:
    (path,) = (session / "Walk" / "pose-3d").iterdir()
    return path


def edit(place: Callable[[Path], Path], old: str, new: str, count: int = -1) -> Damage:
    def damage(session: Path) -> None:
        text = place(session).read_text(encoding="utf-8")
        assert old in text
        place(session).write_text(text.replace(old, new, count), encoding="utf-8")

    return damage


def rewrite(poses: Callable[[], np.ndarray], **how: float) -> Damage:
    return lambda session: poses_of(session).write_text(trc(poses(), **how), encoding="utf-8")  # type: ignore[arg-type]


def calibrate(**others: dict[str, object]) -> Damage:
    return lambda session: write_toml(calibration(session), **others)


def calibration(session: Path) -> Path:
    return session / "calibration" / "Calib.toml"


def video(session: Path, camera: str = "cam02") -> Path:
    return session / "Walk" / "videos" / f"{camera}.mp4"


def without(joint: str, frames: slice) -> np.ndarray:
    poses = people(1)
    poses[frames, H36M_17.index(joint)] = np.nan
    return poses


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lines(session: Path, change: Callable[[list[str]], list[str]]) -> None:
    text = poses_of(session).read_text(encoding="utf-8").splitlines()
    poses_of(session).write_text("\n".join(change(text)) + "\n", encoding="utf-8")


def damaged_keypoints(session: Path) -> None:
    write_keypoints(session / "Walk" / "pose", people(1))
    (session / "Walk" / "pose" / "cam01_json" / "cam01_000000.json").write_text('{"people": [1]}', encoding="utf-8")


def lost_keypoints(session: Path) -> None:
    write_keypoints(session / "Walk" / "pose", people(1))
    write_keypoints(session / "Walk" / "pose-sync", people(3))


def unsynchronised_camera(session: Path) -> None:
    for folder in ("pose", "pose-sync"):
        write_keypoints(session / "Walk" / folder, people(1))
        shutil.rmtree(session / "Walk" / folder / "cam04_json")


def turned(camera: str) -> dict[str, object]:
    """The rotation of a camera that looks the other way."""
    import cv2

    R = np.diag([-1.0, 1, -1]) @ cameras()[camera].R
    return {"rotation": cv2.Rodrigues(R)[0].ravel().tolist(), "translation": (np.diag([-1.0, 1, -1]) @ cameras()[camera].t / 1000).tolist()}


DAMAGED: dict[str, tuple[Damage, str]] = {
    "no folder": (shutil.rmtree, "session: expected the folder of a recording, found nothing"),
    "an empty folder": (lambda s: [shutil.rmtree(path) for path in s.iterdir()], "session: expected a Pose2Sim session"),
    "no calibration": (
        lambda s: shutil.rmtree(s / "calibration"),
        "expected one calibration (calibration/*.toml), found none; name it by --calibration",
    ),
    "two calibrations": (
        lambda s: shutil.copy(calibration(s), s / "calibration" / "Old.toml"),
        "calibration/Old.toml; name it by --calibration",
    ),
    "a calibration that is no TOML": (edit(calibration, "[cam01]", "[cam01"), "Calib.toml: expected a calibration in TOML"),
    "a calibration without cameras": (
        lambda s: calibration(s).write_text("[metadata]\n", encoding="utf-8"),
        "`matrix` for each camera, found 'metadata'",
    ),
    "a fisheye camera": (calibrate(cam02={"fisheye": True}), "Calib.toml: [cam02] fisheye: expected a camera with a usual lens"),
    "a camera without a size": (calibrate(cam02={"size": None}), "Calib.toml: [cam02] expected `size`, found nothing"),
    "a camera that is not finite": (calibrate(cam02={"translation": [0, 0, 1e99]}), "Calib.toml: [cam02] translation.2"),
    "a skewed matrix": (
        calibrate(cam02={"matrix": [[100, 5, 60], [0, 100, 50], [0, 0, 1]]}),
        "[cam02] matrix: expected [[f, 0, c], [0, f, c], [0, 0, 1]]",
    ),
    "three distortion coefficients": (calibrate(cam02={"distortions": [0, 0, 0]}), "[cam02] distortions: expected 4 or 5 or 8"),
    "a lens that nobody built": (calibrate(cam02={"distortions": [9, -90, 3, 3]}), "camera cam02: expected a lens that"),
    "two cameras of one name": (calibrate(cam02={"name": "cam01"}), "Calib.toml: expected each camera once, found 'cam01' 2 times"),
    "one camera that looks elsewhere": (
        calibrate(cam03=turned("cam03")),
        "camera cam03: expected the skeleton inside most frames, found it there in 0 % of them; check that camera's calibration",
    ),
    "a calibration of another room": (
        calibrate(**{camera: turned(camera) for camera in CAMERAS}),
        "Calib.toml: expected people upright and inside the pictures of most cameras",
    ),
    "a camera without a video": (
        lambda s: video(s).unlink(),
        "Walk/videos: expected one video of camera cam02, called as the camera is, found cam01.mp4",
    ),
    "two videos of a camera": (
        lambda s: shutil.copy(video(s), s / "Walk" / "videos" / "cam02.avi"),
        "camera cam02, called as the camera is, found cam02.avi",
    ),
    "no videos": (
        lambda s: shutil.rmtree(s / "Walk" / "videos"),
        "Walk/videos: expected one video of camera cam01, called as the camera is, found no video",
    ),
    "a damaged video": (lambda s: cut_in_half(video(s)), "cam02.mp4: "),
    "a video that ends early": (
        lambda s: write_videos(s / "Walk" / "videos", 20, names=["cam02"]),
        "cam02.mp4: expected 40 frames or more, as its 40 poses ask for, found 20",
    ),
    "a video at another rate": (
        lambda s: write_videos(s / "Walk" / "videos", names=["cam02"], fps=30),
        "cam02.mp4: expected 50 frames/s, as its poses have",
    ),
    "a turned video": (
        lambda s: write_videos(s / "Walk" / "videos", size=SIZE[::-1], names=["cam02"]),
        "cam02.mp4: expected pictures of 128x96 px, as the calibration has them, found 96x128 px; it is turned",
    ),
    "a cropped video": (
        lambda s: write_videos(s / "Walk" / "videos", size=(96, 96), names=["cam02"]),
        "found 96x96 px; calibrate with the pictures as they are",
    ),
    "a trial without poses": (
        lambda s: poses_of(s).unlink(),
        "session/Walk: expected one file of 3D poses per person, found none; keep one, name it by --poses, or leave the trial out",
    ),
    "two files of poses": (
        lambda s: shutil.copy(poses_of(s), poses_of(s).with_stem("Walk_0-40_filt_gaussian")),
        "Walk: expected one file of 3D poses per person, found Walk_0-40_filt_butterworth.trc, Walk",
    ),
    "an empty file of poses": (
        lambda s: poses_of(s).write_bytes(b""),
        "butterworth.trc: expected a TRC file, which begins with PathFileType, found an empty",
    ),
    "poses without frames": (
        lambda s: lines(s, lambda text: text[:5]),
        "butterworth.trc: expected markers and frames, found 16 markers and 0 frames",
    ),
    "poses in UTF-16": (lambda s: poses_of(s).write_text("PathFileType", encoding="utf-16"), "butterworth.trc: expected text in UTF-8"),
    "no rate": (lambda s: lines(s, lambda text: [*text[:2], "\t" * 7, *text[3:]]), "butterworth.trc, line 3: expected DataRate in frames per second"),
    "decimal commas": (
        lambda s: lines(s, lambda text: [*text[:5], *(line.replace(".", ",") for line in text[5:])]),
        "butterworth.trc, line 6: expected a number with a decimal point, found '0,000000'; export with decimal points",
    ),
    "a row cut short": (
        lambda s: lines(s, lambda text: [*text[:9], text[9][:100], *text[10:]]),
        "butterworth.trc, line 10: expected 50 cells, three for each",
    ),
    "frames that are missing": (lambda s: lines(s, lambda text: [*text[:9], *text[12:]]), "frames that follow one another, found 3 and then 7"),
    "a time that is not the frame's": (
        lambda s: lines(s, lambda text: [*text[:5], *(f"{100 + i}\t{line.partition(chr(9))[2]}" for i, line in enumerate(text[5:]))]),
        "expected Time = Frame# / DataRate in the first frame, found 0 s, frame 100 and 50 frames/s",
    ),
    "markers called otherwise": (
        edit(poses_of, "RWrist", "Hand 2"),
        "expected a marker of each joint, found none of right_wrist that is ever seen among",
    ),
    "a marker twice": (edit(poses_of, "RWrist", "LWrist"), "expected each marker once, found 'LWrist' 2 times (left_wrist)"),
    "a marker that was never seen": (
        rewrite(lambda: without("left_wrist", slice(None))),
        "found none of left_wrist that is ever seen among 'Hip, Neck",
    ),
    "a marker that was seldom seen": (
        rewrite(lambda: without("left_wrist", slice(5, None))),
        "Walk: expected 10 frames in a row in which every joint is known, found 5 at most (left_wrist is known in 5 of 40 frames)",
    ),
    "poses of no scale": (rewrite(lambda: people(1), unit=4000), "expected people of 1 to 2.3 m, found 0."),
    "numbers that are none": (rewrite(lambda: people(1) * 1e30), "expected coordinates to be finite"),
    "poses of another place": (
        rewrite(lambda: people(1) + np.array([0, 9000.0, 0])),
        "camera cam01: expected the skeleton inside most frames, found it there in 0 % of them; so it is for cam01, cam02: check",
    ),
    "damaged keypoints": (damaged_keypoints, "cam01_000000.json: expected keypoints as OpenPose writes them"),
    "synchronised keypoints of something else": (lost_keypoints, "Walk: expected the synchronised keypoints (pose-sync) of camera cam01 also among"),
    "a camera that was not synchronised": (
        unsynchronised_camera,
        "of camera cam04 also among the others (pose), found none; say by --offset cam04=FRAMES",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_session_is_one_line(name: str, session: Path, tmp_path: Path) -> None:
    damage, words = DAMAGED[name]
    damage(session)
    line = refused(session, tmp_path / "out", *TWO)
    assert words in line, line
    assert len(line) < 600


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cameras", "cam01,cam9"), "--cameras cam9: expected a camera of"),
        (("--trials", "Run"), "--trials Run: expected one of Sit, Walk"),
        (("--offset", "cam9=1"), "--offset cam9: expected a camera of"),
        (("--offset", "cam01=soon"), "--offset cam01=soon: expected a whole number of frames"),
        (("--offset", "cam01"), "--offset cam01: expected CAMERA=FRAMES"),
        (("--offset", "cam02=30"), "expected 70 frames or more"),
        (("--subject", "Run=S1"), "--subject Run=S1: expected a trial, a participant or TRIAL/PERSON, found none of Sit, Walk"),
        (("--subject", "Walk=Anna"), "--subject Walk=Anna: expected one of S1, S2"),
        (("--marker", "tail=T"), "--marker tail=T: expected one of hips"),
        (("--marker", "right_wrist=T"), "expected the marker 'T' of --marker, found 'Hip, Neck"),
        (("--poses", "a.trc"), "expected --poses and --videos together"),
        (("--poses", "a.csv", "--videos", "."), "a.csv: expected a file of 3D poses (.trc, .c3d, .npy), found one that ends in '.csv'"),
        (("--poses", "a.trc", "--videos", "no", "--calibration", "no.toml"), "no.toml: not found; expected a calibration in TOML"),
        (("--format", "freemocap"), "session: expected a FreeMoCap recording"),
    ],
)
def test_an_option_that_fits_nothing_is_one_line(options: tuple[str, ...], words: str, session: Path, tmp_path: Path) -> None:
    assert words in refused(session, tmp_path / "out", *options)


def test_a_folder_that_holds_something_is_kept(session: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("", encoding="utf-8")
    from importing import call

    done = call(tmp_path, "import", "recording", session, tmp_path / "out")
    assert done.exit_code == 1
    assert "holds mine, which is none of the files that are written here" in done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_more_than_eleven_people_are_too_many(session: Path, tmp_path: Path) -> None:
    path = poses_of(session)
    for number in range(1, 13):
        shutil.copy(path, path.with_name(f"Walk_P{number}_0-{FRAMES}.trc"))
    path.unlink()
    assert "expected at most 11 people" in refused(session, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected an array of NumPy"),
        (np.zeros((3, 5, 2)), "expected an array (frames, points, 3), found (3, 5, 2)"),
        (np.ones((20, 5, 3)), "expected points of a known joint set (17, 25, 26, 32, 33, 133, 543, 553 of them), found 5"),
        (np.array([{}]), "expected an array of NumPy"),
    ],
)
def test_damaged_arrays(content: bytes | np.ndarray, words: str, session: Path, tmp_path: Path) -> None:
    path = tmp_path / "poses.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    options = ("--calibration", calibration(session), "--videos", session / "Walk" / "videos")
    line = refused(session, tmp_path / "out", "--poses", path, *options)
    assert line.startswith(str(path))
    assert words in line


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b"no C3D" * 200), "expected a C3D file with points, found something else"),
        (lambda path: path.write_bytes(path.read_bytes()[:-600]), "as its header says, found"),
        (cut_in_half, "it ends early, copy or export it again"),
        (lambda path: path.write_bytes(b""), "expected a C3D file with points, found something else"),
    ],
)
def test_a_damaged_c3d_file(damage: Callable[[Path], object], words: str, session: Path, tmp_path: Path) -> None:
    pytest.importorskip("ezc3d")
    shutil.rmtree(session / "Sit")
    poses_of(session).unlink()
    path = session / "Walk" / "pose-3d" / "Walk.c3d"
    write_c3d(path, people(1))
    damage(path)
    line = refused(session, tmp_path / "out")
    assert line.startswith(str(path))
    assert words in line
