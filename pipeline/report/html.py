"""The report: one page about a run, complete in itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.evaluation.examples.cases import Cases, Examples, TwinExamples
from pipeline.evaluation.scores.declared import GROUPED_SCORES
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.report.charts import draw_curves, draw_distributions
from pipeline.report.image_names import NAMES
from pipeline.report.image_rows import (
    DEMONSTRATION_COLUMNS,
    STEP_COLUMNS,
    TWIN_COLUMNS,
    appearance_columns,
    appearance_rows,
    pair_columns,
    pair_rows,
    step_rows,
    twin_rows,
)
from pipeline.report.score_rows import headlines, number_text, score_rows, several_rows
from pipeline.utils.images import data_uri, encode


def render_report(
    cases: Cases,
    figures: dict[str, Any],
    curves: Mapping[str, Mapping[str, np.ndarray]],
    frames: Mapping[str, Mapping[str, np.ndarray]],
    left_out: list[str],
) -> str:
    """The page, complete in itself.

    figures : the content of metrics/test.json; curves : stage -> its curves; frames : as `frame_tiles` gives them;
    left_out : one line for each thing that the pipeline left out.
    """
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters["number"] = number_text
    return page.get_template("report.html").render(
        figures=figures,
        names={image: name for image, name in NAMES.items() if image in figures},
        size=cases.samples.source.shape[1:3],
        headlines=headlines(figures),
        scores=score_rows(figures),
        several=several_rows(figures),
        curves={stage: _inline_svg(draw_curves(dict(values))) for stage, values in curves.items() if values},
        distributions=_inline_svg(draw_distributions(cases)),
        columns=pair_columns(cases.samples),
        grouped=GROUPED_SCORES,
        groups=[_pair_group(cases, name) for name in ("samples", "best", "worst")],
        twin_columns=TWIN_COLUMNS,
        twins=_twin_group(cases.twins),
        demonstration_columns=DEMONSTRATION_COLUMNS,
        demonstrations=[row | {"kind": kind} for row, kind in zip(_twin_group(cases.demonstrations), cases.demonstrations.kind, strict=True)],
        step_columns=STEP_COLUMNS,
        steps=[
            {"caption": caption, "images": [_inline(image) for image in row]}
            for caption, row in zip(cases.steps.caption, step_rows(cases.steps), strict=True)
        ],
        appearance_columns=appearance_columns(cases.appearances),
        appearances=[
            {"caption": caption, "images": [_inline(image) for image in row]}
            for caption, row in zip(cases.appearances.caption, appearance_rows(cases.appearances), strict=True)
        ],
        chains={name.replace("_", " "): values for name, values in figures.get("depth", {}).get("order_by_chain", {}).items()},
        confusion=_confusion_tables(cases.labels.confusion),
        frames={subject: {camera: _inline(image, ".jpg") for camera, image in views.items()} for subject, views in frames.items()},
        left_out=left_out,
    )


def _pair_group(cases: Cases, name: str) -> dict[str, Any]:
    shown: Examples = getattr(cases, name)
    rows = [
        {"caption": caption, "mask_l1": float(error), "images": [_inline(image) for image in row]}
        for caption, error, row in zip(shown.caption, shown.mask_l1, pair_rows(shown), strict=True)
    ]
    return {"name": name, "rows": rows}


def _twin_group(twins: TwinExamples) -> list[dict[str, Any]]:
    return [
        {"caption": caption, "right": right.tolist(), "images": [_inline(image) for image in row]}
        for caption, right, row in zip(twins.caption, twins.right, twin_rows(twins), strict=True)
    ]


def _confusion_tables(confusion: np.ndarray) -> list[dict[str, Any]]:
    """Per limb with any case: the counts and the share of each truth's labels; an empty list without truth."""
    if not confusion.any():
        return []
    tables = []
    for name, counts in [("all limbs", confusion.sum(0)), *zip(LIMB_NAMES, confusion, strict=True)]:
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        accuracy = counts.diagonal().sum() / max(counts.sum(), 1)
        tables.append({"name": name.replace("_", " "), "counts": counts.tolist(), "share": share.tolist(), "accuracy": float(accuracy)})
    return tables


def _inline(image: np.ndarray, suffix: str = ".png") -> str:
    return data_uri(encode(image, suffix), {".png": "image/png", ".jpg": "image/jpeg"}[suffix])


def _inline_svg(content: bytes) -> str:
    return data_uri(content, "image/svg+xml")
