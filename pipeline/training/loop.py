"""What every training loop shares: how it runs on Lightning Fabric, its state, its learning rate, the average of its weights."""

import copy
import math
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed, nn
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from pipeline.config.parallel import ParallelConfig
from pipeline.config.train import LoopConfig
from pipeline.training.launch import choose_launch
from pipeline.training.resume import Part, read_state, restore, save_state, scratch_folder
from pipeline.utils.devices import choose_device, choose_precision, fix_arithmetic
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_folder
from pipeline.utils.memory import keep_memory

N = TypeVar("N", bound=nn.Module)
CURVES = "curves"  # folder of curves and samples in scratch
CURVE_FILES = ("metrics.json", "plots/*.tsv", "samples/*.jpg")  # curves and samples of a training


@dataclass(frozen=True)
class TrainingRun:
    """A training under way. scratch : the folder for the state and the curves so far; only the first process uses it."""

    fabric: Fabric
    scratch: Path

    def publish_curves(self, folder: Path) -> None:
        """Put curves and samples where they belong."""
        curves = self.scratch / CURVES
        with atomic_folder(folder, CURVE_FILES) as partial:
            for file in sorted(path for path in curves.rglob("*") if path.is_file()):  # copytree would hide a full disk in an error of its own
                target = partial / file.relative_to(curves)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)

    def start(self, parts: Mapping[str, Part]) -> int:
        """Give the parts the state of a killed run, if there is one; returns the number of steps that it had made."""
        state = self.fabric.broadcast(read_state(self.scratch) if self.fabric.is_global_zero else None)
        return restore(state, parts) if state else 0

    def save(self, step: int, parts: Mapping[str, Part]) -> None:
        """Keep the state after `step` steps."""
        if self.fabric.is_global_zero:
            save_state(self.scratch, step, parts)


class Average(Generic[N]):
    """The moving average of a network's weights, as a network of its own: `network`, in evaluation mode. Buffers are the latest.

    torch's `AveragedModel` would do, but it counts the steps in a tensor that goes to the device and back each time, and that waits for a GPU.
    """

    def __init__(self, network: N, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step `step` (from 0); at first the average is that of all steps so far."""
        decay = min(self.decay, (step + 1) / (step + 2))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1 - decay)
        for mine, latest in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(latest)

    def state_dict(self) -> dict[str, Any]:
        """The averaged weights."""
        return self.network.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take averaged weights over."""
        self.network.load_state_dict(state)


def precision_of(fabric: Fabric) -> str:
    """The number format that a training runs with."""
    return str(fabric.strategy.precision.precision)


def make_fabric(parallel: ParallelConfig, config: LoopConfig) -> Fabric:
    """Start the processes of a training, with fixed threads and deterministic algorithms.

    Raises UserError where the machine has not what the section `parallel` asks for, where other processes were started than it asks for, or where
    the device cannot compute with `precision`.
    """
    launch = choose_launch(parallel)
    fix_arithmetic(config.threads, training=True)
    keep_memory()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 16-mixed on a CPU: refused below
            fabric = Fabric(
                accelerator=parallel.accelerator,
                devices=parallel.devices,
                num_nodes=parallel.nodes,
                strategy=parallel.strategy,
                plugins=launch,
                precision=choose_precision(config.precision, choose_device(parallel.accelerator)),  # type: ignore[arg-type]
            )
    except (RuntimeError, ValueError, TypeError) as error:
        raise UserError(f"section parallel: {' '.join(str(error).split())}") from None
    if fabric.device.type == "cpu" and config.precision == "16-mixed":
        raise UserError("precision = 16-mixed: a CPU cannot train with it; use bf16-mixed or 32-true")
    if config.batch_size % fabric.world_size:
        raise UserError(f"batch_size = {config.batch_size}: expected a multiple of the {fabric.world_size} devices that share it")
    fabric.launch()
    torch.set_num_threads(config.threads)  # Fabric shares the cores out among several processes
    return fabric


@contextmanager
def scratch_of(fabric: Fabric, stage: str, key: Callable[[], str]) -> Iterator[Path]:
    """The scratch folder of the run with the fingerprint that `key` gives, for its first process; the others get a path that nobody uses.

    All end together: one that leaves while a thread of their group is at work aborts, and a launcher then kills the first one at its last writing.
    """
    with scratch_folder(stage, key()) if fabric.is_global_zero else nullcontext(Path()) as scratch:
        yield scratch
    if fabric.world_size > 1:
        fabric.barrier()
        distributed.destroy_process_group()


def schedule(step: int, steps: int, warmup: int) -> float:
    """Share of the highest learning rate at step `step` of `steps` (from 0): rises over `warmup` steps, then falls along a cosine."""
    rise = min(1.0, (step + 1) / (warmup + 1))
    return rise * 0.5 * (1 + math.cos(math.pi * max(0, step - warmup) / max(1, steps - warmup)))


def one_cycle(optimiser: Optimizer, lr: float, steps: int) -> OneCycleLR:
    """The lifter's schedule: the rate rises along a cosine, too, over three tenths of the steps, while the momentum falls and rises again.

    Beside `schedule` because it moves the momentum, which that leaves alone: the weights of a lifter depend on it.
    """
    return OneCycleLR(optimiser, lr, steps)


def setup(fabric: Fabric, network: nn.Module, lr: float, betas: tuple[float, float]) -> tuple[Any, Any]:
    """The network and its optimiser, where and how Fabric runs them."""
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return fabric.setup(network, Adam(network.parameters(), lr, betas=betas, fused=True))


def optimiser_step(fabric: Fabric, network: Any, optimiser: Any, loss: Tensor, rate: float, clip: float) -> None:
    """One step along the gradient of `loss`.

    Without normalisation one steep batch can throw the weights to where rectifiers stay shut, and training never comes back from there.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    fabric.backward(loss)
    fabric.clip_gradients(network, optimiser, max_norm=clip, error_if_nonfinite=False)  # such a loss is reported by `Curves.check`
    optimiser.step()


def due(done: int, every: int, steps: int) -> bool:
    """Whether something that happens every `every` steps, and at the end, happens after step `done` (from 1)."""
    return done % every == 0 or done == steps
