"""Extraction at 10 of 50 Hz against its limit: decoding the same files with the same library, processes and threads, keeping nothing.

Prints source frames per second and the ratio to the limit; at least 0.8 is expected where the codec has frames that can be skipped
(B-frames), 0.6 elsewhere.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m.extract import extract_subject
from pipeline.parallel import run_parallel
from pipeline.utils.files import file_hash

WIDTH, HEIGHT, FPS, FRAMES = 1000, 1002, 50, 300
CODECS = {"x264 defaults": ({}, 0.8), "x264 without B-frames": ({"bf": "0"}, 0.6)}
REPEATS = 3
PARALLEL = ParallelConfig(workers=-1, scheduler=None, accelerator="cpu", devices=1, nodes=1, strategy="auto")


def scene() -> Iterator[np.ndarray]:
    """A textured room with a camera's noise, before it a body that moves and an arm that swings; (H, W, 3) uint8 RGB."""
    rng = np.random.default_rng(1)
    room = cv2.resize(rng.integers(60, 190, (40, 40, 3), dtype=np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    body = cv2.resize(rng.integers(0, 256, (30, 15, 3), dtype=np.uint8), (160, 420), interpolation=cv2.INTER_CUBIC)
    noise = rng.integers(-9, 10, (8, HEIGHT, WIDTH, 1), dtype=np.int16)
    for i in range(FRAMES):
        image = room.copy()
        x, y = round(300 + 200 * np.sin(i / 25)), round(300 + 20 * np.sin(i / 6))
        image[y : y + 420, x : x + 160] = body
        cv2.line(image, (x + 80, y + 100), (round(x + 80 + 150 * np.cos(i / 8)), round(y + 150 + 100 * np.sin(i / 8))), (200, 160, 140), 40)
        yield np.clip(image + noise[rng.integers(8)], 0, 255).astype(np.uint8)


def write_clip(path: Path, options: dict[str, str]) -> None:
    """The scene as H.264."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in scene():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def decode_all(path: Path) -> int:
    """Decode every frame in one thread and keep none."""
    with av.open(path) as container:
        context = container.streams.video[0].codec_context
        context.thread_type, context.thread_count = "NONE", 1
        return sum(1 for _ in container.decode(video=0))


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(folder: Path, options: dict[str, str], count: int) -> tuple[float, float]:
    """Source frames per second of the limit and of extraction: medians of `REPEATS` runs that take turns."""
    write_clip(folder / "0.mp4", options)
    paths = [folder / f"{i}.mp4" for i in range(count)]
    for path in paths[1:]:
        path.write_bytes(paths[0].read_bytes())
    view = {"camera": "1", "sha256": file_hash(paths[0]), "fps": float(FPS), "width": WIDTH, "height": HEIGHT, "frames": FRAMES, "poses": FRAMES}
    manifest = {"subject": "S1", "videos": [{"sequence": path.stem, "path": path.name, **view} for path in paths]}
    values = {"root": str(folder), "subjects": ["S1", "S2"], "test_subjects": ["S2"], "cameras": "all", "fps": 10, "frame_height": 512}
    data = DataConfig.model_validate({**values, "image_size": [128, 64], "margin": 0.15, "skip_bad": False, "exclude": []})
    limit, extraction = [], []
    for _ in range(REPEATS + 1):
        limit.append(seconds(lambda: run_parallel(decode_all, paths, PARALLEL, "decode")))
        extraction.append(seconds(lambda: extract_subject(manifest, folder / "frames", data, PARALLEL)))
    assert len(json.loads((folder / "frames" / "report.json").read_text())["videos"]) == count
    return count * FRAMES / median(limit[1:]), count * FRAMES / median(extraction[1:])  # the first run starts the processes


def main() -> None:
    """Measure both kinds of video."""
    cores = os.cpu_count() or 1
    for name, (options, expected) in CODECS.items():
        with tempfile.TemporaryDirectory() as folder:
            limit, extraction = measure(Path(folder), options, 2 * cores)
        ratio = extraction / limit
        print(f"{name}: extraction {extraction:.0f} frames/s, decoding alone {limit:.0f} frames/s, ratio {ratio:.2f} (at least {expected})")


if __name__ == "__main__":
    main()
