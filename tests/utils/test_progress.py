"""Progress: where there is no terminal, a line at the start, soon a first one, then one now and then, and one at the end."""

import re
import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.utils import progress
from pipeline.utils.progress import ProgressLine, duration, track, working


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of the usual times."""
    for name in ("LOOK_EVERY", "FIRST_LINE", "LINE_EVERY"):
        monkeypatch.setattr(progress, name, getattr(progress, name) / 100)


def slowly(count: int, seconds: float) -> Iterator[int]:
    for number in range(count):
        time.sleep(seconds)
        yield number


def counts(lines: list[str]) -> list[int]:
    return [int(match[1]) for line in lines if (match := re.search(r"(\d+) of \d+", line))]


def lines_when(count: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was said once there are so many lines."""
    said, deadline = "", time.monotonic() + 60
    while said.count("\n") < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        said += capsys.readouterr().err
    return said.splitlines()


def test_short_work_says_that_it_begins_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "letters: 0 of 3\n")


def test_no_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([], "nothing", 0)) == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("fast")
def test_work_of_many_pieces_says_about_a_dozen_lines_with_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY", 30)
    list(track(slowly(100, 0.005), "pieces", 100))
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 13  # start, the first, each tenth, the end
    assert lines[0] == "pieces: 0 of 100"
    assert all(re.fullmatch(r"pieces: \d+ of 100, .+, \d+ s (left|so far)", line) for line in lines[1:-1])
    assert re.fullmatch(r"pieces: 100 of 100, [\d.]+/s, took \d+ s", lines[-1])
    assert counts(lines) == sorted(counts(lines))


@pytest.mark.usefixtures("fast")
def test_a_single_long_piece_does_not_keep_it_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("videos", 2) as line:
        began, wait = time.monotonic(), progress.FIRST_LINE
        assert lines_when(2, capsys) == ["videos: 0 of 2", "videos: 0 of 2, 0 s so far"]
        assert time.monotonic() - began > wait
        line.tick(2)
    assert re.fullmatch(r"videos: 2 of 2, .+, took \d+ s\n", capsys.readouterr().err)


@pytest.mark.usefixtures("fast")
def test_after_its_first_lines_slow_work_says_one_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with working("thinking"):
        lines_when(2, capsys)
        began = time.monotonic()
        lines_when(2, capsys)
        assert time.monotonic() - began > progress.LINE_EVERY  # at least one whole wait between two lines
    assert re.fullmatch(r"(thinking: \d+ s so far\n)*thinking: took \d+ s\n", capsys.readouterr().err)


def test_a_training_says_its_speed_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("train", 10, 7, "images", 4) as line:
        for step in range(7, 10):
            line.tick(step + 1, "l1 0.500")
    first, last = capsys.readouterr().err.splitlines()
    assert first == "train: step 7 of 10"
    assert re.fullmatch(r"train: step 10 of 10, \d+ images/s, took 0 s, l1 0.500", last)


def test_what_is_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLine("train", 1, unit="images", quiet=True) as line:
        line.tick(1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("fast")
def test_work_that_fails_says_no_end_and_leaves_no_thread(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), working("dividing"):
        time.sleep(0.1)
        _ = 1 / 0
    assert threading.active_count() == before
    assert "took" not in capsys.readouterr().err


def test_times_are_short() -> None:
    assert (duration(8.4), duration(99), duration(100), duration(5400)) == ("8 s", "99 s", "1.7 min", "90.0 min")
