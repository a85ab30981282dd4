"""Depth layers: who is nearer is in front, the surface stands before its axis, and it is the same for a body anywhere in the image."""

import numpy as np
import pytest
import torch
from figures import ARM_ACROSS, LEFT_CALF, MISSING, RIGHT_CALF, RIGHT_FOREARM, make_pose
from standing import SIZE
from torch import Tensor

from pipeline.pose.bodies.body import TORSO_HALF_DEPTH, Body, measure
from pipeline.pose.bodies.depth_layers import CHANNELS, UNIT, DepthLayers, depth_layer_maps, make_depth_layers
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, TORSO_PART
from pipeline.pose.skeleton import CHAINS, H36M_17, LIMB_FLIP, LIMB_NAMES, LIMB_RADIUS


def make_depth(**joints: float) -> Tensor:
    """(1, 17) mm: all joints as deep as the hips but for those named."""
    return torch.tensor([[joints.get(name, 0.0) for name in H36M_17.names]])


LEVEL = torch.zeros((1, len(LIMB_NAMES)))


def raised(pose: Tensor, depth: Tensor, label: Tensor = LEVEL) -> DepthLayers:
    return make_depth_layers(measure(pose, SIZE), depth, label.expand(len(pose), -1))


AT_THE_WRIST = (0, 50, 29)


@pytest.mark.parametrize(("depth", "front", "second"), [(-300.0, RIGHT_FOREARM, TORSO_PART), (300.0, TORSO_PART, RIGHT_FOREARM)])
def test_an_arm_across_the_torso_is_before_or_behind_it(depth: float, front: int, second: int) -> None:
    layers = raised(ARM_ACROSS, make_depth(right_elbow=depth, right_wrist=depth))
    assert (layers.front[AT_THE_WRIST], layers.second[AT_THE_WRIST]) == (front, second)
    assert layers.near_front[AT_THE_WRIST] > layers.near_second[AT_THE_WRIST]


def test_an_arm_that_passes_through_the_torso_is_in_front_where_it_sticks_out() -> None:
    """The elbow is behind, the wrist before the body: one label could not say that."""
    pose = make_pose(right_elbow=(22, 50), right_wrist=(42, 50))
    layers = raised(pose, make_depth(right_elbow=400, right_wrist=-400))
    assert layers.front[0, 50, 23] == TORSO_PART
    assert layers.front[0, 50, 42] == RIGHT_FOREARM


@pytest.mark.parametrize(("nearer", "front"), [("right", RIGHT_CALF), ("left", LEFT_CALF)])
def test_of_crossed_calves_the_nearer_one_is_in_front(nearer: str, front: int) -> None:
    pose = make_pose(right_ankle=(41, 118), left_ankle=(23, 118))
    depth = make_depth(**{f"{nearer}_knee": -200, f"{nearer}_ankle": -200})
    assert raised(pose, depth).front[0, 105, 32] == front


@pytest.mark.parametrize(("value", "front"), [(1, RIGHT_FOREARM), (-1, TORSO_PART)])
def test_a_label_decides_where_depths_do_not_but_is_no_depth_itself(value: int, front: int) -> None:
    """The arm's surface is level with the torso's; only its label says whether it is seen."""
    label = LEVEL.clone()
    label[0, LIMB_NAMES.index("right_forearm")] = value
    depth = make_depth(right_elbow=-70, right_wrist=-70)
    told, plain = raised(ARM_ACROSS, depth, label), raised(ARM_ACROSS, depth)
    assert told.front[AT_THE_WRIST] == front
    levels = {plain.near_front[AT_THE_WRIST].item(), plain.near_second[AT_THE_WRIST].item()}
    assert {told.near_front[AT_THE_WRIST].item(), told.near_second[AT_THE_WRIST].item()} == levels


def test_surfaces_stand_before_their_axes_by_the_radius() -> None:
    body = measure(make_pose(), SIZE)
    layers = make_depth_layers(body, make_depth(left_knee=-50, left_ankle=-150), LEVEL)
    assert layers.near_front[0, 105, 41].item() == pytest.approx(100 + LIMB_RADIUS["calf"], abs=6)  # half way down the calf
    assert layers.near_front[0, 52, 32].item() == pytest.approx(TORSO_HALF_DEPTH, abs=6)
    edge = (body.field[LIMB_NAMES.index("left_calf"), 0, 105] >= 0).nonzero()[-1, 0]
    assert layers.near_front[0, 105, edge] < layers.near_front[0, 105, 41] - 0.3 * LIMB_RADIUS["calf"]


def test_what_is_drawn_is_where_the_parts_are_and_nothing_is_elsewhere() -> None:
    body = measure(make_pose(), SIZE)
    layers = make_depth_layers(body, make_depth(), LEVEL)
    assert torch.equal(layers.front > 0, body.field.amax(0) >= 0)
    nowhere = layers.front == 0
    assert (layers.near_front[nowhere] == 0).all()
    assert (layers.second[nowhere] == 0).all()
    assert ((layers.second != layers.front) | nowhere).all()


def random_bodies(count: int = 6) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return make_pose() + 4 * torch.randn((count, 17, 2), generator=rng), 150 * torch.randn((count, 17), generator=rng)


def test_each_body_is_raised_on_its_own() -> None:
    pose, depth = random_bodies()
    together = raised(pose, depth)
    for number in range(len(pose)):
        for one, all_ in zip(raised(pose[[number]], depth[[number]]), together, strict=True):
            torch.testing.assert_close(one[0], all_[number], rtol=0, atol=0.01)


def test_the_layers_of_a_mirrored_body_are_mirrored() -> None:
    pose, depth = random_bodies()
    flip = list(H36M_17.flip)
    mirrored = torch.stack([SIZE[1] - 1 - pose[:, flip, 0], pose[:, flip, 1]], dim=-1)
    here, there = raised(pose, depth), raised(mirrored, depth[:, flip])
    part = torch.tensor([0, 1, 2, *(FIRST_LIMB_PART + limb for limb in LIMB_FLIP)])
    assert (part[there.front.flip(-1).long()] != here.front).float().mean() < 2e-3
    assert ((there.near_front.flip(-1) - here.near_front).abs() > 1).float().mean() < 2e-3


def test_mirroring_a_chain_in_depth_reverses_what_it_covers() -> None:
    pose, depth = ARM_ACROSS, make_depth(right_elbow=-250, right_wrist=-300)
    root, *moving = CHAINS[3]
    mirrored = depth.clone()
    mirrored[:, moving] = 2 * depth[:, [root]] - depth[:, moving]
    here, there = raised(pose, depth), raised(pose, mirrored)
    both = (here.front == RIGHT_FOREARM) & (here.second == TORSO_PART)
    assert both.sum() > 30
    assert (there.front[both] == TORSO_PART).all()
    assert (there.second[both] == RIGHT_FOREARM).all()


@pytest.mark.parametrize("joint", ["left_wrist", "right_hip", "head"])
def test_a_missing_joint_takes_what_hangs_on_it_away(joint: str) -> None:
    body: Body = measure(make_pose(**{joint: MISSING}), SIZE)
    layers = make_depth_layers(body, make_depth(), LEVEL)
    assert all(values.isfinite().all() for values in layers)
    assert torch.equal(layers.front > 0, body.field.amax(0) >= 0)


def test_without_any_joint_there_are_no_layers() -> None:
    assert all((values == 0).all() for values in raised(torch.full((1, 17, 2), torch.nan), make_depth()))


def test_maps_are_nearness_in_units_and_bounded() -> None:
    layers = raised(ARM_ACROSS, make_depth(right_elbow=-200, right_wrist=-5000))
    maps = depth_layer_maps(layers)
    assert maps.shape == (1, CHANNELS, *SIZE)
    np.testing.assert_allclose(maps[0, 0].numpy(), layers.near_front[0].numpy() / UNIT)
    np.testing.assert_allclose(maps[0, 1].numpy(), layers.near_second[0].numpy() / UNIT)
    assert maps.abs().max() <= 2
