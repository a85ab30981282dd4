"""A pack in images half as high and wide: the same rows, the same places."""

import numpy as np

from pipeline.packs.pack import HALVED_AT_ONCE, halve_images


def test_a_pixel_is_the_mean_of_four_rounded() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (HALVED_AT_ONCE + 3, 6, 4, 3), dtype=np.uint8)
    halved = halve_images(image)
    assert (halved.shape, halved.dtype) == ((HALVED_AT_ONCE + 3, 3, 2, 3), np.uint8)
    mean = image.astype(float).reshape(-1, 3, 2, 2, 2, 3).mean((2, 4))
    assert np.array_equal(halved, np.floor(mean + 0.5))
    assert halve_images(np.full((1, 2, 2, 3), 255, np.uint8)).tolist() == [[[[255, 255, 255]]]]
    assert halve_images(image[:0]).shape == (0, 3, 2, 3)
