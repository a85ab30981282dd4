"""Scores are declared once: where they are found, in what order they are listed, and what is said of them."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from pipeline.evaluation.painted import cut_heads
from pipeline.evaluation.scores import declared
from pipeline.evaluation.scores.declared import ALL_SCORES, GROUPED_SCORES, IMAGE_SCORES, SCORES, by_place, find_scores, scores_table
from pipeline.evaluation.scores.score import ImagePairs, Score

A_SCORE = """
from pipeline.evaluation.scores.score import Score

SCORE = Score("{name}", lambda pairs: pairs.prediction.double().mean((-3, -2, -1)), "Mean", better="higher", ideal=None)
"""


def test_the_order_is_that_of_the_files_that_were_written_so_far():
    """The file of cases holds scores by place alone; a new one comes after these."""
    assert SCORES[:11] == (
        "ssim",
        "ssim_pg2",
        "ssim_gray",
        "l1",
        "psnr",
        "mask_ssim",
        "mask_l1",
        "outside_l1",
        "outline_l1",
        "overlap_l1",
        "sharpness",
    )
    assert [score.name for score in GROUPED_SCORES][:2] == ["ssim", "mask_l1"]
    assert len({score.name for score in ALL_SCORES}) == len(ALL_SCORES)


def test_a_file_more_is_a_score_more(tmp_path, monkeypatch):
    (tmp_path / "brightness.py").write_text(A_SCORE.format(name="brightness"), encoding="utf-8")
    monkeypatch.setattr(declared.image, "__path__", [*declared.image.__path__, str(tmp_path)])
    assert {score.name for score in find_scores()} - {score.name for score in IMAGE_SCORES} == {"brightness"}
    (tmp_path / "other.py").write_text(A_SCORE.format(name="wrong"), encoding="utf-8")
    with pytest.raises(ValueError, match="other: expected a score of the module's name, found wrong"):
        find_scores()


def test_scores_without_a_place_come_last_by_name():
    scores = [Score(name, None, "", "lower", 0, place=place) for name, place in (("b", 1000), ("a", 1000), ("c", 5))]
    assert [score.name for score in by_place(scores)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("better", "ideal", "best", "arrow"), [("higher", None, 3.0, "↑"), ("lower", 0, 0.2, "↓"), ("nearer to the ideal", 1, 0.9, "→ 1")]
)
def test_which_values_are_good(better, ideal, best, arrow):
    score = Score("x", None, "", better, ideal)
    assert min((0.2, 0.9, 3.0), key=score.cost) == best
    assert score.arrow == arrow


def test_the_table_has_a_row_for_each_score():
    rows = scores_table().splitlines()
    assert len(rows) == 2 + len(ALL_SCORES)
    assert "| `sharpness` | → 1 | Strength of edges compared with the truth; 1 is as sharp |" in rows
    assert any("`ssim_patn`" in row and "(`evaluate.patn`)" in row for row in rows)
    assert {row.count("|") for row in rows} == {4}


def test_declarations_are_read_without_torch():
    """A report needs them, and torch takes seconds to load."""
    code = "import sys, pipeline.evaluation.scores.declared; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_ideal_is_what_the_truth_itself_scores():
    truth = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 64, 16)).astype(np.uint8))
    body = torch.zeros(2, 1, 64, 16, dtype=torch.bool)
    body[:, :, 3:9, 4:10] = True
    for score in ALL_SCORES:
        if score.function is not None and score.ideal is not None:
            pairs = ImagePairs(truth[None], truth, body, body, cut_heads(truth[None], truth, torch.tensor([[8.0, 20.0, 6.0]] * 2)))
            np.testing.assert_allclose(score.function(pairs), score.ideal, atol=1e-12)
