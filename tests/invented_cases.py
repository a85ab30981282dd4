"""Invented cases, as `evaluate` writes them."""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from pipeline.evaluation.examples.cases import Appearances, Cases, Demonstrations, Examples, Labels, Orders, Pairs, Steps, TwinExamples
from pipeline.evaluation.scores.declared import PAIR_SCORES
from pipeline.inference.images import IMAGES
from pipeline.pose.skeleton import LIMBS


def make_cases() -> Cases:
    """A file of cases of four pairs and four twins."""
    rng = np.random.default_rng(0)

    def images(rows: int, *more: int) -> np.ndarray:
        return rng.integers(0, 256, (rows, *more, 8, 4, 3), np.uint8)

    def group(cls: Any, rows: int) -> Any:
        arrays: dict[str, np.ndarray] = {}
        for field in fields(cls):
            name = field.name
            if name in ("caption", "kind"):
                arrays[name] = np.array(["S9/Directions 1/54138969/5"] * rows, dtype=np.str_)
            elif name.endswith("pose"):
                arrays[name] = rng.random((rows, 17, 2)).astype(np.float32)
            elif name.endswith("label"):
                arrays[name] = rng.integers(-1, 2, (rows, len(LIMBS))).astype(np.int8)
            elif name == "mask_l1":
                arrays[name] = rng.random(rows).astype(np.float32)
            elif name == "right":
                arrays[name] = rng.random((rows, 2))
            else:
                arrays[name] = images(rows, 3) if name in ("between", "sampled") else images(rows)
        return cls(**arrays)

    shown = [
        group(cls, rows)
        for cls, rows in ((Examples, 2), (Examples, 2), (Examples, 0), (TwinExamples, 0), (Demonstrations, 3), (Steps, 2), (Appearances, 2))
    ]
    names = np.array(["S9/Directions 1/54138969/5"] * 4)
    scores = rng.random((len(IMAGES), len(PAIR_SCORES), 4)).astype(np.float32)
    scores[0, 0, 0] = np.nan
    orders = Orders(names, names, rng.integers(0, 4, 4).astype(np.int8), rng.integers(0, 2, (len(IMAGES), 4, 2)).astype(float))
    pairs = Pairs(names, names, names, rng.random(4).astype(np.float32), scores)
    return Cases(pairs, *shown, orders, Labels(rng.integers(0, 9, (len(LIMBS), 3, 3))))


def with_scores(people: np.ndarray, scores: np.ndarray) -> Cases:
    """Cases with these scores (scores, P) of each image of P pairs, each of the person `people` (P,), and a twin for each pair."""
    count, rng = len(people), np.random.default_rng(1)
    name = np.array([f"S9/Directions 1/54138969/{number}" for number in range(count)])
    pairs = Pairs(name, np.roll(name, 1), people, np.zeros(count, np.float32), np.repeat(scores[None].astype(np.float32), len(IMAGES), axis=0))
    orders = Orders(name, people, (np.arange(count) % 4).astype(np.int8), rng.integers(0, 2, (len(IMAGES), count, 2)).astype(float))
    return replace(make_cases(), pairs=pairs, orders=orders)
