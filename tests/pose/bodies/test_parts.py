"""Which part is in front at each pixel, and which is second, is what the labels say."""

import pytest
import torch
from figures import (
    ARM_OVER,
    LEFT_CALF,
    LEGS_CROSSED,
    MISSING,
    RIGHT_CALF,
    RIGHT_FOREARM,
    body_area,
    draw,
    layers,
    make_label,
    make_pose,
    middle,
    mirror,
    part_map,
    random_bodies,
)
from standing import SIZE
from torch import Tensor

from pipeline.pose.bodies.body import NECK_FIELD, TORSO_FIELD, measure
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, HEAD_PART, N_PARTS, TORSO_PART, part_axes
from pipeline.pose.bodies.scale import body_scale
from pipeline.pose.skeleton import CHAIN_LIMBS, H36M_17, LIMB_FLIP, LIMB_KINDS, LIMB_NAMES, LIMB_RADIUS, LIMBS


@pytest.mark.parametrize(("front", "behind"), [("right_calf", "left_calf"), ("left_calf", "right_calf")])
def test_of_two_crossing_limbs_the_one_in_front_is_seen(front: str, behind: str) -> None:
    parts = part_map(LEGS_CROSSED, make_label(**{front: 1, behind: -1}))
    both = body_area(LEGS_CROSSED, front) & body_area(LEGS_CROSSED, behind)
    assert both.any()
    assert (parts[both] == FIRST_LIMB_PART + LIMB_NAMES.index(front)).all()


def test_with_the_same_label_a_forearm_covers_a_thigh_and_the_torso() -> None:
    pose = make_pose(right_elbow=(14, 66), right_wrist=(30, 78))
    parts = part_map(pose, make_label())
    assert (parts[body_area(pose, "right_forearm")] == RIGHT_FOREARM).all()


def test_head_and_torso_are_where_they_should_be() -> None:
    parts = part_map(make_pose(), make_label())[0]
    assert parts[22, 32] == HEAD_PART
    assert parts[33, 32] == HEAD_PART  # the neck
    assert parts[50, 32] == TORSO_PART
    assert parts[5, 5] == 0


def ranked(pose: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """`layers` of one body, pixel by pixel as they are described: sorted by label, kind, label of the other limb of the chain, and nearness."""
    body = measure(pose, SIZE)
    areas = draw(pose, label, "limbs")[0] > 0
    other = {limb: sum(pair) - limb for pair in CHAIN_LIMBS for limb in pair}
    found = torch.zeros((2, 1, *SIZE), dtype=torch.int64)
    for y, x in areas.any(0).nonzero().tolist():
        keys: dict[int, tuple[float, ...]] = {}
        for part in (areas[:, y, x].nonzero()[:, 0] + 1).tolist():
            limb = part - FIRST_LIMB_PART
            if limb < 0:
                keys[part] = (-0.5, part)  # before occluded limbs, behind all others; the head before the torso
            else:
                kind = tuple(LIMB_RADIUS).index(LIMB_KINDS[limb])
                keys[part] = (label[0, limb].item(), kind, label[0, other.get(limb, limb)].item(), body.field[limb, 0, y, x].item())
        order = sorted(keys, key=keys.__getitem__, reverse=True)
        found[: len(order[:2]), 0, y, x] = torch.tensor(order[:2])
    return found[0], found[1]


def test_the_layers_are_the_two_parts_that_rank_highest() -> None:
    poses, labels = random_bodies(6, seed=3)
    for pose, label in zip(poses.split(1), labels.split(1), strict=True):
        neck = measure(pose, SIZE).area(NECK_FIELD) * measure(pose, SIZE).area(TORSO_FIELD) > 0  # the neck ends where the torso begins
        for layer, expected in zip(layers(pose, label), ranked(pose, label), strict=True):
            assert ((layer != expected) & ~neck).float().mean() < 1e-3


def test_the_upper_layer_is_the_part_map_and_the_lower_one_another_part_that_is_there() -> None:
    pose, label = random_bodies(8)
    front, second = layers(pose, label)
    assert torch.equal(front, part_map(pose, label))
    areas = torch.nn.functional.pad(draw(pose, label, "limbs") > 0, (0, 0, 0, 0, 1, 0))
    count = areas.sum(1)
    neck = areas[:, TORSO_PART] & areas[:, HEAD_PART]  # may be the neck, which ends where the torso begins
    assert torch.equal(front > 0, count > 0)
    assert torch.equal((second > 0)[~neck], (count > 1)[~neck])
    assert (areas.gather(1, second[:, None])[:, 0] | (second == 0)).all()
    assert (front != second)[front > 0].all()


@pytest.mark.parametrize(("label", "limb_first"), [(1, True), (0, True), (-1, False)])
def test_an_arm_across_the_torso_changes_places_with_it(label: int, limb_first: bool) -> None:
    x, y = middle(ARM_OVER, "right_forearm")
    both = [layer[0, round(y), round(x)].item() for layer in layers(ARM_OVER, make_label(right_forearm=label))]
    parts = [RIGHT_FOREARM, TORSO_PART]
    assert both == (parts if limb_first else parts[::-1])


@pytest.mark.parametrize("labels", [(1, 0), (1, -1), (0, -1)])
@pytest.mark.parametrize("sides", [("right", "left"), ("left", "right")])
def test_crossed_calves_lie_one_above_the_other_in_the_order_of_their_labels(labels: tuple[int, int], sides: tuple[str, str]) -> None:
    calves = [f"{side}_calf" for side in sides]
    layer = layers(LEGS_CROSSED, make_label(**dict(zip(calves, labels, strict=True))))
    both = body_area(LEGS_CROSSED, calves[0]) & body_area(LEGS_CROSSED, calves[1])
    for parts, calf in zip(layer, calves, strict=True):
        assert (parts[both] == FIRST_LIMB_PART + LIMB_NAMES.index(calf)).all()


@pytest.mark.parametrize("label", [-1, 0, 1])
@pytest.mark.parametrize("sides", [("right", "left"), ("left", "right")])
def test_calves_with_the_same_label_follow_their_thighs(label: int, sides: tuple[str, str]) -> None:
    thighs = {f"{sides[0]}_thigh": 0, f"{sides[1]}_thigh": -1}
    layer = layers(LEGS_CROSSED, make_label(right_calf=label, left_calf=label, **thighs))
    both = body_area(LEGS_CROSSED, "right_calf") & body_area(LEGS_CROSSED, "left_calf")
    assert both.any()
    for parts, side in zip(layer, sides, strict=True):
        assert (parts[both] == FIRST_LIMB_PART + LIMB_NAMES.index(f"{side}_calf")).all()


def test_with_all_labels_the_same_the_nearer_axis_is_seen() -> None:
    front, second = layers(LEGS_CROSSED, make_label())
    both = body_area(LEGS_CROSSED, "right_calf") & body_area(LEGS_CROSSED, "left_calf")
    fields = measure(LEGS_CROSSED, SIZE).field[[RIGHT_CALF - FIRST_LIMB_PART, LEFT_CALF - FIRST_LIMB_PART]][:, both]
    upper, lower = (torch.where(fields[0] > fields[1], a, b) for a, b in ((RIGHT_CALF, LEFT_CALF), (LEFT_CALF, RIGHT_CALF)))
    clear = (fields[0] - fields[1]).abs() > 1e-4
    assert torch.equal(front[both][clear], upper[clear])
    assert torch.equal(second[both][clear], lower[clear])


def test_the_layers_of_a_mirrored_pose_are_mirrored() -> None:
    pose, label = random_bodies(16)
    sides = torch.tensor([0, TORSO_PART, HEAD_PART, *(FIRST_LIMB_PART + limb for limb in LIMB_FLIP)])
    for layer, mirrored in zip(layers(pose, label), layers(*mirror(pose, label)), strict=True):
        assert (mirrored != sides[layer].flip(-1)).float().mean() < 1e-4


def test_the_axes_of_the_parts_by_hand() -> None:
    start, end, radius = part_axes(measure(make_pose(), SIZE))
    assert start.shape == end.shape == (1, N_PARTS, 2)
    assert radius.shape == (1, N_PARTS)
    scale = body_scale(make_pose()).item()
    torso, head, forearm, thigh = TORSO_PART - 1, HEAD_PART - 1, RIGHT_FOREARM - 1, 2 + LIMB_NAMES.index("left_thigh")
    assert start[0, torso].tolist() == [32, 37]  # from between the shoulders to between the hips
    assert end[0, torso].tolist() == [32, 66]
    assert radius[0, torso].item() == pytest.approx(10 + 25 * scale, abs=1)  # shoulders 20 px apart, and the rim
    assert start[0, head].tolist() == pytest.approx([32, 18 + 0.27 * 18])  # from the crown to the thorax
    assert end[0, head].tolist() == [32, 36]
    assert radius[0, head].item() == pytest.approx(95 * scale)
    assert start[0, thigh].tolist() == [40, 66]
    assert end[0, thigh].tolist() == [41, 92]
    assert radius[0, thigh].item() == pytest.approx(80 * scale)
    assert end[0, forearm].tolist() == pytest.approx([7 - 0.4 * 7, 65 + 0.4 * 13])  # the hand


def test_the_axes_grow_move_and_are_mirrored_with_the_body() -> None:
    pose, label = random_bodies(8)
    start, end, radius = part_axes(measure(pose, SIZE))
    larger = part_axes(measure(2 * pose + 5, SIZE))
    for now, then in zip(larger, (2 * start + 5, 2 * end + 5, 2 * radius), strict=True):
        torch.testing.assert_close(now, then)
    parts = [0, 1, *(2 + limb for limb in LIMB_FLIP)]
    mirrored = part_axes(measure(mirror(pose, label)[0], SIZE))
    for now, then in zip(mirrored, (start, end), strict=False):
        torch.testing.assert_close(now[..., 0], SIZE[1] - 1 - then[:, parts, 0])
        torch.testing.assert_close(now[..., 1], then[:, parts, 1])
    torch.testing.assert_close(mirrored[2], radius[:, parts])


@pytest.mark.parametrize(
    ("joint", "others"),
    [("right_wrist", set()), ("left_knee", set()), ("left_hip", {"torso"}), ("thorax", {"head"})],
)
def test_a_missing_joint_takes_its_axes_away(joint: str, others: set[str]) -> None:
    """Those of its limbs and of other parts."""
    limbs = {name for name, ends in zip(LIMB_NAMES, LIMBS, strict=True) if H36M_17.index(joint) in ends}
    start, end, _ = part_axes(measure(make_pose(**{joint: MISSING}), SIZE))
    missing = (start + end).isnan().any(dim=2)[0]
    assert {("torso", "head", *LIMB_NAMES)[part] for part in missing.nonzero()[:, 0].tolist()} == limbs | others
