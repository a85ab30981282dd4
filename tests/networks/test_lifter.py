"""The lifter: what it sees is the same wherever and however large the body stands, and a missing joint does no harm."""

import pytest
import torch
from standing import STANDING
from torch import Tensor

from pipeline.networks.lifter import Lifter, features
from pipeline.skeleton import H36M_17, LIMB_NAMES

KNEE = H36M_17.index("left_knee")


def standing(count: int = 3) -> Tensor:
    """(count, 17, 2): standing people who move a little."""
    rng = torch.Generator().manual_seed(0)
    pose = torch.tensor([STANDING[name] for name in H36M_17.names], dtype=torch.float32)
    return pose + 2 * torch.randn((count, 17, 2), generator=rng)


def labels(count: int = 3) -> Tensor:
    return torch.randint(-1, 2, (count, len(LIMB_NAMES)), generator=torch.Generator().manual_seed(1), dtype=torch.int8)


def make_lifter(seen: bool = True) -> Lifter:
    torch.manual_seed(0)
    return Lifter(32, 2, labels=seen).eval()


def test_depths_do_not_depend_on_where_and_how_large_the_body_is() -> None:
    lifter, pose = make_lifter(), standing()
    expected = lifter(pose, labels())
    assert expected.shape == (3, 17)
    assert expected.std() > 1
    torch.testing.assert_close(lifter(7 * pose + torch.tensor([300.0, -40.0]), labels()), expected, rtol=1e-3, atol=0.1)


def test_labels_count_unless_the_lifter_is_blind() -> None:
    pose, label = standing(), labels()
    assert (make_lifter()(pose, label) - make_lifter()(pose, -label)).abs().max() > 1
    assert torch.equal(make_lifter(seen=False)(pose, label), make_lifter(seen=False)(pose, -label))


def test_a_missing_joint_is_told_from_one_in_the_middle_and_leaves_the_others_alone() -> None:
    pose = standing()
    pose[:, KNEE] = torch.nan
    seen = features(pose, labels())
    assert seen.isfinite().all()
    joints = seen[:, : 17 * 3].view(3, 17, 3)
    assert (joints[:, KNEE] == 0).all()
    assert (joints[:, [joint for joint in range(17) if joint != KNEE], 2] == 1).all()
    assert make_lifter()(pose, labels()).isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, 5.0])
def test_a_pose_without_extent_has_finite_depths(value: float) -> None:
    assert make_lifter()(torch.full((1, 17, 2), value), labels(1)).isfinite().all()
