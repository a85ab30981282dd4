"""What unfinished trainings leave is listed, and cleared where nobody is at work in it."""

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.training.resume import scratch_folder
from pipeline.training.scratch import clear, is_busy, leftovers
from pose25d.scratch import main

DAY = 86400


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path / ".scratch"


def abandon(stage: str, key: str, size: int = 1000) -> Path:
    """What a run leaves that fails."""
    with pytest.raises(KeyboardInterrupt), scratch_folder(stage, key) as folder:
        (folder / "curves").mkdir()
        (folder / "curves" / "state.pt").write_bytes(bytes(size))
        raise KeyboardInterrupt
    return folder


def test_size_age_and_stage_of_what_is_left(root: Path) -> None:
    assert leftovers(root) == []
    folder = abandon("train_g1", "abc", 3000)
    ten_days_ago = time.time() - 10 * DAY
    for path in (folder, *folder.rglob("*"), folder.with_name("abc.lock")):
        os.utime(path, (ten_days_ago, ten_days_ago))
    abandon("train_g2", "abc")
    first, second = leftovers(root)
    assert (first.stage, first.folder, first.size) == ("train_g1", folder, 3000)
    assert (second.stage, second.folder.name, second.size) == ("train_g2", "abc", 1000)
    assert first.age / DAY == pytest.approx(10, abs=0.1)
    assert second.age / DAY == pytest.approx(0, abs=0.1)
    assert not is_busy(first)


def test_what_nobody_holds_is_cleared_and_nothing_else(root: Path) -> None:
    abandon("train_g1", "abandoned")
    with scratch_folder("train_g1", "ended"):
        pass  # leaves its lock file
    (root / "train_pose").mkdir()
    (root / "train_pose" / "old.lock").write_text("12345\n", encoding="utf-8")
    (root / "train_pose" / "old.pid").write_text("12345\n", encoding="utf-8")
    with scratch_folder("train_g1", "at work") as folder:
        (folder / "state.pt").touch()
        states = {left.folder.name: clear(left) for left in leftovers(root)}
        assert states == {"abandoned": True, "ended": True, "at work": False, "old": True}
        assert (folder / "state.pt").exists()
        assert sorted(path.name for path in root.rglob("*")) == ["at work", "at work.lock", "at work.pid", "state.pt", "train_g1"]
    assert [clear(left) for left in leftovers(root)] == [True]
    assert not list(root.iterdir())


def test_a_link_in_scratch_is_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    root.mkdir()
    (root / "train_g1").symlink_to(tmp_path / "photos")
    assert leftovers(root) == []


def test_the_command_lists_and_clears(root: Path) -> None:
    assert "nothing there" in CliRunner().invoke(main, []).output
    abandon("train_g1", "abc", 3_000_000)
    with scratch_folder("train_g1", "ended"):
        pass
    with scratch_folder("train_g2", "def"):
        lines = CliRunner().invoke(main, []).output.splitlines()
        assert lines == [
            "train_g1 abc  3.0 MB  0.0 days old  free",
            "train_g1 ended  0.0 MB  0.0 days old  ended, an empty lock file is left",
            "train_g2 def  0.0 MB  0.0 days old  in use",
        ]
        lines = CliRunner().invoke(main, ["--clear"]).output.splitlines()
        assert [line.rpartition("  ")[2] for line in lines] == ["removed", "removed", "in use, kept"]
    assert {path.name for path in root.rglob("*")} == {"train_g2", "def.lock"}
