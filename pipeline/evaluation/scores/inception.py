"""Inception score and Frechet distance, by a network that the user brings.

The file is TorchScript with the interface of `inception-2015-12-05.pt`, which NVIDIA publishes beside StyleGAN2-ADA
(<https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt>, 95 MB): the weights of the
original TensorFlow network, which published Inception scores and FIDs rest on. `network(images)` takes (N, 3, H, W) uint8, RGB;
`return_features=True` gives (N, F) features, `no_output_bias=True` gives (N, C) probabilities of classes.

TorchScript is a program: whoever made the file can do here what you can. So it is run only where its SHA-256 is that of NVIDIA's file, or where its
name says which SHA-256 it has, as in `other-<64 hexadecimal digits>.pt`: then somebody has looked.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from pipeline.utils.errors import UserError
from pipeline.utils.files import machine_faults

SPLITS = 10
NVIDIA = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"  # SHA-256 of inception-2015-12-05.pt


class Inception:
    """The user's network, and what it says of images."""

    def __init__(self, path: Path) -> None:
        """Read the TorchScript file; raise UserError where there is none, or where it is not known what it is."""
        self.path = path
        if not path.is_file():
            raise UserError(f"{path}: evaluate.inception expects a TorchScript file of Inception weights, found none; give its path, or null")
        with machine_faults(path):
            content = path.read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        if self.sha256 != NVIDIA and not path.stem.endswith(f"-{self.sha256}"):
            wanted = f"{path.stem}-{self.sha256}{path.suffix}"
            raise UserError(
                f"{path}: evaluate.inception runs the program in this file, and expects NVIDIA's inception-2015-12-05.pt (SHA-256 {NVIDIA[:12]}...), "
                f"found another; download it again, or, if you trust whoever made this one, name it {wanted}"
            )
        Console(stderr=True).print(f"{path}: TorchScript, a program that runs here with your rights; SHA-256 {self.sha256}", soft_wrap=True)
        try:
            self.network = torch.jit.load(io.BytesIO(content), map_location="cpu").eval()
        except (ValueError, RuntimeError, OSError) as error:
            raise UserError(f"{path}: evaluate.inception expects a TorchScript file of Inception weights: {_first_line(error)}") from None

    @torch.inference_mode()
    def look(self, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(N, 3, H, W) uint8 RGB; returns features (N, F) and probabilities (N, C), float64.

        Raises UserError where the network does not give them, finite.
        """
        try:
            found = self.network(images, return_features=True), self.network(images, no_output_bias=True)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{self.path}: expected a network with the interface of inception-2015-12-05.pt: {_first_line(error)}") from None
        for name, values in zip(("features", "probabilities"), found, strict=True):
            if not isinstance(values, Tensor) or values.ndim != 2 or len(values) != len(images) or not values.isfinite().all():
                raise UserError(f"{self.path}: expected {len(images)} rows of finite {name}, found others; give the weights of an Inception network")
        return found[0].double().numpy(), found[1].double().numpy()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


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
