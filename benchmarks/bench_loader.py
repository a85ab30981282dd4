"""Batches against training: images/s of the loader and of a training step of G1, in one process, with the values of params.yaml.

Prints both and their ratio (at least 5): how much faster batches are made than they are used.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from pipeline.config.params import Params, check_params
from pipeline.networks.coarse import make_coarse
from pipeline.networks.lifter import Lifter
from pipeline.packs.batches import Batch, batch_indices, make_batch
from pipeline.packs.pack import Pack, Twins
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.skeleton import LIMBS
from pipeline.training.losses import masked_l1

ROWS, PAIRS, STEPS = 4000, 40000, 15


def invented_pack(size: tuple[int, int]) -> Pack:
    """Noise as images, and poses that fill them."""
    rng = np.random.default_rng(0)
    text, pose_3d = np.full(ROWS, "S1"), np.zeros((ROWS, 17, 3), np.float32)
    return Pack(
        image=rng.integers(0, 256, (ROWS, *size, 3), dtype=np.uint8),
        pose_2d=(rng.random((ROWS, 17, 2)) * size[::-1]).astype(np.float32),
        label=rng.integers(-1, 2, (ROWS, len(LIMBS)), dtype=np.int8),
        pose_3d=pose_3d,
        frame=np.arange(ROWS, dtype=np.int32),
        subject=text,
        sequence=text,
        identity=text,
        action=text,
        camera=text,
        offset={"S1": 0},
        label_truth=None,
        label_clear=None,
        twins=Twins(np.zeros((0, *size, 3), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros((0, 8), np.int8), pose_3d[:0]),
    )


def seconds(work: Callable[[int], object]) -> float:
    """Median wall-clock time of one call, after three to warm up."""
    times = []
    for step in range(STEPS + 3):
        start = time.perf_counter()
        work(step)
        times.append(time.perf_counter() - start)
    return median(times[3:])


def main() -> None:
    """Measure both."""
    params = check_params(Path(__file__).resolve().parents[1] / "params.yaml")
    assert isinstance(params, Params)
    train, model, size = params.train_g1, params.model, params.data.image_size
    torch.set_num_threads(train.threads)
    pack, pairs = invented_pack(size), np.random.default_rng(0).integers(0, ROWS, (PAIRS, 2))
    conditioning = BodyConditioning(
        params.pose, Lifter(params.train_lifter.width, params.train_lifter.blocks, params.pose.rule) if params.pose.lift else None
    )
    network = make_coarse(conditioning, size, model)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(network.parameters(), train.lr, fused=True)

    def load(step: int) -> Batch:
        rows, flips = batch_indices(train.seed, step, pairs, train.batch_size, train.flip)
        return make_batch(pack, rows, flips, conditioning)

    batch = load(0)

    def learn(_: int) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=train.precision == "bf16-mixed"):
            coarse = network(*batch.seen)
        loss = masked_l1(coarse.float(), batch.target, batch.mask)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    loading, learning = (train.batch_size / seconds(work) for work in (load, learn))
    print(f"loader {loading:.0f} images/s, training of G1 {learning:.0f} images/s, ratio {loading / learning:.1f} (at least 5)")


if __name__ == "__main__":
    main()
