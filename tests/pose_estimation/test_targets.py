"""Targets of the pose estimator: known values, masks, and what is drawn is found again."""

import numpy as np
import pytest
import torch
from people import STANDING, two_people

from pipeline.networks.openpose import Guess, bones
from pipeline.pose.skeleton import H36M_17
from pipeline.pose_estimation.decode import Person, find_people
from pipeline.pose_estimation.peaks import locate
from pipeline.pose_estimation.targets import centres, draw_targets, pose_loss

SIZE, STRIDE, SIGMA = (128, 64), 4, 4.0
BONES = bones(17)


def draw(*people: np.ndarray, size: tuple[int, int] = SIZE):
    return draw_targets(torch.tensor(np.array([people]), dtype=torch.float32), BONES, size, STRIDE, SIGMA)


def test_a_joint_peaks_where_it_is_and_the_background_is_the_rest() -> None:
    targets = draw(STANDING)
    assert targets.heat.shape == (1, 18, 32, 16)
    x, y = STANDING[16]
    columns, rows = (centres(count, STRIDE).numpy() for count in (16, 32))
    expected = np.exp(-((columns - x)[None, :] ** 2 + (rows - y)[:, None] ** 2) / (2 * SIGMA**2))
    np.testing.assert_allclose(targets.heat[0, 16], expected, atol=1e-6)
    np.testing.assert_allclose(targets.heat[0, -1], 1 - targets.heat[0, :-1].amax(dim=0))


def test_a_field_points_along_its_bone_and_is_zero_elsewhere() -> None:
    targets = draw(STANDING)
    number = BONES.index((H36M_17.index("right_hip"), H36M_17.index("right_knee")))
    start, end = STANDING[[1, 2]]
    field = targets.paf[0, 2 * number : 2 * number + 2]
    length = field.norm(dim=0)
    assert set(length.round(decimals=4).unique().tolist()) == {0.0, 1.0}
    middle = ((start + end) / 2 / STRIDE).astype(int)
    np.testing.assert_allclose(field[:, middle[1], middle[0]], (end - start) / np.linalg.norm(end - start), atol=1e-5)


def test_of_two_people_the_nearer_gaussian_counts_and_fields_are_averaged() -> None:
    left, right = two_people()
    together, alone = draw(left, right, size=(128, 128)), [draw(one, size=(128, 128)) for one in (left, right)]
    np.testing.assert_allclose(together.heat[0, :-1], torch.maximum(alone[0].heat, alone[1].heat)[0, :-1])
    np.testing.assert_allclose(draw(left, left, size=(128, 128)).paf, alone[0].paf, atol=1e-6)


def test_nothing_is_asked_where_a_joint_is_not_known() -> None:
    lacking = STANDING.copy()
    lacking[H36M_17.index("left_elbow")] = np.nan
    targets = draw(lacking)
    asked = {H36M_17.names[joint] for joint in range(17) if targets.heat_mask[0, joint] == 0}
    assert asked == {"left_elbow"}
    assert targets.heat_mask[0, -1] == 0
    elbow = H36M_17.index("left_elbow")
    for number, bone in enumerate(BONES):
        assert (targets.paf_mask[0, 2 * number : 2 * number + 2] == (elbow not in bone)).all()
    assert torch.isfinite(targets.heat).all()
    assert torch.isfinite(targets.paf).all()
    nobody = np.full((17, 2), np.nan)
    empty = draw(nobody)
    assert (empty.heat_mask == 1).all()
    assert (empty.heat[0, :-1] == 0).all()
    assert (empty.heat[0, -1] == 1).all()


def test_the_loss_is_half_the_squared_error_per_image_and_masked() -> None:
    targets = draw(STANDING)
    perfect = Guess(targets.heat, targets.paf)
    assert [value.item() for value in pose_loss([perfect, perfect], targets)] == [0, 0]
    off = Guess(targets.heat + 1, targets.paf)
    heat, paf = pose_loss([off, perfect], targets)
    assert (heat.item(), paf.item()) == (18 * 32 * 16 / 2, 0)
    masked = targets._replace(heat_mask=torch.zeros_like(targets.heat_mask))
    assert pose_loss([off], masked)[0] == 0


def test_flipped_poses_have_flipped_targets() -> None:
    targets = draw(STANDING)
    flipped = draw((STANDING * (-1, 1) + (SIZE[1] - 1, 0))[list(H36M_17.flip)])
    order = [*H36M_17.flip, 17]
    np.testing.assert_allclose(flipped.heat, targets.heat.flip(-1)[:, order], atol=1e-6)


@pytest.mark.parametrize("joint", range(17))
def test_each_joint_is_located_within_a_px_or_two(joint: int) -> None:
    heat = draw(STANDING).heat[0].numpy()
    assert np.abs(locate(heat, STRIDE)[joint] - STANDING[joint]).max() <= 1.5


def nearest(found: list[Person], expected: np.ndarray) -> float:
    """By how many px the worst joint of the person who is most like `expected` is off; NaN where a joint is missing."""
    best = min(found, key=lambda person: np.nanmean(np.abs(person.pose_2d - expected)))
    return float(np.abs(best.pose_2d - expected).max())


def test_one_and_two_people_are_found_again() -> None:
    for people in ([STANDING], list(two_people())):
        size = (128, 64 * len(people))
        targets = draw(*people, size=size)
        found = find_people(targets.heat[0].numpy(), targets.paf[0].numpy(), STRIDE)
        assert len(found) == len(people)
        for expected in people:
            assert nearest(found, expected) <= 2


@pytest.mark.parametrize("breadth", [0.0, 0.1, 0.3])
def test_people_seen_from_the_side_are_found_whole(breadth: float) -> None:
    """Their hips and shoulders lie within a cell or two, where no field says which way the bone runs."""
    middle = STANDING.mean(axis=0)
    side = ((STANDING - middle) * (breadth, 1) + middle).astype(np.float32)
    people = [side, side + np.array([64, 3], np.float32)]
    targets = draw(*people, size=(128, 128))
    found = find_people(targets.heat[0].numpy(), targets.paf[0].numpy(), STRIDE)
    assert len(found) == 2
    for expected in people:
        assert nearest(found, expected) <= 2


def test_people_who_reach_into_each_other_stay_apart() -> None:
    left, right = two_people(apart=24)
    targets = draw(left, right, size=(128, 128))
    found = find_people(targets.heat[0].numpy(), targets.paf[0].numpy(), STRIDE)
    assert len(found) == 2
    for expected in (left, right):
        assert nearest(found, expected) <= 3


def test_nobody_is_found_in_nothing() -> None:
    empty = draw(np.full((17, 2), np.nan))
    assert find_people(empty.heat[0].numpy(), empty.paf[0].numpy(), STRIDE) == []
    assert np.isnan(locate(empty.heat[0].numpy(), STRIDE)).all()
