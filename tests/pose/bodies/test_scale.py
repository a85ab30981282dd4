"""The scale of a body, from the lengths of its bones."""

import pytest
import torch
from figures import make_pose

from pipeline.pose.bodies.scale import body_scale


def test_the_scale_follows_the_size_of_the_body_and_withstands_a_wrong_joint() -> None:
    pose = make_pose()
    scale = body_scale(pose)
    assert body_scale(2 * pose) == pytest.approx(2 * scale.item(), rel=1e-5)
    assert body_scale(make_pose(right_wrist=(7, 1000))) == pytest.approx(scale.item(), rel=0.1)
    assert body_scale(torch.full((1, 17, 2), torch.nan)) == 0
    alone = torch.full((1, 17, 2), torch.nan)
    alone[0, [1, 2]] = torch.tensor([[10.0, 10.0], [10.0, 54.0]])
    assert body_scale(alone) == pytest.approx(0.1)
