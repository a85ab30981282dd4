"""The file of poses of one subject, from a small data folder in the Human3.6M layout with its manifest."""

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.layout import CAMERA, PIXELS, find_layout
from pipeline.datasets.human36m.metadata import read_metadata
from pipeline.datasets.human36m.project import write_poses as write_pose_file
from pipeline.datasets.human36m.writer import to_32_joints, truth_path, write_poses
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import H36M_32_TO_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash, write_json
from stages import project

REPOSITORY = Path(__file__).resolve().parents[3]
REAL = Path(os.environ.get("POSE25D_REAL", REPOSITORY.parent / "shared/real/balancing"))
POSE = load_config(PoseConfig, REPOSITORY / "params.yaml", "pose")
FRAMES, FPS, WANTED = 23, 50.0, 10.0
KEPT = [0, 5, 10, 15, 20]
TWINS = {"frame": [5, 7, 20], "chain": [2, 0, 3]}  # frame 7 is not kept


def cameras() -> dict[str, Camera]:
    """Two cameras that look at the origin from before and from the side; the world's z is up."""
    K = np.array([[900.0, 0, 320], [0, 910, 330], [0, 0, 1]])
    distortion = np.array([-0.2, 0.24, -0.003, -0.0014, -0.001])
    front = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    side = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    return {
        "54138969": Camera(K, distortion, front, np.array([0, -4500.0, 1000])),
        "55011271": Camera(K, distortion, side, np.array([4500.0, 0, 1000])),
    }


def world_poses() -> np.ndarray:
    """(T, 32, 3) mm: someone whose left forearm swings from before the chest to behind the back."""
    standing = {1: (130, 0, 900), 4: (-130, 0, 900), 2: (140, 0, 460), 5: (-140, 0, 460), 3: (150, 0, 60), 6: (-150, 0, 60)}
    standing |= {7: (0, 0, 1150), 8: (0, 0, 1400), 9: (0, -80, 1500), 10: (0, 0, 1650), 11: (-180, 0, 1390), 14: (180, 0, 1390)}
    standing |= {0: (0, 0, 900), 12: (-330, 0, 1150), 13: (80, -250, 1180), 15: (380, 0, 1170), 16: (480, 0, 930)}
    poses = np.array([[standing[joint] for joint in range(17)]] * FRAMES, float)
    poses[:, 13, 1] = np.linspace(-260, 260, FRAMES)
    return to_32_joints(poses)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    write_poses(folder, "S1", "Directions 1", world_poses(), cameras())
    path = truth_path(folder, "S1")
    with h5py.File(path, "w") as file:
        for number, camera in cameras().items():
            group = file.create_group(f"sequences/Directions 1/{number}")
            labels = np.arange(FRAMES * len(LIMB_NAMES), dtype=np.int8).reshape(FRAMES, len(LIMB_NAMES)) % 3 - 1
            group["label"], group["clear"] = labels, labels != 0
            if number == "54138969":
                twins = group.create_group("twins")
                twins["frame"], twins["chain"] = np.array(TWINS["frame"], np.int32), np.array(TWINS["chain"], np.int8)
                twins["pose_3d"] = camera.to_camera(world_poses()[TWINS["frame"]][:, H36M_32_TO_17]).astype(np.float32)
    return folder


def manifest(root: Path, space: str = "world", truth: bool = False) -> dict[str, Any]:
    """What `index` writes about the folder."""
    layout = find_layout(root / "S1")

    def entry(path: Path) -> dict[str, str]:
        return {"path": path.relative_to(root).as_posix(), "sha256": file_hash(path)}

    views = [
        {"camera": number, "fps": FPS, "width": 640, "height": 660, "calibration": camera.to_dict()}
        | (entry(layout.view_pose(CAMERA, "Directions 1", number)) if space == "camera" else {})
        for number, camera in cameras().items()
    ]
    sequence = {
        "sequence": "Directions 1",
        "action": "Directions",
        "subaction": 1,
        "identity": "S1-07",
        "poses": FRAMES,
        "space": space,
        "views": views,
    }
    sequence |= entry(layout.world_pose("Directions 1")) if space == "world" else {}
    return {"subject": "S1", "sequences": [sequence], "truth": entry(layout.truth) if truth else None, "left_out": []}


def written(root: Path, values: dict[str, Any], pose: PoseConfig = POSE, name: str = "S1.h5") -> Path:
    path = root.parent / name
    write_pose_file(path, values, root, WANTED, pose)
    return path


def test_every_view_has_its_kept_frames_seen_by_its_camera(root: Path) -> None:
    with h5py.File(written(root, manifest(root))) as file:
        assert list(file) == ["Directions 1"]
        assert dict(file.attrs)["subject"] == "S1"
        assert list(file.attrs["limbs"]) == list(LIMB_NAMES)
        assert "truth_path" not in file.attrs
        assert sorted(file["Directions 1"]) == sorted(cameras())
        for number, camera in cameras().items():
            view = file["Directions 1"][number]
            expected = camera.to_camera(world_poses()[KEPT][:, H36M_32_TO_17])
            assert {name: (data.shape, data.dtype.str) for name, data in view.items()} == {
                "pose_3d": ((5, 17, 3), "<f4"),
                "pose_2d": ((5, 17, 2), "<f4"),
                "label": ((5, len(LIMB_NAMES)), "|i1"),
                "box": ((5, 4), "<f4"),
                "frame": ((5,), "<i4"),
            }
            assert list(view["frame"]) == KEPT
            np.testing.assert_allclose(view["pose_3d"], expected, atol=1e-3)
            np.testing.assert_allclose(view["pose_2d"], camera.project(expected), atol=1e-3)
            np.testing.assert_array_equal(view["box"][:, :2], view["pose_2d"][()].min(axis=1))
            np.testing.assert_array_equal(view["box"][:, 2:], view["pose_2d"][()].max(axis=1))
            np.testing.assert_array_equal(view["label"], label_limbs(view["pose_3d"][()], POSE.torso_thickness, POSE.limb_radius))
            assert {name: view.attrs[name] for name in ("action", "identity", "width", "height", "fps")} == {
                "action": "Directions",
                "identity": "S1-07",
                "width": 640,
                "height": 660,
                "fps": FPS,
            }
            np.testing.assert_array_equal(Camera.from_dict(json.loads(view.attrs["camera"])).R, camera.R)


def test_the_arm_that_swings_is_in_front_then_occluded(root: Path) -> None:
    with h5py.File(written(root, manifest(root))) as file:
        labels = file["Directions 1/54138969/label"][:, LIMB_NAMES.index("left_forearm")]
    assert labels[0] == 1
    assert labels[-1] == -1


def test_poses_in_the_cameras_frame_give_the_same(root: Path) -> None:
    paths = [written(root, manifest(root, space), name=f"{space}.h5") for space in ("world", "camera")]
    with h5py.File(paths[0]) as world, h5py.File(paths[1]) as mono:
        for number in cameras():
            np.testing.assert_allclose(mono[f"Directions 1/{number}/pose_3d"], world[f"Directions 1/{number}/pose_3d"], atol=1e-3)
            np.testing.assert_array_equal(mono[f"Directions 1/{number}/label"], world[f"Directions 1/{number}/label"])


def test_what_invented_data_knows_stands_beside_the_labels(root: Path) -> None:
    values = manifest(root, truth=True)
    with h5py.File(written(root, values)) as file, h5py.File(truth_path(root, "S1")) as truth:
        assert (file.attrs["truth_path"], file.attrs["truth_sha256"]) == ("S1/truth.h5", values["truth"]["sha256"])
        for number in cameras():
            np.testing.assert_array_equal(file[f"Directions 1/{number}/label_truth"], truth[f"sequences/Directions 1/{number}/label"][KEPT])
            np.testing.assert_array_equal(file[f"Directions 1/{number}/label_clear"], truth[f"sequences/Directions 1/{number}/clear"][KEPT])
        assert list(file["twins/Directions 1"]) == ["54138969"]
        twins = file["twins/Directions 1/54138969"]
        assert list(twins["index"]) == [1, 4]
        assert list(twins["chain"]) == [2, 3]
        assert (twins["index"].dtype, twins["chain"].dtype) == (np.int32, np.int8)
        np.testing.assert_array_equal(twins["pose_3d"], truth["sequences/Directions 1/54138969/twins/pose_3d"][[0, 2]])
        np.testing.assert_array_equal(twins["label"], file["Directions 1/54138969/label"][[1, 4]])


def test_a_view_that_the_truth_does_not_know_has_none(root: Path) -> None:
    with h5py.File(truth_path(root, "S1"), "a") as truth:
        del truth["sequences/Directions 1/55011271"]
    with h5py.File(written(root, manifest(root, truth=True))) as file:
        assert "label_truth" in file["Directions 1/54138969"]
        assert "label_truth" not in file["Directions 1/55011271"]


def test_the_same_input_gives_the_same_bytes_and_maps_have_no_say(root: Path) -> None:
    blind = POSE.model_copy(update={"depth": False, "source": False, "heatmap_radius": 9.0})
    paths = [written(root, manifest(root, truth=True), pose, f"{i}.h5") for i, pose in enumerate((POSE, POSE, blind))]
    assert len({path.read_bytes() for path in paths}) == 1


def test_a_thicker_torso_changes_labels(root: Path) -> None:
    thick = POSE.model_copy(update={"torso_thickness": 600.0})
    with h5py.File(written(root, manifest(root), thick)) as file:
        assert file["Directions 1/54138969/label"][0, LIMB_NAMES.index("left_forearm")] == 0


def test_the_stage_reads_its_parameters(root: Path, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text((REPOSITORY / "params.yaml").read_text(encoding="utf-8").replace("root: data/synthetic", f"root: {root}"), encoding="utf-8")
    write_json(tmp_path / "manifest/S1.poses.json", manifest(root, truth=True))
    arguments = [str(tmp_path / "manifest"), str(tmp_path / "stage.h5"), "--params", str(params)]
    result = CliRunner().invoke(project.main, ["S1", *arguments])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "stage.h5").read_bytes() == written(root, manifest(root, truth=True)).read_bytes()
    result = CliRunner().invoke(project.main, ["S5", *arguments, "--force"])
    assert result.exit_code == 1
    assert "S5.poses.json: not found" in result.output


def test_a_file_that_is_gone_is_named(root: Path) -> None:
    values = manifest(root)
    find_layout(root / "S1").world_pose("Directions 1").unlink()
    with pytest.raises(UserError, match=r"Directions 1\.cdf: not found"):
        written(root, values)
    assert not (root.parent / "S1.h5").exists()


@pytest.mark.parametrize("truth", [False, True])
def test_a_file_that_changed_is_named(root: Path, truth: bool) -> None:
    values = manifest(root, truth=truth)
    changed = truth_path(root, "S1") if truth else find_layout(root / "S1").world_pose("Directions 1")
    with changed.open("ab") as file:
        file.write(b"more")
    with pytest.raises(UserError, match=rf"{changed.name}: expected the file that `index` saw .* found another; run `dvc repro`"):
        written(root, values)


def test_a_pose_that_cannot_be_labelled_is_named(root: Path) -> None:
    poses = world_poses()
    poses[10, :, 1] -= 4440
    write_poses(root, "S1", "Directions 1", poses, cameras())
    with pytest.raises(UserError, match=r"^S1/Directions 1\.54138969: pose 2: expected every joint more than 115 mm before the camera"):
        written(root, manifest(root))


def test_too_short_a_truth_is_named(root: Path) -> None:
    with h5py.File(truth_path(root, "S1"), "a") as truth:
        del truth["sequences/Directions 1/54138969/label"]
        truth["sequences/Directions 1/54138969/label"] = np.zeros((20, len(LIMB_NAMES)), np.int8)
    with pytest.raises(UserError, match=r"truth\.h5: expected .* labels of 23 poses, found 20; run the stage `synthesize` again"):
        written(root, manifest(root, truth=True))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real recording is not here")
@pytest.mark.parametrize("subject", ["S1", "S9"])
def test_the_real_recording_is_seen_where_its_own_files_say(subject: str, tmp_path: Path) -> None:
    metadata, layout = read_metadata(REAL), find_layout(REAL / subject)
    prefix = next(name for (who, _, _), name in metadata.prefixes.items() if who == subject)
    world = layout.world_pose(prefix)
    views = [
        {"camera": number, "fps": 60.0, "width": 540, "height": 960, "calibration": metadata.cameras[subject, number].to_dict()}
        for number in metadata.camera_ids
    ]
    count = len(read_pose(world, 3))
    sequence = {"sequence": prefix, "action": "Directions", "subaction": 1, "identity": subject, "poses": count, "space": "world", "views": views}
    sequence |= {"path": world.relative_to(REAL).as_posix(), "sha256": file_hash(world)}
    path = tmp_path / "poses.h5"
    write_pose_file(path, {"subject": subject, "sequences": [sequence], "truth": None, "left_out": []}, REAL, 10.0, POSE)
    with h5py.File(path) as file:
        for number in metadata.camera_ids:
            expected = read_pose(layout.view_pose(PIXELS, prefix, number), 2)[:count:6, H36M_32_TO_17]
            np.testing.assert_allclose(file[prefix][number]["pose_2d"], expected, atol=0.01)
