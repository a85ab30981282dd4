"""The scores of a run, as the stage evaluate wrote them."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, FiniteFloat

from pipeline.config.section import parse
from pipeline.evaluation.scores.declared import SCORES
from pipeline.inference.images import IMAGES
from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json


class _Depth(BaseModel):
    """What is known of depth, as far as the page shows it."""

    order_accuracy: FiniteFloat | None
    order_cases: int
    order_left_out: FiniteFloat | None
    order_by_chain: dict[str, dict[str, FiniteFloat | int | None]]
    order_by_image: dict[str, dict[str, FiniteFloat | None]]
    label_accuracy: FiniteFloat | None
    label_accuracy_all: FiniteFloat | None
    label_accuracy_balanced: FiniteFloat | None
    lift_error: FiniteFloat | None
    lift_error_flat: FiniteFloat | None
    lift_sign: FiniteFloat | None
    response: FiniteFloat | None
    response_alone: FiniteFloat | None


_Means = dict[str, FiniteFloat | None]


class _Figures(BaseModel):
    """The content of metrics/test.json, as far as the page shows it."""

    pairs: int
    source: _Means
    by_part: _Means = {}
    coarse: _Means
    refined: _Means
    ceiling: _Means = {}
    latent: _Means
    depth: _Depth | None = None
    by: dict[Literal["action", "view", "distance"], dict[str, dict[str, int | _Means]]]


def read_figures(path: Path) -> dict[str, Any]:
    """The content of metrics/test.json; raise UserError where it is not what the stage evaluate writes."""
    values = read_json(path)
    parse(_Figures, values, str(path), hint="run the stage evaluate again")
    for image in (image for image in IMAGES if image in values):
        for name in SCORES:
            if name not in values[image]:
                raise UserError(f"{path}: {image}.{name}: missing; run the stage evaluate again")
    return values
