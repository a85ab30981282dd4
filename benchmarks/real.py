"""What a model learns of a real recording in a stated time: scores of one camera's pairs and of pairs across cameras, and a sheet to look at.

`python -m benchmarks.real ROOT OUT` runs the stages on the recording ROOT, in Human3.6M's layout, with the parameters of `make repro` and what
`--set` changes, as `dvc repro` would; `--minutes` is how long the lifter, G1 and G2 train together. OUT/real.json has the scores in the
blocks `same_camera` and `across_cameras`, OUT/real.png source, pose, truth, coarse and refined image of some pairs of either kind. Two runs are
compared on one machine, with the same pairs: what is random follows the seeds, but how many steps fit into the time does not.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
import torch
from ruamel.yaml import YAML

from experiments.runs import with_overrides
from pipeline.config.data import DataConfig
from pipeline.config.section import load_config
from pipeline.evaluation.painted import paint_pairs
from pipeline.evaluation.pair_scores import PairScores
from pipeline.evaluation.scores.declared import USUAL_SCORES
from pipeline.inference.batched import BatchedGenerator, Task
from pipeline.inference.generator import load_generator
from pipeline.packs.pack import read_packs
from pipeline.packs.pairs import read_pairs
from pipeline.pose.drawing import draw_pose
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_folder, write_json
from pipeline.utils.images import encode, image_grid
from pipeline.utils.memory import keep_memory
from pipeline.utils.params_file import read_params
from pipeline.utils.tensors import as_rows
from stages.command import existing, one_line

ROOT = Path(__file__).parents[1]
TRIED = 40  # steps of either network by which its speed is measured
G2_SHARE = 0.2  # of the time that the lifter leaves
SHOWN = 5  # pairs of either kind on the sheet
FILES = ("real.json", "real.png")


@click.command()
@click.argument("root", type=existing)
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Time for the lifter, G1 and G2 together."
)
@click.option("--set", "overrides", multiple=True, metavar="SECTION.NAME=VALUE", help="A parameter's value, as for `dvc exp run -S`.")
@click.option("--params", type=existing, default=ROOT / "params.yaml", help="The parameters to begin with.")
@one_line
def main(root: Path, out: Path, minutes: float, overrides: Sequence[str], params: Path) -> None:
    """Train on the recording ROOT for a stated time, and write scores and a sheet to the folder OUT."""
    subjects = sorted(path.name for path in root.iterdir() if (path / "MyPoseFeatures").is_dir())
    if len(subjects) < 2:
        raise UserError(f"{root}: expected at least two subjects in Human3.6M's layout, one of them to score, found {', '.join(subjects) or 'none'}")
    values = {"data.root": str(root.absolute()), "data.subjects": subjects, "data.test_subjects": subjects[-1:], "pairs.across_cameras": True}
    for override in overrides:
        name, _, value = override.partition("=")
        values[name] = YAML(typ="safe").load(value)
    work = out.with_name(f"{out.name}.work")
    if work.exists() and not (work / "params.yaml").is_file():
        raise UserError(f"{work}: is there already, and is no folder of an earlier run; move it, or give OUT another name")
    work.mkdir(parents=True, exist_ok=True)
    chain = Chain(work, with_overrides(read_params(params), values))
    seconds = chain.run(60 * minutes)
    with atomic_folder(out, FILES) as folder:
        write_json(folder / FILES[0], {"minutes": minutes, "seconds": seconds, "steps": chain.steps} | judge(chain, folder / FILES[1]))
    click.echo(f"{out}: {', '.join(FILES)}; what the stages wrote stays in {work}")


class Chain:
    """The stages of the graph, one after the other, below the folder `work`; steps : of each training."""

    def __init__(self, work: Path, values: dict[str, Any]) -> None:
        self.work, self.values = work, values
        self.steps: dict[str, int] = {}

    def run(self, seconds: float) -> dict[str, float]:
        """All stages up to G2, of which the trainings take about so long together: their seconds."""
        self._write()
        self._stage("index", "manifest")
        for subject in self.values["data"]["subjects"]:
            self._stage("extract", subject, "manifest", f"frames/{subject}")
            self._stage("project", subject, "manifest", f"poses/{subject}.h5")
            self._stage("pack", subject, f"frames/{subject}", f"poses/{subject}.h5", f"packed/{subject}.h5")
        self._stage("pair", "packed", "pairs")
        g1: tuple[str, ...] = ("packed", "pairs", "g1.safetensors", "curves_g1")
        taken: dict[str, float] = {"train_lifter": 0.0}
        if self.values["pose"]["lift"]:
            taken["train_lifter"] = self._stage("train_lifter", "packed", "lifter.safetensors", "curves_lifter")
            g1 = *g1, "--lifter", "lifter.safetensors"
        g2 = ("packed", "pairs", "g1.safetensors", "g2.safetensors", "d.safetensors", "curves_g2")
        left = seconds - taken["train_lifter"]
        for stage, arguments, share in (("train_g1", g1, 1 - G2_SHARE), ("train_g2", g2, G2_SHARE)):
            self._fit(stage, arguments, left * share)
            taken[stage] = self._stage(stage, *arguments)
        return taken

    def _fit(self, stage: str, arguments: Sequence[str], seconds: float) -> None:
        """Set the steps of a training so that it takes about so long, by the speed of two short ones."""
        times = []
        for steps in (TRIED // 2, TRIED + TRIED // 2):
            self._set(stage, steps)
            times.append(self._stage(stage, *arguments))
        per_step = max((times[1] - times[0]) / TRIED, 1e-3)
        self._set(stage, max(TRIED, round((seconds - times[0]) / per_step + TRIED // 2)))

    def _set(self, stage: str, steps: int) -> None:
        self.steps[stage] = self.values[stage]["steps"] = steps
        self.values[stage]["warmup"] = min(self.values[stage]["warmup"], steps // 4)
        self._write()

    def _write(self) -> None:
        with (self.work / "params.yaml").open("w", encoding="utf-8") as file:
            YAML().dump(self.values, file)

    def _stage(self, name: str, *arguments: str) -> float:
        """Run a stage on paths below the folder; its seconds. Raises UserError where it fails."""
        as_they_are = ("--lifter", *self.values["data"]["subjects"])
        placed = [argument if argument in as_they_are else str(self.work / argument) for argument in arguments]
        start = perf_counter()
        command = [sys.executable, "-m", f"stages.{name}", *placed, "--params", str(self.work / "params.yaml"), "--force"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise UserError(f"the stage `{name}` failed; what it said stands above")
        return perf_counter() - start


def judge(chain: Chain, sheet: Path) -> dict[str, Any]:
    """Scores of the test pairs of one camera and across cameras, each image's, and a picture of some of either."""
    fix_arithmetic(chain.values["evaluate"]["threads"])
    keep_memory()
    data = load_config(DataConfig, chain.work / "params.yaml", "data")
    pack = read_packs(chain.work / "packed", data.test_subjects)
    pairs = read_pairs(chain.work / "pairs" / "test.csv", pack)
    generator = load_generator(chain.work / "g1.safetensors", chain.work / "g2.safetensors")
    batched = BatchedGenerator(generator, pack, 64, torch.device("cpu"))
    one_camera = pack.camera[pairs[:, 0]] == pack.camera[pairs[:, 1]]
    shown_images = [batched.scored.index(image) for image in ("coarse", "refined")]
    figures: dict[str, Any] = {}
    rows: list[list[np.ndarray]] = []
    for name, chosen in (("same_camera", pairs[one_camera]), ("across_cameras", pairs[~one_camera])):
        task = Task(chosen[:, 0], chosen[:, 1], pack.label[chosen[:, 1]])
        scores = PairScores(batched.scored, USUAL_SCORES, len(task))
        shown = set(np.linspace(0, len(task) - 1, SHOWN).astype(int).tolist()) if len(task) else set()
        with torch.inference_mode():
            for painted in paint_pairs(batched, task):
                scores.add(painted)
                first = int(painted.number[0])
                here = sorted(shown & set(painted.number.tolist()))
                rows += [_row(batched, task, number, as_rows(painted.images[shown_images, number - first])) for number in here]
        figures[name] = {"pairs": len(task)} | (scores.figures(pack.identity[task.target]) if len(task) else {})
    sheet.write_bytes(encode(image_grid(["source", "pose", "truth", "coarse", "refined"], rows, 256), ".png"))
    return figures


def _row(batched: BatchedGenerator, task: Task, number: int, painted: np.ndarray) -> list[np.ndarray]:
    pack, source, target = batched.pack, task.source[number], task.target[number]
    return [pack.image[source], draw_pose(pack.pose_2d[target], task.label[number], batched.size), pack.image[target], *painted]


if __name__ == "__main__":
    main()
