"""The crop shows the person, and its pixels and its joints stay together."""

import cv2
import numpy as np
import pytest

from pipeline.pose.crop import crop_box, crop_image, middle_box, to_crop

IMAGE_SIZE = (128, 64)


def poses(seed: int = 1, count: int = 20) -> np.ndarray:
    """(count, 17, 2) px: tall, wide and small ones."""
    rng = np.random.default_rng(seed)
    extent = rng.uniform((20, 60), (300, 500), (count, 1, 2))
    return rng.uniform(0, 400, (count, 1, 2)) + rng.random((count, 17, 2)) * extent


@pytest.mark.parametrize("image_size", [(128, 64), (64, 64), (48, 100)])
def test_the_box_has_the_crops_proportions_and_holds_every_joint(image_size: tuple[int, int]) -> None:
    box = crop_box(poses(), image_size, 0.15)
    size = box[:, 2:] - box[:, :2]
    np.testing.assert_allclose(size[:, 0] / size[:, 1], image_size[1] / image_size[0])
    inside = to_crop(poses(), box, image_size)
    assert (inside > 0).all()
    assert (inside < np.array(image_size[::-1]) - 1).all()


def test_a_standing_person_fills_the_height_but_for_the_margin() -> None:
    pose = np.array([[[500.0, 200.0], [480.0, 600.0], [520.0, 400.0]]])
    box = crop_box(pose, IMAGE_SIZE, 0.15)
    joints = to_crop(pose, box, IMAGE_SIZE)
    assert np.ptp(joints[0, :, 1]) * 1.05 / 128 == pytest.approx(0.85)  # joints and feet
    air, feet = joints[0, 0, 1] + 0.5, joints[0, 1, 1] + 0.5 + np.ptp(joints[0, :, 1]) * 0.05
    assert air == pytest.approx(128 - feet)
    assert joints[0, 0, 0] == pytest.approx(31.5)


def test_outstretched_arms_widen_the_box() -> None:
    pose = np.array([[[100.0, 100.0], [400.0, 110.0], [250.0, 300.0]]])
    joints = to_crop(pose, crop_box(pose, IMAGE_SIZE, 0.15), IMAGE_SIZE)
    assert np.ptp(joints[0, :, 0]) * 1.1 / 64 == pytest.approx(0.85)


def test_the_box_moves_and_grows_with_the_person() -> None:
    box = crop_box(poses(), IMAGE_SIZE, 0.15)
    np.testing.assert_allclose(crop_box(poses() * 3 + (7, -4), IMAGE_SIZE, 0.15), box * 3 + (7, -4, 7, -4))


def blob(size: tuple[int, int], centre: np.ndarray, sigma: float) -> np.ndarray:
    """A soft white dot, (height, width, 3) uint8."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    dot = 255 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.rint(dot)[..., None], 3, axis=2).astype(np.uint8)


def centroid(image: np.ndarray) -> np.ndarray:
    weight = image[..., 0].astype(float)
    y, x = np.indices(weight.shape)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize(("height", "sigma"), [(600.0, 12.0), (297.3, 6.0), (128.0, 3.0), (61.7, 1.5)])
@pytest.mark.parametrize("stored", [1.0, 0.511])
def test_a_dot_in_the_video_lands_where_its_joint_is_moved(height: float, sigma: float, stored: float) -> None:
    size = (900, 800)
    for start in ((80.25, 60.5), (133.9, 101.1)):
        box = np.array([*start, start[0] + height / 2, start[1] + height])
        joint = np.array([start[0] + 0.31 * height / 2, start[1] + 0.62 * height])
        image = blob(size, joint, sigma)
        if stored < 1:  # as `extract` reduces a frame: both sides by their own ratio
            image = cv2.resize(image, (round(900 * stored), round(800 * stored)), interpolation=cv2.INTER_AREA)
        crop = crop_image(image, box, size, IMAGE_SIZE)
        moved = to_crop(joint[None, None], box[None], IMAGE_SIZE)[0, 0]
        assert np.abs(centroid(crop) - moved).max() < 0.1


def test_a_ramp_stays_a_ramp() -> None:
    image = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 100, axis=0).repeat(3, axis=2)
    for width in (200 / 3, 40, 17.3):
        box = np.array([61.2, 10, 61.2 + width, 90])
        crop = crop_image(image, box, (200, 100), (16, 12))
        expected = box[0] + (np.arange(12) + 0.5) * width / 12
        assert np.abs(crop[:, :, 0] - expected).max() <= 0.75  # half a level of rounding, and a quarter px where the mean is of few pixels


def test_whole_boxes_are_as_opencv_averages_them() -> None:
    image = np.random.default_rng(1).integers(0, 256, (400, 300, 3), dtype=np.uint8)
    for width, height in ((128, 256), (150, 300), (64, 128)):
        box = np.array([20, 30, 20 + width, 30 + height]) - 0.5
        expected = cv2.resize(image[30 : 30 + height, 20 : 20 + width], (64, 128), interpolation=cv2.INTER_AREA)
        assert np.abs(crop_image(image, box, (300, 400), IMAGE_SIZE).astype(int) - expected).max() <= 1


def test_fine_stripes_become_grey_instead_of_false_patterns() -> None:
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, ::2] = 255
    crop = crop_image(image, np.array([0, 0, 256, 512]) - 0.5, (512, 512), (64, 32))
    assert np.abs(crop.astype(int) - 127.5).max() <= 0.5


def test_beyond_the_frame_its_outermost_pixels_are_repeated() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    crop = crop_image(image, np.array([-10, -10, 40, 50]) - 0.5, (30, 40), (60, 50))
    np.testing.assert_array_equal(crop[10:50, 10:40], image)
    np.testing.assert_array_equal(crop, np.pad(image, ((10, 10), (10, 10), (0, 0)), mode="edge"))
    outside = crop_image(image, np.array([100.0, 5, 110, 25]), (30, 40), (20, 10))
    np.testing.assert_array_equal(outside, np.repeat(outside[:, :1], 10, axis=1))


def test_the_middle_box_is_the_largest() -> None:
    np.testing.assert_allclose(middle_box((480, 640), (64, 80)), [19.5, -0.5, 619.5, 479.5])
    np.testing.assert_allclose(middle_box((100, 50), (10, 10)), [-0.5, 24.5, 49.5, 74.5])
