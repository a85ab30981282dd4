import numpy as np
import pytest

from pipeline.datasets.synthetic.twins import DIFFERENT, PIXELS, labels_differ, mirror_chain, pictures_differ
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAINS


@pytest.mark.parametrize("chain", range(4))
def test_a_twin_has_the_same_skeleton_in_the_picture(scenes, chain):
    for scene in scenes:
        camera = scene.view.camera
        twin = mirror_chain(scene.pose, chain, camera)
        before, after = camera.to_camera(scene.pose.joints), camera.to_camera(twin.joints)
        np.testing.assert_allclose(camera.project(after), camera.project(before), atol=1e-6)
        root, *moving = CHAINS[chain]
        np.testing.assert_allclose(after[:, moving, 2] + before[:, moving, 2], 2 * np.repeat(before[:, [root], 2], 2, axis=1))
        others = [joint for joint in range(17) if joint not in moving]
        np.testing.assert_array_equal(twin.joints[:, others], scene.pose.joints[:, others])


@pytest.mark.parametrize("chain", range(4))
def test_mirrored_twice_is_the_original(scene, chain):
    camera = scene.view.camera
    again = mirror_chain(mirror_chain(scene.pose, chain, camera), chain, camera)
    for name, value in vars(scene.pose).items():
        np.testing.assert_allclose(getattr(again, name), value, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("chain", "side", "tips"), [(0, 0, ("heels", "toes")), (1, 1, ("heels", "toes")), (2, 1, ("fingers",)), (3, 0, ("fingers",))]
)
def test_hand_and_foot_go_along(scene, chain, side, tips):
    twin = mirror_chain(scene.pose, chain, scene.view.camera)
    for name in ("fingers", "heels", "toes"):
        moved = (getattr(twin, name) != getattr(scene.pose, name)).any(axis=(0, 2))
        assert moved.tolist() == [name in tips and side == 0, name in tips and side == 1]


def test_only_labels_of_the_mirrored_chain_count():
    original = np.zeros((8, 8), np.int8)
    twin = np.eye(8, dtype=np.int8)
    for chain, limbs in enumerate(CHAIN_LIMBS):
        assert np.flatnonzero(labels_differ(original, twin, chain)).tolist() == list(limbs)


def test_pictures_differ_from_thirty_clear_pixels_on():
    black, other = np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20, 3), np.uint8)
    other.reshape(-1, 3)[: PIXELS - 1] = DIFFERENT
    assert not pictures_differ(black, other)
    other.reshape(-1, 3)[PIXELS - 1] = DIFFERENT
    assert pictures_differ(black, other)
    assert pictures_differ(other, black)
    assert not pictures_differ(black, np.full_like(black, DIFFERENT - 1))
