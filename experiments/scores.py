"""Which scores a table of runs shows, and where they stand in metrics/test.json. What a score is called, and what is ideal, it declares itself."""

from collections.abc import Mapping
from typing import Any

from pipeline.evaluation.scores.declared import ALL_SCORES

IMAGE_SCORES = {score.heading: score.name for score in ALL_SCORES}
TRUE_SCORES = {score.name: score.ideal for score in ALL_SCORES}

_HEADINGS = {name: heading for heading, name in IMAGE_SCORES.items()}
# Column -> where its value stands; the order accuracy has a column of its own.
COLUMNS = {
    **{_HEADINGS[name]: ("refined", name) for name in ("ssim", "mask_ssim", "l1", "sharpness")},
    "label accuracy": ("depth", "label_accuracy"),
}
OPTIONAL_COLUMNS = {_HEADINGS["pck"]: ("refined", "pck")}  # where any run has it
ORDER = ("order_accuracy", "order_low", "order_high")
DEFAULT_SCORES = tuple(
    _HEADINGS[name] for name in ("ssim", "mask_ssim", "l1", "sharpness", "pck", "lpips", "dists", "inception_score", "clean_fid", "clean_kid")
)
TRUE_PLACES = {
    "pck": ("pose_net", "truth_pck"),
    "inception_score": ("inception", "truth_score"),
}  # what the true images have, where that was measured


def value_at(metrics: Mapping[str, Any], *keys: str) -> float | None:
    """The value below `keys`; None where it, or anything on the way, is missing."""
    value: Any = metrics
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def order_of(metrics: Mapping[str, Any], image: str) -> tuple[float | None, ...]:
    """The order accuracy of an image, and the ends of its confidence interval; None for what is missing."""
    return tuple(value_at(metrics, "depth", "order_by_image", image, key) for key in ORDER)
