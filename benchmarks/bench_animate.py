"""Frames per second of `pose25d animate` at the default size, film and all, and as a ratio to the same frames painted by `transfer` one by one.

At least 25 are wanted on two cores. Untrained weights are as fast as trained ones.
"""

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.racing import race
from benchmarks.untrained import untrained
from pipeline.config.params import Params, check_params
from pipeline.inference.transfer import transfer
from pipeline.motion.animate import make_animation
from pipeline.motion.films import write_film
from pipeline.motion.motion import Motion
from pipeline.motion.motion_file import read_motion
from pipeline.pose.pose_file import LabelledPose, read_pose
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.pictures import read_picture

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
ROUNDS, THREADS = 3, 2
FRAMES = 32


def repeated(motion: Motion, frames: int) -> Motion:
    """The motion over and over, so many frames in all."""
    rows = np.arange(frames) % len(motion)
    return replace(motion, pose_2d=motion.pose_2d[rows], label=motion.label[rows], fps=Fraction(25))


def main() -> None:
    """Measure both, and the film."""
    params = check_params(ROOT / "params.yaml")
    assert isinstance(params, Params)
    fix_arithmetic(THREADS)
    generator, margin = untrained(params), params.data.margin
    image, source = read_picture(EXAMPLES / "person.png"), read_pose(EXAMPLES / "person.json")
    motion = repeated(read_motion(EXAMPLES / "motion.json"), FRAMES)

    def one_by_one() -> None:
        for pose_2d, label in zip(motion.pose_2d, motion.label, strict=True):
            transfer(generator, image, source, LabelledPose(pose_2d.astype(np.float64), label), margin)

    def painted() -> None:
        for _ in make_animation(generator, image, source, motion, margin).frames():
            pass

    def each_alone() -> None:
        for _ in make_animation(generator, image, source, motion, margin, steady=False).frames():
            pass

    with tempfile.TemporaryDirectory() as folder:

        def film() -> None:
            write_film(Path(folder) / "new.mp4", make_animation(generator, image, source, motion, margin).frames(), motion.fps)

        def film_beside() -> None:
            write_film(Path(folder) / "new.mp4", make_animation(generator, image, source, motion, margin).frames_beside(), motion.fps)

        plain, *ours = race([one_by_one, each_alone, painted, film, film_beside], ROUNDS)
    print(f"transfer, frame by frame {FRAMES / plain:6.1f} frames/s")
    for name, seconds in zip(("animate --frame-by-frame", "animate", "with the film", "side by side"), ours, strict=True):
        print(f"{name:24} {FRAMES / seconds:6.1f} frames/s, {plain / seconds:.2f} times as fast")


if __name__ == "__main__":
    main()
