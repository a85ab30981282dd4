"""Pixels: files keep them, mirroring twice changes nothing, a grid shows every image."""

import cv2
import numpy as np
import pytest

from pipeline.utils.images import data_uri, decode, difference_map, encode, enlarge, image_grid, mirror_image

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_file_is_decoded_as_rgb(suffix: str) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:] = (200, 40, 10)
    content = encode(image, suffix)
    for data in (content, np.frombuffer(content, np.uint8)):
        found = decode(data)
        assert found is not None
        assert found.shape == image.shape
        assert np.abs(found.astype(int) - image).max() <= (0 if suffix == ".png" else 3)


def test_what_is_no_image_is_none() -> None:
    for content in (b"", b"text", encode(np.zeros((8, 8, 3), np.uint8), ".png")[:20]):
        assert decode(content) is None


def test_a_mirrored_image_is_the_image_with_its_columns_reversed_and_the_original_stays() -> None:
    images = RNG.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    before, chosen = images.copy(), np.array([True, False, True, True])
    mirrored = mirror_image(images, chosen)
    np.testing.assert_array_equal(mirrored[chosen], before[chosen][:, :, ::-1])
    np.testing.assert_array_equal(mirrored[1], before[1])
    np.testing.assert_array_equal(mirror_image(mirrored, chosen), images)
    np.testing.assert_array_equal(images, before)


def test_the_difference_map_is_grey_where_nothing_changes() -> None:
    coarse = np.full((2, 2, 3), 100, dtype=np.uint8)
    refined = coarse.copy()
    refined[0, 0], refined[1, 1], refined[0, 1] = 110, 0, 255
    expected = [[148, 255], [128, 0]]
    np.testing.assert_array_equal(difference_map(refined, coarse)[..., 0], expected)


def test_a_grid_holds_every_image_in_its_column() -> None:
    red, wide = np.zeros((10, 5, 3), dtype=np.uint8), np.zeros((10, 30, 3), dtype=np.uint8)
    red[:], wide[:] = (255, 0, 0), (0, 0, 255)
    image = image_grid(["a", "b"], [[red, wide], [wide]], 40)
    assert image.dtype == np.uint8
    assert image.shape[0] == 26 + 2 * 46
    assert (image == (255, 0, 0)).all(-1).sum() == 40 * 20
    assert (image == (0, 0, 255)).all(-1).sum() == 2 * 40 * 120


def test_files_keep_rgb_and_are_the_same_each_time() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    png = encode(image, ".png")
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], image)
    assert png == encode(image, ".png")
    assert encode(image, ".jpg") == encode(image, ".jpg")
    assert data_uri(b"ab", "image/png") == "data:image/png;base64,YWI="


def test_enlarge_keeps_the_shape_of_the_image() -> None:
    assert enlarge(np.zeros((10, 5, 3), dtype=np.uint8), 40).shape == (40, 20, 3)
    assert enlarge(np.zeros((100, 50, 3), dtype=np.uint8), 40).shape == (40, 20, 3)
