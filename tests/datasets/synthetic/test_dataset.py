import hashlib

import av
import cv2
import h5py
import numpy as np
import pytest

from pipeline.config.parallel import ParallelConfig
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.metadata import read_metadata
from pipeline.datasets.synthetic.dataset import EXTRA_FRAMES, invent_take, write_dataset
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.room import CAMERA_IDS, look, room_cameras
from pipeline.datasets.synthetic.twins import DIFFERENT, PIXELS
from pipeline.pose.skeleton import CHAINS, H36M_17, H36M_32_TO_17, LIMBS

SIZE, FRAMES, FPS = 64, 10, 50
CONFIG = SyntheticConfig(
    seed=3, subjects=["S1", "S9"], sequences=2, seconds=FRAMES / FPS, fps=FPS, video_size=SIZE, crf=18, twin_subjects=["S9"], twin_fps=10
)


def parallel(workers):
    return ParallelConfig(workers=workers, scheduler=None, accelerator="cpu", devices=1, nodes=1, strategy="auto")


def write(root, workers=1, **changes):
    write_dataset(root, CONFIG.model_copy(update=changes), parallel(workers))
    return root


def hashes(root):
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(root.rglob("*")) if path.is_file()}


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], container.streams.video[0].average_rate


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write(tmp_path_factory.mktemp("synthetic") / "root")


@pytest.fixture(scope="module")
def metadata(root):
    return read_metadata(root)


def views(metadata):
    return [(subject, prefix, camera) for (subject, _, _), prefix in metadata.prefixes.items() for camera in metadata.camera_ids]


def test_metadata_names_what_is_there(metadata):
    expected = {(take.subject, take.action_id, take.subaction): take.prefix for subject in ("S1", "S9") for take in sequences(subject, 2)}
    assert dict(metadata.prefixes) == expected
    assert metadata.camera_ids == CAMERA_IDS
    for (subject, number), camera in metadata.cameras.items():
        original = room_cameras(SIZE, 3, int(subject[1:]))[number]
        for name in ("K", "distortion", "R", "T"):
            np.testing.assert_allclose(getattr(camera, name), getattr(original, name), atol=1e-5)


def test_videos_have_fifty_hertz_and_a_few_more_frames_than_poses(root, metadata):
    for subject, prefix, camera in views(metadata):
        frames, rate = frames_of(root / subject / "Videos" / f"{prefix}.{camera}.mp4")
        assert rate == 50
        assert len(frames) == FRAMES + EXTRA_FRAMES[CAMERA_IDS.index(camera)]
        assert frames[0].shape == (SIZE, SIZE, 3)
    assert min(EXTRA_FRAMES) > 0
    assert len(set(EXTRA_FRAMES)) > 1


def test_poses_are_the_motion_and_agree_between_files(root, metadata):
    for subject, prefix, number in views(metadata):
        folder = root / subject / "MyPoseFeatures"
        world = read_pose(folder / "D3_Positions" / f"{prefix}.cdf", 3)
        seen = read_pose(folder / "D3_Positions_mono" / f"{prefix}.{number}.cdf", 3)
        pixels = read_pose(folder / "D2_Positions" / f"{prefix}.{number}.cdf", 2)
        camera = metadata.cameras[subject, number]
        take = next(take for take in sequences(subject, 30) if take.prefix == prefix)
        joints = invent_take(3, take, FRAMES, FPS)[1].joints
        np.testing.assert_allclose(world[:, list(H36M_32_TO_17)], joints, atol=0.01)
        np.testing.assert_allclose(camera.to_camera(world), seen, atol=0.02)
        np.testing.assert_allclose(camera.project(seen), pixels, atol=0.01)


def test_the_person_is_where_the_joints_are(root, metadata):
    """There the video differs from the empty room; it does not where nobody is. Everybody is wholly in the picture."""
    at_joints = []
    for subject, prefix, number in views(metadata):
        frames, _ = frames_of(root / subject / "Videos" / f"{prefix}.{number}.mp4")
        pixels = read_pose(root / subject / "MyPoseFeatures" / "D2_Positions" / f"{prefix}.{number}.cdf", 2)[:, list(H36M_32_TO_17)]
        assert pixels.min() > 1
        assert pixels.max() < SIZE - 2
        empty = 255 * look(room_cameras(SIZE, 3, int(subject[1:]))[number], SIZE).picture
        difference = np.abs(frames[FRAMES - 1] - empty).mean(axis=-1)
        assert np.median(difference) < 4
        x, y = np.rint(pixels[FRAMES - 1]).astype(int).T
        at_joints.append(difference[y, x] > 10)
    assert np.mean(at_joints) > 0.85


def test_truth_has_labels_for_every_pose(root):
    for subject in ("S1", "S9"):
        with h5py.File(root / subject / "truth.h5") as file:
            for take in sequences(subject, 2):
                group = file["sequences"][take.prefix]
                assert group.attrs["identity"] == take.identity == f"{subject}-{take.number + 1:02d}"
                assert sorted(group) == sorted(CAMERA_IDS)
                for number in CAMERA_IDS:
                    label, clear = group[number]["label"], group[number]["clear"]
                    assert (label.shape, label.dtype) == ((FRAMES, len(LIMBS)), np.int8)
                    assert (clear.shape, clear.dtype) == ((FRAMES, len(LIMBS)), bool)
                    assert set(np.unique(label[()])) <= {-1, 0, 1}
            assert (subject == "S9") == any(len(view["twins/frame"]) for take in file["sequences"].values() for view in take.values())


def test_twins_are_whole_pictures_of_the_same_skeleton(root, metadata):
    found = 0
    with h5py.File(root / "S9" / "truth.h5") as file:
        for prefix, take in file["sequences"].items():
            for number, view in take.items():
                camera = metadata.cameras["S9", number]
                frames, _ = frames_of(root / "S9" / "Videos" / f"{prefix}.{number}.mp4")
                original = read_pose(root / "S9" / "MyPoseFeatures" / "D3_Positions_mono" / f"{prefix}.{number}.cdf", 3)[:, list(H36M_32_TO_17)]
                twins = view["twins"]
                for frame, chain, pose, image in zip(twins["frame"], twins["chain"], twins["pose_3d"], twins["image"], strict=True):
                    assert frame % 5 == 0
                    picture = cv2.imdecode(image, cv2.IMREAD_COLOR_RGB)
                    assert picture.shape == (SIZE, SIZE, 3)
                    np.testing.assert_allclose(camera.project(pose), camera.project(original[frame]), atol=0.02)
                    root_joint, *moving = CHAINS[chain]
                    np.testing.assert_allclose(pose[moving, 2] + original[frame][moving, 2], 2 * original[frame][root_joint, 2], atol=0.1)
                    difference = np.abs(picture.astype(int) - frames[frame]).mean(axis=-1)
                    assert (difference > DIFFERENT / 2).sum() > PIXELS / 2  # the video is compressed
                    assert np.median(difference) < 5
                    found += 1
                assert pose_shape(twins) == (len(twins["frame"]), len(H36M_17), 3)
                kept = len(twins["frame"]) + int(twins.attrs["same_label"]) + int(twins.attrs["same_picture"])
                assert twins.attrs["sought"] == 2 * 4 == kept
    assert found


def pose_shape(twins):
    return twins["pose_3d"].shape


def test_again_and_in_other_processes_the_same_bytes(root, tmp_path):
    assert hashes(write(tmp_path / "again", workers=2)) == hashes(root)


def test_a_subject_does_not_depend_on_the_others_nor_a_sequence_on_their_number(root, tmp_path):
    alone = hashes(write(tmp_path / "alone", subjects=("S9",), sequences=1))
    both = hashes(root)
    videos = [name for name in alone if name.endswith((".mp4", ".cdf"))]
    assert len(videos) == 4 + 9
    assert all(alone[name] == both[name] for name in videos)


def test_another_seed_is_other_data(root, tmp_path):
    other = hashes(write(tmp_path / "other", seed=4, subjects=("S1",), sequences=1, twin_subjects=()))
    assert not set(other.values()) & set(hashes(root).values())


def test_many_people_keep_within_the_picture():
    """All joints of thirty people, eight tenths of a second each, in all four views."""
    for take in sequences("S7", 30):
        _, pose, _ = invent_take(1, take, 40, FPS)
        for camera in room_cameras(256, 1, 7).values():
            points = np.concatenate([pose.joints, pose.fingers, pose.heels, pose.toes], axis=1)
            pixels = camera.project(camera.to_camera(points))
            assert pixels.min() > 3, take
            assert pixels.max() < 252, take
