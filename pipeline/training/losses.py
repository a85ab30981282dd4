"""Losses as functions: prediction first, truth second; images (B, 3, H, W) in [-1, 1]; every loss is a scalar over the batch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.packs.clear import CLEAR_DIFFERENCE, MIN_PIXELS

WINDOW, C1, C2 = 7, 0.01**2, 0.03**2  # of SSIM, for values from 0 to 1
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
EDGE_WINDOW, FLAT = 5, 1e-3  # of the loss for edges; gradients below this count as none
MARGIN = 0.5
PULL = 0.25


def masked_l1(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean of |prediction - target| * (1 + mask): errors on the body count twice (PG2, equation 2). mask : (B, 1, H, W), 0 or 1."""
    return ((prediction - target).abs() * (1 + mask)).mean()


def order_loss(prediction: Tensor, target: Tensor, negative: Tensor) -> Tensor:
    """The images have to be nearer to their targets than to what the same joints would show with other labels.

    With a and b a pixel's L1 distances to target and negative, and c that between the two: max(0, MARGIN * c + a - b) + PULL * a, summed over the
    pixels in which target and negative differ clearly, over the sum of c: 0 for the targets themselves, 1 + MARGIN + PULL for the negatives. The
    hinge alone would drive a colour of which the network is not sure away from the negative's, past the target's, into glaring tones; the pull
    holds it back. Both sums are over the whole batch: divided case by case, the few pixels of a small overlap would have gradients a hundred times
    those of `masked_l1`, and their noise would cost the rest of the image. A target without negative (its negative is the target) does not count.
    """
    clear = ((target - negative).abs().mean(1, keepdim=True) > 2 * CLEAR_DIFFERENCE).float()  # from -1 to 1 the range is 2
    decisive = clear * (clear.sum((1, 2, 3), keepdim=True) >= MIN_PIXELS)
    pairs = ((prediction, target), (prediction, negative), (target, negative))
    own, other, between = (decisive * (first - second).abs().sum(1, keepdim=True) for first, second in pairs)
    pixels = (MARGIN * between + own - other).clamp(min=0) + PULL * own
    return pixels.sum() / between.sum().clamp(min=1)


def ssim_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """1 - SSIM (Wang et al. 2004), mean over the colours and over windows of `WINDOW` x `WINDOW` pixels, one at every second row and column.

    Beside L1 it asks for edges and texture, which L1 lets blur (Zhao et al. 2017, *Loss functions for image restoration with neural networks*).
    """
    a, b = (prediction + 1) / 2, (target + 1) / 2
    height, width = (min(WINDOW, side) for side in a.shape[2:])
    columns = F.avg_pool2d(torch.cat((a, b, a * a, b * b, a * b)), (height, 1), stride=(2, 1))  # in two steps: a seventh of the work
    mean_a, mean_b, aa, bb, ab = F.avg_pool2d(columns, (1, width), stride=(1, 2)).chunk(5)
    products, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    similarity = (2 * products + C1) * (2 * (ab - products) + C2) / ((squares + C1) * (aa + bb - squares + C2))
    return 1 - similarity.mean()


def edge_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """How far the strength of edges is from the truth's: mean over windows of the difference of their mean gradients of grey, which go from 0 to 1.

    Where an edge lies inside a window does not matter, so an image that is not sure of a place has no reason to blur it, as it has with L1.
    Gradients are Sobel's, which see no pattern of period 2: asked by differences of neighbours, networks that spread pixels (`gather`) paint grids.
    """
    return (_steepness(prediction) - _steepness(target)).abs().mean()


def _steepness(image: Tensor) -> Tensor:
    """Mean magnitude of the gradient of grey levels from 0 to 1 in windows of `EDGE_WINDOW` x `EDGE_WINDOW`, one at every second row and column."""
    levels = F.conv2d((image + 1) / 2, image.new_tensor(GREY).view(1, 3, 1, 1))
    down = levels[..., 2:, :] - levels[..., :-2, :]
    right = levels[..., 2:] - levels[..., :-2]
    down, right = (down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]) / 8, (right[..., :-2, :] + 2 * right[..., 1:-1, :] + right[..., 2:, :]) / 8
    return F.avg_pool2d((down**2 + right**2 + FLAT**2).sqrt(), EDGE_WINDOW, stride=2)


def d_loss(D: nn.Module, source: Tensor, target: Tensor, refined: Tensor, triplet: bool) -> Tensor:
    """D tells true from painted; `refined` is detached, so that G2 gets no gradient.

    Half the weight is on the true images. The other half is on the painted ones or, with `triplet`, shared between them and the source
    images, which a D that sees no pairs must not take for the target (PG2's code, Market-1501: 1/2, 1/4, 1/4).
    """
    fakes = [refined.detach(), source] if triplet else [refined.detach()]
    images = torch.cat((target, *fakes))
    true, *painted = D(source.repeat(len(fakes) + 1, 1, 1, 1), images).chunk(len(fakes) + 1)  # at once: D's statistics see all of them
    return 0.5 * _cross_entropy(true, 1.0) + 0.5 * _cross_entropy(torch.cat(painted), 0.0)


def g_loss(D: nn.Module, source: Tensor, refined: Tensor) -> Tensor:
    """G2 wants its images taken for true."""
    return _cross_entropy(D(source, refined), 1.0)


def _cross_entropy(logits: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))
