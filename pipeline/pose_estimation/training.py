"""How the pose estimator is trained: one visible loop, as those of `training/generators.py`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric

from pipeline.config.pose_net import PoseDataConfig, PoseNetConfig, TrainPoseConfig
from pipeline.networks.openpose import PoseNet, bones
from pipeline.packs.pack import Pack, pack_path, read_packs
from pipeline.pose_estimation.batches import Crops, draw_batch, read_crops
from pipeline.pose_estimation.peaks import locate
from pipeline.pose_estimation.pictures import skeleton_grid
from pipeline.pose_estimation.targets import draw_targets, pose_loss
from pipeline.training.curves import Curves
from pipeline.training.loop import CURVES, Average, TrainingRun, due, optimiser_step, precision_of, schedule, scratch_of, setup
from pipeline.training.resume import fingerprint
from pipeline.utils.errors import UserError
from pipeline.utils.progress import ProgressLine

BETAS = (0.9, 0.999)
SAMPLES = 8  # of an image grid


@dataclass(frozen=True)
class PoseTraining(TrainingRun):
    """What a training needs beside its network: the packs, and how it runs."""

    pack: Pack
    config: TrainPoseConfig

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the crops, px."""
        height, width = self.pack.image.shape[1:3]
        return height, width

    @classmethod
    @contextmanager
    def open(
        cls, fabric: Fabric, packed: Path, data: PoseDataConfig, net: PoseNetConfig, backbone: str, config: TrainPoseConfig
    ) -> Iterator["PoseTraining"]:
        """The training of one backbone on the packs below `packed`; its scratch folder is locked meanwhile and removed at the end."""
        pack = read_packs(packed, data.train_subjects)
        if not len(pack):
            raise UserError(f"{packed}: no images to train on; add to data.train_subjects")
        chosen = net.model_dump(mode="json", exclude={"backbones"})
        settings = [backbone, fabric.device.type, fabric.world_size, precision_of(fabric), chosen, config.model_dump(mode="json")]
        files = [pack_path(packed, subject) for subject in data.train_subjects]
        with scratch_of(fabric, "train_pose", lambda: fingerprint(settings, files, __name__)) as scratch:
            yield cls(fabric, scratch, pack, config)


def train_pose(run: PoseTraining, net: PoseNetConfig, backbone: str) -> PoseNet:
    """A pose estimator for the joints of the packs, from close-ups and then from whole crops; returns the averaged network.

    Raises UserError where a loss is not finite, or where the crops do not fit the stride.
    """
    fabric, config, size = run.fabric, run.config, run.size
    if any(side % net.stride for side in size):
        raise UserError(f"pose_net.stride = {net.stride}: expected crops that are multiples of it, found {size[0]} x {size[1]} px")
    torch.manual_seed(config.seed)
    joints = run.pack.pose_2d.shape[1]
    network = PoseNet(joints, backbone, net.width, net.stages, net.stride, list(size))
    pose_net, optimiser = setup(fabric, network, config.lr, BETAS)
    average = Average(network, config.ema)
    curves = Curves(run.scratch / CURVES, config.log_every, fabric)
    parts = {"pose_net": pose_net, "average": average, "optimiser": optimiser, "curves": curves, "precision": fabric.strategy.precision}
    phases = _phases(config, backbone)
    start, steps = run.start(parts), phases[-1].end
    for name, begin, end, images in phases:
        title, quiet = f"train_pose {backbone}, {name}", not fabric.is_global_zero
        with ProgressLine(title, end, max(start, begin), "images", images, quiet) as progress:
            for step in range(max(start, begin), end):
                crops = draw_batch(run.pack, config, step, fabric.device, fabric.global_rank, fabric.world_size)
                height, width = crops.image.shape[2:]
                targets = draw_targets(crops.pose_2d, bones(joints), (height, width), net.stride, net.sigma)
                heat, paf = pose_loss(pose_net(crops.image.contiguous(memory_format=torch.channels_last)), targets)
                rate = config.lr * schedule(step - begin, end - begin, config.warmup)
                optimiser_step(fabric, pose_net, optimiser, heat + paf, rate, config.clip)
                average.update(pose_net, step)

                done = step + 1
                curves.add(done, heat=heat, paf=paf)
                if due(done, config.sample_every, steps):
                    curves.picture(done, lambda: _grid(run, average.network))
                if due(done, config.checkpoint_every, steps):
                    curves.check(done)
                    run.save(done, parts)
                progress.tick(done, curves.latest)
    curves.flush(steps)
    return average.network


class Phase(NamedTuple):
    """Steps `begin` to `end` (exclusive) of a training, of so many images each."""

    name: str
    begin: int
    end: int
    images: int


def _phases(config: TrainPoseConfig, backbone: str) -> list[Phase]:
    first, images = config.close_ups.steps, config.batch_size * config.close_ups.images
    last = first + config.steps * getattr(config.longer, backbone)
    return [Phase("close-ups", 0, first, images), Phase("whole crops", first, last, config.batch_size)]


@torch.inference_mode()
def _grid(run: PoseTraining, network: PoseNet) -> np.ndarray:
    """Some of the crops with the joints that are found in them."""
    rows = np.linspace(0, len(run.pack) - 1, SAMPLES).astype(int)
    crops: Crops = read_crops(run.pack, rows, np.zeros(SAMPLES, bool), run.fabric.device)
    heat = network(crops.image)[-1].heat.float().cpu().numpy()
    found = np.stack([locate(one, network.config["stride"]) for one in heat])
    return skeleton_grid(run.pack.image[rows], {"found": found, "truth": run.pack.pose_2d[rows]})
