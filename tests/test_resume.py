"""Resume state: one folder per fingerprint, used by one process at a time, and never half written."""

import fcntl
import os
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.resume import STATE, code_files, fingerprint, read_state, restore, save_state, scratch_folder


@pytest.fixture(autouse=True)
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


def test_the_fingerprint_follows_settings_and_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("one")
    second.write_text("one")
    key = fingerprint([1, {"x": 2}], [first], "pipeline.losses")
    assert fingerprint([1, {"x": 2}], [second], "pipeline.losses") == key  # where a file lies does not matter
    assert fingerprint([1, {"x": 3}], [first], "pipeline.losses") != key
    assert fingerprint([1, {"x": 2}], [first], "pipeline.files") != key
    second.write_text("two")
    assert fingerprint([1, {"x": 2}], [second], "pipeline.losses") != key


def test_the_code_is_what_is_imported_directly_or_not() -> None:
    names = set(code_files("pipeline.training"))
    assert {"pipeline.training", "pipeline.networks.unet", "pipeline.pose_maps", "pipeline.skeleton"} <= names
    assert not {"pipeline.report", "pipeline.evaluation", "pipeline.video"} & names


def test_the_folder_is_removed_on_success_and_kept_on_failure(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch_folder("stage", "k" * 64) as folder:
            (folder / "a").write_text("kept")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    (folder,) = (tmp_path / ".scratch" / "stage").iterdir()
    with scratch_folder("stage", "k" * 64) as again:
        assert again == folder
        assert (again / "a").read_text() == "kept"
    assert not list((tmp_path / ".scratch" / "stage").iterdir())


def test_a_second_run_waits_for_the_first(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    events: list[str] = []

    def second() -> None:
        with scratch_folder("stage", "key"):
            events.append("second")

    other = threading.Thread(target=second)
    with scratch_folder("stage", "key"):
        other.start()
        other.join(0.3)
        assert other.is_alive()
        events.append("first")
    other.join(10)
    assert events == ["first", "second"]
    assert f"process {os.getpid()} is at work on the same training" in capfd.readouterr().err
    assert not list((tmp_path / ".scratch" / "stage").iterdir())


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    lock = tmp_path / ".scratch" / "stage" / "key.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("12345\n")
    with scratch_folder("stage", "key"), lock.open() as file:
        assert lock.read_text() == f"{os.getpid()}\n"
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_state_comes_back(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    saved, fresh = nn.Linear(2, 2), nn.Linear(2, 2)
    save_state(tmp_path, 7, {"network": saved})
    expected = torch.rand(3)
    state = read_state(tmp_path)
    assert state is not None
    assert restore(state, {"network": fresh}) == 7
    assert torch.equal(fresh.weight, saved.weight)
    assert torch.equal(torch.rand(3), expected)


def test_a_damaged_state_is_an_error(tmp_path: Path) -> None:
    for content in (b"", b"no state", b"PK\x03\x04 cut off"):
        (tmp_path / STATE).write_bytes(content)
        with pytest.raises(UserError, match=r"state.pt: damaged .*; remove the folder"):
            read_state(tmp_path)
