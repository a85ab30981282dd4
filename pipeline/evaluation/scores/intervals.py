"""How far a mean may be off because these people were scored, and not others: the bootstrap over people (Efron and Tibshirani 1993, chapter 13).

All that is of one person goes up or down together, so people are drawn, not pairs.
"""

import numpy as np

RESAMPLES = 2000
BOUNDS = (2.5, 97.5)  # percentiles that enclose 95 %


def resample(people: int) -> np.ndarray:
    """How often each of the people comes in each of `RESAMPLES` draws of as many, with replacement: (RESAMPLES, people) int64, always the same."""
    return np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), size=RESAMPLES)


def mean_interval(values: np.ndarray, identity: np.ndarray) -> tuple[float, float]:
    """The bounds of the mean of the defined values (P,), each of the person `identity` (P,) str; NaN where none is defined."""
    defined = np.isfinite(values)
    people, person = np.unique(identity[defined], return_inverse=True)
    if not len(people):
        return np.nan, np.nan
    draws, count = resample(len(people)), np.bincount(person)
    low, high = np.percentile(draws @ np.bincount(person, values[defined]) / (draws @ count), BOUNDS)
    return float(low), float(high)
