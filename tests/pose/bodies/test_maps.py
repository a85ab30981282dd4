"""Maps show the pose and the order of the limbs that they are told, and nothing else."""

import pytest
import torch
from standing import SIZE, STANDING
from torch import Tensor

from pipeline.pose.bodies.maps import (
    CHANNELS,
    FIRST_LIMB_PART,
    HEAD_PART,
    N_PARTS,
    TORSO_PART,
    body_mask,
    channels,
    draw_body,
    draw_maps,
    mask_body,
    mask_idle_labels,
    measure,
    overlap_mask,
    part_axes,
    part_layers,
    part_map,
)
from pipeline.pose.bodies.scale import body_scale
from pipeline.pose.skeleton import CHAIN_LIMBS, H36M_17, LIMB_FLIP, LIMB_KINDS, LIMB_NAMES, LIMBS

KINDS = tuple(CHANNELS)
RIGHT_FOREARM = LIMB_NAMES.index("right_forearm")
LEFT_FOREARM = LIMB_NAMES.index("left_forearm")
LIMB_ENDS = sorted({joint for limb in LIMBS for joint in limb})
RIGHT_CALF, LEFT_CALF = LIMB_NAMES.index("right_calf"), LIMB_NAMES.index("left_calf")


def make_pose(**joints: tuple[float, float]) -> Tensor:
    """(1, 17, 2): the standing person with some joints elsewhere."""
    return torch.tensor([[{**STANDING, **joints}[name] for name in H36M_17.names]], dtype=torch.float32)


def make_label(**labels: int) -> Tensor:
    """(1, 8) int8, 0 but for the limbs named."""
    return torch.tensor([[labels.get(name, 0) for name in LIMB_NAMES]], dtype=torch.int8)


ARM_ACROSS = make_pose(right_elbow=(20, 50), right_wrist=(38, 50))  # the right forearm lies over the torso
APART = make_pose(left_elbow=(56, 37), left_wrist=(62, 30), right_elbow=(8, 37), right_wrist=(2, 30))
LEGS_CROSSED = make_pose(right_ankle=(44, 118), left_ankle=(20, 118))


def random_bodies(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    pose = make_pose() + 6 * torch.randn((count, 17, 2), generator=rng)
    return pose, torch.randint(-1, 2, (count, 8), generator=rng)


def mirror(pose: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    x, y = pose[:, list(H36M_17.flip)].unbind(-1)
    return torch.stack([SIZE[1] - 1 - x, y], dim=-1), label[:, list(LIMB_FLIP)]


def at(maps: Tensor, x: float, y: float) -> list[float]:
    """Values of the first image's channels at the pixel nearest to (x, y)."""
    return maps[0, :, round(y), round(x)].tolist()


def middle(pose: Tensor, limb: int) -> tuple[float, float]:
    x, y = pose[0, list(LIMBS[limb])].mean(0).tolist()
    return x, y


@pytest.mark.parametrize("kinds", [("rgb",), ("limbs",), ("parts",), ("heatmaps",), KINDS, ("parts", "rgb")])
def test_maps_have_the_channels_that_channels_promises(kinds: tuple[str, ...]) -> None:
    pose, label = random_bodies(3)
    maps = draw_maps(pose, label, SIZE, kinds, 4)
    assert maps.shape == (3, channels(kinds), *SIZE)
    assert maps.dtype == torch.float32
    assert maps.abs().max() <= 1
    parts = [draw_maps(pose, label, SIZE, [kind], 4) for kind in kinds]
    assert torch.equal(maps, torch.cat(parts, dim=1))


def test_channels_are_those_of_the_four_kinds() -> None:
    assert [channels([kind]) for kind in ("rgb", "limbs", "parts", "heatmaps")] == [3, 10, 10, 17]


def test_each_body_is_drawn_on_its_own() -> None:
    pose, label = random_bodies(4)
    for number in range(4):
        one = slice(number, number + 1)
        assert torch.equal(draw_maps(pose, label, SIZE, KINDS, 4)[one], draw_maps(pose[one], label[one], SIZE, KINDS, 4))


def test_measured_bodies_give_the_same_pictures() -> None:
    pose, label = random_bodies(2)
    body = measure(pose, SIZE)
    assert torch.equal(draw_body(body, label, KINDS, 4), draw_maps(pose, label, SIZE, KINDS, 4))
    assert torch.equal(mask_body(body), body_mask(pose, SIZE))


def test_a_heatmap_is_a_disc_around_its_joint() -> None:
    maps = draw_maps(make_pose(), make_label(), SIZE, ["heatmaps"], 4)[0]
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    for joint, name in enumerate(H36M_17.names):
        distance = torch.hypot(x - float(STANDING[name][0]), y - float(STANDING[name][1]))
        assert torch.equal(maps[joint], torch.where(distance <= 4, 1.0, -1.0))


def test_a_limb_channel_holds_the_label_and_absence_differs_from_all_labels() -> None:
    x, y = middle(make_pose(), RIGHT_FOREARM)
    values = [at(draw_maps(make_pose(), make_label(right_forearm=label), SIZE, ["limbs"], 4), x, y)[2 + RIGHT_FOREARM] for label in (-1, 0, 1)]
    assert values == pytest.approx([1 / 3, 2 / 3, 1])
    assert at(draw_maps(make_pose(), make_label(), SIZE, ["limbs"], 4), 60, 5) == [0] * 10


@pytest.mark.parametrize("limb", range(8))
def test_a_label_changes_its_own_limb_channel_alone(limb: int) -> None:
    front, behind = (draw_maps(make_pose(), make_label(**{LIMB_NAMES[limb]: label}), SIZE, ["limbs"], 4) for label in (1, -1))
    changed = (front != behind).any(dim=(0, 2, 3))
    assert changed.nonzero().flatten().tolist() == [2 + limb]


@pytest.mark.parametrize(("label", "seen", "colour"), [(1, 3 + RIGHT_FOREARM, (1, -1, -1)), (-1, TORSO_PART, (-1, 1, -1))])
def test_a_limb_in_front_covers_the_torso_and_an_occluded_one_is_covered(label: int, seen: int, colour: tuple[int, ...]) -> None:
    x, y = middle(ARM_ACROSS, RIGHT_FOREARM)
    labels = make_label(right_forearm=label)
    assert part_map(ARM_ACROSS, labels, SIZE)[0, round(y), round(x)] == seen
    assert at(draw_maps(ARM_ACROSS, labels, SIZE, ["rgb"], 4), x, y) == list(colour)


def test_an_occluded_limb_is_seen_where_nothing_covers_it() -> None:
    labels = make_label(right_forearm=-1)
    x, y = middle(make_pose(), RIGHT_FOREARM)
    assert part_map(make_pose(), labels, SIZE)[0, round(y), round(x)] == FIRST_LIMB_PART + RIGHT_FOREARM
    assert at(draw_maps(make_pose(), labels, SIZE, ["rgb"], 4), x, y) == [-1, -1, 1]


@pytest.mark.parametrize(("front", "behind"), [("right_calf", "left_calf"), ("left_calf", "right_calf")])
def test_of_two_crossing_limbs_the_one_in_front_is_seen(front: str, behind: str) -> None:
    parts = part_map(LEGS_CROSSED, make_label(**{front: 1, behind: -1}), SIZE)
    both = body_area(LEGS_CROSSED, front) & body_area(LEGS_CROSSED, behind)
    assert both.any()
    assert (parts[both] == FIRST_LIMB_PART + LIMB_NAMES.index(front)).all()


def body_area(pose: Tensor, limb: str) -> Tensor:
    """(1, H, W) bool, the whole area of one limb."""
    return draw_maps(pose, make_label(), SIZE, ["limbs"], 4)[:, 2 + LIMB_NAMES.index(limb)] > 0


def test_with_the_same_label_a_forearm_covers_a_thigh_and_the_torso() -> None:
    pose = make_pose(right_elbow=(14, 66), right_wrist=(30, 78))
    parts = part_map(pose, make_label(), SIZE)
    assert (parts[body_area(pose, "right_forearm")] == FIRST_LIMB_PART + RIGHT_FOREARM).all()


def test_maps_and_masks_move_with_the_body() -> None:
    pose, label = make_pose(), make_label(right_forearm=1)
    moved = pose + torch.tensor([3.0, -2.0])
    for before, after in (
        (draw_maps(pose, label, SIZE, KINDS, 4), draw_maps(moved, label, SIZE, KINDS, 4)),
        (body_mask(pose, SIZE), body_mask(moved, SIZE)),
        (overlap_mask(ARM_ACROSS, SIZE), overlap_mask(ARM_ACROSS + torch.tensor([3.0, -2.0]), SIZE)),
    ):
        assert (before[..., 2:, :-3] != after[..., :-2, 3:]).float().mean() < 1e-4


def test_the_map_of_a_mirrored_pose_is_the_mirrored_map() -> None:
    pose, label = random_bodies(16)
    parts = [0, 1, *(2 + limb for limb in LIMB_FLIP)]
    for kind, order in (("rgb", [0, 1, 2]), ("limbs", parts), ("parts", parts), ("heatmaps", list(H36M_17.flip))):
        maps = draw_maps(pose, label, SIZE, [kind], 4)
        mirrored = draw_maps(*mirror(pose, label), SIZE, [kind], 4)
        assert (mirrored != maps.flip(-1)[:, order]).float().mean() < 1e-4, kind
    for mask in (body_mask, overlap_mask):
        assert (mask(mirror(pose, label)[0], SIZE) != mask(pose, SIZE).flip(-1)).float().mean() < 1e-4


def test_parts_are_one_hot_of_the_part_map() -> None:
    pose, label = random_bodies(8)
    parts, seen = draw_maps(pose, label, SIZE, ["parts"], 4), part_map(pose, label, SIZE)
    assert seen.dtype == torch.int64
    assert torch.equal(parts, torch.nn.functional.one_hot(seen, N_PARTS + 1).permute(0, 3, 1, 2)[:, 1:].float())


def test_head_and_torso_are_where_they_should_be() -> None:
    parts = part_map(make_pose(), make_label(), SIZE)[0]
    assert parts[22, 32] == HEAD_PART
    assert parts[33, 32] == HEAD_PART  # the neck
    assert parts[50, 32] == TORSO_PART
    assert parts[5, 5] == 0


def test_from_the_side_the_torso_keeps_its_thickness() -> None:
    side = {name: (32, y) for name, (_, y) in STANDING.items()}
    torso = draw_maps(make_pose(**side), make_label(), SIZE, ["limbs"], 4)[0, 0]
    scale = body_scale(make_pose(**side)).item()
    assert torso[52].count_nonzero().item() == pytest.approx(2 * 145 * scale, abs=1.5)  # half the depth and the rim, on both sides


def test_the_torso_of_a_twisted_body_is_still_drawn() -> None:
    twisted = make_pose(left_shoulder=STANDING["right_shoulder"], right_shoulder=STANDING["left_shoulder"])
    torso = draw_maps(twisted, make_label(), SIZE, ["limbs"], 4)[0, 0]
    assert torso[40, 32] > 0
    assert torso[62, 32] > 0
    assert torso[52, 20] == 0


def test_the_scale_follows_the_size_of_the_body_and_withstands_a_wrong_joint() -> None:
    pose = make_pose()
    scale = body_scale(pose)
    assert body_scale(2 * pose) == pytest.approx(2 * scale.item(), rel=1e-5)
    assert body_scale(make_pose(right_wrist=(7, 1000))) == pytest.approx(scale.item(), rel=0.1)
    assert body_scale(torch.full((1, 17, 2), torch.nan)) == 0
    alone = torch.full((1, 17, 2), torch.nan)
    alone[0, [1, 2]] = torch.tensor([[10.0, 10.0], [10.0, 54.0]])
    assert body_scale(alone) == pytest.approx(0.1)


def test_the_mask_covers_every_joint_and_every_part() -> None:
    pose, label = random_bodies(16)
    mask = body_mask(pose, SIZE)
    assert mask.shape == (16, 1, *SIZE)
    assert set(mask.unique().tolist()) == {0, 1}
    assert (mask[:, 0][part_map(pose, label, SIZE) > 0] == 1).all()
    joints = (make_pose(), body_mask(make_pose(), SIZE)), (pose[:, LIMB_ENDS], mask)
    for points, masks in joints:
        x, y = points.round().long().unbind(-1)
        inside = (x >= 0) & (x < SIZE[1]) & (y >= 0) & (y < SIZE[0])
        number = torch.arange(len(x))[:, None].expand_as(x)
        assert (masks[number[inside], 0, y[inside], x[inside]] == 1).all()


def test_the_mask_reaches_beyond_wrists_and_ankles_but_not_everywhere() -> None:
    mask = body_mask(make_pose(), SIZE)[0, 0]
    assert mask[68, 4] == 1
    assert mask[124, 23] == 1
    assert mask[124, 18] == 1
    assert mask[10, 5] == mask[90, 60] == 0
    assert mask.mean() < 0.5


@pytest.mark.parametrize(("pose", "heeded"), [(APART, ()), (ARM_ACROSS, ("right_forearm",)), (LEGS_CROSSED, ("right_calf", "left_calf"))])
def test_labels_are_heeded_where_they_can_decide_something(pose: Tensor, heeded: tuple[str, ...]) -> None:
    for value in (-1, 1):
        told = torch.full((1, len(LIMBS)), value, dtype=torch.int8)
        label = mask_idle_labels(measure(pose, SIZE), told)
        assert label.dtype == told.dtype
        named = {name for name, kept in zip(LIMB_NAMES, label[0].tolist(), strict=True) if kept == value}
        assert named >= set(heeded)
        assert bool(named) == bool(heeded)
        assert int((label != 0).sum()) == len(named) < len(LIMBS)


def test_labels_of_limbs_that_overlap_are_heeded_and_change_sides_with_the_body() -> None:
    pose, label = random_bodies(32)
    heeded = mask_idle_labels(measure(pose, SIZE), torch.ones_like(label))
    assert 0.2 < heeded.float().mean() < 0.95
    assert torch.equal(mask_idle_labels(measure(mirror(pose, label)[0], SIZE), torch.ones_like(label)), heeded[:, LIMB_FLIP])
    assert torch.equal(mask_idle_labels(measure(pose, SIZE), label), heeded * label)
    overlapping = overlap_mask(pose, SIZE).flatten(1).any(1)
    assert heeded[overlapping].any(1).all()


def test_limbs_that_overlap_nothing_leave_the_overlap_mask_empty() -> None:
    mask = overlap_mask(APART, SIZE)
    assert mask.shape == (1, 1, *SIZE)
    assert mask.sum() == 0


def test_an_arm_across_the_chest_and_crossed_legs_overlap() -> None:
    arm = overlap_mask(ARM_ACROSS, SIZE)[0, 0] > 0
    assert arm[50, 29]
    legs = overlap_mask(LEGS_CROSSED, SIZE)[0, 0] > 0
    both = (body_area(LEGS_CROSSED, "right_calf") & body_area(LEGS_CROSSED, "left_calf"))[0]
    assert legs[both].all()
    assert not legs[:, :10].any()


def test_a_folded_arm_overlaps_itself_only_away_from_the_elbow() -> None:
    pose = make_pose(right_elbow=(4, 52), right_wrist=(14, 40))
    mask = overlap_mask(pose, SIZE)[0, 0]
    assert mask[52, 4] == 0


@pytest.mark.parametrize(
    ("joint", "gone"),
    [
        ("right_wrist", [2 + RIGHT_FOREARM]),
        ("left_knee", [2 + LIMB_NAMES.index("left_thigh"), 2 + LEFT_CALF]),
        ("left_hip", [0, 2 + LIMB_NAMES.index("left_thigh")]),
        ("head", [1]),
    ],
)
def test_a_missing_joint_takes_what_hangs_on_it_out_of_the_maps(joint: str, gone: list[int]) -> None:
    pose = make_pose(**{joint: (torch.nan, torch.nan)})
    maps = draw_maps(pose, make_label(), SIZE, KINDS, 4)
    assert maps.isfinite().all()
    empty = (maps[0, 3:13] == 0).all(dim=(1, 2))
    assert empty.nonzero().flatten().tolist() == gone
    assert (maps[0, 23 + H36M_17.index(joint)] == -1).all()
    assert body_mask(pose, SIZE).sum() > 0
    assert overlap_mask(pose, SIZE).isfinite().all()


def test_without_any_joint_nothing_is_drawn() -> None:
    pose = torch.full((1, 17, 2), torch.nan)
    maps = draw_maps(pose, make_label(), SIZE, KINDS, 4)
    assert torch.equal(maps.unique(), torch.tensor([-1.0, 0.0]))
    assert body_mask(pose, SIZE).sum() == overlap_mask(pose, SIZE).sum() == part_map(pose, make_label(), SIZE).sum() == 0


def test_limbs_that_point_at_the_camera_are_discs() -> None:
    pose = make_pose(right_elbow=STANDING["right_shoulder"], right_wrist=STANDING["right_shoulder"])
    maps = draw_maps(pose, make_label(), SIZE, ["limbs"], 4)
    assert at(maps, *STANDING["right_shoulder"])[2 + RIGHT_FOREARM] > 0
    assert 10 < (maps[0, 2 + RIGHT_FOREARM] > 0).sum() < 60


def test_a_body_outside_the_image_leaves_it_empty() -> None:
    assert body_mask(make_pose() + 500, SIZE).sum() == 0


def test_other_number_types_are_taken_as_they_are() -> None:
    pose, label = random_bodies(2)
    expected = draw_maps(pose, label, SIZE, KINDS, 4)
    assert torch.equal(draw_maps(pose.double(), label.to(torch.int8), SIZE, KINDS, 4), expected)


def layers(pose: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    seen, beneath = part_layers(measure(pose, SIZE), label)
    return seen.long(), beneath.long()


def ranked(pose: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """`layers` of one body, pixel by pixel as they are described: sorted by label, kind, label of the other limb of the chain, and nearness."""
    body = measure(pose, SIZE)
    areas = draw_maps(pose, label, SIZE, ["limbs"], 4)[0] > 0
    other = {limb: sum(pair) - limb for pair in CHAIN_LIMBS for limb in pair}
    found = torch.zeros((2, 1, *SIZE), dtype=torch.int64)
    for y, x in areas.any(0).nonzero().tolist():
        keys: dict[int, tuple[float, ...]] = {}
        for part in (areas[:, y, x].nonzero()[:, 0] + 1).tolist():
            limb = part - FIRST_LIMB_PART
            if limb < 0:
                keys[part] = (-0.5, part)  # before occluded limbs, behind all others; the head before the torso
            else:
                kind = ("calf", "thigh", "upper_arm", "forearm").index(LIMB_KINDS[limb])
                keys[part] = (label[0, limb].item(), kind, label[0, other[limb]].item(), body.field[limb, 0, y, x].item())
        order = sorted(keys, key=keys.__getitem__, reverse=True)
        found[: len(order[:2]), 0, y, x] = torch.tensor(order[:2])
    return found[0], found[1]


def test_the_layers_are_the_two_parts_that_rank_highest() -> None:
    poses, labels = random_bodies(6, seed=3)
    for pose, label in zip(poses.split(1), labels.split(1), strict=True):
        neck = measure(pose, SIZE).area(10) * measure(pose, SIZE).area(11) > 0  # the neck ends where the torso begins
        for layer, expected in zip(layers(pose, label), ranked(pose, label), strict=True):
            assert ((layer != expected) & ~neck).float().mean() < 1e-3


def test_the_upper_layer_is_the_part_map_and_the_lower_one_another_part_that_is_there() -> None:
    pose, label = random_bodies(8)
    seen, beneath = layers(pose, label)
    assert torch.equal(seen, part_map(pose, label, SIZE))
    areas = torch.nn.functional.pad(draw_maps(pose, label, SIZE, ["limbs"], 4) > 0, (0, 0, 0, 0, 1, 0))
    count = areas.sum(1)
    neck = areas[:, TORSO_PART] & areas[:, HEAD_PART]  # may be the neck, which ends where the torso begins
    assert torch.equal(seen > 0, count > 0)
    assert torch.equal((beneath > 0)[~neck], (count > 1)[~neck])
    assert (areas.gather(1, beneath[:, None])[:, 0] | (beneath == 0)).all()
    assert (seen != beneath)[seen > 0].all()


@pytest.mark.parametrize(("label", "limb_first"), [(1, True), (0, True), (-1, False)])
def test_an_arm_across_the_torso_changes_places_with_it(label: int, limb_first: bool) -> None:
    x, y = middle(ARM_ACROSS, RIGHT_FOREARM)
    both = [layer[0, round(y), round(x)].item() for layer in layers(ARM_ACROSS, make_label(right_forearm=label))]
    parts = [FIRST_LIMB_PART + RIGHT_FOREARM, TORSO_PART]
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
    seen, beneath = layers(LEGS_CROSSED, make_label())
    both = body_area(LEGS_CROSSED, "right_calf") & body_area(LEGS_CROSSED, "left_calf")
    fields = measure(LEGS_CROSSED, SIZE).field[[RIGHT_CALF, LEFT_CALF]][:, both]
    upper, lower = (torch.where(fields[0] > fields[1], a, b) for a, b in ((RIGHT_CALF, LEFT_CALF), (LEFT_CALF, RIGHT_CALF)))
    clear = (fields[0] - fields[1]).abs() > 1e-4
    assert torch.equal(seen[both][clear], (FIRST_LIMB_PART + upper)[clear])
    assert torch.equal(beneath[both][clear], (FIRST_LIMB_PART + lower)[clear])


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
    torso, head, forearm, thigh = TORSO_PART - 1, HEAD_PART - 1, 2 + RIGHT_FOREARM, 2 + LIMB_NAMES.index("left_thigh")
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
    ("joint", "gone"),
    [("right_wrist", {"right_forearm"}), ("left_knee", {"left_thigh", "left_calf"}), ("left_hip", {"torso", "left_thigh"}), ("thorax", {"head"})],
)
def test_a_missing_joint_takes_its_axes_away(joint: str, gone: set[str]) -> None:
    start, end, _ = part_axes(measure(make_pose(**{joint: (torch.nan, torch.nan)}), SIZE))
    missing = (start + end).isnan().any(dim=2)[0]
    assert {("torso", "head", *LIMB_NAMES)[part] for part in missing.nonzero()[:, 0].tolist()} == gone
