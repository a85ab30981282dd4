"""From scores per pair to figures."""

import json

import numpy as np
import pytest

from pipeline.evaluation.scores.declared import GROUPED_SCORES
from pipeline.evaluation.scores.summary import by_group, distance_group, summary
from pipeline.utils.numbers import deviation, mean, rounded


def test_figures_have_six_digits_and_no_nan():
    assert rounded(0.123456789) == 0.123457
    assert rounded(12345678.0) == 12345700.0
    assert rounded(float("nan")) is None
    assert rounded(float("inf")) is None


def test_mean_and_deviation_leave_undefined_values_out():
    values = np.array([1, np.nan, 3])
    assert (mean(values), deviation(values)) == (2, 1)
    assert (mean(values[1:2]), deviation(values[1:2])) == (None, None)


def test_summary_puts_deviation_and_bounds_beside_each_mean():
    people = np.array(["ann", "bob"])
    figures = summary({"ssim": np.array([0.5, 0.7], dtype=np.float32), "overlap_l1": np.array([np.nan, np.nan])}, people)
    assert list(figures) == [f"{name}{end}" for name in ("ssim", "overlap_l1") for end in ("", "_std", "_low", "_high")]
    assert (figures["ssim_low"], figures["ssim_high"]) == pytest.approx((0.5, 0.7))  # both of either person alone
    assert figures["ssim"] == pytest.approx(0.6)
    assert figures["overlap_l1_std"] is None
    json.dumps(figures, allow_nan=False)


def test_groups_share_out_the_pairs():
    names = [score.name for score in GROUPED_SCORES]
    scores = {"refined": dict.fromkeys(names, np.zeros(3)) | {"ssim": np.array([0.2, 0.4, 0.9]), "mask_l1": np.array([0.1, 0.3, np.nan])}}
    scores["refined"]["l1"] = np.zeros(3)  # is not grouped
    groups = by_group(np.array(["b", "b", "a"]), scores)
    assert list(groups) == ["a", "b"]
    assert [list(group["refined"]) for group in groups.values()] == [names, names]
    for name, pairs, ssim, mask_l1 in (("b", 2, 0.3, 0.2), ("a", 1, 0.9, None)):
        assert (groups[name]["pairs"], groups[name]["refined"]["ssim"], groups[name]["refined"]["mask_l1"]) == (pairs, ssim, mask_l1)
    assert by_group(np.array(["b", "b", "b"]), scores, ("a", "b"))["a"] == {"pairs": 0, "refined": dict.fromkeys(names)}


def test_distances_are_classes_of_the_height():
    names = distance_group(np.array([0, 8, 8.1, 16, 16.1, 99]), 128)
    assert names.tolist() == ["near", "near", "middle", "middle", "far", "far"]
