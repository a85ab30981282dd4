"""Which painted images outlive their batch: the named, the best and the worst, whatever the batches."""

import numpy as np
import pytest
import torch

from pipeline.evaluation.kept_images import KeptImages
from pipeline.evaluation.painted import Painted
from pipeline.inference.batched import Task
from pipeline.pose.skeleton import LIMBS

COUNT = 23


@pytest.fixture
def images():
    """(2, 23, 3, 4, 2) uint8: two images of each of 23 pairs."""
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, COUNT, 3, 4, 2)).astype(np.uint8))


def kept_of(images, error, size, named=(), few=3):
    kept = KeptImages(np.array(named, dtype=np.int64), few)
    for start in range(0, COUNT, size):
        number = np.arange(start, min(start + size, COUNT))
        nothing = torch.zeros(len(number), 1, 4, 2, dtype=torch.bool)
        painted = Painted(
            number,
            Task(number, number, np.zeros((len(number), len(LIMBS)))),
            images[:, number],
            images[0, number],
            nothing,
            nothing,
            torch.full((len(number), 3), torch.nan),
        )
        kept.add(painted, error[number])
        assert len(kept._images) <= len(named) + 2 * few
    return kept


@pytest.mark.parametrize("size", [1, 4, COUNT])
def test_best_and_worst_are_those_of_all_pairs_and_equal_errors_keep_their_order(images, size):
    error = np.random.default_rng(1).integers(0, 5, COUNT).astype(float)
    error[[2, 7]] = np.nan
    kept = kept_of(images, error, size, named=(2, 20))
    ranked = np.argsort(error, kind="stable")[: np.isfinite(error).sum()]
    assert kept.best.tolist() == ranked[:3].tolist()
    assert kept.worst.tolist() == ranked[::-1][:3].tolist()
    numbers = np.array([2, 20, *kept.best, *kept.worst])
    for number, found in zip(numbers, kept.images(numbers), strict=True):
        np.testing.assert_array_equal(found, images[:, number].permute(0, 2, 3, 1))


def test_without_any_error_nothing_is_ranked(images):
    kept = kept_of(images, np.full(COUNT, np.nan), 5, named=(1,))
    assert (len(kept.best), len(kept.worst)) == (0, 0)
    assert len(kept.images(np.array([1]))) == 1
