"""Intervals of means: over people, not over pairs."""

import numpy as np
import pytest
from scipy.stats import norm

from pipeline.evaluation.scores.intervals import RESAMPLES, mean_interval, resample


def test_each_draw_is_of_as_many_people_as_there_are() -> None:
    draws = resample(7)
    assert draws.shape == (RESAMPLES, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert np.array_equal(draws, resample(7))


def test_of_independent_people_the_interval_is_that_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    low, high = mean_interval(values, np.array([f"p{i}" for i in range(400)]))
    expected = norm.ppf(0.975) * values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - expected, values.mean() + expected), abs=0.03)


def test_more_pairs_of_the_same_people_tell_no_more() -> None:
    values, people = np.random.default_rng(0).normal(5, 2, 40), np.array([f"p{i}" for i in range(40)])
    once, often = mean_interval(values, people), mean_interval(np.repeat(values, 50), np.repeat(people, 50))
    assert often == pytest.approx(once)


def test_undefined_values_are_left_out() -> None:
    people = np.array(["ann", "bob", "cid"])
    assert mean_interval(np.array([1, 3, np.nan]), people) == pytest.approx((1, 3))
    assert np.isnan(mean_interval(np.full(3, np.nan), people)).all()
