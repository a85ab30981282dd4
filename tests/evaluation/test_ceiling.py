"""The ceiling: the truth where the source shows a spot, by true depths and not by labels; elsewhere what the source tells of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from by_hand import AddsNothing, HandsOn
from standing import SIZE, STANDING

from pipeline.config.pose import MapConfig
from pipeline.evaluation.ceiling import paint_pair_ceilings, paint_twin_ceilings
from pipeline.evaluation.painted import paint_pairs
from pipeline.inference.batched import BatchedGenerator, Task
from pipeline.inference.generator import Generator
from pipeline.inference.images import IMAGES, WITHOUT_DEPTH
from pipeline.packs.pack import Pack, Twins
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.skeleton import CHAIN_NAMES, H36M_17, LIMB_NAMES
from pipeline.utils.tensors import as_rows

MAPS = MapConfig(depth=True, maps=("parts",), appearance=False, lift=False, source=False, background="none", head=False, heatmap_radius=4)
FOREARM = LIMB_NAMES.index("right_forearm")
ELBOW_AND_WRIST = [H36M_17.index(f"right_{name}") for name in ("elbow", "wrist")]
BEFORE, BEHIND = 0, 1  # rows of the pack


@pytest.fixture
def batched() -> BatchedGenerator:
    """Two pictures of noise of one pose: the right forearm lies across the torso, before it and behind it; the labels say nothing."""
    joints = {**STANDING, "right_elbow": (20, 50), "right_wrist": (38, 50)}
    pose_2d = np.tile(np.array([joints[name] for name in H36M_17.names], np.float32), (2, 1, 1))
    pose_3d = np.full((2, 17, 3), 4000, np.float32)
    pose_3d[:, ELBOW_AND_WRIST, 2] += [[-400], [400]]
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)
    names, label = np.array(["ann", "ann"]), np.zeros((2, len(LIMB_NAMES)), np.int8)
    chain = np.array([CHAIN_NAMES.index("right_arm")], np.int8)
    twins = Twins(255 - image[:1], np.array([BEFORE]), chain, label[:1], pose_3d[1:])
    number = np.arange(2, dtype=np.int32)
    pack = Pack(image, pose_2d, label, pose_3d, number, *[names] * 5, {"S9": 0}, twins)
    return BatchedGenerator(Generator(HandsOn(), AddsNothing(), BodyConditioning(MAPS, None), SIZE), pack, 4, torch.device("cpu"))


def task(batched: BatchedGenerator, source: int, target: int) -> Task:
    return Task(np.array([source]), np.array([target]), batched.pack.label[[target]])


def ceiling(batched: BatchedGenerator, source: int, target: int) -> np.ndarray:
    """(H, W, 3) uint8."""
    return as_rows(paint_pair_ceilings(batched, batched.measure(task(batched, source, target))))[0]


def untrue(painted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(H, W) bool."""
    return (painted != truth).any(-1)


def forearm(batched: BatchedGenerator) -> np.ndarray:
    """(H, W) bool, its whole area."""
    return measure(torch.from_numpy(batched.pack.pose_2d[:1]), SIZE).area(FOREARM)[0].numpy() > 0


def test_what_the_source_shows_is_the_truth(batched: BatchedGenerator) -> None:
    for row in (BEFORE, BEHIND):
        assert untrue(ceiling(batched, row, row), batched.pack.image[row]).mean() < 0.01  # rims between two parts


def test_a_limb_that_the_source_hides_is_not_known(batched: BatchedGenerator) -> None:
    """The forearm from its visible end beside the torso on; the torso, behind the forearm, is known in its turn."""
    wrong = untrue(ceiling(batched, BEHIND, BEFORE), batched.pack.image[BEFORE])
    assert wrong[forearm(batched)].mean() > 0.5
    assert wrong[~forearm(batched)].mean() < 0.01


def test_the_labels_say_nothing_to_it(batched: BatchedGenerator) -> None:
    label = batched.pack.label.copy()
    label[:, FOREARM] = -1
    told = replace(batched, pack=replace(batched.pack, label=label))
    np.testing.assert_array_equal(ceiling(told, BEHIND, BEFORE), ceiling(batched, BEHIND, BEFORE))


def test_a_pair_is_the_same_in_any_batch(batched: BatchedGenerator) -> None:
    both = Task(np.array([BEHIND, BEHIND, BEFORE]), np.array([BEFORE, BEHIND, BEHIND]), batched.pack.label[[0, 1, 1]])
    together = as_rows(paint_pair_ceilings(batched, batched.measure(both)))
    for source, target, image in zip(both.source, both.target, together, strict=True):
        np.testing.assert_array_equal(image, ceiling(batched, source, target))


def test_twins_are_known_as_far_as_their_source_shows_them(batched: BatchedGenerator) -> None:
    """Original and twin differ everywhere, so that both are painted as if they were targets of pairs."""
    pack = batched.pack
    truths = np.stack([pack.image[:1], pack.twins.image], axis=1)
    far = np.abs(truths[0, 0].astype(int) - truths[0, 1]).mean(-1) > 128
    painted = paint_twin_ceilings(batched, batched.measure(task(batched, BEHIND, BEFORE)), pack.twins.pose_3d, truths)[0]
    for image, truth, hidden in zip(as_rows(painted), truths[0], (True, False), strict=True):
        wrong = untrue(image, truth)
        assert (wrong[far & forearm(batched)].mean() > 0.5) == hidden
        assert wrong[~forearm(batched)].mean() < 0.01


def test_it_is_scored_where_true_depths_are_known(batched: BatchedGenerator) -> None:
    (painted,) = paint_pairs(batched, task(batched, BEHIND, BEFORE))
    assert (batched.scored, len(painted.images)) == (IMAGES, len(IMAGES))
    np.testing.assert_array_equal(as_rows(painted.images[IMAGES.index("ceiling")])[0], ceiling(batched, BEHIND, BEFORE))
    unknown = replace(batched, pack=replace(batched.pack, pose_3d=np.zeros((2, 0, 3), np.float32)))
    (painted,) = paint_pairs(unknown, task(unknown, BEHIND, BEFORE))
    assert (unknown.scored, len(painted.images)) == (WITHOUT_DEPTH, len(WITHOUT_DEPTH))
