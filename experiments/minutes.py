"""How long a run's trainings took, as its output says."""

import re
from collections.abc import Mapping

from experiments.commands import dvc
from pipeline.utils.errors import UserError

STAGES = {"coarse": ("train_g1",), "refined": ("train_g1", "train_g2")}  # whose trainings an image takes
_END = re.compile(r"^(train_g[12]): step (\d+) of \2, .*?took ([\d.]+) (s|min)", re.MULTILINE)


def training_minutes(task: str | None) -> dict[str, float]:
    """Stage -> minutes, of the trainings that a task of the queue ran from their first step to their last; not of what DVC's cache had already."""
    try:
        return minutes_in(dvc("queue", "logs", task)) if task else {}
    except UserError:  # its output is gone, or there never was any
        return {}


def minutes_in(output: str) -> dict[str, float]:
    """The same, from a run's output."""
    ended = {stage: float(took) / (60 if unit == "s" else 1) for stage, _, took, unit in _END.findall(output)}
    return {stage: round(took, 1) for stage, took in ended.items() if re.search(rf"^{stage}: step 0 of ", output, re.MULTILINE)}


def minutes_to(image: str, minutes: Mapping[str, float]) -> float | None:
    """Minutes of training until a run can paint an image; None where one of them is not known."""
    stages = STAGES[image]
    return sum(minutes[stage] for stage in stages) if minutes.keys() >= set(stages) else None
