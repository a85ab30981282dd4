"""The few painted images that outlive their batch, because a report may show them."""

import math

import numpy as np

from pipeline.evaluation.painted import Painted
from pipeline.utils.tensors import as_rows


class KeptImages:
    """Painted images of the pairs named beforehand, and of the `few` with the least and the `few` with the greatest error so far.

    Pairs go by their number; of equal errors the first is the least. A pair whose error is NaN is neither best nor worst.
    """

    def __init__(self, named: np.ndarray, few: int) -> None:
        self.named, self.few = frozenset(named.tolist()), few
        self._images: dict[int, np.ndarray] = {}  # (images, H, W, 3) uint8
        self._error: dict[int, float] = {}

    def add(self, painted: Painted, error: np.ndarray) -> None:
        """Look at a batch; error : (N,) of its pairs."""
        self._error |= zip(painted.number.tolist(), error.tolist(), strict=True)
        ranked = self._ranked()
        stay = self.named.union(ranked[: self.few], ranked[-self.few :])
        self._images |= {number: as_rows(painted.images[:, i]).copy() for i, number in enumerate(painted.number.tolist()) if number in stay}
        self._images = {number: images for number, images in self._images.items() if number in stay}
        self._error = {number: value for number, value in self._error.items() if number in stay}

    @property
    def best(self) -> np.ndarray:
        """(n,) int64, pairs from the least error on."""
        return np.array(self._ranked()[: self.few], dtype=np.int64)

    @property
    def worst(self) -> np.ndarray:
        """(n,) int64, pairs from the greatest error on."""
        return np.array(self._ranked()[::-1][: self.few], dtype=np.int64)

    def images(self, numbers: np.ndarray) -> list[np.ndarray]:
        """(images, H, W, 3) uint8 of each of these pairs."""
        return [self._images[number] for number in numbers.tolist()]

    def _ranked(self) -> list[int]:
        """The pairs that are kept and have an error, from the least on."""
        return sorted((number for number, value in self._error.items() if math.isfinite(value)), key=lambda number: (self._error[number], number))
