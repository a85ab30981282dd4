"""Scores are read as evaluation wrote them."""

import json

import pytest

from pipeline.report.figures import read_figures
from pipeline.utils.errors import UserError
from pipeline.utils.files import write_json


def test_scores_of_data_without_twins_are_read(tmp_path, figures):
    """Recordings of people have none."""
    depth = figures["depth"] | {"order_accuracy": None, "order_cases": 0, "order_left_out": None}
    write_json(tmp_path / "test.json", figures | {"depth": depth})
    assert read_figures(tmp_path / "test.json")["depth"]["order_left_out"] is None


def test_scores_that_are_not_what_evaluation_writes_are_refused_by_name(tmp_path, figures):
    path = tmp_path / "test.json"
    figures = json.loads(json.dumps(figures))
    write_json(path, figures)
    assert read_figures(path) == figures
    no_scores = {"ssim": 1.0}
    damages = [("pairs", "many"), ("source", None), ("latent", 1), ("by", {"action": 1}), ("depth", {}), ("refined", {"ssim": "x"})]
    for name, value in [*damages, ("coarse", no_scores)]:
        write_json(path, figures | {name: value})
        with pytest.raises(UserError, match=rf"test\.json: {name}"):
            read_figures(path)
    for content in ([], 1, {}):
        write_json(path, content)
        with pytest.raises(UserError, match=r"test\.json: "):
            read_figures(path)
