"""Rendering of the built-in data against the plain way: every ray against every solid, vectorised in numpy, same z-buffer.

Prints pictures per CPU second, the ratio of the two z-buffers, and what the default data set takes: at most 400 CPU seconds wanted.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from pipeline.config.section import load_config
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.synthetic.body import Solids, build_body
from pipeline.datasets.synthetic.dataset import EXTRA_FRAMES, TRUTH_STEP, invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.room import EmptyRoom, look, room_cameras
from pipeline.datasets.synthetic.truth import label_truth

PARAMS = Path(__file__).parents[1] / "params.yaml"
FRAMES = 30
REPEATS = 3


def plain_depth(solids: Solids, view: EmptyRoom, t: int) -> np.ndarray:
    """Depth of what is nearest on each ray, (H, W) float64, infinite where nothing is. Standing people only: no boxes."""
    depth = np.full(view.rays.shape[:2], np.inf)
    for n in range(len(solids.kind)):
        linear = solids.linear[t, n]
        rays = view.rays @ linear.T
        norm = np.linalg.norm(rays, axis=-1)
        rays = rays / norm[..., None]
        start = linear @ (view.camera.T - solids.origin[t, n])
        depth = np.minimum(depth, plain_hit(start, rays, *solids.shape[t, n]) / norm)
    return depth


def plain_hit(start: np.ndarray, rays: np.ndarray, first: float, second: float, length: float) -> np.ndarray:
    """Distance to a tapered capsule along the third axis, infinite where it is missed."""
    best = np.full(rays.shape[:2], np.inf)
    for radius, place in ((first, 0.0), (second, length)):
        offset = start - (0, 0, place)
        along = rays @ offset
        root = along**2 - offset @ offset + radius**2
        best = np.minimum(best, np.where(root > 0, -along - np.sqrt(np.maximum(root, 0)), np.inf))
    if length < 1e-6:
        return best
    taper = first - second
    m1, m2, m3, d2 = length * start[2], length * rays[..., 2], rays @ start, length**2 - taper**2
    k2 = d2 - m2**2
    k1 = d2 * m3 - m1 * m2 + m2 * taper * first
    k0 = d2 * (start @ start) - m1**2 + 2 * m1 * taper * first - length**2 * first**2
    root = k1**2 - k0 * k2
    side = (-np.sqrt(np.maximum(root, 0)) - k1) / k2
    place = m1 - first * taper + side * m2
    return np.where((root >= 0) & (place > 0) & (place < d2), side, best)


def cpu_seconds(work: Callable[[], object], times: int = 1) -> float:
    """CPU seconds of one of `times` calls, the median of some rounds."""
    rounds = []
    for _ in range(REPEATS):
        begin = time.process_time()
        for _ in range(times):
            work()
        rounds.append((time.process_time() - begin) / times)
    return median(rounds)


def main() -> None:
    """Print one line per figure."""
    config = load_config(SyntheticConfig, PARAMS, "synthetic")
    person, pose, seat = invent_take(config.seed, sequences("S1", 1)[0], FRAMES, config.fps)
    view = look(next(iter(room_cameras(config.video_size, config.seed, 1).values())), config.video_size)
    renderer = Renderer(build_body(person, pose, seat), person.materials)
    bounds = screen_bounds(renderer.solids, view.camera)
    pictures = [renderer.picture(view, bounds, t) for t in range(FRAMES)]

    expected, found = plain_depth(renderer.solids, view, 0), renderer.buffers(view, bounds, 0).depth
    assert np.allclose(np.where(found < 1e8, found, np.inf), expected, rtol=1e-5), "the two z-buffers differ"

    plain = cpu_seconds(lambda: plain_depth(renderer.solids, view, 0))
    buffer = cpu_seconds(lambda: [renderer.buffers(view, bounds, t) for t in range(FRAMES)]) / FRAMES
    print(f"z-buffer: {1 / buffer:.0f} per CPU second, {plain / buffer:.0f} times as fast as every ray against every solid in numpy")

    def draw() -> None:
        renderer.lamps.clear()
        for t in range(FRAMES):
            renderer.picture(view, bounds, t)

    def label() -> None:
        for t in range(FRAMES):
            label_truth(renderer.part_depths(view, bounds, t, TRUTH_STEP))

    with tempfile.TemporaryDirectory() as folder:
        encoding = cpu_seconds(lambda: write_video(Path(folder) / "bench.mp4", pictures, config.fps, config.crf)) / FRAMES
    drawing, labelling = cpu_seconds(draw) / FRAMES, cpu_seconds(label) / FRAMES
    print(f"pictures: {1 / drawing:.0f} per CPU second; label truth: {1 / labelling:.0f}; encoding: {1 / encoding:.0f}")

    frames = config.frames * len(EXTRA_FRAMES) + sum(EXTRA_FRAMES)
    total = frames * config.sequences * len(config.subjects) * (drawing + labelling + encoding)
    print(f"the default set without twins: {total:.0f} CPU seconds")


if __name__ == "__main__":
    main()
