"""What a killed run goes on from: a locked folder per parameters, inputs and code, and the state in it.

The folder lies outside of DVC's outputs, below the root of the project even where DVC runs the stage in a copy of it (`DVC_ROOT`). It is
removed when the run succeeds, and kept when it is killed or fails.
"""

import hashlib
import io
import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console

from pipeline.utils.code import imported_code
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, file_hash, machine_faults, remove
from pipeline.utils.locks import locked

ROOT = Path(__file__).resolve().parents[2]  # of the package that this module lies in
STATE = "state.pt"  # its first bytes are the SHA-256 of the others
SCRATCH = ".scratch"
_HASH_BYTES = hashlib.sha256().digest_size


class Part(Protocol):
    """Anything whose state can be taken and given back."""

    def state_dict(self) -> dict[str, Any]:
        """The state, as tensors, numbers, strings, lists and dicts."""

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Give a state back."""


def fingerprint(settings: Any, inputs: Sequence[Path], module: str) -> str:
    """SHA-256 of all that a result depends on: settings (JSON), content of the inputs, `module` and what it imports of ours, torch's version."""
    code = {name: file_hash(ROOT / name) for name in code_files(module)}
    known = {"settings": settings, "inputs": [file_hash(path) for path in inputs], "code": code, "torch": torch.__version__}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def code_files(module: str) -> list[str]:
    """The source files of `module` and of all modules of its package that it imports, directly or not, relative to `ROOT`."""
    return imported_code(ROOT.joinpath(*module.split(".")).with_suffix(".py"), ROOT, [module.split(".")[0]])


def scratch_root() -> Path:
    """Where the folders of unfinished runs lie, by stage."""
    return Path(os.environ.get("DVC_ROOT", ".")) / SCRATCH


def lock_of(folder: Path) -> Path:
    """The lock file of a folder in scratch."""
    return folder.with_name(f"{folder.name}.lock")


@contextmanager
def scratch_folder(stage: str, key: str) -> Iterator[Path]:
    """The folder of the run with fingerprint `key`, which no other process uses meanwhile; removed when the block succeeds.

    A second run of the same key waits until the first has ended. The lock file stays behind, empty; `pose25d scratch` clears it away.
    """
    folder = scratch_root() / stage / key[:16]
    holder = folder.with_name(f"{folder.name}.pid")
    with machine_faults(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock_of(folder), lambda: _say_who(holder)), machine_faults(folder):
        holder.write_text(f"{os.getpid()} on {platform.node()}\n", encoding="utf-8")
        folder.mkdir(exist_ok=True)
        try:
            yield folder
            remove(folder)
        finally:
            remove(holder)


def _say_who(holder: Path) -> None:
    """Name the process that is waited for; on a disk that machines share it may be one of another machine."""
    try:
        found = re.fullmatch(r"\d+ on \S+\n", holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    process = f"process {found[0].strip()}" if found else "another process"
    Console(stderr=True).print(f"{holder.with_suffix('')}: {process} is at work on the same training; waiting until it ends", soft_wrap=True)


def save_state(folder: Path, step: int, parts: Mapping[str, Part]) -> None:
    """Write what a run needs to go on after `step` steps: the state of every part, and torch's random numbers.

    It is made in memory: on a full disk torch raises what does not say so. Raises MachineError there.
    """
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    state = {"step": step, "random": [torch.get_rng_state(), *devices], "parts": {name: part.state_dict() for name, part in parts.items()}}
    content = io.BytesIO()
    torch.save(state, content)
    with atomic_file(folder / STATE) as partial, partial.open("wb") as file:
        file.write(hashlib.sha256(content.getbuffer()).digest())
        file.write(content.getbuffer())


def read_state(folder: Path) -> dict[str, Any] | None:
    """The last state that was saved in the folder, or None; raise UserError where it is not, bit for bit, what was saved."""
    path = folder / STATE
    if not path.exists():
        return None
    with machine_faults(path):
        content = path.read_bytes() if path.is_file() else b""
    if content[:_HASH_BYTES] != hashlib.sha256(content[_HASH_BYTES:]).digest():
        raise UserError(f"{path}: damaged, its SHA-256 is not the one that it was saved with; remove the folder {folder} and run the stage again")
    return torch.load(io.BytesIO(content[_HASH_BYTES:]), map_location="cpu", weights_only=True)


def restore(state: dict[str, Any], parts: Mapping[str, Part]) -> int:
    """Give every part its state back, and torch its random numbers; returns how many steps had been made."""
    for name, part in parts.items():
        part.load_state_dict(state["parts"][name])
    torch.set_rng_state(state["random"][0])
    for device, random in enumerate(state["random"][1:]):
        torch.cuda.set_rng_state(random, device)
    return state["step"]
