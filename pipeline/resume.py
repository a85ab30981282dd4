"""What a killed run goes on from: a locked folder per parameters, inputs and code, and the state in it.

The folder lies outside of DVC's outputs, below the root of the project even where DVC runs the stage in a copy of it (`DVC_ROOT`). It is
removed when the run succeeds, and kept when it is killed or fails.
"""

import ast
import fcntl
import hashlib
import importlib.util
import json
import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console

from pipeline.errors import UserError
from pipeline.files import atomic_file, file_hash, remove

STATE = "state.pt"


class Part(Protocol):
    """Anything whose state can be taken and given back."""

    def state_dict(self) -> dict[str, Any]:
        """The state, as tensors, numbers, strings, lists and dicts."""

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Give a state back."""


def fingerprint(settings: Any, inputs: Sequence[Path], module: str) -> str:
    """SHA-256 of all that a result depends on: settings (JSON), content of the inputs, `module` and what it imports of ours, torch's version."""
    code = {name: file_hash(path) for name, path in sorted(code_files(module).items())}
    known = {"settings": settings, "inputs": [file_hash(path) for path in inputs], "code": code, "torch": torch.__version__}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def code_files(module: str) -> dict[str, Path]:
    """The source files of `module` and of all modules of its package that it imports, directly or not, by name."""
    package, found, waiting = module.split(".")[0], {}, [module]
    while waiting:
        name = waiting.pop()
        spec = importlib.util.find_spec(name)
        if name not in found and spec and spec.origin:
            found[name] = Path(spec.origin)
            nodes = ast.walk(ast.parse(found[name].read_text(encoding="utf-8")))
            waiting += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == package]
    return found


@contextmanager
def scratch_folder(stage: str, key: str) -> Iterator[Path]:
    """The folder of the run with fingerprint `key`, which no other process uses meanwhile; removed when the block succeeds.

    A second run of the same key waits until the first has ended.
    """
    folder = Path(os.environ.get("DVC_ROOT", ".")) / ".scratch" / stage / key[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.with_suffix(".lock")):
        folder.mkdir(exist_ok=True)
        yield folder
        remove(folder)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which names the process that holds it and is removed at the end."""
    with _open_locked(path) as file:
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _open_locked(path: Path) -> Any:
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            Console(stderr=True).print(
                f"{path}: process {file.read().strip()} is at work on the same training; waiting until it ends", soft_wrap=True
            )
            fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            return file
        file.close()  # the other process has removed it at its end: make a new one


def save_state(folder: Path, step: int, parts: Mapping[str, Part]) -> None:
    """Write what a run needs to go on after `step` steps: the state of every part, and torch's random numbers."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    state = {"step": step, "random": [torch.get_rng_state(), *devices], "parts": {name: part.state_dict() for name, part in parts.items()}}
    with atomic_file(folder / STATE) as partial:
        torch.save(state, partial)


def read_state(folder: Path) -> dict[str, Any] | None:
    """The last state that was saved in the folder, or None; raise UserError where it is damaged."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise UserError(f"{path}: damaged ({' '.join(str(error).split())}); remove the folder and run the stage again") from None


def restore(state: dict[str, Any], parts: Mapping[str, Part]) -> int:
    """Give every part its state back, and torch its random numbers; returns how many steps had been made."""
    for name, part in parts.items():
        part.load_state_dict(state["parts"][name])
    torch.set_rng_state(state["random"][0])
    for device, random in enumerate(state["random"][1:]):
        torch.cuda.set_rng_state(random, device)
    return state["step"]
