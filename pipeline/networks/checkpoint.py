"""Weights with what rebuilds their network: safetensors, the description in the header as JSON. Nothing in them can run code."""

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pipeline.config.kinds import map_config_from
from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import atomic_file, machine_faults

if TYPE_CHECKING:
    from pipeline.config.kinds import AnyMapConfig

N = TypeVar("N", bound=nn.Module)
HALF = "float16"  # the `dtype` in the header of weights in half precision; others have none
MOST = 2**14  # of any size or count in the description of a network


def save_network(path: Path, network: nn.Module, pose: "AnyMapConfig | None" = None, precision: str | None = None) -> None:
    """Write the weights of `network`, its class, its `config` and, if it paints, what of a pose it sees. The same weights give the same bytes.

    precision : the number format that it was trained with, if that should be known
    """
    header: dict[str, Any] = {"network": type(network).__name__, "config": network.config}
    if pose is not None:
        header["pose"] = {"kind": pose.kind, **pose.model_dump(mode="json")}
    if precision is not None:
        header["precision"] = precision
    _write(path, header, {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()})


def save_in_half(path: Path, source: Path) -> None:
    """Write the weights in the file `source` in half precision, float16; the header stays as it is and says that. `load_network` gives float32.

    Raises UserError where a weight is larger than float16 holds, or where `source` is no file of weights.
    """
    header, tensors = _read(source)
    if not isinstance(header, dict) or "network" not in header:
        raise _undescribed(source)
    halves = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    for name, value in halves.items():
        if value.is_floating_point() and not value.isfinite().all():
            found = float(tensors[name][~value.isfinite()].flatten()[0])
            most = torch.finfo(torch.float16).max
            raise UserError(f"{source}: expected weights of at most {most:g}, as half precision has them, found {found:g} in {name}; train it again")
    _write(path, header | {"dtype": HALF}, halves)


def _write(path: Path, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a description and weights."""
    with atomic_file(path) as partial:
        partial.write_bytes(save(tensors, metadata={"pose25d": json.dumps(header)}))  # one entry: the order of several is not fixed


def load_network(path: Path, kind: type[N]) -> N:
    """Rebuild a network of class `kind` in evaluation mode, in float32 whatever the file's precision.

    Raises UserError where the file is missing or damaged, holds another network, or where weights and description do not agree.
    """
    header, tensors = _read(path)
    try:
        found, config, dtype = header["network"], header["config"], _dtype(header.get("dtype"))
    except (AttributeError, KeyError, TypeError):
        raise _undescribed(path) from None
    if found != kind.__name__:
        raise UserError(f"{path}: expected the weights of {kind.__name__}, found those of {found}; give the file of {kind.__name__}")
    for name, values in tensors.items():
        if not values.isfinite().all():
            raise UserError(f"{path}: expected finite numbers in the tensor {name}, found {_not_finite(values)}; train it again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch has things to say of layers of no size, which are refused below
            _check_sizes(config)
            with torch.device("meta"):  # without memory: a description may ask for more than there is
                _check_shapes(kind(**config), tensors, dtype)
            network = kind(**config)
        network.load_state_dict(tensors)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, UserError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: the weights do not fit the network that the header describes ({reason}); train it again") from None
    return network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]


def _not_finite(values: Tensor) -> float:
    """The first number of a tensor that is not finite."""
    return float(values[~values.isfinite()].flatten()[0])


def _check_sizes(value: Any) -> None:
    """Raise ValueError where a description holds a whole number that no size or count of a network has."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_sizes(inner)
    elif isinstance(value, int) and abs(value) > MOST:
        raise ValueError(f"a size or count of {shown(value)}, expected at most {MOST}")


def _dtype(name: Any) -> torch.dtype:
    """The number format of the weights in a file whose header says `name`; raise KeyError where it says what is never written."""
    return {None: torch.float32, HALF: torch.float16}[name]


def _check_shapes(network: nn.Module, tensors: dict[str, Tensor], dtype: torch.dtype) -> None:
    """Raise ValueError where names, shapes or number formats of the tensors are not those of the network; torch would round without a word.

    dtype : the number format in which the file has what the network has in float32
    """
    wanted = network.state_dict()
    if wanted.keys() != tensors.keys():
        raise ValueError(f"it has other tensors, such as {min(wanted.keys() ^ tensors.keys())}")
    for name, value in wanted.items():
        wanted_dtype = dtype if value.dtype == torch.float32 else value.dtype
        if (tensors[name].dtype, tensors[name].shape) != (wanted_dtype, value.shape):
            found = tensors[name]
            raise ValueError(f"{name} would be {wanted_dtype} {list(value.shape)}, and is {found.dtype} {list(found.shape)}")


def load_with_maps(path: Path, kind: type[N]) -> "tuple[N, AnyMapConfig]":
    """`load_network` of one that paints, and what of a pose it sees; raise UserError where the file does not say that."""
    network = load_network(path, kind)
    try:
        pose = dict(_read(path)[0]["pose"])
        return network, map_config_from(pose.pop("kind"), pose)
    except (KeyError, TypeError, ValidationError):
        raise _undescribed(path) from None


def network_name(path: Path) -> str:
    """The class of the network whose weights a file holds; raise UserError where it does not say so."""
    header, _ = _read(path)
    if not isinstance(header, dict) or "network" not in header:
        raise _undescribed(path)
    return str(header["network"])


def trained_with(path: Path) -> str | None:
    """The number format that a network was trained with, where its file says so."""
    header, _ = _read(path)
    return header.get("precision") if isinstance(header, dict) else None


def _undescribed(path: Path) -> UserError:
    return UserError(f"{path}: expected a description of its network in the header; train it again")


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and weights in a file."""
    try:
        with machine_faults(path), safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("pose25d", "{}"))
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; expected weights, which the training stages write") from None
    except (SafetensorError, OSError, ValueError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: expected weights in the safetensors format ({' '.join(str(error).split())}); train it again") from None
