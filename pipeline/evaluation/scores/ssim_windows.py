"""The windows of SSIM, compiled to machine code: ten times as fast as torch's matrix products, in double precision as they."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch import Tensor

from pipeline.utils.compiled import compiled


def mean_ssim(prediction: Tensor, truth: Tensor, weights: np.ndarray, covariance: float, c1: float | Tensor, c2: float | Tensor) -> Tensor:
    """Mean SSIM over channels and windows, (...,) float64, of images (..., C, H, W) uint8, which may broadcast; on as many threads as torch has.

    weights : (taps,) float64; covariance : scales the population's covariance
    c1, c2 : the constants of SSIM, one number each, or one per image, (...,)
    """
    x, y = torch.broadcast_tensors(prediction, truth)
    constants = [torch.as_tensor(value, dtype=torch.float64).expand(x.shape[:-3]).reshape(-1).cpu().contiguous() for value in (c1, c2)]
    parts = torch.get_num_threads()
    images = [values.reshape(-1, *values.shape[-3:]).cpu().contiguous() for values in (x, y)]
    columns = [np.array_split(values.numpy(), parts) for values in (*images, *constants)]
    with ThreadPoolExecutor(parts) as pool:
        means = np.concatenate(list(pool.map(partial(_mean_ssim, weights, covariance), *columns)))
    return torch.from_numpy(means).view(x.shape[:-3]).to(truth.device)


@partial(compiled, error_model="numpy")
def _mean_ssim(weights: np.ndarray, covariance: float, x: np.ndarray, y: np.ndarray, c1: np.ndarray, c2: np.ndarray) -> np.ndarray:
    """Mean SSIM over channels and windows, (N,) float64, of images (N, C, H, W) uint8; c1, c2 : (N,) float64."""
    count, channels, height, width = x.shape
    taps = len(weights)
    rows, columns = height - taps + 1, width - taps + 1
    down, across, sums = np.empty((5, width)), np.empty((5, columns)), np.empty(columns)
    means = np.empty(count)
    for n in range(count):
        sums[:] = 0
        for channel in range(channels):
            for row in range(rows):
                _weigh_rows(x[n, channel, row : row + taps], y[n, channel, row : row + taps], weights, down)
                _weigh_columns(down, weights, across)
                _add_ssim(across, covariance, c1[n], c2[n], sums)
        means[n] = sums.sum() / (channels * rows * columns)
    return means


@partial(compiled, error_model="numpy")
def _weigh_rows(x: np.ndarray, y: np.ndarray, weights: np.ndarray, down: np.ndarray) -> None:
    """Weighted sums of x, y, x², xy and y² over rows (taps, W), to `down` (5, W)."""
    down[:] = 0
    for tap in range(len(weights)):
        for column in range(x.shape[1]):
            a, b = float(x[tap, column]), float(y[tap, column])
            weighted_a, weighted_b = weights[tap] * a, weights[tap] * b
            down[0, column] += weighted_a
            down[1, column] += weighted_b
            down[2, column] += weighted_a * a
            down[3, column] += weighted_a * b
            down[4, column] += weighted_b * b


@partial(compiled, error_model="numpy")
def _weigh_columns(down: np.ndarray, weights: np.ndarray, across: np.ndarray) -> None:
    """Weighted sums of `down` (5, W) over the columns of each window, to `across` (5, W - taps + 1)."""
    across[:] = 0
    for kind in range(len(across)):
        for tap in range(len(weights)):
            for column in range(across.shape[1]):
                across[kind, column] += weights[tap] * down[kind, column + tap]


@partial(compiled, error_model="numpy")
def _add_ssim(across: np.ndarray, covariance: float, c1: float, c2: float, sums: np.ndarray) -> None:
    """Add the SSIM of each window of a row to `sums` (W - taps + 1,); across : as `_weigh_columns` gives it."""
    for column in range(len(sums)):
        mean_x, mean_y = across[0, column], across[1, column]
        variances = covariance * (across[2, column] - mean_x * mean_x + across[4, column] - mean_y * mean_y)
        covariance_xy = covariance * (across[3, column] - mean_x * mean_y)
        above = (2 * mean_x * mean_y + c1) * (2 * covariance_xy + c2)
        sums[column] += above / ((mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2))
