"""What was left out is told line by line."""

import pytest

from pipeline.report.left_out import left_out_lines, read_left_out
from pipeline.utils.errors import UserError
from pipeline.utils.files import write_json


def test_left_out_is_read_for_the_subjects_of_the_run_alone(folders):
    assert read_left_out(folders / "manifest", folders / "frames", ["S1"]) == []
    lines = read_left_out(folders / "manifest", folders / "frames", ["S1", "S9"])
    assert lines == ["S9: Greeting: excluded", "S9: Walking 1, 55011271: cannot be decoded"]


@pytest.mark.parametrize("content", [[], {}, {"left_out": 1}, "left_out"])
def test_a_report_without_what_was_left_out_is_one_line(tmp_path, content):
    write_json(tmp_path / "report.json", content)
    with pytest.raises(UserError, match=r"report\.json: expected a list `left_out`, found other content"):
        left_out_lines(tmp_path / "report.json")
