"""Two runs on the same pairs: how far their scores are apart, and whether other people could have turned that round.

Differences are taken pair by pair, so what makes a pair hard for both drops out; their intervals are over people (`scores/intervals.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.examples.cases import Cases
from pipeline.evaluation.scores.declared import PAIR_SCORES
from pipeline.evaluation.scores.depth import order_difference
from pipeline.evaluation.scores.intervals import mean_interval
from pipeline.inference.images import SETS
from pipeline.utils.errors import UserError

ORDER = "order_accuracy"


@dataclass(frozen=True)
class Difference:
    """One score of one image in both runs: the means over what both have, second - first, and the bounds that enclose it with 95 % confidence."""

    score: str
    first: float
    second: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first

    @property
    def clear(self) -> bool:
        """Whether 0 lies outside of the bounds."""
        return self.low > 0 or self.high < 0


def compare(first: Cases, second: Cases, image: str) -> list[Difference]:
    """Each score of an image, and of bodies the order accuracy; raise UserError where the runs did not score the same pairs, or lack the image."""
    pairs = first.pairs, second.pairs
    if not all(np.array_equal(*(getattr(part, name) for part in pairs)) for name in ("source", "target")):
        common = len(set(zip(*(pairs[0].source, pairs[0].target), strict=True)) & set(zip(*(pairs[1].source, pairs[1].target), strict=True)))
        raise UserError(
            f"expected two runs that scored the same pairs, found {len(pairs[0].source)} and {len(pairs[1].source)} pairs, of which {common} are "
            "common; compare runs with the same data and pairs"
        )
    return list(_differences(first, second, image))


def _differences(first: Cases, second: Cases, image: str) -> Iterator[Difference]:
    numbers = [_number(cases, image) for cases in (first, second)]
    values = [cases.pairs.scores[number].astype(np.float64) for cases, number in zip((first, second), numbers, strict=True)]
    for score, one, other in zip(PAIR_SCORES, *values, strict=True):
        both = np.isfinite(one) & np.isfinite(other)
        if both.any():
            low, high = mean_interval((other - one)[both], first.pairs.identity[both])
            yield Difference(score, float(one[both].mean()), float(other[both].mean()), low, high)
    orders = first.orders, second.orders
    if len(orders[0].name) and np.array_equal(orders[0].name, orders[1].name):
        one, other = (order.judged[number] for order, number in zip(orders, numbers, strict=True))
        yield Difference(ORDER, *order_difference(one, other, orders[0].chain, orders[0].person))


def _number(cases: Cases, image: str) -> int:
    """Position of an image among those of a run."""
    images = SETS[len(cases.pairs.scores)]
    if image not in images:
        raise UserError(f"expected one of the images {', '.join(images)}, found {image}")
    return images.index(image)
