"""Progress: where there is no terminal, a line now and then."""

import pytest

from pipeline.utils import progress
from pipeline.utils.progress import ProgressLine, track


def test_short_work_says_nothing_and_long_work_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track("abc", "letters", 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(progress, "LINE_EVERY", 0)
    assert list(track(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("letters: 1 of 3, ")
    assert lines[2] == "letters: 3 of 3, 0.0 min left"


def test_a_training_says_its_speed_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("train", 10, 7, "images", 4) as line:
        for step in range(7, 10):
            line.tick(step + 1, "l1 0.500")
    text = capsys.readouterr().err
    assert text.startswith("train: step 10 of 10, ")
    assert text.endswith(" images/s, 0.0 min left, l1 0.500\n")
    assert text.count("\n") == 1


def test_what_is_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("train", 1, unit="images", quiet=True) as line:
        line.tick(1)
    assert capsys.readouterr() == ("", "")
