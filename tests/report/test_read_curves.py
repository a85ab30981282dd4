"""Curves are read as training wrote them."""

import re

import numpy as np
import pytest
from made_cases import run

from pipeline.report.curves import read_curves
from pipeline.utils.errors import UserError


def test_curves_are_read_as_training_wrote_them(folders):
    curves = read_curves(folders / "g2")
    assert list(curves) == ["g2/adversarial"]
    np.testing.assert_array_equal(curves["g2/adversarial"], [[10, 0.5], [20, 0.25]])
    assert read_curves(folders / "poses") == {}


@pytest.mark.parametrize("text", ["a\tb\n1\t2\n", "step\tl1\n1\tmuch\n", "step\tl1\n1\n"])
def test_a_damaged_curve_is_one_line(folders, text):
    (folders / "g1/plots/metrics/l1.tsv").write_text(text, encoding="utf-8")
    result = run(folders)
    assert result.exit_code == 1
    assert re.search(r"l1\.tsv: expected a table with the columns step and l1", result.output)
    assert not (folders / "report.html").exists()


@pytest.mark.parametrize("points", ["1\tnan", "1\tinf", "1", "x\t1", "1\t" + "9" * 200_000, None])
def test_a_curve_of_anything_but_numbers_is_one_line(tmp_path, points):
    path = tmp_path / "plots" / "metrics" / "l1.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("\0" if points is None else f"step\tl1\n{points}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"l1\.tsv: expected a table with the columns step and l1; run the training stage again"):
        read_curves(tmp_path)
