"""What is in doubt keeps its side, what is clear does not."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from example_pose import EXAMPLES

from pipeline.inference.generator import Generator
from pipeline.motion import steady
from pipeline.motion.motion_file import read_motion
from pipeline.motion.steady import cheapest_states, steady_depths, steady_labels
from pipeline.pose.bodies.pose_space import SHARE, labels_of_shares
from pipeline.pose.crop import crop_box, to_crop

FPS = Fraction(25)


def shares(hidden: list[float]) -> np.ndarray:
    """(T, 8, 2), the first limb hidden so far, all others apart from everything."""
    made = np.zeros((len(hidden), 8, 2), np.float32)
    made[:, 0, 0] = hidden
    return made


def test_the_way_is_the_cheapest_of_all() -> None:
    cost, change = np.random.default_rng(0).random((6, 1, 3)), 0.3
    ways = [np.array(way) for way in product(range(3), repeat=6)]
    price = [cost[range(6), 0, way].sum() + change * (way[1:] != way[:-1]).sum() for way in ways]
    np.testing.assert_array_equal(cheapest_states(cost, change)[:, 0], ways[int(np.argmin(price))])


def test_labels_do_not_flip_to_and_fro_about_the_threshold() -> None:
    doubtful = shares([0.6] * 10 + [SHARE + 0.02 * (-1) ** frame for frame in range(30)] + [0.0] * 10)
    label = steady_labels(doubtful, FPS)
    assert np.count_nonzero(np.diff(labels_of_shares(doubtful)[:, 0])) > 20
    assert np.count_nonzero(np.diff(label[:, 0])) == 1
    assert label[[0, -1], 0].tolist() == [-1, 0]
    assert not label[:, 1:].any()


def test_what_is_clear_stays_however_short() -> None:
    clear = shares([0.0] * 10 + [0.9] * 2 + [0.0] * 10)
    np.testing.assert_array_equal(steady_labels(clear, FPS), labels_of_shares(clear))


def test_one_frame_is_labelled_by_the_rule() -> None:
    made = np.random.default_rng(0).random((40, 1, 8, 2)).astype(np.float32)
    for one in made:
        np.testing.assert_array_equal(steady_labels(one, FPS), labels_of_shares(one))


def test_depths_are_those_of_the_lifter_where_a_change_costs_nothing(small_generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    motion = read_motion(EXAMPLES / "motion.json").part(0, 1, "the example")
    conditioning, size = small_generator.conditioning, small_generator.image_size
    pose_2d = to_crop(motion.pose_2d, crop_box(motion.pose_2d, size, 0.15), size)
    found = []
    for price in (0.0, steady.FLIP_CHANGE, 1e9):
        monkeypatch.setattr(steady, "FLIP_CHANGE", price)
        depth = steady_depths(conditioning, pose_2d, motion.label, size, motion.fps)
        assert depth is not None
        found.append(depth)
    body = conditioning.measure(torch.from_numpy(pose_2d).float(), size)
    with torch.inference_mode():
        assert conditioning.lifter is not None
        prior = conditioning.lifter.infer_prior(body.joint)  # type: ignore[attr-defined]
        alone = conditioning.lifter(body.joint, steady.mask_idle_labels(body, torch.from_numpy(motion.label)))
    np.testing.assert_allclose(found[0], alone.numpy(), atol=1e-2)
    mirrored = np.abs(found[2] - prior.numpy()) > 1e-3
    assert (mirrored == mirrored[:1]).all()  # a chain is mirrored in all frames or in none
