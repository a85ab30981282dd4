"""The tables and figures of the face report, of a run on faces: what it calls Table 1 and 2, Figure 12 and 13.

Its text defines SSIM on grey levels with one window, its code computes it on RGB with windows of 7x7: both stand here, by the names
`ssim_gray` and `ssim_pg2`, beside `ssim`, that of Wang et al. 2004.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pipeline.evaluation.examples.cases import Cases
from pipeline.evaluation.scores.declared import PAIR_SCORES
from pipeline.inference.images import WITHOUT_LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.images import difference_map, encode, image_grid
from pipeline.utils.numbers import spread

KINDS = ("ssim_gray", "ssim_pg2", "ssim")
PAIRS = {"source": "(I_S, I_T)", "coarse": "(I_T, I_G1)", "refined": "(I_T, I_G2)"}
HEADING = [*(f"{kind} {pair}" for kind in KINDS for pair in PAIRS.values()), "L1 (I_T, I_G2)"]
COLUMNS = ("source", "target", "G1", "difference", "G1 + difference")
ROW = 192  # height of an image, px
TABLE_FILES = ("tables.md", "figure_12.jpg", "figure_13.png")


def write_tables(folder: Path, cases: Cases, figures: Mapping[str, Any], curves: Mapping[str, np.ndarray]) -> None:
    """Write tables.md, figure_12.jpg and figure_13.png to the new folder.

    figures : the content of metrics/test.json; curves : those of G2 and D, as `read_curves` gives them
    """
    folder.mkdir(exist_ok=True)
    (folder / "tables.md").write_text(tables(cases, figures), encoding="utf-8")
    (folder / "figure_12.jpg").write_bytes(encode(draw_examples(cases), ".jpg"))
    draw_losses(curves).savefig(folder / "figure_13.png", dpi=120, metadata={"Software": None})


def tables(cases: Cases, figures: Mapping[str, Any]) -> str:
    """Both tables in Markdown."""
    _check(figures)
    examples = [[str(number), *_cells(scores)] for number, scores in enumerate(example_scores(cases), 1)]
    averages = {(image, kind): figures[image][kind] for image in PAIRS for kind in (*KINDS, "l1")}
    pairs = figures["pairs"]
    return "\n".join(
        [
            "Table 1: the examples of figure 12, from above.",
            "",
            *_markdown(["example", *HEADING], examples),
            "",
            f"Table 2: averages over the {pairs} test pairs, of people who were never trained on.",
            "",
            *_markdown(HEADING, [_cells(averages)]),
            "",
        ]
    )


def _check(figures: Any) -> None:
    """Raise UserError unless the scores that the tables show are there."""
    for image in PAIRS:
        for kind in (*KINDS, "l1"):
            scores = figures.get(image) if isinstance(figures, dict) else None
            if not isinstance(scores, dict) or not isinstance(scores.get(kind), int | float):
                raise UserError(f"scores: expected a number as {image}.{kind}, as the stage `evaluate` writes it, found none; run it again")
    if not isinstance(figures.get("pairs"), int):
        raise UserError("scores: expected the number of `pairs`, as the stage `evaluate` writes it, found none; run it again")


def example_scores(cases: Cases) -> list[dict[tuple[str, str], float]]:
    """Scores of each sample by image and kind: the samples are spread evenly over the pairs."""
    scores = cases.pairs.scores  # (images, scores, P)
    rows = spread(np.arange(scores.shape[2]), len(cases.samples.source))
    position = {image: number for number, image in enumerate(WITHOUT_LIMBS)}
    return [
        {(image, kind): float(scores[position[image], PAIR_SCORES.index(kind), row]) for image in PAIRS for kind in (*KINDS, "l1")} for row in rows
    ]


def _cells(scores: Mapping[tuple[str, str], float]) -> list[str]:
    return [f"{scores[key]:.4f}" for key in (*((image, kind) for kind in KINDS for image in PAIRS), ("refined", "l1"))]


def _markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows)]


def draw_examples(cases: Cases) -> np.ndarray:
    """Figure 12: source, target, G1's image, what G2 adds, and both together, (H, W, 3) uint8."""
    shown = cases.samples
    columns = zip(shown.source, shown.truth, shown.coarse, shown.refined, strict=True)
    return image_grid(COLUMNS, [[source, truth, coarse, difference_map(refined, coarse), refined] for source, truth, coarse, refined in columns], ROW)


def draw_losses(curves: Mapping[str, np.ndarray]) -> Figure:
    """Figure 13: the losses of D and of G2 against it."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    for name, label in (("g", "G2: taken for true"), ("d", "D")):
        axes.plot(*curves[name].T, linewidth=1.2, label=label)
    axes.set_xlabel("step")
    axes.set_ylabel("cross-entropy")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
