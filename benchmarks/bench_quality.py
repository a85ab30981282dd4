"""Time to quality: after how long do the coarse images of PG2 as published, and of the default, reach given scores?

Both are trained in one run, on the same cores and pairs. `python -m benchmarks.bench_quality` trains each G1 for a few minutes, on the packs that
`make repro` has left, after the lifter of the default; with `--minutes 0` both train to the end of their schedules, which takes an hour or two.
PG2 as published is the run `pg2-2d` of experiments/ablation.yaml, the default is params.yaml as it is.

Each way trains as its stages do, in a process of its own, on the same batches, with the same threads and number format. The two take turns of
some seconds, so that other work on the machine disturbs both alike, and each way's clock counts its own seconds only. The training of the lifter
counts, where a way has one. What does not count is reading packs and compiling, and the scores themselves: of the averaged network's images of a
fixed share of the test pairs. A short budget cuts the schedules off, it does not shorten them. G2 is not trained: it begins where G1 ends, and is
the same for both.
"""

import csv
import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass, fields
from io import StringIO
from multiprocessing import get_context
from multiprocessing.context import SpawnContext
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from time import perf_counter
from typing import Any

import click
import numpy as np
import torch
from lightning_fabric import Fabric
from matplotlib.figure import Figure
from ruamel.yaml import YAML
from torch import nn

from experiments.runs import read_list, with_overrides
from pipeline.config.data import DataConfig
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.config.train import TrainG1Config, TrainLifterConfig
from pipeline.evaluation.scores.image.l1 import l1
from pipeline.evaluation.scores.image.ssim import ssim
from pipeline.evaluation.scores.score import ImagePairs
from pipeline.networks.coarse import conditioning_of
from pipeline.networks.lifter import Lifter
from pipeline.packs.batches import Batch, make_batch
from pipeline.packs.pack import Pack, read_columns, read_packs
from pipeline.packs.pairs import read_pairs
from pipeline.training.generators import GeneratorTraining, train_g1
from pipeline.training.launch import one_process
from pipeline.training.lifter import LifterTraining, train_lifter
from pipeline.training.loop import make_fabric, precision_of
from pipeline.training.objectives import make_objective
from pipeline.utils.errors import UserError
from pipeline.utils.numbers import spread
from pipeline.utils.params_file import read_params
from pipeline.utils.tensors import to_uint8
from stages.command import existing, one_line

ROOT = Path(__file__).resolve().parents[1]
PACKED, PAIRS = Path("data/packed"), Path("data/pairs")
PUBLISHED = "pg2-2d"
WAYS = {PUBLISHED: "PG2 as published", "default": "the default"}
TURN = 5.0  # s that a way trains before it is the other's turn
LOOK_EVERY = 5  # steps between two looks at whether a score is due
LIFTER_TURN = 100  # steps of the lifter between two looks at whether it is the other's turn
SCORE_AFTER = 1.05  # times the seconds of the last score: as many scores early as late
SCORE_LEAST = 5.0  # s between two scores at least
CHUNK = 64  # test pairs at a time


@dataclass(frozen=True)
class Scored:
    """What a way had reached after so many of its own seconds and steps: means over the test pairs, of the averaged network's coarse images."""

    way: str
    seconds: float
    step: int
    ssim: float
    l1: float


@dataclass(frozen=True)
class Setting:
    """What both ways have in common: where packs and pairs lie, how many test pairs are scored, and for how many seconds G1 is trained at most."""

    packed: Path
    pairs: Path
    scored: int
    seconds: float


class TimeIsUp(Exception):
    """A way has used its budget."""


class Turns:
    """Whose turn it is, among processes: one of them works, the others wait."""

    def __init__(self, context: SpawnContext, count: int) -> None:
        self.changed = context.Condition()
        self.holder = context.Value("i", 0, lock=False)
        self.present = context.Array("b", [1] * count, lock=False)

    def wait(self, number: int) -> None:
        """Until it is this one's turn."""
        with self.changed:
            self.changed.wait_for(lambda: self.holder.value == number)

    def hand_on(self, number: int) -> None:
        """Give the turn to the next one that is still there."""
        with self.changed:
            later = [*range(number + 1, len(self.present)), *range(number + 1)]
            self.holder.value = next((other for other in later if self.present[other]), number)
            self.changed.notify_all()

    def leave(self, number: int) -> None:
        """Take no further turn."""
        with self.changed:
            self.present[number] = 0
        self.hand_on(number)


@dataclass
class Clock:
    """A way's own seconds, which run while it has its turn and is not scored; end : how many there are at most."""

    turns: Turns
    number: int
    end: float = math.inf
    before: float = 0.0  # s of the turns before this one
    turn: float = 0.0  # s of this turn until the last stop
    began: float | None = None

    @property
    def seconds(self) -> float:
        """So far."""
        return self.before + self.turn + (perf_counter() - self.began if self.began is not None else 0.0)

    def run(self) -> None:
        """Go on."""
        self.began = perf_counter()

    def stop(self) -> None:
        """Stand still."""
        assert self.began is not None
        self.turn += perf_counter() - self.began
        self.began = None

    def take_turns(self) -> None:
        """Wait for the next turn where this one has been long enough. Raises TimeIsUp at the end."""
        self.stop()
        if self.seconds > self.end:
            raise TimeIsUp
        if self.turn > TURN:
            self.before, self.turn = self.seconds, 0.0
            self.turns.hand_on(self.number)
            self.turns.wait(self.number)
        self.run()


@dataclass
class Judge:
    """Scores a network off the clock, the more rarely the longer it has trained, and sends what it finds to `found`."""

    way: str
    batches: list[Batch]
    clock: Clock
    found: "Queue[Scored]"
    last: float = 0.0  # s at the last score

    def look(self, network: nn.Module, step: int, steps: int) -> None:
        """Score the network after `step` steps of `steps`, if that is due."""
        seconds = self.clock.seconds
        if step < steps and seconds < max(self.last + SCORE_LEAST, self.last * SCORE_AFTER):
            return
        self.clock.stop()
        self.last = seconds
        self.found.put(Scored(self.way, seconds, step, *self._scores(network)))
        self.clock.run()

    @torch.inference_mode()
    def _scores(self, network: nn.Module) -> tuple[float, float]:
        """SSIM and L1."""
        values = []
        for batch in self.batches:
            body = batch.mask.bool()
            pairs = ImagePairs(to_uint8(network(*batch.seen)), to_uint8(batch.target), body, body)
            values.append(torch.stack([ssim(pairs), l1(pairs)]))
        mean_ssim, mean_l1 = torch.cat(values, dim=1).mean(dim=1).tolist()
        return mean_ssim, mean_l1


@dataclass(frozen=True)
class TimedTraining(GeneratorTraining):
    """A training that takes turns, and that is judged where another saves its state."""

    judge: Judge

    def batches(self, *args: Any, **kwargs: Any) -> Iterator[Batch]:
        """As any training's, each in its turn."""
        for batch in super().batches(*args, **kwargs):
            self.judge.clock.take_turns()
            yield batch

    def save(self, step: int, parts: Any) -> None:
        """Judge the average instead."""
        self.judge.look(parts["average"].network, step, self.config.steps)


@dataclass(frozen=True)
class TimedLifterTraining(LifterTraining):
    """A training of the lifter that takes turns where another saves its state."""

    clock: Clock

    def save(self, *_: Any) -> None:
        """Take turns instead."""
        self.clock.take_turns()


def train(way: str, params: Path, setting: Setting, clock: Clock, found: "Queue[Scored]") -> None:
    """One way, in a process of its own."""
    clock.turns.wait(clock.number)
    try:
        with redirect_stderr(StringIO()):  # progress that counts the other's turns, too
            _train(way, params, setting, clock, found)
    except TimeIsUp:
        pass
    finally:
        clock.turns.leave(clock.number)


def _train(way: str, params: Path, setting: Setting, clock: Clock, found: "Queue[Scored]") -> None:
    data, model, pose = load_config(DataConfig, params, "data"), load_config(ModelConfig, params, "model"), load_config(PoseConfig, params, "pose")
    config = load_config(TrainG1Config, params, "train_g1")
    config = config.model_copy(update={"checkpoint_every": LOOK_EVERY, "sample_every": config.steps})
    fabric = make_fabric(load_config(ParallelConfig, params, "parallel"), config)
    pack = read_packs(setting.packed, data.train_subjects)
    pairs = read_pairs(setting.pairs / "train.csv", pack)
    untrained = conditioning_of(model, pose, Lifter(8, 1, pose.rule if pose.depth else None) if pose.lift else None)
    make_batch(pack, pairs[: config.batch_size], None, untrained)  # compiles what is compiled once per machine
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in ("lifter", "g1")]
        for folder in folders:
            folder.mkdir()
        if pose.lift:
            print(f"{WAYS[way]}: its lifter is trained first", flush=True)
        clock.run()
        lifter = _lifter(params, setting, data, pose, folders[0], clock) if pose.lift else None
        clock.stop()
        print(f"{WAYS[way]}: {precision_of(fabric)}, {config.steps} steps, after {clock.seconds:.0f} s for the lifter", flush=True)
        conditioning = conditioning_of(model, pose, lifter)
        clock.end = clock.seconds + setting.seconds
        judge = Judge(way, scored_batches(setting, data, conditioning), clock, found)
        clock.run()
        small = pack.halved() if config.half_size_steps else None
        train_g1(TimedTraining(fabric, folders[1], pack, small, pairs, conditioning, config, judge), model, config, make_objective(model, config))


def _lifter(params: Path, setting: Setting, data: DataConfig, pose: PoseConfig, scratch: Path, clock: Clock) -> Lifter:
    """The lifter, trained as its stage does."""
    pose_3d = np.concatenate([read_columns(setting.packed, subject, ("pose_3d",))["pose_3d"] for subject in data.train_subjects])
    config = load_config(TrainLifterConfig, params, "train_lifter").model_copy(update={"checkpoint_every": LIFTER_TURN})
    return train_lifter(TimedLifterTraining(Fabric(accelerator="cpu", devices=1, plugins=one_process()), scratch, pose_3d, pose, config, clock))


def scored_batches(setting: Setting, data: DataConfig, conditioning: Any) -> list[Batch]:
    """The test pairs that are scored, evenly spread."""
    pack: Pack = read_packs(setting.packed, data.test_subjects)
    pairs = spread(read_pairs(setting.pairs / "test.csv", pack), setting.scored)
    return [make_batch(pack, pairs[first : first + CHUNK], None, conditioning) for first in range(0, len(pairs), CHUNK)]


def race(params: Path, setting: Setting, folder: Path) -> list[Scored]:
    """Train both ways in turns, and say every score as it comes; folder : for the parameters of each way. Raises UserError where one breaks off."""
    context = get_context("spawn")
    turns, found = Turns(context, len(WAYS)), context.Queue()
    overrides = {run.name: run.overrides for run in read_list(ROOT / "experiments" / "ablation.yaml").runs}
    children = []
    for number, way in enumerate(WAYS):
        own = folder / f"{way}.yaml"
        with own.open("w") as file:
            YAML().dump(with_overrides(read_params(params), overrides.get(way, {})), file)
        children.append(context.Process(target=train, args=(way, own, setting, Clock(turns, number), found), daemon=True))
    for child in children:
        child.start()
    scores = list[Scored]()
    while any(child.is_alive() for child in children) or not found.empty():
        if any(child.exitcode for child in children):
            raise UserError("a training broke off; what it said stands above")
        try:
            scores.append(found.get(timeout=1))
        except Empty:
            continue
        last = scores[-1]
        print(f"{WAYS[last.way]:<16} {last.seconds:7.1f} s  step {last.step:5}  SSIM {last.ssim:.4f}  L1 {last.l1:.4f}", flush=True)
    return scores


def first_reached(scores: Sequence[Scored], way: str, goal: float) -> float | None:
    """Seconds of a way's first score that is as good as `goal`, None where there is none."""
    return next((score.seconds for score in scores if score.way == way and score.ssim >= goal), None)


def summary(scores: Sequence[Scored], goals: Sequence[float]) -> str:
    """When each way reaches each goal, and how many times sooner the default does; the last goal is what PG2 as published ends with."""
    final = max((score.seconds, score.ssim) for score in scores if score.way == PUBLISHED)[1]
    lines = [f"{'SSIM':<10}{'as published':>14}{'default':>10}{'ratio':>8}"]
    for goal, mark in [*((goal, "") for goal in sorted(goals)), (final, " (last)")]:
        published, default = (first_reached(scores, way, goal) for way in WAYS)
        shown = [f"{seconds:.0f} s" if seconds is not None else "not yet" for seconds in (published, default)]
        ratio = f"{published / default:.1f}" if published is not None and default is not None else ""
        lines.append(f"{f'{goal:.3f}{mark}':<13}{shown[0]:>11}{shown[1]:>10}{ratio:>8}")
    return "\n".join(lines)


def write(folder: Path, scores: Sequence[Scored]) -> None:
    """All scores as a table, and SSIM against seconds as a plot."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "quality.tsv").open("w", newline="") as file:
        table = csv.DictWriter(file, [column.name for column in fields(Scored)], delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(score) for score in scores)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for way, title in WAYS.items():
        own = [score for score in scores if score.way == way]
        axes.plot([score.seconds / 60 for score in own], [score.ssim for score in own], marker=".", label=title)
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("SSIM of the coarse image")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(folder / "quality.png", dpi=120, metadata={"Software": None})


@click.command(help=__doc__)
@click.option("--params", type=existing, default=ROOT / "params.yaml", help="File of parameters; those of this repository without it.")
@click.option("--packed", type=existing, help="Folder of packs; data/packed without it.")
@click.option("--pairs", type=existing, help="Folder of pairs; data/pairs without it.")
@click.option("--minutes", type=click.FloatRange(min=0), default=2.0, show_default=True, help="Of training G1 for each way; 0: to the end.")
@click.option("--scored", type=click.IntRange(min=1), default=256, show_default=True, help="Test pairs that are scored.")
@click.option("--goal", type=float, multiple=True, default=(0.6, 0.65, 0.7, 0.72, 0.735, 0.75), help="SSIM to reach; may stand several times.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for quality.tsv and quality.png.")
@one_line
def main(params: Path, packed: Path | None, pairs: Path | None, minutes: float, scored: int, goal: tuple[float, ...], out: Path | None) -> None:
    """Train both, print the table, and write it where asked."""
    absent = [path for path in (packed or ROOT / PACKED, pairs or ROOT / PAIRS) if not path.exists()]
    if absent:
        print(f"{absent[0]}: not there; `make repro` makes the packs and pairs that this benchmark trains on, or name others: --packed, --pairs")
        return
    setting = Setting(packed or ROOT / PACKED, pairs or ROOT / PAIRS, scored, minutes * 60 or math.inf)
    with tempfile.TemporaryDirectory() as folder:
        scores = race(params, setting, Path(folder))
    print(summary(scores, goal))
    if out is not None:
        write(out, scores)


if __name__ == "__main__":
    main()
