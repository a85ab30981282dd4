"""Inception score, Frechet and kernel distance, by a network that the user brings.

The file is TorchScript with the interface of `inception-2015-12-05.pt`, which NVIDIA publishes beside StyleGAN2-ADA
(<https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt>, 95 MB): the weights of the
original TensorFlow network, which published Inception scores and FIDs rest on. `network(images)` takes (N, 3, H, W) uint8, RGB;
`return_features=True` gives (N, F) features, `no_output_bias=True` gives (N, C) probabilities of classes.

It enlarges images to 299x299 px itself, as the TensorFlow network of 2015 does: published Inception scores rest on that. The distances are those of
clean-fid (Parmar et al. 2022): images are resized before, bicubic with antialiasing as Pillow does it, and stay floating-point numbers; at that size
the network's own enlarging leaves them as they are.

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
from torch.nn import functional as F

from pipeline.utils.errors import UserError
from pipeline.utils.files import machine_faults

SPLITS = 10
SIDE = 299  # px, of the network's own images
SUBSETS, SUBSET_SIZE = 100, 1000  # of the kernel distance, as clean-fid has them
SEED = 0  # of the subsets
VARIANT = (
    f"clean-FID and clean-KID: images stretched to {SIDE}x{SIDE} px, bicubic with antialiasing, not rounded; "
    f"KID by {SUBSETS} random subsets of at most {SUBSET_SIZE} images, seed {SEED}"
)
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

    def features(self, images: Tensor) -> np.ndarray:
        """(N, F) float64 of images (N, 3, H, W) uint8 RGB, resized by clean-fid's rule; raise UserError where the network gives anything else."""
        return self._ask(resize(images), "return_features")

    def probabilities(self, images: Tensor) -> np.ndarray:
        """(N, C) float64 of images (N, 3, H, W) uint8 RGB, resized by the network; raise UserError where it gives anything else."""
        return self._ask(images, "no_output_bias")

    @torch.inference_mode()
    def _ask(self, images: Tensor, option: str) -> np.ndarray:
        name = {"return_features": "features", "no_output_bias": "probabilities"}[option]
        try:
            found = self.network(images, **{option: True})
        except (RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{self.path}: expected a network with the interface of inception-2015-12-05.pt: {_first_line(error)}") from None
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(images) or not found.isfinite().all():
            raise UserError(f"{self.path}: expected {len(images)} rows of finite {name}, found others; give the weights of an Inception network")
        return found.double().numpy()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def resize(images: Tensor) -> Tensor:
    """clean-fid's rule: (N, 3, H, W) uint8 to (N, 3, 299, 299) float32 from 0 to 255, which need not be whole."""
    return F.interpolate(images.float(), (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 255)


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


def kernel_distance(features: np.ndarray, truth: np.ndarray, subsets: int = SUBSETS, size: int = SUBSET_SIZE) -> tuple[float, float]:
    """KID (Binkowski et al. 2018): mean and standard deviation, over random subsets, of `squared_mmd` of the features, (N, F) and (M, F).

    size : of a subset, at most; each has as many of either. NaN below two images.
    """
    count = min(len(features), len(truth), size)
    if count < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(SEED)
    found = [squared_mmd(*(rng.choice(rows, count, replace=False) for rows in (features, truth))) for _ in range(subsets)]
    return float(np.mean(found)), float(np.std(found))


def squared_mmd(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of (N, F) and (M, F) by the kernel (x y / F + 1)^3; it may be below 0."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        similarity: np.ndarray = (a @ b.T / a.shape[1] + 1) ** 3
        return similarity

    def among(rows: np.ndarray) -> float:
        values = kernel(rows, rows)
        return float((values.sum() - values.trace()) / (len(rows) * (len(rows) - 1)))

    return among(first) + among(second) - 2 * float(kernel(first, second).mean())


def _exp_mean_divergence(probabilities: np.ndarray) -> float:
    floor = np.finfo(np.float64).tiny  # 0 log 0 = 0
    log_ratio = np.log(probabilities.clip(min=floor)) - np.log(probabilities.mean(0).clip(min=floor))
    return float(np.exp((probabilities * log_ratio).sum(1).mean()))
