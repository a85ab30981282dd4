"""How long a run's trainings took, as its output says."""

import re

from experiments.commands import dvc
from pipeline.utils.errors import UserError

STAGES = {"coarse": ("train_g1",), "refined": ("train_g1", "train_g2")}  # whose trainings an image takes
_END = re.compile(r"^(train_g[12]): step (\d+) of \2, .*?took ([\d.]+) (s|min)", re.MULTILINE)


def training_minutes(task: str | None) -> dict[str, float]:
    """Image -> minutes of training until it can be painted, where a task of the queue ran all of it; not where DVC's cache had a part already."""
    try:
        return minutes_in(dvc("queue", "logs", task)) if task else {}
    except UserError:  # its output is gone, or there never was any
        return {}


def minutes_in(output: str) -> dict[str, float]:
    """The same, from a run's output; a training that went on from a checkpoint says nothing of the whole."""
    ended = {stage: float(took) / (60 if unit == "s" else 1) for stage, _, took, unit in _END.findall(output)}
    whole = {stage: took for stage, took in ended.items() if re.search(rf"^{stage}: step 0 of ", output, re.MULTILINE)}
    return {image: round(sum(whole[stage] for stage in stages), 1) for image, stages in STAGES.items() if whole.keys() >= set(stages)}
