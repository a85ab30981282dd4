"""A report of invented cases."""

import json

import numpy as np
import pytest
from made_cases import (
    LABELS_KNOWN,
    LIFTED,
    RNG,
    appearances,
    captions,
    demonstrations,
    depth,
    shown,
    shown_twins,
    steps,
    write_views,
)

from pipeline.evaluation.examples.cases import (
    Cases,
    Labels,
    Orders,
    Pairs,
    write_cases,
)
from pipeline.evaluation.scores.declared import PAIR_SCORES
from pipeline.evaluation.scores.depth import order_accuracy
from pipeline.evaluation.scores.summary import DISTANCES, by_group, summary
from pipeline.inference.images import IMAGES
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.files import write_json


@pytest.fixture
def cases():
    scores = RNG.random((len(IMAGES), len(PAIR_SCORES), 6))
    return Cases(
        pairs=Pairs(captions(6), captions(6), np.array(["ann", "bob"] * 3), np.arange(6.0), scores.astype(np.float32)),
        samples=shown(3),
        best=shown(2),
        worst=shown(2),
        twins=shown_twins(2),
        demonstrations=demonstrations(3),
        steps=steps(2),
        appearances=appearances(0),
        orders=Orders(
            captions(8), np.array(["ann", "bob"] * 4), np.arange(8, dtype=np.int8) % 4, RNG.integers(0, 2, (len(IMAGES), 8, 2)).astype(float)
        ),
        labels=Labels(RNG.integers(0, 9, (len(LIMBS), 3, 3))),
    )


@pytest.fixture
def figures(cases):
    per_image = {image: dict(zip(PAIR_SCORES, values, strict=True)) for image, values in zip(IMAGES, cases.pairs.scores, strict=True)}
    people = np.array(["ann", "bob"] * 4)
    orders = {image: order_accuracy(RNG.integers(0, 2, (8, 2)), np.arange(8) % 4, np.arange(8) > 1, people) for image in IMAGES}
    return {
        "pairs": 6,
        "generator": "pg2",
        "latent": {"kl": None, "swap": None},
        **{image: summary(values, np.array(["ann", "bob"] * 3)) for image, values in per_image.items()},
        "depth": depth(orders) | LABELS_KNOWN | LIFTED | {"response": 0.1, "response_alone": None},
        "by": {
            "action": by_group(np.array(["Directions <i>"] * 6), per_image),
            "view": by_group(np.array(["same"] * 6), per_image, ("same", "other")),
            "distance": by_group(np.array(["near"] * 6), per_image, DISTANCES),
        },
    }


@pytest.fixture
def folders(tmp_path, cases, figures):
    """Everything that stage report reads."""
    write_cases(tmp_path / "cases.npz", cases)
    (tmp_path / "test.json").write_text(json.dumps(figures), encoding="utf-8")
    for stage, name in (("g1", "l1"), ("g2", "g2/adversarial")):
        table = (tmp_path / stage / "plots" / "metrics" / name).with_suffix(".tsv")
        table.parent.mkdir(parents=True)
        table.write_text(f"step\t{table.stem}\n10\t0.5\n20\t2.5e-1\n", encoding="utf-8")
    (tmp_path / "poses").mkdir()
    for subject in ("S1", "S9"):
        (tmp_path / "frames" / subject).mkdir(parents=True)
        write_views(tmp_path, subject)
    undecodable = {"sequence": "Walking 1", "camera": "55011271", "reason": "cannot be decoded"}
    excluded = {"sequence": "Greeting", "camera": None, "reason": "excluded"}
    (tmp_path / "manifest").mkdir()
    for subject, by_index, by_extract in (("S1", [], []), ("S9", [excluded], [undecodable])):
        write_json(tmp_path / "manifest" / f"{subject}.videos.json", {"left_out": by_index})
        write_json(tmp_path / "frames" / subject / "report.json", {"left_out": by_extract})
    return tmp_path
