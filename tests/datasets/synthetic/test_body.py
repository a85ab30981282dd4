import dataclasses

import numpy as np
import pytest

from pipeline.datasets.synthetic.body import BOX, CLOTH, HEAD, LIMB, SEAT, SHARED, TORSO, _leg_covers, _zones, build_body
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.person import invent_person
from pipeline.datasets.synthetic.rig import ARMS, LEGS


@pytest.fixture(scope="module")
def take():
    return invent_take(1, sequences("S1", 1)[0], 5, 50)


@pytest.fixture(scope="module")
def solids(take):
    return build_body(*take)


def test_shapes(solids):
    count = len(solids.kind)
    assert solids.part.shape == solids.joint.shape == (count,)
    assert solids.material.shape == (count, 3)
    assert solids.split.shape == solids.shift.shape == (count, 2)
    assert solids.origin.shape == solids.axis.shape == solids.shape.shape == (5, count, 3)
    assert solids.linear.shape == (5, count, 3, 3)
    assert solids.bound.shape == (5, count)


def test_every_limb_runs_from_joint_to_joint(take, solids):
    _, pose, _ = take
    for limb, joints in enumerate((LEGS[0][:2], LEGS[0][1:], LEGS[1][:2], LEGS[1][1:], ARMS[1][:2], ARMS[1][1:], ARMS[0][:2], ARMS[0][1:])):
        index = int(np.flatnonzero(solids.part == LIMB + limb)[0])
        np.testing.assert_allclose(solids.origin[:, index], pose.joints[:, joints[0]])
        np.testing.assert_allclose(solids.origin[:, index] + solids.axis[:, index], pose.joints[:, joints[1]])


def test_the_frame_of_a_solid_has_its_bone_as_third_axis(solids):
    far = np.einsum("tnij,tnj->tni", solids.linear, solids.axis)
    expected = np.zeros_like(far)
    expected[..., 2] = np.where(solids.kind == BOX, 0, solids.shape[..., 2])
    np.testing.assert_allclose(far, expected, atol=1e-6)


def test_a_capsule_never_vanishes_in_its_thicker_end(solids):
    long = solids.shape[..., 2] > 0
    assert (np.abs(solids.shape[..., 0] - solids.shape[..., 1]) <= 0.9 * solids.shape[..., 2] + 1e-9)[long].all()


def test_shared_joints_are_marked_on_thighs_and_upper_arms_alone(take, solids):
    build = take[0].build
    marked = {int(part) for part in solids.part[solids.joint > 0]}
    assert marked == {LIMB + 0, LIMB + 2, LIMB + 4, LIMB + 6}
    assert solids.joint.max() == pytest.approx(SHARED * build.thigh)


def test_parts_head_torso_seat_and_skirt():
    people = [invent_take(1, take, 1, 50) for take in sequences("S1", 30)]
    found = [set(build_body(*person).part.tolist()) for person in people]
    assert all({TORSO, HEAD} < parts for parts in found)
    assert [SEAT in parts for parts in found] == [seat is not None for _, _, seat in people]
    assert [CLOTH in parts for parts in found] == [person.clothes.skirt > 0 for person, _, _ in people]
    assert any(SEAT in parts for parts in found)
    assert any(CLOTH in parts for parts in found)


def test_zones_say_where_cloth_ends():
    assert _zones(0, 300, [(0, "shirt"), (0.5, "skin")]) == (("shirt", "skin", "skin"), (150, np.inf))
    assert _zones(1, 300, [(0, "shirt"), (0.5, "skin")]) == (("skin", "skin", "skin"), (np.inf, np.inf))
    assert _zones(1, 200, [(0, "trouser"), (1.4, "skin"), (1.8, "sock")])[0] == ("trouser", "skin", "sock")


def test_of_four_zones_the_shortest_in_the_middle_gives_way():
    names, splits = _zones(0, 100, [(0, "a"), (0.3, "b"), (0.4, "c"), (0.8, "d")])
    assert names == ("a", "c", "d")
    assert splits == pytest.approx((40, 80))


@pytest.mark.parametrize("seed", range(60))
def test_covers_of_a_leg_begin_at_the_hip_and_never_run_backwards(seed):
    person = invent_person(np.random.default_rng(seed))
    for side in (0, 1):
        begins = [begin for begin, _ in _leg_covers(person, side)]
        assert begins[0] == 0
        assert begins == sorted(begins)


def dressed(**changes):
    person = invent_person(np.random.default_rng(0))
    return dataclasses.replace(person, clothes=dataclasses.replace(person.clothes, **{"skirt": 0, "band": ((2.0, 2.0),) * 2, **changes}))


def test_shorts_and_socks_leave_skin_between():
    covers = _leg_covers(dressed(trouser=0.6, sock=(1.5, 2.0)), 0)
    assert covers == [(0.0, "right_trouser"), (0.6, "skin"), (1.5, "right_sock")]
    assert _leg_covers(dressed(trouser=0.6, sock=(1.5, 2.0)), 1) == [(0.0, "left_trouser"), (0.6, "skin")]


def test_trousers_cover_socks():
    assert _leg_covers(dressed(trouser=2.0, sock=(1.5, 1.5)), 0) == [(0.0, "right_trouser")]
    assert _leg_covers(dressed(trouser=1.6, sock=(1.2, 1.2)), 0) == [(0.0, "right_trouser"), (1.6, "right_sock")]


def test_a_band_lies_over_what_is_there():
    covers = _leg_covers(dressed(trouser=2.0, sock=(2.0, 2.0), band=((0.8, 1.1), (2.0, 2.0))), 0)
    assert covers == [(0.0, "right_trouser"), (0.8, "right_band"), (1.1, "right_trouser")]
