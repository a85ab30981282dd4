"""How often a video is read from the disk: once by `index`, once by `extract`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from data_section import data_config

from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.human36m.extract import extract_subject, read_frames
from pipeline.datasets.human36m.hashed import HashedFile
from pipeline.datasets.human36m.index import video_manifest
from pipeline.datasets.human36m.inspection import inspect
from pipeline.datasets.human36m.probe import probe_video
from pipeline.utils.files import file_hash, read_json

ONE_WORKER = ParallelConfig(workers=1, scheduler=None, accelerator="cpu", devices=1, nodes=1, strategy="auto")
COUNTED = Path("/proc/self/io")
SIDE, FRAMES = 256, 20
BESIDE = 0.2  # of the videos' bytes: their tables, pieces that the library asks for twice, and all that is read beside videos

needs_count = pytest.mark.skipif(not COUNTED.exists(), reason="this system does not count what a process reads")


def noise(frames: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(1)
    return (rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(frames))


def bytes_read(work: Callable[[], Any]) -> int:
    """How many bytes this process read for a piece of work."""
    found = [0, 0]
    for turn in range(2):
        if turn:
            work()
        match = re.search(r"rchar: (\d+)", COUNTED.read_text(encoding="ascii"))
        assert match is not None
        found[turn] = int(match[1])
    return found[1] - found[0]


@needs_count
def test_index_and_extract_read_each_video_once(root: Path, tmp_path: Path) -> None:
    videos = list(root.rglob("*.mp4"))
    for path in videos:
        write_video(path, noise(FRAMES), 50, 1)
    size = sum(path.stat().st_size for path in videos)
    data = data_config(root)
    subjects = []
    assert size < bytes_read(lambda: subjects.extend(inspect(data, ONE_WORKER))) < (1 + BESIDE) * size
    size = sum(path.stat().st_size for path in videos if "S1" in path.parts)
    assert size < bytes_read(lambda: extract_subject(video_manifest(subjects[0]), tmp_path / "S1", data, ONE_WORKER)) < (1 + BESIDE) * size
    assert len(read_json(tmp_path / "S1" / "report.json")["videos"]) == 4


@needs_count
@pytest.mark.parametrize("options", [{}, {"bf": "0"}, {"x264-params": "keyint=12:open-gop=1:bframes=4:b-pyramid=normal"}])
@pytest.mark.parametrize(("suffix", "muxer"), [("mp4", {}), ("mp4", {"movflags": "faststart"}), ("mp4", {"movflags": "frag_keyframe"}), ("mkv", {})])
def test_the_file_is_read_once_whatever_its_form(tmp_path: Path, options: dict[str, str], suffix: str, muxer: dict[str, str]) -> None:
    path = tmp_path / f"a.{suffix}"
    with av.open(path, "w", options=muxer) as container:
        stream = container.add_stream("libx264", rate=50, options={"crf": "1"} | options)
        stream.width = stream.height = SIDE
        for image in noise(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    size = path.stat().st_size
    assert size <= bytes_read(lambda: probe_video(path)) < (1 + BESIDE) * size
    digest = file_hash(path)
    assert probe_video(path).sha256 == digest
    found: list[np.ndarray] = []
    assert bytes_read(lambda: found.extend(read_frames(path, range(0, FRAMES, 4), (SIDE, SIDE), SIDE, digest))) < (1 + BESIDE) * size
    assert len(found) == FRAMES / 4


@pytest.mark.parametrize("pieces", [[(0, 100)], [(900, 100), (0, 500), (300, 400)], [(0, 10), (20, 10), (5, 8), (13, 500)], [(990, 100)], []])
def test_the_hash_is_that_of_the_content_in_whatever_order_it_is_read(tmp_path: Path, pieces: list[tuple[int, int]]) -> None:
    content = np.random.default_rng(1).bytes(1000)
    path = tmp_path / "a"
    path.write_bytes(content)
    with HashedFile(path) as file:
        for start, size in pieces:
            assert file.seek(start) == file.tell() == start
            assert file.read(size) == content[start : start + size]
        assert file.sha256() == file.sha256() == file_hash(path)
