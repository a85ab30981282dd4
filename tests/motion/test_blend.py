"""Frames that are blended with those around them: noise goes, what moves with the body stays sharp, and batches leave no seam."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from standing import SIZE, STANDING

from pipeline.motion.blend import MOST_FRAMES, Shown, blend, part_frames, reach_of
from pipeline.pose.background import same_place
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.parts import front_parts

FRAMES = 9


def shown(noise: float, step: float) -> Shown:
    """Somebody who goes `step` px to the right in each frame, with stripes on them, before a grey wall."""
    pose = torch.tensor(list(STANDING.values())).float()[None] + torch.tensor([step, 0.0]) * torch.arange(FRAMES)[:, None, None]
    body, label = measure(pose, SIZE), torch.zeros(FRAMES, 8, dtype=torch.int8)
    front = front_parts(body, label)
    row, column = np.indices(SIZE)
    stripes = np.stack([128 + 60 * np.sin((column - step * frame) / 2 + row / 5) for frame in range(FRAMES)])
    image = torch.where(front > 0, torch.from_numpy(stripes).float(), 100.0)[:, None].repeat(1, 3, 1, 1)
    image += noise * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    return Shown(image, front, part_frames(body, same_place(FRAMES).place))


def blended(one: Shown, reach: int, batch: int = FRAMES) -> np.ndarray:
    return np.stack(list(blend((one.rows(slice(at, at + batch)) for at in range(0, FRAMES, batch)), reach))).astype(float)


def test_without_others_each_frame_is_itself() -> None:
    one = shown(5, 1)
    np.testing.assert_allclose(blended(one, 0), one.image.permute(0, 2, 3, 1).round(), atol=1e-3)


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_batches_leave_no_seam(batch: int) -> None:
    one = shown(5, 1)
    np.testing.assert_allclose(blended(one, 2, batch), blended(one, 2), atol=1)


def test_noise_goes_and_the_body_takes_its_colours_along() -> None:
    clean, noisy = shown(0, 1.5), shown(6, 1.5)
    body = (clean.front > 0).numpy()
    truth = clean.image.permute(0, 2, 3, 1).numpy()
    for where in (body, ~body):
        before, after = (np.abs(images - truth)[where].mean() for images in (noisy.image.permute(0, 2, 3, 1).numpy(), blended(noisy, 2)))
        assert after < 0.7 * before
    assert np.abs(blended(clean, 2) - truth)[body].mean() < 5


def test_colours_that_differ_do_not_mix() -> None:
    one = shown(0, 0)
    one.image[4] = 255
    np.testing.assert_allclose(blended(one, 2)[4], 255, atol=1)


def test_the_reach_is_a_time() -> None:
    assert [reach_of(Fraction(fps)) for fps in (1, 10, 25, 50, 1000)] == [0, 1, 3, 6, MOST_FRAMES]
