"""Masks: the whole body, where limbs overlap, and which labels can decide something."""

import pytest
import torch
from figures import APART, ARM_OVER, LEGS_CROSSED, body_area, make_pose, mirror, part_map, random_bodies
from standing import SIZE
from torch import Tensor

from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.masks import body_mask, mask_idle_labels, overlap_mask
from pipeline.pose.skeleton import LIMB_FLIP, LIMB_NAMES, LIMBS

LIMB_ENDS = sorted({joint for limb in LIMBS for joint in limb})


def test_the_mask_covers_every_joint_and_every_part() -> None:
    pose, label = random_bodies(16)
    mask = body_mask(measure(pose, SIZE))
    assert mask.shape == (16, 1, *SIZE)
    assert set(mask.unique().tolist()) == {0, 1}
    assert (mask[:, 0][part_map(pose, label) > 0] == 1).all()
    joints = (make_pose(), body_mask(measure(make_pose(), SIZE))), (pose[:, LIMB_ENDS], mask)
    for points, masks in joints:
        x, y = points.round().long().unbind(-1)
        inside = (x >= 0) & (x < SIZE[1]) & (y >= 0) & (y < SIZE[0])
        number = torch.arange(len(x))[:, None].expand_as(x)
        assert (masks[number[inside], 0, y[inside], x[inside]] == 1).all()


def test_the_mask_reaches_beyond_wrists_and_ankles_but_not_everywhere() -> None:
    mask = body_mask(measure(make_pose(), SIZE))[0, 0]
    assert mask[68, 4] == 1
    assert mask[124, 23] == 1
    assert mask[124, 18] == 1
    assert mask[10, 5] == mask[90, 60] == 0
    assert mask.mean() < 0.5


@pytest.mark.parametrize(("pose", "kept"), [(APART, ()), (ARM_OVER, ("right_forearm",)), (LEGS_CROSSED, ("right_calf", "left_calf"))])
def test_labels_are_kept_where_they_can_decide_something(pose: Tensor, kept: tuple[str, ...]) -> None:
    for value in (-1, 1):
        told = torch.full((1, len(LIMBS)), value, dtype=torch.int8)
        label = mask_idle_labels(measure(pose, SIZE), told)
        assert label.dtype == told.dtype
        named = {name for name, given in zip(LIMB_NAMES, label[0].tolist(), strict=True) if given == value}
        assert named >= set(kept)
        assert bool(named) == bool(kept)
        assert int((label != 0).sum()) == len(named) < len(LIMBS)


def test_labels_of_limbs_that_overlap_are_kept_and_change_sides_with_the_body() -> None:
    pose, label = random_bodies(32)
    kept = mask_idle_labels(measure(pose, SIZE), torch.ones_like(label))
    assert 0.2 < kept.float().mean() < 0.95
    assert torch.equal(mask_idle_labels(measure(mirror(pose, label)[0], SIZE), torch.ones_like(label)), kept[:, LIMB_FLIP])
    assert torch.equal(mask_idle_labels(measure(pose, SIZE), label), kept * label)
    overlapping = overlap_mask(measure(pose, SIZE)).flatten(1).any(1)
    assert kept[overlapping].any(1).all()


def test_limbs_that_overlap_nothing_leave_the_overlap_mask_empty() -> None:
    mask = overlap_mask(measure(APART, SIZE))
    assert mask.shape == (1, 1, *SIZE)
    assert mask.sum() == 0


def test_an_arm_across_the_chest_and_crossed_legs_overlap() -> None:
    arm = overlap_mask(measure(ARM_OVER, SIZE))[0, 0] > 0
    assert arm[50, 29]
    legs = overlap_mask(measure(LEGS_CROSSED, SIZE))[0, 0] > 0
    both = (body_area(LEGS_CROSSED, "right_calf") & body_area(LEGS_CROSSED, "left_calf"))[0]
    assert legs[both].all()
    assert not legs[:, :10].any()


def test_a_folded_arm_overlaps_itself_only_away_from_the_elbow() -> None:
    pose = make_pose(right_elbow=(4, 52), right_wrist=(14, 40))
    mask = overlap_mask(measure(pose, SIZE))[0, 0]
    assert mask[52, 4] == 0


def test_a_body_outside_the_image_leaves_it_empty() -> None:
    assert body_mask(measure(make_pose() + 500, SIZE)).sum() == 0
