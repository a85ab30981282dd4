import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from recut import slowed, turned
from ruamel.yaml import YAML
from small_recording import CAMERA_IDS, POSES, make_camera, pictures

from pipeline.datasets.human36m.cdf import read_pose, write_pose
from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.human36m.layout import CAMERA, PIXELS, WORLD
from pipeline.datasets.human36m.manifest import read_videos
from pipeline.datasets.human36m.plausibility import odd_views
from pipeline.datasets.human36m.probe import Video
from pipeline.pose.camera import Camera
from pipeline.utils.files import file_hash, read_json
from pose25d import check
from stages import index


@pytest.fixture
def params(root: Path, tmp_path: Path):
    """Write parameters that read `root`; keywords change section `data`. Returns the file."""
    yaml = YAML(typ="safe")
    values = yaml.load(Path(__file__).parents[3] / "params.yaml")
    values["parallel"]["workers"] = 1

    def write(**changes) -> Path:
        values["data"] |= {"root": str(root), "subjects": ["S1", "S9"], "test_subjects": ["S9"], "exclude": []} | changes
        yaml.dump(values, tmp_path / "params.yaml")
        return tmp_path / "params.yaml"

    return write


def without_progress(output: str) -> str:
    """What a stage says beside how far it is."""
    return "".join(line for line in output.splitlines(keepends=True) if not line.startswith("inspecting: "))


@pytest.fixture
def run_index(params, tmp_path: Path):
    """Run the stage; returns its output and the manifests by file name."""

    def run(**changes):
        result = CliRunner().invoke(index.main, [str(tmp_path / "manifest"), "--params", str(params(**changes))], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return without_progress(result.output), {file.name: read_json(file) for file in (tmp_path / "manifest").iterdir()}

    return run


@pytest.fixture
def index_fails(params, tmp_path: Path):
    """Run the stage and expect one line that matches, and no output."""

    def run(words: str, **changes) -> None:
        result = CliRunner().invoke(index.main, [str(tmp_path / "manifest"), "--params", str(params(**changes))], catch_exceptions=False)
        assert result.exit_code == 1
        assert re.fullmatch(f"Error: [^\n]*{words}[^\n]*\n", without_progress(result.output)), result.output
        assert not (tmp_path / "manifest").exists()

    return run


@pytest.fixture
def run_check(params, root: Path):
    """Run `pose25d.check`; returns its exit status and output."""

    def run(*options: str, **changes) -> tuple[int, str]:
        result = CliRunner().invoke(check.main, [str(root), "--params", str(params(**changes)), *options], catch_exceptions=False)
        return result.exit_code, result.output

    return run


def views(manifests, subject: str) -> set[tuple[str, str]]:
    """The views of a subject, the same in both manifests."""
    videos = {(video["sequence"], video["camera"]) for video in manifests[f"{subject}.videos.json"]["videos"]}
    poses = {(sequence["sequence"], view["camera"]) for sequence in manifests[f"{subject}.poses.json"]["sequences"] for view in sequence["views"]}
    assert videos == poses
    return videos


def test_manifests_of_a_complete_folder(run_index, root):
    output, manifests = run_index()
    assert output == ""
    assert set(manifests) == {"S1.videos.json", "S1.poses.json", "S9.videos.json", "S9.poses.json"}
    assert views(manifests, "S1") == {(prefix, camera) for prefix in ("Sitting 1", "SittingDown 2") for camera in CAMERA_IDS}
    video = manifests["S1.videos.json"]["videos"][1]
    path = "S1/Videos/Sitting 1.55011271.mp4"
    assert video == {
        "sequence": "Sitting 1",
        "action": "Sitting",
        "camera": "55011271",
        "path": path,
        "sha256": file_hash(root / path),
        "fps": 50.0,
        "width": 64,
        "height": 64,
        "frames": POSES + 2,
        "poses": POSES,
    }
    poses = manifests["S9.poses.json"]
    assert (poses["subject"], poses["truth"], poses["left_out"]) == ("S9", None, [])
    (sequence,) = poses["sequences"]
    path = "S9/MyPoseFeatures/D3_Positions/Sitting.cdf"
    expected = {"sequence": "Sitting", "action": "Sitting", "subaction": 1, "identity": "S9", "poses": POSES, "path": path, "space": "world"}
    assert {key: sequence[key] for key in expected} == expected
    assert sequence["sha256"] == file_hash(root / path)
    view = sequence["views"][0]
    assert {key: view[key] for key in ("camera", "fps", "width", "height")} == {"camera": CAMERA_IDS[0], "fps": 50.0, "width": 64, "height": 64}
    np.testing.assert_allclose(Camera.from_dict(view["calibration"]).R, make_camera("S9", CAMERA_IDS[0]).R, atol=1e-14)


def test_manifests_do_not_depend_on_where_the_data_lies(run_index, root, tmp_path):
    (root / "S1/Videos/Sitting 1.54138969.mp4").unlink()
    (root / "S1/MyPoseFeatures/D3_Positions/SittingDown 2.cdf").write_bytes(b"")
    _, here = run_index(skip_bad=True)
    _, there = run_index(skip_bad=True, root=str(root.rename(tmp_path / "elsewhere")))
    assert here == there


def test_as_h36m_fetch_extracts_it(run_index, root):
    for subject in ("S1", "S9"):
        for kind in (WORLD, CAMERA, PIXELS):
            (root / subject / "MyPoseFeatures" / kind).rename(root / subject / f"Poses_{kind}")
    _, manifests = run_index()
    assert manifests["S1.poses.json"]["sequences"][0]["path"] == "S1/Poses_D3_Positions/Sitting 1.cdf"
    assert len(views(manifests, "S1")) == 4


def test_poses_of_each_camera_where_the_worlds_are_missing(run_index, root):
    shutil.rmtree(root / "S9/MyPoseFeatures/D3_Positions")
    _, manifests = run_index()
    (sequence,) = manifests["S9.poses.json"]["sequences"]
    assert sequence["space"] == "camera"
    assert "path" not in sequence
    for view in sequence["views"]:
        assert view["path"] == f"S9/MyPoseFeatures/D3_Positions_mono/Sitting.{view['camera']}.cdf"
        assert view["sha256"] == file_hash(root / view["path"])


def test_chosen_cameras(run_index):
    _, manifests = run_index(cameras=["55011271"])
    assert views(manifests, "S9") == {("Sitting", "55011271")}


def test_unknown_camera(index_fails):
    index_fails(r"data\.cameras: 123 is not in table dbcameras of .*metadata\.xml, which has 54138969, 55011271", cameras=["123"])


def test_excluded_sequences_are_listed_with_their_reason(run_index):
    output, manifests = run_index(exclude=[{"sequence": "S1/Sitting 1", "reason": "chair broke"}, {"sequence": "S9/Not there", "reason": "none"}])
    assert views(manifests, "S1") == {("SittingDown 2", camera) for camera in CAMERA_IDS}
    for kind in ("videos", "poses"):
        assert manifests[f"S1.{kind}.json"]["left_out"] == [{"sequence": "Sitting 1", "camera": None, "reason": "chair broke"}]
    assert "S1: left out Sitting 1: chair broke\n" in output


def somebody(count: int) -> np.ndarray:
    """Other poses (count, 32, 3) in mm where a person stands, world frame."""
    return np.random.default_rng(7).uniform(-400, 400, (count, 32, 3)) + np.array([0, 0, 900])


def test_a_shortened_pose_file_or_a_short_video_shortens_the_sequence(run_index, root):
    path = root / "S9/MyPoseFeatures/D3_Positions/Sitting.cdf"
    write_pose(path, somebody(4))
    shutil.copy(root / "S9/Videos/Sitting.54138969.mp4", root / "S1/Videos/Sitting 1.54138969.mp4")
    write_pose(root / "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf", somebody(40))
    _, manifests = run_index()
    assert {video["poses"] for video in manifests["S9.videos.json"]["videos"]} == {4}
    assert manifests["S9.poses.json"]["sequences"][0]["poses"] == 4
    assert [video["poses"] for video in manifests["S1.videos.json"]["videos"]] == [POSES + 1, POSES + 1, POSES, POSES]
    assert manifests["S1.poses.json"]["sequences"][0]["poses"] == POSES + 1
    assert manifests["S9.poses.json"]["left_out"] == []  # frames without a pose are what every video ends with
    reason = "the last 33 of 40 poses: camera 54138969 has no frames or no poses for them"
    assert manifests["S1.poses.json"]["left_out"] == [{"sequence": "Sitting 1", "camera": None, "reason": reason}]


def damage_nothing_there(root: Path) -> str:
    (root / "S1/Videos/Sitting 1.55011271.mp4").unlink()
    return r"S1/Videos/Sitting 1\.55011271\.mp4: not found"


def damage_video(root: Path) -> str:
    path = root / "S1/Videos/Sitting 1.55011271.mp4"
    path.write_bytes(path.read_bytes()[:1000])
    return r"S1/Videos/Sitting 1\.55011271\.mp4: cannot be decoded"


def damage_calibration(root: Path) -> str:
    path = root / "metadata.xml"
    text = path.read_text()
    numbers = re.search(r"<w0>\[(.*)\]", text)[1].split()
    numbers[66:72] = ["0"] * 6  # second camera, S1
    path.write_text(re.sub(r"<w0>\[.*\]", f"<w0>[{' '.join(numbers)}]", text))
    return r"metadata\.xml: table w0 has no calibration of camera 55011271 for S1"


@pytest.mark.parametrize("damage", [damage_nothing_there, damage_video, damage_calibration])
def test_a_bad_view_stops_the_run_or_is_left_out_and_listed(root, run_index, index_fails, damage):
    words = damage(root)
    index_fails(words)
    output, manifests = run_index(skip_bad=True)
    assert ("Sitting 1", CAMERA_IDS[0]) in views(manifests, "S1")
    assert ("Sitting 1", CAMERA_IDS[1]) not in views(manifests, "S1")
    (entry, *_) = manifests["S1.videos.json"]["left_out"]
    assert (entry["sequence"], entry["camera"]) == ("Sitting 1", CAMERA_IDS[1])
    assert re.match(words, entry["reason"])
    assert manifests["S1.poses.json"]["left_out"] == manifests["S1.videos.json"]["left_out"]
    assert "S1: left out Sitting 1 55011271: " in output


def missing_poses(root: Path) -> str:
    (root / "S1/MyPoseFeatures/D3_Positions/SittingDown 2.cdf").unlink()
    for file in (root / "S1/MyPoseFeatures/D3_Positions_mono").glob("SittingDown*"):
        file.unlink()
    return r"S1/MyPoseFeatures/D3_Positions/SittingDown 2\.cdf: not found"


def damaged_poses(root: Path) -> str:
    path = root / "S1/MyPoseFeatures/D3_Positions/SittingDown 2.cdf"
    path.write_bytes(path.read_bytes()[:500])
    return r"S1/MyPoseFeatures/D3_Positions/SittingDown 2\.cdf: expected a CDF file"


@pytest.mark.parametrize("damage", [missing_poses, damaged_poses])
def test_bad_poses_stop_the_run_or_leave_out_the_sequence(root, run_index, index_fails, damage):
    words = damage(root)
    index_fails(words)
    _, manifests = run_index(skip_bad=True)
    assert views(manifests, "S1") == {("Sitting 1", camera) for camera in CAMERA_IDS}  # and not SittingDown, whose name begins alike
    (entry,) = manifests["S1.poses.json"]["left_out"]
    assert (entry["sequence"], entry["camera"]) == ("SittingDown 2", None)


def test_one_bad_file_of_a_cameras_poses_costs_that_view(root, run_index):
    shutil.rmtree(root / "S9/MyPoseFeatures/D3_Positions")
    (root / "S9/MyPoseFeatures/D3_Positions_mono/Sitting.54138969.cdf").unlink()
    _, manifests = run_index(skip_bad=True)
    assert views(manifests, "S9") == {("Sitting", "55011271")}


def test_a_subject_without_anything_left_stops_the_run_even_so(root, index_fails):
    (root / "S9/MyPoseFeatures/D3_Positions/Sitting.cdf").write_bytes(b"")
    index_fails("S9: expected at least one sequence that can be used, found none .*Sitting", skip_bad=True)


def test_a_subject_whose_every_sequence_is_excluded_stops_the_run(index_fails):
    index_fails(r"S9: expected at least one sequence .*\(no reason\)", exclude=[{"sequence": "S9/Sitting", "reason": "no reason"}])


def test_without_metadata(root, index_fails):
    (root / "metadata.xml").unlink()
    index_fails(r"metadata\.xml: not found")


def test_a_subject_without_a_folder(root, index_fails):
    shutil.rmtree(root / "S9")
    index_fails("S9: folder not found; fetch subject S9")


def test_a_subject_that_metadata_does_not_name(index_fails):
    index_fails("table mapping: expected subject S5, found S1, S9", subjects=["S1", "S5"], test_subjects=["S5"])


def test_files_that_metadata_does_not_name_are_listed(root, run_index):
    for name in ("Hopping 1.54138969.mp4", "_ALL 1.54138969.mp4"):
        shutil.copy(root / "S1/Videos/Sitting 1.54138969.mp4", root / "S1/Videos" / name)
    _, manifests = run_index()
    assert [entry["sequence"] for entry in manifests["S1.videos.json"]["left_out"]] == ["S1/Videos/Hopping 1.54138969.mp4"]


def test_strange_names_of_files_are_listed_as_they_can_be_written_and_hidden_ones_are_not(root, run_index, run_check, tmp_path):
    for name in (b"Hop\xff.54138969.mp4", b"a\nb.54138969.mp4", b"._Sitting 1.54138969.mp4", b".partial-x.mp4"):
        Path(os.fsdecode(os.fsencode(root / "S1/Videos") + b"/" + name)).touch()
    output, manifests = run_index()
    expected = ["S1/Videos/Hop\\xff.54138969.mp4", "S1/Videos/a\\nb.54138969.mp4"]
    assert sorted(entry["sequence"] for entry in manifests["S1.videos.json"]["left_out"]) == expected
    assert len(output.splitlines()) == 2
    assert run_check()[0] == 0
    assert read_videos(tmp_path / "manifest", "S1") == manifests["S1.videos.json"]


def test_a_mapping_with_a_sequence_twice_is_one_line(root, index_fails):
    path = root / "metadata.xml"
    row = "<tr><td>11</td><td>1</td><td>Sitting 1</td><td></td></tr>"
    path.write_text(path.read_text().replace("</mapping>", f"{row}</mapping>"))
    index_fails("table mapping: expected each sequence of S1 once, found 'Sitting 1' 2 times")


def test_the_take_of_all_actions_is_ignored(root, run_index):
    path = root / "metadata.xml"
    row = "<tr><td>1</td><td>1</td><td>_ALL</td><td>_ALL 1</td></tr>"
    path.write_text(path.read_text().replace("</mapping>", f"{row}</mapping>"))
    _, manifests = run_index()
    assert len(views(manifests, "S1")) == 4


def write_truth(root: Path, names: list[str]) -> None:
    with h5py.File(root / "S1/truth.h5", "w") as file:
        for i, name in enumerate(names):
            file.create_group(f"sequences/{name}").attrs["identity"] = f"person {i}"


def test_identities_of_invented_data(root, run_index):
    write_truth(root, ["SittingDown 2", "Sitting 1"])
    _, manifests = run_index()
    assert [sequence["identity"] for sequence in manifests["S1.poses.json"]["sequences"]] == ["person 1", "person 0"]
    assert manifests["S1.poses.json"]["truth"] == {"path": "S1/truth.h5", "sha256": file_hash(root / "S1/truth.h5")}
    assert [sequence["identity"] for sequence in manifests["S9.poses.json"]["sequences"]] == ["S9"]


def test_a_damaged_sidecar_is_one_line(root, index_fails):
    write_truth(root, ["Sitting 1"])
    index_fails(r"truth\.h5: expected the identity of sequence 'SittingDown 2', found 'Sitting 1'")
    with h5py.File(root / "S1/truth.h5", "w"):
        pass
    index_fails(r"truth\.h5: expected the truth of the built-in data, .* run the stage `synthesize` again")
    (root / "S1/truth.h5").write_bytes(b"no HDF5")
    index_fails(r"truth\.h5: expected the truth of the built-in data, .* run the stage `synthesize` again")


def test_check_of_a_complete_folder(run_check):
    status, output = run_check("--decode")
    assert status == 0
    for words in ("SittingDown 2", "64x64", "│ 50", "the pipeline can run on S1, S9"):
        assert words in output
    for stage in ("index", "extract", "project", "pack", "training"):
        assert re.search(rf"│ {stage} +│ (-|[0-9.,]+) +│ (-|[0-9.,]+) +│ (-|[0-9.,]+) +│", output)
    assert "damaged" not in output
    assert "missing" not in output


def test_check_lists_every_fault_at_once(root, run_check):
    damage_video(root)
    missing_poses(root)
    shutil.copy(root / "S1/Videos/Sitting 1.54138969.mp4", root / "S1/Videos/Hopping.54138969.mp4")
    (root / "S2").mkdir()
    status, output = run_check(exclude=[{"sequence": "S9/Hopping", "reason": "none"}])
    assert status == 1
    for words in (
        "damaged",
        "missing",
        "S1 Sitting 1 55011271: S1/Videos/Sitting 1.55011271.mp4: cannot be decoded",
        "S1 SittingDown 2: S1/MyPoseFeatures/D3_Positions/SittingDown 2.cdf: not found",
        "S1/Videos/Hopping.54138969.mp4: table mapping of metadata.xml does not name this file",
        "S2: table mapping of metadata.xml does not name this subject",
        "data.exclude: table mapping of metadata.xml has no sequence S9/Hopping",
        "(and 1 more)",
    ):
        assert words in output
    assert run_check(skip_bad=True)[0] == 0


def test_check_decodes_every_frame_when_asked(root, run_check):
    path = root / "S1/Videos/Sitting 1.55011271.mp4"
    rng = np.random.default_rng(0)
    write_video(path, [rng.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(40)], 50, 20)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(2000) + whole[len(whole) // 2 + 2000 :])
    assert run_check()[0] == 0
    status, output = run_check("--decode")
    assert status == 1
    assert "S1/Videos/Sitting 1.55011271.mp4: " in output


def test_check_asks_for_what_is_there_not_for_what_the_parameters_name(root, run_check):
    status, output = run_check(subjects=["S1", "S5"], test_subjects=["S5"])
    assert status == 0
    shutil.rmtree(root / "S9")
    status, output = run_check()
    assert status == 1
    assert "no folder of S9" in output
    assert "expected at least two subjects" in output
    shutil.rmtree(root / "S1")
    status, output = run_check()
    assert status == 1
    assert "expected folders of subjects (S1, S9), found none" in output


def in_other_units(factor: float) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        path = root / "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf"
        write_pose(path, read_pose(path, 3) * factor)

    return spoil


def of_another_place(root: Path) -> None:
    path = root / "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf"
    write_pose(path, read_pose(path, 3) + np.array([0, 0, 6000], np.float32))


def behind_a_camera(root: Path) -> None:
    path = root / "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf"
    write_pose(path, read_pose(path, 3) - np.array([0, 9000, 0], np.float32))


def under_two_names(root: Path) -> None:
    shutil.copy(root / "S9/MyPoseFeatures/D3_Positions/Sitting.cdf", root / "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf")


def the_other_cameras_numbers(**changes: float) -> Callable[[Path], None]:
    """Change the intrinsics (fx, fy, cx, cy at 0 to 3) of the second camera."""

    def spoil(root: Path) -> None:
        path = root / "metadata.xml"
        numbers = re.search(r"<w0>\[(.*)\]", path.read_text())[1].split()
        for name, value in changes.items():
            numbers[2 * 11 * 6 + 9 + ("fx", "fy", "cx", "cy").index(name)] = str(value)
        path.write_text(re.sub(r"<w0>\[.*\]", f"<w0>[{' '.join(numbers)}]", path.read_text()))

    return spoil


def another_video(write: Callable[[Path, Path], object]) -> Callable[[Path], None]:
    """Replace the second camera's video by what `write` makes of it."""

    def spoil(root: Path) -> None:
        path = root / "S1/Videos/Sitting 1.55011271.mp4"
        write(path, path.with_name("other.mp4"))
        path.with_name("other.mp4").replace(path)

    return spoil


def small_pictures(_: Path, copy: Path) -> None:
    write_video(copy, [picture[:8, :8] for picture in pictures(8)], 50, 20)


def few_frames(_: Path, copy: Path) -> None:
    write_video(copy, pictures(8), 7, 20)


def without(*lost: int) -> Callable[[Path, Path], None]:
    """A video that lacks some frames; the others keep their time stamps."""

    def write(_: Path, copy: Path) -> None:
        with av.open(copy, "w", options={"avoid_negative_ts": "disabled"}) as container:
            stream = container.add_stream("libx264", rate=50, options={"bf": "0"})
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            stream.codec_context.thread_count = 1
            for number, picture in enumerate(pictures(8 + len(lost))):
                if number not in lost:
                    frame = av.VideoFrame.from_ndarray(picture).reformat(format="yuv420p")
                    frame.pts, frame.time_base = number, Fraction(1, 50)
                    container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    return write


SITTING = "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf"
SECOND = "S1/Videos/Sitting 1.55011271.mp4"
IMPLAUSIBLE = {
    "metres": (in_other_units(1e-3), None, rf"{SITTING}: expected bodies of 300 to 6000 mm, found 1\.\S+; they seem to be in m: write them in mm"),
    "centimetres": (in_other_units(0.1), None, f"{SITTING}: expected bodies of .* they seem to be in cm"),
    "giants": (in_other_units(100), None, f"{SITTING}: expected bodies of .* leave the sequence out"),
    "out of sight": (of_another_place, CAMERA_IDS[0], "expected most joints inside the pictures, found 0 % of them inside pictures of 64x64 px"),
    "behind": (behind_a_camera, CAMERA_IDS[0], "expected every joint before the camera, found one [0-9]+ mm behind it"),
    "two names": (under_two_names, None, f"{SITTING}: expected poses of S1 alone, found the same in S9/MyPoseFeatures/D3_Positions/Sitting.cdf"),
    "no focal length": (the_other_cameras_numbers(fx=0), CAMERA_IDS[1], rf"{SECOND}: expected a focal length of 12\.8 to 3200 px .* found 0, 131"),
    "negative focal length": (the_other_cameras_numbers(fy=-131), CAMERA_IDS[1], "expected a focal length of"),
    "8 px": (another_video(small_pictures), CAMERA_IDS[1], f"{SECOND}: expected pictures of at least 32 px a side, found 8x8 px"),
    "7 Hz": (another_video(few_frames), CAMERA_IDS[1], f"{SECOND}: expected at least 10 frames/s, as data.fps asks for, found 7"),
    "half the rate": (another_video(lambda path, copy: slowed(path, copy, 2)), None, "expected all cameras of a sequence at one rate, found"),
    "lost frames": (another_video(without(3, 4)), CAMERA_IDS[1], f"{SECOND}: expected a frame every 0.02 s, found 0.06 s after frame 2"),
    "lost at the beginning": (another_video(without(0, 1, 2)), None, "the first frames of all cameras at one time, found 0, 0.06, and"),
    "askew": (another_video(lambda path, copy: turned(path, copy, 0.7071, -0.7071, 0.7071, 0.7071)), CAMERA_IDS[1], "turned by right angles"),
}


@pytest.mark.parametrize("name", IMPLAUSIBLE)
def test_recordings_that_make_no_sense_are_named_by_check_and_refused_by_index(root, run_check, run_index, index_fails, name):
    spoil, camera, words = IMPLAUSIBLE[name]
    spoil(root)
    status, output = run_check()
    assert status == 1
    assert re.search(words, output), output
    assert "the pipeline can run" not in output
    index_fails(words)
    if name in ("negative focal length", "no focal length", "two names"):
        return  # it concerns every sequence
    _, manifests = run_index(skip_bad=True)
    assert all(entry["sequence"] == "Sitting 1" for entry in manifests["S1.videos.json"]["left_out"])
    assert camera in {entry["camera"] for entry in manifests["S1.videos.json"]["left_out"]} or name in ("half the rate", "lost at the beginning")


def test_poses_of_each_camera_are_judged_too(root, run_check):
    shutil.rmtree(root / "S9/MyPoseFeatures/D3_Positions")
    path = root / "S9/MyPoseFeatures/D3_Positions_mono/Sitting.54138969.cdf"
    write_pose(path, read_pose(path, 3) / 1000)
    status, output = run_check()
    assert status == 1
    assert "implausible" in output
    assert "Sitting.54138969.cdf: expected bodies of 300 to 6000 mm" in output


def at(rate: float, frames: int = 60, start: float = 0) -> Video:
    return Video(rate, 64, 64, frames, rate, start)


def test_one_camera_of_three_at_another_rate_is_the_odd_one():
    assert list(odd_views({"1": at(60), "2": at(30, 30), "3": at(60)})) == ["2"]
    assert list(odd_views({"1": at(60), "2": at(30, 30)})) == ["1", "2"]  # neither prevails
    assert odd_views({"1": at(60), "2": at(60)}) == odd_views({"1": at(60)}) == odd_views({}) == {}
    assert list(odd_views({"1": at(60, 3000), "2": at(59.94, 3000), "3": at(60, 3000)})) == ["2"]  # three frames apart at the end
    assert not odd_views({"1": at(60), "2": at(59.94)})


def test_a_camera_that_begins_later_is_the_odd_one():
    late = odd_views({"1": at(60), "2": at(60, start=10 / 60), "3": at(60)})
    assert list(late) == ["2"]
    assert "found 0 in most, and 0.1667 here (s)" in late["2"]
    assert list(odd_views({"1": at(60), "2": at(60, start=10 / 60)})) == ["1", "2"]
    assert not odd_views({"1": at(60), "2": at(60, start=2 / 60)})  # as an encoder may leave it


def lying_video(root: Path) -> Path:
    """The second camera's video of S1's first take, as a camera on edge writes it: 96 px wide and 64 high, shown 64 wide and 96 high."""
    path = root / "S1/Videos/Sitting 1.55011271.mp4"
    lying = [np.ascontiguousarray(np.rot90(np.vstack([picture, picture[:32]]), -1)) for picture in pictures(8)]
    write_video(path.with_name("lying.mp4"), lying, 50, 20)
    turned(path.with_name("lying.mp4"), path, 0, -1, 1, 0)
    path.with_name("lying.mp4").unlink()
    return path


def test_a_camera_on_edge_is_seen_as_a_player_shows_it(root, run_index, index_fails):
    lying_video(root)
    _, manifests = run_index()
    view = manifests["S1.poses.json"]["sequences"][0]["views"][1]
    assert (view["width"], view["height"]) == (64, 96)
    assert (manifests["S1.videos.json"]["videos"][1]["width"], manifests["S1.videos.json"]["videos"][1]["height"]) == (64, 96)
    shutil.rmtree(root.parent / "manifest")
    the_other_cameras_numbers(cx=48)(root)  # the middle of the picture before it is turned
    index_fails(f"{SECOND}: a player shows pictures of 64x96 px, turned by a right angle, and the calibration is that of the pictures before")


@pytest.mark.parametrize("name", ["S1/Videos/Sitting 1.55011271.mp4", "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf", "S1/truth.h5", "metadata.xml"])
def test_what_the_machine_cannot_read_is_never_left_out(root, index_fails, name):
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to("/proc/self/mem")  # its beginning cannot be read: EIO
    index_fails(f"{name}: the disk or the network drive does not answer", skip_bad=True)


def test_check_warns_of_recordings_that_would_get_into_commits(root, run_check, monkeypatch):
    monkeypatch.chdir(root.parent)
    assert "warning" not in run_check()[1]
    subprocess.run(["git", "init", "--quiet"], cwd=root.parent, check=True)
    status, output = run_check()
    assert status == 0
    (line,) = [line for line in output.splitlines() if "warning" in line]
    assert "add the line /h36m/ to .gitignore" in line
    (root.parent / ".gitignore").write_text("/h36m/\n")
    assert "warning" not in run_check()[1]


def test_check_shows_excluded_and_shortened_sequences(root, run_check):
    write_pose(root / "S9/MyPoseFeatures/D3_Positions/Sitting.cdf", somebody(40))
    status, output = run_check(exclude=[{"sequence": "S1/Sitting 1", "reason": "chair broke"}])
    assert status == 0
    assert "7 of 40" in output
    assert "excluded" in output
    assert "S1 Sitting 1: chair broke" in output


def test_manifests_are_json_of_plain_numbers(run_index, tmp_path):
    run_index()
    for file in (tmp_path / "manifest").iterdir():
        json.loads(file.read_text(), parse_constant=pytest.fail)
