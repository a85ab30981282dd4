"""Curves: means over the steps since the last point, the same files after a resumption, and no silence about what is not finite."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from pipeline.training.curves import Curves
from pipeline.utils.errors import UserError


def make_curves(folder: Path) -> Curves:
    return Curves(folder, 2, Fabric(accelerator="cpu", devices=1))


def add(curves: Curves, values: dict[int, float]) -> None:
    for step, value in values.items():
        curves.add(step, l1=torch.tensor(value), d=torch.tensor(2 * value))


def test_a_point_is_the_mean_since_the_last_one(tmp_path: Path) -> None:
    curves = make_curves(tmp_path)
    add(curves, {1: 1.0, 2: 3.0, 3: 5.0})
    assert curves.points == [{"step": 2, "l1": 2.0, "d": 4.0}]
    assert curves.latest == "l1 2.000, d 4.000"
    curves.flush(3)
    curves.flush(3)
    assert (tmp_path / "plots" / "metrics" / "l1.tsv").read_text() == "step\tl1\n2\t2.0\n3\t5.0\n"
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["d.tsv", "l1.tsv"]


def test_resumed_curves_have_the_same_files(tmp_path: Path) -> None:
    values = {step: float(np.sqrt(step)) for step in range(1, 10)}
    whole, broken = make_curves(tmp_path / "whole"), make_curves(tmp_path / "broken")
    add(whole, values)
    add(broken, {step: values[step] for step in range(1, 6)})
    broken.check(5)
    state = broken.state_dict()
    state = {"points": list(state["points"]), "steps": list(state["steps"])}
    add(broken, {6: 100.0, 7: 100.0})  # lost when the run is killed
    resumed = make_curves(tmp_path / "broken")
    resumed.load_state_dict(state)
    add(resumed, {step: values[step] for step in range(6, 10)})
    for curves in (whole, resumed):
        curves.flush(9)
    files = [{path.name: path.read_text() for path in (tmp_path / name).rglob("*.tsv")} for name in ("whole", "broken")]
    assert files[0] == files[1]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_named_with_its_step(tmp_path: Path, value: float) -> None:
    curves = make_curves(tmp_path)
    add(curves, {1: 1.0, 2: 1.0, 3: value})
    with pytest.raises(UserError, match=rf"step 3: expected a finite loss, found l1 = {value}"):
        curves.check(3)


def test_samples_are_pictures_named_by_their_step(tmp_path: Path) -> None:
    make_curves(tmp_path).picture(25, lambda: np.zeros((8, 8, 3), np.uint8))
    assert (tmp_path / "samples" / "000025.jpg").read_bytes()[:2] == b"\xff\xd8"
