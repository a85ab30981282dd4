import numpy as np
from small_recording import CAMERA_IDS, PREFIXES, make_camera, make_poses

from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.layout import CAMERA, PIXELS, find_layout
from pipeline.datasets.human36m.metadata import read_metadata
from pipeline.datasets.human36m.writer import to_32_joints
from pipeline.pose.skeleton import H36M_17, H36M_32_TO_17


def test_what_is_written_is_read(root):
    cameras = read_metadata(root).cameras
    for seed, ((subject, _, _), prefix) in enumerate(PREFIXES.items()):
        layout = find_layout(root / subject)
        world = read_pose(layout.world_pose(prefix), 3)
        np.testing.assert_array_equal(world[:, H36M_32_TO_17], make_poses(seed))
        for number in CAMERA_IDS:
            camera = make_camera(subject, number)
            seen = read_pose(layout.view_pose(CAMERA, prefix, number), 3)
            np.testing.assert_array_equal(seen, camera.to_camera(world).astype(np.float32))
            np.testing.assert_array_equal(
                read_pose(layout.view_pose(PIXELS, prefix, number), 2), camera.project(camera.to_camera(world)).astype(np.float32)
            )
            np.testing.assert_allclose(cameras[subject, number].to_camera(world), seen, rtol=0, atol=1e-3)  # mm


def test_17_joints_come_back_from_32():
    pose = make_poses(0)
    np.testing.assert_array_equal(to_32_joints(pose)[:, H36M_32_TO_17], pose)
    np.testing.assert_array_equal(to_32_joints(pose[2]), to_32_joints(pose)[2])
    assert to_32_joints(pose).dtype == np.float32


def test_repeated_joints_are_repeated():
    pose = to_32_joints(make_poses(0))
    for joint, original in ((11, 0), (16, 13), (24, 13), (20, 19), (28, 27), (23, 22), (31, 30)):
        np.testing.assert_array_equal(pose[:, joint], pose[:, original])


def standing() -> np.ndarray:
    """Someone (17, 3) who stands facing +x, left hip toward +y; arms hang."""
    pose = np.zeros((17, 3))
    for side, y in (("left", 1), ("right", -1)):
        for joint, width, height in (
            ("hip", 130, 950),
            ("knee", 130, 500),
            ("ankle", 130, 80),
            ("shoulder", 180, 1450),
            ("elbow", 200, 1150),
            ("wrist", 200, 900),
        ):
            pose[H36M_17.index(f"{side}_{joint}")] = (0, y * width, height)
    return pose


def test_toes_point_ahead_and_hands_prolong_the_forearm():
    pose = to_32_joints(standing())
    for ankle, toes in ((3, (4, 5)), (8, (9, 10))):
        for toe in toes:
            ahead = pose[toe] - pose[ankle]
            assert ahead[0] > 100
            assert ahead[1] == 0
            assert pose[toe, 2] < pose[ankle, 2]
    np.testing.assert_allclose(pose[22], [0, 200, 800])
    np.testing.assert_allclose(pose[29], [0, -200, 837.5])


def test_hips_one_above_the_other_give_finite_toes():
    pose = standing()
    pose[H36M_17.index("left_hip")] = pose[H36M_17.index("right_hip")] + [0, 0, 260]
    assert np.isfinite(to_32_joints(pose)).all()
