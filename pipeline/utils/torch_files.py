"""Weights that others trained, in files that torch saved; no code in them is run."""

import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash, machine_faults


def read_torch_file(path: Path, key: str, example: str) -> Mapping[str, Tensor]:
    """Weights by name from a file that torch saved; key : the parameter that names it; example : what its authors call it.

    Raises UserError where it is missing or damaged, or not what its name says: names of torchvision's files end in the start of their SHA-256.
    """
    if not path.is_file():
        raise UserError(f"{path}: {key} expects {example}, found no such file; give its path, or null")
    named = re.search(r"-([0-9a-f]{8})\.pth$", path.name)
    if re.search(r"-[0-9a-f]{8}\.pth$", example) and named is None:
        raise UserError(f"{path}: expected the name that torchvision gives the file, which ends in the start of its SHA-256, as {example}")
    if named and not file_hash(path).startswith(named[1]):
        raise UserError(
            f"{path}: expected a SHA-256 that begins with {named[1]}, found {file_hash(path)[:8]}; the file is damaged, download it again"
        )
    try:
        with machine_faults(path):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError) as error:
        raise UserError(f"{path}: expected weights as torch saves them ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(state, Mapping):
        raise UserError(f"{path}: expected weights by name, found {type(state).__name__}; give {example}")
    return state


def tensor_of(state: Mapping[str, Tensor], path: Path, name: str, shape: tuple[int, ...]) -> Tensor:
    """One tensor of a file of weights; raise UserError where it lacks it, has one of another shape, or one that is not finite."""
    found = state.get(name)
    if not isinstance(found, Tensor) or found.shape != shape or not found.isfinite().all():
        what = f"{list(found.shape)}" if isinstance(found, Tensor) else "nothing"
        raise UserError(f"{path}: expected {name} of shape {list(shape)}, all finite, found {what}; give another file")
    return found.detach().float()
