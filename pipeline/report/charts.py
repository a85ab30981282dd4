"""Charts of a run, as SVG: curves of the trainings, and how scores spread over the pairs."""

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from pipeline.evaluation.examples.cases import Cases
from pipeline.evaluation.scores.declared import GROUPED_SCORES, PAIR_SCORES
from pipeline.inference.images import SETS
from pipeline.report.image_names import COLOURS, NAMES


def draw_curves(curves: dict[str, np.ndarray]) -> bytes:
    """One small chart per curve, as SVG; curves : as `read_curves` gives them."""
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.4 * rows), layout="constrained")
    for number, (name, points) in enumerate(curves.items()):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.plot(*points.T, color=COLOURS["refined"], linewidth=1.2)
        _tidy(axes, name.replace("_", " "), "step")
    return _svg(figure)


def draw_distributions(cases: Cases) -> bytes:
    """How the scores that are also grouped spread over the pairs, as SVG; not the ceiling's, which is all but the truth."""
    images = SETS[len(cases.pairs.scores)]
    figure = Figure(figsize=(5 * len(GROUPED_SCORES), 2.8), layout="constrained")
    for number, name in enumerate(score.name for score in GROUPED_SCORES):
        axes = figure.add_subplot(1, len(GROUPED_SCORES), number + 1)
        values = {image: one for image, one in zip(images, cases.pairs.scores[:, PAIR_SCORES.index(name)], strict=True) if image != "ceiling"}
        bins = np.histogram_bin_edges(np.concatenate([one[np.isfinite(one)] for one in values.values()]), 40).tolist()
        for image, one in values.items():
            axes.hist(one[np.isfinite(one)], bins, histtype="stepfilled", alpha=0.45, color=COLOURS[image], label=NAMES[image])
        _tidy(axes, name.replace("_", " "), "")
        axes.set_ylabel("pairs", fontsize=8)
    axes.legend(fontsize=8, frameon=False)
    return _svg(figure)


def _tidy(axes: Any, title: str, below: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(below, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _svg(figure: Figure) -> bytes:
    """The figure's bytes, the same for the same figure: no date, no random names."""
    content = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "pose25d"}):
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None, "Creator": None})
    return content.getvalue()
