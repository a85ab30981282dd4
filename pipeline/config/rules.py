"""What must hold between the sections of recipes that train networks; raised as faults of a validator of the whole file."""

import math

from pipeline.config.data import PairsConfig
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import refuse
from pipeline.config.train import LoopConfig, TrainG1Config, TrainG2Config

LEAST_SCORED = 11  # px, the window of SSIM
LEAST_RATE, MOST_RATE = 1e-9, 10.0  # below, float32 weights do not change; above, losses are soon no numbers
STRATEGIES = ("auto", "ddp", "ddp_find_unused_parameters_true", "ddp_find_unused_parameters_false", "dp", "fsdp", "deepspeed")


def check_painting(
    image_size: tuple[int, int],
    heatmap_radius: float,
    pairs: PairsConfig,
    model: ModelConfig,
    train_g1: TrainG1Config,
    train_g2: TrainG2Config,
    parallel: ParallelConfig,
) -> None:
    """Raise a fault where images of `image_size` (height, width), px, cannot be paired, drawn or painted so."""
    if min(image_size) < LEAST_SCORED:
        raise refuse("data.image_size", f"{list(image_size)}: the scores need images of at least {LEAST_SCORED} x {LEAST_SCORED} px")
    model.check_size(image_size)
    for section, loop in (("train_g1", train_g1), ("train_g2", train_g2)):
        if loop.half_size:
            model.check_half_size(section, image_size)
    check_training(parallel, train_g1=train_g1, train_g2=train_g2)
    check_rate("train_g2.d_lr", train_g2.d_lr)
    if heatmap_radius >= min(image_size):
        raise refuse("pose.heatmap_radius", f"{heatmap_radius:g}: expected less than the shorter side of data.image_size, {min(image_size)} px")
    diagonal = math.hypot(*image_size)
    if pairs.min_distance >= diagonal:
        raise refuse("pairs.min_distance", f"{pairs.min_distance:g}: no two poses in an image of {list(image_size)} are so far apart; lower it")


def check_training(parallel: ParallelConfig, **loops: LoopConfig) -> None:
    """Raise a fault where these trainings, by section, cannot run so."""
    if parallel.strategy not in STRATEGIES:
        raise refuse("parallel.strategy", f"{parallel.strategy}: expected one of {', '.join(STRATEGIES)}")
    shares = parallel.devices * parallel.nodes
    for name, loop in loops.items():
        check_rate(f"{name}.lr", loop.lr)
        if loop.batch_size % shares:
            raise refuse(f"{name}.batch_size", f"{loop.batch_size}: expected a multiple of the {shares} devices that share it (section parallel)")
        if loop.precision == "16-mixed" and parallel.accelerator == "cpu":
            raise refuse(f"{name}.precision", "16-mixed: a CPU cannot train with it; use bf16-mixed or 32-true")


def check_rate(key: str, rate: float) -> None:
    """Raise a fault where a network learns nothing with this learning rate."""
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise refuse(key, f"{rate:g}: expected a learning rate from {LEAST_RATE:g} to {MOST_RATE:g}")
