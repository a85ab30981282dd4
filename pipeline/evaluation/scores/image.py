"""Image scores by their published names: prediction first, truth second.

Images are uint8 tensors (..., 3, H, W), RGB, values 0 to 255 (`to_uint8` makes them); prediction and truth may broadcast. Masks are
bool tensors (..., 1, H, W). Every score is a float64 tensor (...,), one value per image, NaN where it is not defined.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

K1, K2 = 0.01, 0.03
_WINDOW = torch.exp(-0.5 * (torch.arange(-5, 6, dtype=torch.float64) / 1.5) ** 2)
_GAUSSIAN = _WINDOW / _WINDOW.sum()
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def image_scores(prediction: Tensor, truth: Tensor, mask: Tensor, overlap: Tensor) -> dict[str, Tensor]:
    """Every score of this module, in the order in which they are reported.

    mask : the target's body; overlap : where the target's limbs overlap the torso or each other.
    """
    return {
        "ssim": ssim(prediction, truth),
        "ssim_pg2": ssim_pg2(prediction, truth),
        "ssim_gray": ssim_gray(prediction, truth),
        "l1": l1(prediction, truth),
        "psnr": psnr(prediction, truth),
        "mask_ssim": mask_ssim(prediction, truth, mask),
        "mask_l1": mask_l1(prediction, truth, mask),
        "overlap_l1": mask_l1(prediction, truth, overlap),
        "sharpness": sharpness(prediction, truth),
    }


def ssim(prediction: Tensor, truth: Tensor) -> Tensor:
    """Structural similarity of Wang et al. 2004: Gaussian window 11x11, sigma 1.5, K .01 and .03, range 255, mean over RGB.

    Covariances are those of the population. Only whole windows count: a border of 5 px has no value of its own, as in
    scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`.
    """
    return _windowed_ssim(prediction, truth, _GAUSSIAN, 1.0)


def ssim_patn(prediction: Tensor, truth: Tensor) -> Tensor:
    """SSIM as in PATN's published code for DeepFashion (Zhu et al. 2019), whose tables later papers repeat.

    Both images get white margins at the sides until they are square (40 px each for 176x256), where any two agree; then `ssim`, with the range
    of values of the predicted image for its range. So 0.67 becomes about 0.77.
    """
    height, width = truth.shape[-2:]
    sides = max(height - width, 0)
    prediction, truth = (F.pad(image, (sides // 2, sides - sides // 2), value=255) for image in (prediction, truth))
    span = prediction.amax((-3, -2, -1)).double() - prediction.amin((-3, -2, -1)).double()
    return _windowed_ssim(prediction, truth, _GAUSSIAN, 1.0, span[..., None, None, None])


def ssim_pg2(prediction: Tensor, truth: Tensor) -> Tensor:
    """SSIM as in PG2's published code, which is scikit-image's default: uniform window 7x7, sample covariance, range 255, mean over RGB."""
    return _windowed_ssim(prediction, truth, torch.full((7,), 1 / 7, dtype=torch.float64), 49 / 48)


def ssim_gray(prediction: Tensor, truth: Tensor) -> Tensor:
    """One window over the grey levels of the whole image: 4 mx my sxy / ((mx^2 + my^2)(sx^2 + sy^2)), without constants.

    As the text of the face report defines it. A factor 0/0 counts as 1: two images that are both flat (or both black) agree in it.
    """
    x, y = _grey(prediction).flatten(-2), _grey(truth).flatten(-2)
    mean_x, mean_y = x.mean(-1), y.mean(-1)
    x, y = x - mean_x[..., None], y - mean_y[..., None]
    luminance = _ratio_or_one(2 * mean_x * mean_y, mean_x**2 + mean_y**2)
    return luminance * _ratio_or_one(2 * (x * y).mean(-1), (x * x).mean(-1) + (y * y).mean(-1))


def l1(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference over pixels and channels, in [0, 1]."""
    return _difference(prediction, truth).mean((-3, -2, -1))


def psnr(prediction: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, dB. Equal images count as if one value differed by one level, which keeps the mean finite."""
    squared = (prediction.double() - truth.double()).square().mean((-3, -2, -1))
    return 10 * torch.log10(255**2 / squared.clamp(min=1 / math.prod(truth.shape[-3:])))


def mask_ssim(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """`ssim` of both images times the mask, over the whole frame, zeros included."""
    return ssim(prediction * mask, truth * mask)


def mask_l1(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference inside the mask, in [0, 1]; NaN where the mask is empty."""
    inside = (_difference(prediction, truth).mean(-3, keepdim=True) * mask).sum((-3, -2, -1))
    return inside / mask.sum((-3, -2, -1))


def sharpness(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean gradient magnitude of the prediction's grey levels over the truth's: 1 is as sharp as the truth. NaN where the truth is flat."""
    steepness = _steepness(truth)
    return torch.where(steepness > 0, _steepness(prediction) / steepness, torch.nan)


def _windowed_ssim(prediction: Tensor, truth: Tensor, weights: Tensor, covariance: float, span: float | Tensor = 255) -> Tensor:
    """SSIM with a separable window; `covariance` scales the population's covariance, `span` is the range of values (one number, or one per image,
    (..., 1, 1, 1)). Products of band matrices, faster than convolutions."""
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    height, width = truth.shape[-2:]
    if min(height, width) < len(weights):
        raise ValueError(f"expected images of at least {len(weights)}x{len(weights)} px for SSIM, got {height}x{width}")
    rows, columns = _band(weights, height).to(truth.device), _band(weights, width).T.to(truth.device)

    def window(values: Tensor) -> Tensor:
        return rows @ values @ columns

    x, y = prediction.double(), truth.double()
    mean_x, mean_y = window(x), window(y)
    variance_x = covariance * (window(x * x) - mean_x * mean_x)
    variance_y = covariance * (window(y * y) - mean_y * mean_y)
    covariance_xy = covariance * (window(x * y) - mean_x * mean_y)
    above = (2 * mean_x * mean_y + c1) * (2 * covariance_xy + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return (above / below).mean((-3, -2, -1))


def _band(weights: Tensor, size: int) -> Tensor:
    """(size - taps + 1, size): row i holds the window that begins at i."""
    steps = size - len(weights) + 1
    offset = torch.arange(size)[None, :] - torch.arange(steps)[:, None]
    inside = (offset >= 0) & (offset < len(weights))
    return torch.where(inside, weights[offset.clamp(0, len(weights) - 1)], 0.0)


def _difference(prediction: Tensor, truth: Tensor) -> Tensor:
    return (prediction.double() - truth.double()).abs() / 255


def _grey(images: Tensor) -> Tensor:
    """(..., 3, H, W) to (..., H, W), 0 to 255, not rounded."""
    red, green, blue = images.double().unbind(-3)
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue


def _steepness(images: Tensor) -> Tensor:
    """Mean magnitude of the gradient of the grey levels, by differences to the next row and column."""
    grey = _grey(images)
    down = grey[..., 1:, :-1] - grey[..., :-1, :-1]
    right = grey[..., :-1, 1:] - grey[..., :-1, :-1]
    return torch.hypot(down, right).mean((-2, -1))


def _ratio_or_one(above: Tensor, below: Tensor) -> Tensor:
    return torch.where(below > 0, above / below, torch.ones_like(below))
