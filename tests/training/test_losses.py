"""Losses: values worked out by hand, and who gets a gradient."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from pipeline.packs.clear import MIN_PIXELS
from pipeline.training.losses import MARGIN, PULL, WINDOW, d_loss, edge_loss, g_loss, masked_l1, order_loss, ssim_loss


class Judge(nn.Module):
    """A logit that is the image's mean times a weight, plus the source's mean."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, source: Tensor, image: Tensor) -> Tensor:
        return self.weight * image.mean((1, 2, 3)) + source.mean((1, 2, 3))


def flat(value: float, count: int = 2) -> Tensor:
    return torch.full((count, 3, 4, 2), value)


def softplus(value: float) -> float:
    return math.log1p(math.exp(value))


def test_errors_on_the_body_count_twice() -> None:
    prediction, target = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    prediction[0, :, 0, 0] = 0.5
    target[0, 0, 1, 1] = 1.0
    mask = torch.zeros(1, 1, 2, 2)
    assert masked_l1(prediction, target, mask).item() == pytest.approx((3 * 0.5 + 1.0) / 12)
    mask[0, 0, 0, 0] = 1
    assert masked_l1(prediction, target, mask).item() == pytest.approx((2 * 3 * 0.5 + 1.0) / 12)


def test_the_ssim_loss_is_what_is_missing_from_the_ssim_of_scikit_image() -> None:
    torch.manual_seed(0)
    target = torch.rand(2, 3, 24, 16) * 2 - 1
    prediction = 0.7 * target + 0.3 * torch.rand(2, 3, 24, 16)
    inner = slice(WINDOW // 2, -(WINDOW // 2))  # of windows that lie whole in the image
    expected = []
    for first, second in zip(prediction.double().numpy(), target.double().numpy(), strict=True):
        found = structural_similarity(
            (first + 1) / 2, (second + 1) / 2, win_size=WINDOW, data_range=1, channel_axis=0, full=True, use_sample_covariance=False
        )
        expected.append(found[1][:, inner, inner][:, ::2, ::2].mean())
    assert ssim_loss(prediction, target).item() == pytest.approx(1 - np.mean(expected), abs=1e-5)
    assert ssim_loss(target, target).item() == pytest.approx(0, abs=1e-6)


def test_the_edge_loss_asks_for_edges_as_strong_as_the_truths_wherever_they_are() -> None:
    step = torch.zeros(1, 3, 16, 16)
    step[..., 8:] = 1.0  # from 0.5 to 1 in grey: Sobel's gradient is 0.25 in two columns
    moved = torch.roll(step, 1, dims=3)
    moved[..., 0] = 0
    ramp = torch.linspace(0, 1, 16).expand(1, 3, 16, 16)
    assert edge_loss(step, step).item() == 0
    assert edge_loss(torch.zeros_like(step), step).item() == pytest.approx((1 + 2 + 2) * 0.25 / 5 / 5, abs=2e-3)  # so many in the windows
    assert edge_loss(moved, step).item() < edge_loss(ramp, step).item() / 2
    grid = 0.3 * (torch.arange(16) % 2).float().expand(1, 3, 16, 16)
    assert edge_loss(grid, torch.zeros_like(grid)).item() == pytest.approx(0, abs=1e-6)
    blurred = (0.4 * step).requires_grad_()
    edge_loss(blurred, step).backward()
    assert blurred.grad is not None
    assert blurred.grad[..., 8].sum() < 0 < blurred.grad[..., 7].sum()  # the step grows to both sides


def test_the_order_loss_compares_with_the_other_order() -> None:
    target, negative = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    negative[..., :4] = 1.0  # 32 pixels decide
    middle = (target + negative) / 2
    known = (
        (target, 0.0),
        (negative, MARGIN + 1 + PULL),
        (middle, MARGIN + 0.5 * PULL),
        (0.25 * negative, MARGIN - 0.5 + 0.25 * PULL),
        (0.4 * negative, MARGIN - 0.2 + 0.4 * PULL),
        (target - 0.1 * negative, 0.1 * PULL),  # past the target: nearer to it than to the negative, and wrong all the same
    )
    for prediction, expected in known:
        assert order_loss(prediction, target, negative).item() == pytest.approx(expected, abs=1e-6)
    elsewhere = middle.clone()
    elsewhere[..., 4:] = -1.0
    assert order_loss(elsewhere, target, negative).item() == pytest.approx(MARGIN + 0.5 * PULL)  # what does not decide does not count


def test_a_good_pixel_does_not_make_up_for_a_wrong_one() -> None:
    target, negative = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    mixed, middle = target.clone(), torch.full_like(target, 0.5)
    mixed[..., 4:] = 1.0
    assert order_loss(mixed, target, negative).item() > order_loss(middle, target, negative).item()


def test_a_target_without_rival_has_no_order_loss() -> None:
    prediction = torch.full((2, 3, 8, 8), 0.5, requires_grad=True)
    target = torch.zeros(2, 3, 8, 8)
    few = target.clone()
    few.flatten(2)[..., : MIN_PIXELS - 1] = 1.0
    loss = order_loss(prediction, target, target) + order_loss(prediction, target, few)
    loss.backward()
    assert loss.item() == 0
    assert prediction.grad is not None
    assert not prediction.grad.any()


def test_a_case_counts_in_the_order_loss_as_much_as_its_images_differ() -> None:
    target, negative = torch.zeros(2, 3, 16, 8), torch.zeros(2, 3, 16, 8)
    negative[0, :, :5], negative[1] = 1.0, 0.5  # 40 pixels by 1, 128 by 1/2
    assert order_loss(negative, target, negative).item() == pytest.approx(MARGIN + 1 + PULL)
    assert order_loss(torch.stack([negative[0], target[1]]), target, negative).item() == pytest.approx((MARGIN + 1 + PULL) * 40 / (40 + 64))


def test_d_wants_true_high_and_painted_low() -> None:
    source, target, refined = flat(0.5), flat(1.0), flat(-0.25)
    expected = 0.5 * softplus(-1.5) + 0.5 * softplus(0.25)
    assert d_loss(Judge(), source, target, refined, triplet=False).item() == pytest.approx(expected, rel=1e-5)


def test_the_triplet_counts_the_source_as_painted() -> None:
    source, target, refined = flat(0.5), flat(1.0), flat(-0.25)
    expected = 0.5 * softplus(-1.5) + 0.25 * softplus(0.25) + 0.25 * softplus(1.0)
    assert d_loss(Judge(), source, target, refined, triplet=True).item() == pytest.approx(expected, rel=1e-5)


def test_a_d_that_cannot_tell_has_the_loss_of_a_coin() -> None:
    for triplet in (False, True):
        assert d_loss(Judge(0.0), flat(0.0), flat(1.0), flat(-1.0), triplet).item() == pytest.approx(math.log(2))


def test_g2_wants_its_images_taken_for_true() -> None:
    assert g_loss(Judge(), flat(0.5), flat(-0.25)).item() == pytest.approx(softplus(-0.25), rel=1e-5)


@pytest.mark.parametrize("triplet", [False, True])
def test_d_learns_without_a_gradient_for_g2(triplet: bool) -> None:
    refined, judge = flat(0.1).requires_grad_(), Judge()
    d_loss(judge, flat(0.0), flat(1.0), refined, triplet).backward()
    assert refined.grad is None
    assert judge.weight.grad is not None
    g_loss(judge, flat(0.0), refined).backward()
    assert refined.grad is not None
    assert (refined.grad < 0).all()  # higher logits make it smaller
