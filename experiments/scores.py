"""Which scores a table of runs shows, and where they stand in metrics/test.json."""

from collections.abc import Mapping
from typing import Any

# Column -> where its value stands; the order accuracy has a column of its own.
COLUMNS = {
    "SSIM": ("refined", "ssim"),
    "mask SSIM": ("refined", "mask_ssim"),
    "L1": ("refined", "l1"),
    "sharpness": ("refined", "sharpness"),
    "label accuracy": ("depth", "label_accuracy"),
}
ORDER = ("order_accuracy", "order_low", "order_high")
IMAGE_SCORES = {
    "SSIM": "ssim",
    "SSIM (7x7 RGB)": "ssim_pg2",
    "SSIM (grey)": "ssim_gray",
    "mask SSIM": "mask_ssim",
    "L1": "l1",
    "sharpness": "sharpness",
    "Inception score": "inception_score",
    "FID": "fid",
}
DEFAULT_SCORES = ("SSIM", "mask SSIM", "L1", "sharpness", "Inception score", "FID")
TRUE_SCORES = {"ssim": 1.0, "ssim_pg2": 1.0, "ssim_gray": 1.0, "mask_ssim": 1.0, "l1": 0.0, "sharpness": 1.0, "fid": 0.0}


def value_at(metrics: Mapping[str, Any], *keys: str) -> float | None:
    """The value below `keys`; None where it, or anything on the way, is missing."""
    value: Any = metrics
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def order_of(metrics: Mapping[str, Any], image: str) -> tuple[float | None, ...]:
    """The order accuracy of an image, and the ends of its confidence interval; None for what is missing."""
    return tuple(value_at(metrics, "depth", "order_by_image", image, key) for key in ORDER)
