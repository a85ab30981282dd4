"""Maps show the pose and the order of the limbs that they are told, and nothing else."""

from typing import get_args

import pytest
import torch
from figures import ARM_OVER, LEFT_CALF, MISSING, RIGHT_FOREARM, draw, make_label, make_pose, middle, mirror, part_map, random_bodies
from standing import SIZE, STANDING
from torch import Tensor

from pipeline.config.pose import MapKind
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.maps import channels
from pipeline.pose.bodies.masks import body_mask, overlap_mask
from pipeline.pose.bodies.parts import N_PARTS, TORSO_PART
from pipeline.pose.skeleton import H36M_17, LIMB_FLIP, LIMB_NAMES

PARTS = [0, 1, *(2 + limb for limb in LIMB_FLIP)]
MIRRORED = {
    "rgb": [0, 1, 2],
    "limbs": PARTS,
    "parts": PARTS,
    "heatmaps": list(H36M_17.flip),
}  # the channel that a left/right flip puts in each one's place
KINDS = tuple(MIRRORED)


def at(maps: Tensor, x: float, y: float) -> list[float]:
    """Values of the first image's channels at the pixel nearest to (x, y)."""
    return maps[0, :, round(y), round(x)].tolist()


@pytest.mark.parametrize("kinds", [("rgb",), ("limbs",), ("parts",), ("heatmaps",), KINDS, ("parts", "rgb")])
def test_maps_have_the_channels_that_channels_promises(kinds: tuple[str, ...]) -> None:
    pose, label = random_bodies(3)
    maps = draw(pose, label, *kinds)
    assert maps.shape == (3, channels(kinds), *SIZE)
    assert maps.dtype == torch.float32
    assert maps.abs().max() <= 1
    parts = [draw(pose, label, kind) for kind in kinds]
    assert torch.equal(maps, torch.cat(parts, dim=1))


def test_every_kind_has_its_channels() -> None:
    assert get_args(MapKind) == KINDS
    assert [channels([kind]) for kind in KINDS] == [len(order) for order in MIRRORED.values()]


def test_each_body_is_drawn_on_its_own() -> None:
    pose, label = random_bodies(4)
    for number in range(4):
        one = slice(number, number + 1)
        assert torch.equal(draw(pose, label, *KINDS)[one], draw(pose[one], label[one], *KINDS))


def test_a_heatmap_is_a_disc_around_its_joint() -> None:
    maps = draw(make_pose(), make_label(), "heatmaps")[0]
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    for joint, name in enumerate(H36M_17.names):
        distance = torch.hypot(x - float(STANDING[name][0]), y - float(STANDING[name][1]))
        assert torch.equal(maps[joint], torch.where(distance <= 4, 1.0, -1.0))


def test_a_limb_channel_holds_the_label_and_absence_differs_from_all_labels() -> None:
    x, y = middle(make_pose(), "right_forearm")
    values = [at(draw(make_pose(), make_label(right_forearm=label), "limbs"), x, y)[RIGHT_FOREARM - 1] for label in (-1, 0, 1)]
    assert values == pytest.approx([1 / 3, 2 / 3, 1])
    assert at(draw(make_pose(), make_label(), "limbs"), 60, 5) == [0] * N_PARTS


@pytest.mark.parametrize("limb", range(len(LIMB_NAMES)))
def test_a_label_changes_its_own_limb_channel_alone(limb: int) -> None:
    front, behind = (draw(make_pose(), make_label(**{LIMB_NAMES[limb]: label}), "limbs") for label in (1, -1))
    changed = (front != behind).any(dim=(0, 2, 3))
    assert changed.nonzero().flatten().tolist() == [2 + limb]


@pytest.mark.parametrize(("label", "front", "colour"), [(1, RIGHT_FOREARM, (1, -1, -1)), (-1, TORSO_PART, (-1, 1, -1))])
def test_a_limb_in_front_covers_the_torso_and_an_occluded_one_is_covered(label: int, front: int, colour: tuple[int, ...]) -> None:
    x, y = middle(ARM_OVER, "right_forearm")
    labels = make_label(right_forearm=label)
    assert part_map(ARM_OVER, labels)[0, round(y), round(x)] == front
    assert at(draw(ARM_OVER, labels, "rgb"), x, y) == list(colour)


def test_an_occluded_limb_is_seen_where_nothing_covers_it() -> None:
    labels = make_label(right_forearm=-1)
    x, y = middle(make_pose(), "right_forearm")
    assert part_map(make_pose(), labels)[0, round(y), round(x)] == RIGHT_FOREARM
    assert at(draw(make_pose(), labels, "rgb"), x, y) == [-1, -1, 1]


def test_maps_and_masks_move_with_the_body() -> None:
    pose, label = make_pose(), make_label(right_forearm=1)
    moved = pose + torch.tensor([3.0, -2.0])
    for before, after in (
        (draw(pose, label, *KINDS), draw(moved, label, *KINDS)),
        (body_mask(measure(pose, SIZE)), body_mask(measure(moved, SIZE))),
        (overlap_mask(measure(ARM_OVER, SIZE)), overlap_mask(measure(ARM_OVER + torch.tensor([3.0, -2.0]), SIZE))),
    ):
        assert (before[..., 2:, :-3] != after[..., :-2, 3:]).float().mean() < 1e-4


def test_the_map_of_a_mirrored_pose_is_the_mirrored_map() -> None:
    pose, label = random_bodies(16)
    for kind, order in MIRRORED.items():
        maps = draw(pose, label, kind)
        mirrored = draw(*mirror(pose, label), kind)
        assert (mirrored != maps.flip(-1)[:, order]).float().mean() < 1e-4, kind
    for mask in (body_mask, overlap_mask):
        assert (mask(measure(mirror(pose, label)[0], SIZE)) != mask(measure(pose, SIZE)).flip(-1)).float().mean() < 1e-4


def test_parts_are_one_hot_of_the_part_map() -> None:
    pose, label = random_bodies(8)
    parts, front = draw(pose, label, "parts"), part_map(pose, label)
    assert front.dtype == torch.int64
    assert torch.equal(parts, torch.nn.functional.one_hot(front, N_PARTS + 1).permute(0, 3, 1, 2)[:, 1:].float())


@pytest.mark.parametrize(
    ("joint", "gone"),
    [
        ("right_wrist", [RIGHT_FOREARM - 1]),
        ("left_knee", [2 + LIMB_NAMES.index("left_thigh"), LEFT_CALF - 1]),
        ("left_hip", [0, 2 + LIMB_NAMES.index("left_thigh")]),
        ("head", [1]),
    ],
)
def test_a_missing_joint_takes_what_hangs_on_it_out_of_the_maps(joint: str, gone: list[int]) -> None:
    pose = make_pose(**{joint: MISSING})
    maps = draw(pose, make_label(), *KINDS)
    assert maps.isfinite().all()
    empty = (maps[0, 3 : 3 + N_PARTS] == 0).all(dim=(1, 2))
    assert empty.nonzero().flatten().tolist() == gone
    assert (maps[0, 3 + 2 * N_PARTS + H36M_17.index(joint)] == -1).all()
    assert body_mask(measure(pose, SIZE)).sum() > 0
    assert overlap_mask(measure(pose, SIZE)).isfinite().all()


def test_without_any_joint_nothing_is_drawn() -> None:
    pose = torch.full((1, 17, 2), torch.nan)
    maps = draw(pose, make_label(), *KINDS)
    assert torch.equal(maps.unique(), torch.tensor([-1.0, 0.0]))
    assert body_mask(measure(pose, SIZE)).sum() == overlap_mask(measure(pose, SIZE)).sum() == part_map(pose, make_label()).sum() == 0


def test_other_number_types_are_taken_as_they_are() -> None:
    pose, label = random_bodies(2)
    expected = draw(pose, label, *KINDS)
    assert torch.equal(draw(pose.double(), label.to(torch.int8), *KINDS), expected)
