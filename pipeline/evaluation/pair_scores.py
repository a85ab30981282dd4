"""The scores of every test pair."""

from collections.abc import Sequence

import numpy as np

from pipeline.evaluation.painted import Painted
from pipeline.evaluation.scores.score import Score
from pipeline.evaluation.scores.summary import summary
from pipeline.utils.errors import UserError


class PairScores:
    """The scores of all pairs that were added.

    images : names of the images; scores : what is worked out; values : (images, scores, P) float64, NaN where a pair has none
    by_network : name -> (images, P), scores of the pairs that a network has given
    """

    def __init__(self, images: Sequence[str], scores: Sequence[Score], count: int) -> None:
        self.images, self.scores = images, scores
        self.values = np.full((len(images), len(scores), count), np.nan)
        self.by_network: dict[str, np.ndarray] = {}

    def add(self, painted: Painted) -> None:
        """Score a batch."""
        pairs = painted.pairs
        for number, score in enumerate(self.scores):
            assert score.function is not None
            self.values[:, number, painted.number] = score.function(pairs).numpy()

    def of(self, image: str, name: str) -> np.ndarray:
        """(P,) one score of one image, NaN where nothing gives it."""
        number, names = self.images.index(image), [score.name for score in self.scores]
        if name in names:
            return self.values[number, names.index(name)]
        return self.by_network[name][number] if name in self.by_network else np.full(self.values.shape[2], np.nan)

    def by_image(self) -> dict[str, dict[str, np.ndarray]]:
        """Image -> score -> (P,)."""
        names = [score.name for score in self.scores]
        return {image: dict(zip(names, values, strict=True)) for image, values in zip(self.images, self.values, strict=True)}

    def figures(self, identity: np.ndarray) -> dict[str, dict[str, float | None]]:
        """What `summary` says of each image's scores; first of those that are always worked out, then of those that were asked for.

        identity : (P,) str, the person of each pair
        """
        asked = sorted(self.scores, key=lambda score: score.flag is not None)
        return {image: summary({score.name: values[score.name] for score in asked}, identity) for image, values in self.by_image().items()}

    def check(self) -> None:
        """Raise UserError where a score is infinite, or NaN although every pair has it."""
        for number, score in enumerate(self.scores):
            bad = np.isinf(self.values[:, number]) | (np.isnan(self.values[:, number]) if score.always else False)
            if bad.any():
                image, row = np.argwhere(bad)[0]
                found = f"{score.name} = {self.values[image, number, row]} of test pair {row}"
                raise UserError(f"expected finite scores, found {found}; the weights are damaged: train again")
