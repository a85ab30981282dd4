"""How long the pose studio takes to repaint a person at the default size, in one pose and in a motion, as a multiple of its networks alone.

Untrained weights are as fast as trained ones.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.untrained import noise, untrained
from pipeline.config.params import Params, check_params
from pipeline.inference.transfer import transfer
from pipeline.motion.animate import make_animation
from pipeline.motion.motion_file import read_motion
from pipeline.pose.pose_file import read_pose
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.pictures import read_picture

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, THREADS = 21, 2


def median(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    times = []
    for _ in range(ROUNDS):
        since = time.perf_counter()
        work()
        times.append(time.perf_counter() - since)
    return float(np.median(times))


def main() -> None:
    """Measure all three."""
    params = check_params(ROOT / "params.yaml")
    assert isinstance(params, Params)
    fix_arithmetic(THREADS)
    generator, size = untrained(params), params.data.image_size
    image = read_picture(ROOT / "examples" / "person.png")
    own, asked = (read_pose(ROOT / "examples" / f"{name}.json") for name in ("person", "pose"))
    source = torch.zeros(1, 3, *size)
    seen = noise(generator.conditioning, 1, size)
    alone = median(lambda: generator.paint(source, seen))
    whole = median(lambda: transfer(generator, image, own, asked, params.data.margin))
    motion = read_motion(ROOT / "examples" / "motion.json")
    animation = make_animation(generator, image, own, motion, params.data.margin, steady=False, batch_size=1)
    frame = median(lambda: animation.frame(0))
    print(f"networks alone   {1000 * alone:6.1f} ms")
    print(f"one repainting   {1000 * whole:6.1f} ms, {whole / alone:.2f} times the networks'")
    print(f"a motion's frame {1000 * frame:6.1f} ms, {frame / alone:.2f} times the networks'")


if __name__ == "__main__":
    main()
