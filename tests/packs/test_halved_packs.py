"""A pack in images half as high and wide: the same rows, the same places."""

import numpy as np

from pipeline.packs.images import HalvedImages, halve_images


def test_a_pixel_is_the_mean_of_four_rounded() -> None:
    rng = np.random.default_rng(0)
    for channels in (3, 4):
        image = rng.integers(0, 256, (7, 6, 4, channels), dtype=np.uint8)
        halved = halve_images(image)
        assert (halved.shape, halved.dtype) == ((7, 3, 2, channels), np.uint8)
        mean = image.astype(float).reshape(7, 3, 2, 2, 2, channels).mean((2, 4))
        assert np.array_equal(halved, np.floor(mean + 0.5))
    assert halve_images(np.full((1, 2, 2, 3), 255, np.uint8)).tolist() == [[[[255, 255, 255]]]]
    assert halve_images(image[:0]).shape == (0, 3, 2, 4)


def test_images_are_halved_when_they_are_asked_for() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 4, 3), dtype=np.uint8)
    halved = HalvedImages(image)
    assert (len(halved), halved.shape) == (5, (5, 3, 2, 3))
    for rows in (2, slice(1, 4), np.array([3, 0, 3]), slice(0)):
        assert np.array_equal(halved[rows], halve_images(image)[rows])
