"""Inception score and Frechet distance, by a network that the user brings.

The file is TorchScript with the interface of `inception-2015-12-05.pt`, which NVIDIA publishes beside StyleGAN2-ADA
(<https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt>, 95 MB): the weights of the
original TensorFlow network, which published Inception scores and FIDs rest on. `network(images)` takes (N, 3, H, W) uint8, RGB;
`return_features=True` gives (N, F) features, `no_output_bias=True` gives (N, C) probabilities of classes.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import UserError

SPLITS = 10


class Inception:
    """The user's network, and what it says of images."""

    def __init__(self, path: Path) -> None:
        """Read the TorchScript file; raise UserError where there is none."""
        try:
            self.network = torch.jit.load(str(path), map_location="cpu").eval()
        except (ValueError, RuntimeError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"{path}: evaluate.inception expects a TorchScript file of Inception weights: {reason}") from None

    @torch.inference_mode()
    def look(self, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(N, 3, H, W) uint8 RGB; returns features (N, F) and probabilities (N, C), float64."""
        features = self.network(images, return_features=True)
        probabilities = self.network(images, no_output_bias=True)
        return features.double().numpy(), probabilities.double().numpy()


def inception_score(probabilities: np.ndarray, splits: int = SPLITS) -> tuple[float, float]:
    """Mean and standard deviation over the splits of exp(mean KL(p(y|x) || p(y))) (Salimans et al. 2016).

    probabilities : (N, C), rows sum to 1; the splits are consecutive. NaN where N is less than the number of splits.
    """
    if len(probabilities) < splits:
        return float("nan"), float("nan")
    scores = [_exp_mean_divergence(part) for part in np.array_split(probabilities, splits)]
    return float(np.mean(scores)), float(np.std(scores))


def frechet_distance(features: np.ndarray, truth: np.ndarray) -> float:
    """FID (Heusel et al. 2017): Frechet distance of two Gaussians with the moments of the features, (N, F) and (M, F).

    The trace of sqrt(A B) is the sum of the roots of the eigenvalues of sqrt(A) B sqrt(A). NaN below two images.
    """
    if min(len(features), len(truth)) < 2:
        return float("nan")
    mean_a, mean_b = features.mean(0), truth.mean(0)
    cov_a, cov_b = np.atleast_2d(np.cov(features, rowvar=False)), np.atleast_2d(np.cov(truth, rowvar=False))
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(min=0)).sum()
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * trace)


def _exp_mean_divergence(probabilities: np.ndarray) -> float:
    floor = np.finfo(np.float64).tiny  # 0 log 0 = 0
    log_ratio = np.log(probabilities.clip(min=floor)) - np.log(probabilities.mean(0).clip(min=floor))
    return float(np.exp((probabilities * log_ratio).sum(1).mean()))
