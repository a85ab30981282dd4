"""One visible loop per training stage, on Lightning Fabric: any device, number format and number of processes.

The result depends on the parameters, the pairs and the kind of device alone: the batch of a step follows from seed and step, threads are
fixed, and only deterministic algorithms are used. A killed run goes on from its last state and ends with the weights of an unbroken one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from pipeline.config.model import ModelConfig
from pipeline.config.train import TrainConfig, TrainG1Config, TrainG2Config
from pipeline.networks.coarse import GENERATORS, CoarseNetwork, appearance_input_of, load_coarse, make_coarse, make_g2, map_config_of
from pipeline.networks.discriminator import D
from pipeline.networks.unet import G2
from pipeline.packs.batches import Batch, batch_indices, choose_sources, choose_twins, make_batch
from pipeline.packs.pack import Pack, pack_path, read_packs
from pipeline.packs.pairs import read_sources
from pipeline.pose.conditioning import Conditioning
from pipeline.pose.drawing import draw_pose
from pipeline.training.curves import Curves
from pipeline.training.loop import CURVES, Average, TrainingRun, due, optimiser_step, precision_of, schedule, scratch_of, setup
from pipeline.training.losses import d_loss, edge_loss, g_loss, masked_l1, order_loss
from pipeline.training.objectives import PG2_BETAS, Objective
from pipeline.training.resume import fingerprint
from pipeline.utils.errors import UserError
from pipeline.utils.images import difference_map, image_grid
from pipeline.utils.progress import ProgressLine
from pipeline.utils.tensors import as_rows, to_uint8

if TYPE_CHECKING:
    from pipeline.config.kinds import AnyData, AnyMapConfig

SAMPLES = 4  # rows of an image grid of samples
TOGETHER, TOGETHER_PIXELS = 4, 2**19  # the batches of at most so many steps, and of about so many pixels, are made together


@dataclass(frozen=True)
class GeneratorTraining(TrainingRun):
    """What a training needs beside its networks: the pairs (P, 1 + sources) of rows of the pack, what is seen of a pose, where and how it runs.

    small : the pack in images half as high and wide, for the first `config.half_size_steps` steps
    """

    pack: Pack
    small: Pack | None
    pairs: np.ndarray
    conditioning: Conditioning
    config: TrainConfig

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, px."""
        height, width = self.pack.image.shape[1:3]
        return height, width

    def batches(self, start: int, steps: int, self_reconstruction: bool = False) -> Iterator[Batch]:
        """This process' share of the batches of the steps from `start` (from 0) to `steps`; self_reconstruction : targets are their own sources."""
        small = self.config.half_size_steps
        for first, stop, pack in ((start, min(small, steps), self.small), (max(start, small), steps, self.pack)):
            if pack is not None:
                yield from self._batches_of(pack, range(first, stop), self_reconstruction)

    def _batches_of(self, pack: Pack, steps: range, self_reconstruction: bool) -> Iterator[Batch]:
        """The batches of some steps, in images as the pack has them. Those of a few steps are made together: small operations are mostly calls."""
        together = min(TOGETHER, max(1, TOGETHER_PIXELS // (self.config.batch_size * pack.image.shape[1] * pack.image.shape[2])))
        for first in range(steps.start - steps.start % together, steps.stop, together):
            group = range(first, min(first + together, steps.stop))
            pairs, flip, twin, instead = (np.concatenate(column) for column in zip(*(self._choose(pack, step) for step in group), strict=True))
            batch = make_batch(pack, pairs, flip, self.conditioning, self.fabric.device, (twin, instead), self_reconstruction)
            share = len(pairs) // len(group)
            yield from (batch.part(slice(i * share, (i + 1) * share)) for i, step in enumerate(group) if step >= steps.start)

    def _choose(self, pack: Pack, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The pairs of a step, which of them are mirrored, and their twins, as `choose_twins` gives them; none without `config.twins`."""
        rank, config = self.fabric.global_rank, self.config
        pairs, flip = batch_indices(config.seed, step, self.pairs, config.batch_size, config.flip, rank, self.fabric.world_size)
        pairs = choose_sources(config.seed, step, pairs, config.batch_size, rank)
        if not config.twins or not len(pack.twins):
            return pairs, flip, np.full(len(pairs), -1), np.zeros(len(pairs), bool)
        return pairs, flip, *choose_twins(config.seed, step, pack.twins, pairs[:, 1], config.batch_size, rank)

    def samples(self) -> Batch:
        """The pairs that are shown in the image grids of samples, not mirrored."""
        chosen = np.linspace(0, len(self.pairs) - 1, SAMPLES).astype(int)
        return make_batch(self.pack, self.pairs[chosen], None, self.conditioning, self.fabric.device)

    @classmethod
    @contextmanager
    def open(
        cls,
        stage: str,
        fabric: Fabric,
        packed: Path,
        pairs: Path,
        data: "AnyData",
        conditioning: Conditioning,
        model: ModelConfig,
        config: TrainConfig,
        *inputs: Path,
    ) -> Iterator["GeneratorTraining"]:
        """The training `stage` on the pairs in the file `pairs` among the packs in `packed`, and further `inputs`.

        Its scratch folder is locked meanwhile and removed at the end.
        """
        subjects = data.train_subjects
        pack = read_packs(packed, subjects)
        small = pack.halved() if config.half_size_steps else None
        rows = read_sources(pairs, pack)
        if conditioning.lifter is not None:
            fabric.to_device(conditioning.lifter)
        sections = (section.model_dump(mode="json") for section in (conditioning.config, model, config))
        settings = [stage, fabric.device.type, fabric.world_size, precision_of(fabric), *sections]
        files = [*(pack_path(packed, subject) for subject in subjects), pairs, *inputs]
        with scratch_of(fabric, stage, lambda: fingerprint(settings, files, __name__)) as scratch:
            yield cls(fabric, scratch, pack, small, rows, conditioning, config)


def load_g1(path: Path, image_size: tuple[int, int], model: ModelConfig, pose: "AnyMapConfig") -> tuple[CoarseNetwork, Conditioning]:
    """The trained coarse generator and what it sees; UserError where it was trained for other images, or is or sees something else."""
    network, conditioning = load_coarse(path)
    for what, found, wanted in (
        ("data.image_size", network.config["image_size"], list(image_size)),
        ("model.generator", type(network).__name__, GENERATORS[model.generator].network.__name__),
        ("model.vunet.appearance_input", conditioning.appearance_input, appearance_input_of(model)),
        ("the section pose", conditioning.config, map_config_of(model, pose)),
    ):
        if found != wanted:
            raise UserError(f"{path}: expected weights for {what} = {wanted}, found {found}; run the stage `train_g1` again")
    return network, conditioning


def train_g1(run: GeneratorTraining, model: ModelConfig, config: TrainG1Config, objective: Objective) -> CoarseNetwork:
    """The coarse generator learns what `objective` asks for; returns the averaged network.

    Raises UserError where a loss is not finite, or where the networks do not fit the image size.
    """
    fabric = run.fabric
    torch.manual_seed(config.seed)
    network = make_coarse(run.conditioning, run.image_size, model, objective.loss)
    if objective.features is not None:
        fabric.to_device(objective.features)
    objective.begin(fabric.to_device(network), lambda steps: list(run.batches(0, steps, objective.self_reconstruction)))
    g1, optimiser = setup(fabric, network, config.lr, objective.betas)
    average = Average(network, config.ema)
    curves = Curves(run.scratch / CURVES, config.log_every, fabric)
    parts = {"g1": g1, "average": average, "optimiser": optimiser, "curves": curves, "precision": fabric.strategy.precision}
    start, samples = run.start(parts), run.samples()
    with ProgressLine("train_g1", config.steps, start, "images", config.batch_size, not fabric.is_global_zero) as progress:
        for step, batch in enumerate(run.batches(start, config.steps, objective.self_reconstruction), start):
            loss, terms = objective(g1, batch, step)
            rate = config.lr * schedule(step, config.steps, config.warmup)
            optimiser_step(fabric, g1, optimiser, loss, rate, config.clip)
            average.update(g1, step)

            done = step + 1
            curves.add(done, **terms)
            if due(done, config.sample_every, config.steps):
                curves.picture(done, lambda: g1_grid(run, samples, average.network))
            if due(done, config.checkpoint_every, config.steps):
                curves.check(done)
                run.save(done, parts)
            progress.tick(done, curves.latest)
    curves.flush(config.steps)
    return average.network


def train_g2(run: GeneratorTraining, g1: CoarseNetwork, model: ModelConfig, config: TrainG2Config) -> tuple[G2, D]:
    """G2 learns what to add to the images of a fixed G1, against D; returns the averaged G2, and D.

    In the first `config.pretrain_d` steps D learns alone. Raises UserError where a loss is not finite.
    """
    fabric = run.fabric
    torch.manual_seed(config.seed)
    g2_network = make_g2(run.image_size, model)
    d_network = D(run.image_size, model.discriminator, model.border)
    g2, g2_optimiser = setup(fabric, g2_network, config.lr, PG2_BETAS)
    d, d_optimiser = setup(fabric, d_network, config.d_lr, PG2_BETAS)
    fabric.to_device(g1.eval().requires_grad_(False))
    average = Average(g2_network, config.ema)
    curves = Curves(run.scratch / CURVES, config.log_every, fabric)
    parts = {"g2": g2, "d": d, "average": average, "g2_optimiser": g2_optimiser, "d_optimiser": d_optimiser, "curves": curves}
    parts["precision"] = fabric.strategy.precision
    start, samples = run.start(parts), run.samples()
    steps = config.pretrain_d + config.steps
    with ProgressLine("train_g2", steps, start, "images", config.batch_size, not fabric.is_global_zero) as progress:
        for step, batch in enumerate(run.batches(start, steps), start):
            g2_step = step - config.pretrain_d  # from 0; before, D learns alone
            with torch.no_grad(), fabric.autocast():
                coarse = g1(*batch.seen).float()
            with torch.set_grad_enabled(g2_step >= 0):
                refined = coarse + g2(coarse, batch.source)

            loss_d = d_loss(d, batch.source, batch.target, refined, triplet=model.discriminator == "triplet")
            optimiser_step(fabric, d, d_optimiser, loss_d, config.d_lr * schedule(step, steps, config.warmup), config.clip)

            with _frozen(fabric, d):
                loss_g = g_loss(d, batch.source, refined)
                loss_l1 = masked_l1(refined, batch.target, batch.mask)
                loss_order = order_loss(refined, batch.target, batch.negative)
                loss_edges = edge_loss(refined, batch.target)
                if g2_step >= 0:
                    rate = config.lr * schedule(g2_step, config.steps, config.warmup)
                    pixels = loss_l1 + config.order_weight * loss_order + config.edge_weight * loss_edges
                    optimiser_step(fabric, g2, g2_optimiser, loss_g + model.lambda_ * pixels, rate, config.clip)
                    average.update(g2, g2_step)

            done = step + 1
            curves.add(done, d=loss_d, g=loss_g, l1=loss_l1, order=loss_order, edges=loss_edges)
            if due(done, config.sample_every, steps):
                curves.picture(done, lambda: g2_grid(run, samples, g1, average.network))
            if due(done, config.checkpoint_every, steps):
                curves.check(done)
                run.save(done, parts)
            progress.tick(done, curves.latest)
    curves.flush(steps)
    return average.network, d_network


def g1_grid(run: GeneratorTraining, samples: Batch, g1: nn.Module) -> np.ndarray:
    """Source, pose, truth and coarse image of each sample, (H, W, 3) uint8."""
    with torch.inference_mode():
        return _grid(run, samples, coarse=g1(*samples.seen))


def g2_grid(run: GeneratorTraining, samples: Batch, g1: nn.Module, g2: nn.Module) -> np.ndarray:
    """Source, pose, truth, coarse image, difference map and refined image of each sample, (H, W, 3) uint8."""
    with torch.inference_mode():
        coarse = g1(*samples.seen)
        return _grid(run, samples, coarse=coarse, refined=coarse + g2(coarse, samples.source))


def _grid(run: GeneratorTraining, samples: Batch, **painted: Tensor) -> np.ndarray:
    pack, size = run.pack, run.image_size
    images = {name: as_rows(to_uint8(value)) for name, value in painted.items()}
    rows = []
    for number, (source, target) in enumerate(samples.index.tolist()):
        pose = draw_pose(pack.pose_2d[target], pack.label[target] * run.conditioning.uses_labels, size)
        rows.append([pack.image[source], pose, pack.image[target], *(image[number] for image in images.values())])
        if "refined" in images:
            rows[-1].insert(4, difference_map(images["refined"][number], images["coarse"][number]))
    names = ["coarse", "difference", "refined"] if "refined" in images else ["coarse"]
    return image_grid(["source", "pose", "truth", *names], rows, height=max(128, size[0]))


@contextmanager
def _frozen(fabric: Fabric, network: Any) -> Iterator[None]:
    """Inside, gradients pass through the network but do not reach its weights."""
    network.requires_grad_(False)
    try:
        with fabric.no_backward_sync(network):
            yield
    finally:
        network.requires_grad_(True)
