"""Resume state: one folder per fingerprint, used by one process at a time, and never half written."""

import errno
import fcntl
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from pipeline.config.kinds import KINDS
from pipeline.training.resume import STATE, code_files, fingerprint, read_state, restore, save_state, scratch_folder
from pipeline.utils.errors import MachineError, UserError
from recipes.graph import code_deps


@pytest.fixture(autouse=True)
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


def test_the_fingerprint_follows_settings_and_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("one")
    second.write_text("one")
    key = fingerprint([1, {"x": 2}], [first], "pipeline.training.losses")
    assert fingerprint([1, {"x": 2}], [second], "pipeline.training.losses") == key  # where a file lies does not matter
    assert fingerprint([1, {"x": 3}], [first], "pipeline.training.losses") != key
    assert fingerprint([1, {"x": 2}], [first], "pipeline.utils.files") != key
    second.write_text("two")
    assert fingerprint([1, {"x": 2}], [second], "pipeline.training.losses") != key


def test_the_code_is_what_is_imported_directly_or_not() -> None:
    files = set(code_files("pipeline.training.generators"))
    assert {f"pipeline/{name}.py" for name in ("training/generators", "networks/unet", "pose/bodies/maps", "pose/skeleton")} <= files
    assert not {f"pipeline/{name}.py" for name in ("report/html", "evaluation/evaluate", "datasets/human36m/extract")} & files


def test_a_killed_training_and_the_graph_have_one_idea_of_the_code() -> None:
    """A graph names what recipes of one kind run; the folder of a killed training tells nothing apart by kind."""
    assert set(code_files("pipeline.training.generators")) <= {file for kind in KINDS for file in code_deps("train_g1", kind)}


def test_the_folder_is_removed_on_success_and_kept_on_failure(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch_folder("stage", "k" * 64) as folder:
            (folder / "a").write_text("kept")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == ["k" * 16, f"{'k' * 16}.lock"]
    with scratch_folder("stage", "k" * 64) as again:
        assert again.name == "k" * 16
        assert (again / "a").read_text() == "kept"
    assert names(tmp_path) == [f"{'k' * 16}.lock"]


def names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".scratch" / "stage").iterdir())


def test_a_second_run_waits_for_the_first_and_says_for_whom(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_in_turns()
    assert f"process {os.getpid()} on {platform.node()} is at work on the same training; waiting until it ends" in capfd.readouterr().err
    assert names(tmp_path) == ["key.lock"]


def run_in_turns() -> None:
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


def test_what_a_killed_run_left_is_free(tmp_path: Path) -> None:
    stage = tmp_path / ".scratch" / "stage"
    stage.mkdir(parents=True)
    for name in ("key.lock", "key.pid"):
        (stage / name).write_text("12345\n")
    with scratch_folder("stage", "key"), (stage / "key.lock").open() as file:
        assert (stage / "key.pid").read_text() == f"{os.getpid()} on {platform.node()}\n"
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("fault", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_drive_without_locks_does_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(fcntl, "flock", refuse)
    run_in_turns()
    assert "key.pid" not in names(tmp_path)


def test_a_full_disk_in_the_block_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"\.scratch/stage/key: the disk is full"), scratch_folder("stage", "key"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert names(tmp_path) == ["key", "key.lock"]


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


@pytest.mark.parametrize("old", [b"", b"no state", b"PK\x03\x04 cut off", None])
def test_a_file_that_is_no_state_is_one_line(tmp_path: Path, old: bytes | None) -> None:
    if old is None:
        (tmp_path / STATE).mkdir()
    else:
        (tmp_path / STATE).write_bytes(old)
    with pytest.raises(UserError, match=r"^[^\n]*state.pt: damaged, [^\n]*; remove the folder [^\n]* and run the stage again$"):
        read_state(tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_state_with_any_byte_changed_or_cut_off_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Of itself a file of torch tells only some of these; others would be weights that nobody has trained."""
    save_state(tmp_path, 7, {"network": nn.Linear(2, 2)})
    content = bytearray((tmp_path / STATE).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(UserError, match=r"state.pt: damaged"):
        read_state(tmp_path)


_FILL = """
import resource, signal, sys
from pathlib import Path
from torch import nn
from pipeline.utils.errors import MachineError
from pipeline.training.resume import save_state
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save_state(Path(sys.argv[1]), 1, {"network": nn.Linear(1000, 1000)})
except MachineError as error:
    print(error)
"""


def test_a_disk_that_is_full_is_one_line_and_keeps_the_last_state(tmp_path: Path) -> None:
    save_state(tmp_path, 7, {"network": nn.Linear(2, 2)})
    done = subprocess.run([sys.executable, "-c", _FILL, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "state.pt: files may not grow so large here" in done.stdout
    state = read_state(tmp_path)
    assert state is not None
    assert state["step"] == 7
