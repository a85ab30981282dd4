"""Images on the way to networks and back."""

import numpy as np
import pytest
import torch

from pipeline.utils.tensors import as_rows, to_image, to_uint8


def test_images_become_floats_between_minus_one_and_one() -> None:
    image = np.zeros((1, 2, 3, 3), np.uint8)
    image[0, 1, 2] = (255, 51, 102)
    converted = to_image(image)
    assert converted.dtype == torch.float32
    assert converted.shape == (1, 3, 2, 3)
    assert converted[0, :, 1, 2].tolist() == pytest.approx([1, -0.6, -0.2])
    assert (converted[0, :, 0] == -1).all()


def test_floats_are_rounded_and_clipped() -> None:
    assert to_uint8(torch.tensor([-1.5, -1, 0.0, 0.999, 1, 2])).tolist() == [0, 0, 128, 255, 255, 255]


def test_there_and_back_is_the_identity() -> None:
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(2, 16, 8, 3)
    np.testing.assert_array_equal(as_rows(to_uint8(to_image(image))), image)
