"""What is seen of a training: loss curves as DVCLive writes them, and image grids of samples."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dvclive import Live
from lightning_fabric import Fabric
from torch import Tensor

from pipeline.pose.drawing import encode
from pipeline.utils.errors import UserError


class Curves:
    """Means of the losses over every `every` steps, as DVCLive writes them below `folder`, and image grids of samples in `folder`/samples.

    The state holds all points so far: a resumed run writes them again, so that its files are those of an unbroken run. Of several
    processes the first writes; the losses are means over all of them.
    """

    def __init__(self, folder: Path, every: int, fabric: Fabric) -> None:
        self.folder = folder
        self.every = every
        self.fabric = fabric
        self.points: list[dict[str, float]] = []
        self.steps: list[dict[str, float]] = []  # since the last point
        self.waiting: list[dict[str, Tensor]] = []  # of these, those that were not looked at yet: looking waits for the device
        self.live: Live | None = None

    def add(self, step: int, **losses: Tensor) -> None:
        """Note the losses of step `step` (from 1); every `every` steps their means become a point of each curve."""
        self.waiting.append({name: loss.detach() for name, loss in losses.items()})
        if step % self.every == 0:
            self.flush(step)

    def check(self, step: int) -> None:
        """Look at all losses up to step `step`; raise UserError where one of them is not finite."""
        if not self.waiting:
            return
        names = list(self.waiting[0])
        table = torch.stack([torch.stack([losses[name] for name in names]) for losses in self.waiting])
        values = self.fabric.all_reduce(table).tolist()  # type: ignore[union-attr]
        for number, row in enumerate(values, step - len(values) + 1):
            for name, value in zip(names, row, strict=True):
                if not math.isfinite(value):
                    raise UserError(
                        f"step {number}: expected a finite loss, found {name} = {value}; lower the learning rate, or raise warmup where there is one"
                    )
        self.steps += [dict(zip(names, row, strict=True)) for row in values]
        self.waiting = []

    def flush(self, step: int) -> None:
        """Make a point of the losses since the last one, if there are any."""
        self.check(step)
        if self.steps:
            means = {name: math.fsum(losses[name] for losses in self.steps) / len(self.steps) for name in self.steps[0]}
            self.steps = []
            self.points.append({"step": step, **means})
            self._write(self.points[-1])

    @property
    def latest(self) -> str:
        """The last point in words."""
        return ", ".join(f"{name} {value:.3f}" for name, value in self.points[-1].items() if name != "step") if self.points else ""

    def picture(self, step: int, draw: Callable[[], np.ndarray]) -> None:
        """Write the image grid (H, W, 3) uint8 that `draw` makes as the samples of step `step`."""
        if self.fabric.is_global_zero:
            path = self.folder / "samples" / f"{step:06d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(draw(), ".jpg"))

    def state_dict(self) -> dict[str, Any]:
        """All points, and the losses since the last one; `check` comes first."""
        return {"points": self.points, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the points over and write them anew."""
        self.points, self.steps, self.live = state["points"], state["steps"], None
        for point in self.points:
            self._write(point)

    def _write(self, point: dict[str, float]) -> None:
        if not self.fabric.is_global_zero:
            return
        if self.live is None:
            self.live = open_live(self.folder)
        self.live.step = int(point["step"])
        for name, value in point.items():
            if name != "step":
                self.live.log_metric(name, value)


def open_live(folder: Path) -> Live:
    """DVCLive's writer below `folder`; what stands there is removed.

    DVCLive opens the repository to look up the experiment's name and leaves its object files open; nothing here needs it again.
    """
    live = Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None)
    if live._dvc_repo is not None:
        live._dvc_repo.close()
    return live
