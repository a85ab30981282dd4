"""Two runs beside each other: differences pair by pair, and whether other people could have turned them round."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from invented_cases import with_scores

from pipeline.comparison.compare import ORDER, compare
from pipeline.evaluation.examples.cases import Cases, write_cases
from pipeline.evaluation.scores.declared import PAIR_SCORES
from pipeline.utils.errors import UserError
from pose25d import compare as command

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = np.array([f"p{i // 5}" for i in range(100)])  # five pairs each


@pytest.fixture
def runs() -> tuple[Cases, Cases]:
    """Two runs whose scores vary far more from pair to pair than between the runs: the second is better in SSIM, and as good in L1."""
    rng = np.random.default_rng(0)
    first = with_scores(PEOPLE, rng.random((len(PAIR_SCORES), 100)))
    better = first.pairs.scores.copy()
    better[:, PAIR_SCORES.index("ssim")] += 0.01 + rng.normal(0, 0.01, 100).astype(np.float32)
    better[:, PAIR_SCORES.index("l1")] += rng.normal(0, 0.01, 100).astype(np.float32)
    return first, replace(first, pairs=replace(first.pairs, scores=better))


def test_a_small_difference_of_all_pairs_is_clear_and_noise_is_not(runs: tuple[Cases, Cases]) -> None:
    found = {one.score: one for one in compare(*runs, "refined")}
    assert found["ssim"].difference == pytest.approx(0.01, abs=0.003)
    assert found["ssim"].low < found["ssim"].difference < found["ssim"].high
    assert found["ssim"].clear
    assert not found["l1"].clear
    assert (found["psnr"].difference, found["psnr"].low, found["psnr"].high) == (0, 0, 0)
    assert not found[ORDER].clear


def test_the_order_is_compared_on_the_same_people(runs: tuple[Cases, Cases]) -> None:
    first, second = runs
    right = replace(first.orders, judged=np.ones_like(first.orders.judged))
    wrong = replace(first.orders, judged=np.zeros_like(first.orders.judged))
    (found,) = (one for one in compare(replace(first, orders=wrong), replace(second, orders=right), "coarse") if one.score == ORDER)
    assert (found.first, found.second, found.low, found.high, found.clear) == (0, 1, 1, 1, True)
    swapped = [one.difference for one in compare(second, first, "refined")]
    assert swapped == pytest.approx([-one.difference for one in compare(first, second, "refined")])


def test_runs_on_other_pairs_are_refused(runs: tuple[Cases, Cases]) -> None:
    first, second = runs
    moved = replace(second.pairs, target=np.roll(second.pairs.target, 1))
    with pytest.raises(UserError, match=r"expected two runs that scored the same pairs, found 100 and 100 pairs, of which 0 are common"):
        compare(first, replace(second, pairs=moved), "refined")


def test_the_command_marks_what_is_clear_and_what_a_seed_does_not_make(runs: tuple[Cases, Cases], tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("a.npz", "b.npz")]
    for name, cases in zip(names, runs, strict=True):
        write_cases(Path(name), cases)
    lines = {line[:16].strip(): line for line in CliRunner().invoke(command.main, names).output.splitlines()}
    assert lines["SSIM"].endswith(" *")
    assert not lines["L1"].endswith("*")
    done = CliRunner().invoke(command.main, [*names, "--seeds", names[0], names[0]])
    assert next(line for line in done.output.splitlines() if line[:16].strip() == "SSIM").endswith("another seed 0.0000 **")
    command_line = [sys.executable, "-m", "pose25d.compare", names[0], "no-such-revision"]  # DVC leaves files open where it fails
    failed = subprocess.run(command_line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert (
        "Error: no-such-revision: expected a file of cases, or a revision whose data/cases.npz DVC has, found none" in failed.stderr.splitlines()[-1]
    )
