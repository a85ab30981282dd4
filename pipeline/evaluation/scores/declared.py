"""All scores. One of image pairs is a module of its own below `image/`, of its name, with a `SCORE`: it is found there and listed nowhere else."""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

import pipeline.evaluation.scores.image as image
from pipeline.evaluation.scores.score import Score


def find_scores() -> tuple[Score, ...]:
    """The scores of image pairs, by place."""
    scores = []
    for module in iter_modules(image.__path__):
        score = import_module(f"{image.__name__}.{module.name}").SCORE
        if score.name != module.name:
            raise ValueError(f"{image.__name__}.{module.name}: expected a score of the module's name, found {score.name}")
        scores.append(score)
    return by_place(scores)


def by_place(scores: Iterable[Score]) -> tuple[Score, ...]:
    """The scores in the order in which they are listed."""
    return tuple(sorted(scores, key=lambda score: (score.place, score.name)))


IMAGE_SCORES = find_scores()
USUAL_SCORES = tuple(score for score in IMAGE_SCORES if score.flag is None)
SCORES = tuple(score.name for score in USUAL_SCORES)
GROUPED_SCORES = tuple(score for score in USUAL_SCORES if score.grouped)

# By a network that the user names in section `evaluate`.
PCK = Score(
    "pck",
    None,
    "Share of the joints that a pose estimator finds within half a head of where they should be (PCKh@0.5)",
    better="higher",
    ideal=None,
    title="PCKh",
    place=110,
)
PCK_LEFT = Score("pck_left", None, "The same of the joints of the left side alone", better="higher", ideal=None, title="PCKh left", place=111)
PCK_RIGHT = Score("pck_right", None, "The same of those of the right side", better="higher", ideal=None, title="PCKh right", place=112)
LPIPS = Score("lpips", None, "Distance to the truth by the layers of AlexNet (LPIPS 0.1)", better="lower", ideal=0, title="LPIPS", place=114)
DISTS = Score(
    "dists", None, "Distance to the truth in structure and texture by the layers of VGG-16", better="lower", ideal=0, title="DISTS", place=116
)
INCEPTION_SCORE = Score(
    "inception_score", None, "Inception score: clear and varied images score higher", better="higher", ideal=None, title="Inception score", place=120
)
FID = Score(
    "clean_fid",
    None,
    "Fréchet Inception distance to the true images of the same pairs (clean-FID)",
    better="lower",
    ideal=0,
    title="clean-FID",
    place=130,
)
FID_TRAIN = Score(
    "clean_fid_train", None, "The same to images that were trained on", better="lower", ideal=None, title="clean-FID to training images", place=131
)
KID = Score(
    "clean_kid",
    None,
    "Kernel Inception distance to the true images of the same pairs (clean-KID)",
    better="lower",
    ideal=0,
    title="clean-KID",
    place=132,
)
KID_TRAIN = Score(
    "clean_kid_train", None, "The same to images that were trained on", better="lower", ideal=None, title="clean-KID to training images", place=133
)

ALL_SCORES = by_place((*IMAGE_SCORES, PCK, PCK_LEFT, PCK_RIGHT, LPIPS, DISTS, INCEPTION_SCORE, FID, FID_TRAIN, KID, KID_TRAIN))

PAIR_SCORES = (*SCORES, *(score.name for score in (PCK, PCK_LEFT, PCK_RIGHT, LPIPS, DISTS)))  # what the file of cases has of each pair, in its order


def scores_table() -> str:
    """Every score in Markdown: its name in metrics/test.json, which values are good, what it says, and what asks for it."""
    rows = ["| score | | what it says |", "| --- | --- | --- |"]
    for score in ALL_SCORES:
        asked = f" (`evaluate.{score.flag}`)" if score.flag else ""
        rows.append(f"| `{score.name}` | {score.arrow} | {score.meaning}{asked} |")
    return "\n".join(rows) + "\n"
