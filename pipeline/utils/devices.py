"""What the work runs on, and with what arithmetic."""

import os

import torch

from pipeline.utils.errors import UserError


def choose_device(accelerator: str) -> torch.device:
    """Where to paint: on the accelerator that `parallel.accelerator` names, `auto` and `gpu` being whatever there is.

    Raises UserError where a named one is not there.
    """
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator == "cpu" or (accelerator == "auto" and found is None):
        return torch.device("cpu")
    if found is None or accelerator not in ("auto", "gpu", found.type):
        there = "none" if found is None else found.type
        raise UserError(f"parallel.accelerator = {accelerator}: not on this machine, found {there}; choose auto or cpu")
    return found


def fix_arithmetic(threads: int, training: bool = False) -> None:
    """Make this process compute the same bits each time.

    threads : of the processor; their number changes the last bits of a sum
    training : refuse whatever is not deterministic; the precision is the parameter's. Else full precision, and no search for the fastest kernel,
    which is enough without gradients
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # they are a hundred times slower, and no image depends on them
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # with any other some matrix products on a GPU are not deterministic, or are refused
    if training:
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    else:
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def choose_precision(wanted: str, device: torch.device) -> str:
    """The number format of a training on this kind of device: `auto` is `bf16-mixed` where it has instructions for it, else `32-true`.

    Without them a processor emulates bfloat16, ten times slower than it computes with float32.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        found: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch does not say
        fast = device.type == "cpu" and bool(found.get("amx_bf16") or found.get("avx512_bf16"))
    return "bf16-mixed" if fast else "32-true"
