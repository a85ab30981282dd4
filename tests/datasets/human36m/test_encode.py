from fractions import Fraction

import av
import numpy as np
import pytest
from small_recording import pictures

from pipeline.datasets.human36m.encode import write_video


def smooth(height: int, width: int, count: int) -> list[np.ndarray]:
    """A moving picture without sharp colours, which 4:2:0 could not hold."""
    y, x = np.mgrid[:height, :width]
    bands = [
        np.stack([128 + 100 * np.sin((x + 2 * t) / 17), 128 + 90 * np.cos((y - t) / 13), 110 + 60 * np.sin((x + y) / 29)], -1) for t in range(count)
    ]
    return [band.astype(np.uint8) for band in bands]


@pytest.mark.parametrize("size", [(64, 64), (50, 98)])
def test_frames_come_back(tmp_path, size):
    frames = smooth(*size, 12)
    assert write_video(tmp_path / "S1/Videos/a.mp4", iter(frames), 50, 10) == 12
    with av.open(tmp_path / "S1/Videos/a.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.average_rate, stream.height, stream.width, stream.codec_context.name) == (50, *size, "h264")
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(decoded) == 12
    for frame, original in zip(decoded, frames, strict=True):
        difference = frame.astype(float) - original
        assert np.abs(difference).mean() < 4
        assert np.abs(difference.mean(axis=(0, 1))).max() < 2  # no cast; FFmpeg's fast conversion back to RGB rounds down


def test_other_rates(tmp_path):
    write_video(tmp_path / "a.mp4", pictures(5), Fraction(30000, 1001), 20)
    with av.open(tmp_path / "a.mp4") as container:
        assert container.streams.video[0].average_rate == Fraction(30000, 1001)


@pytest.mark.parametrize("width", [64, 144, 208])
def test_same_frames_same_bytes_whatever_the_memory_holds(tmp_path, width):
    frames = smooth(64, width, 30)
    rng = np.random.default_rng()
    written = set()
    for _ in range(8):
        dirt = [np.full(rng.integers(1, 300_000), rng.integers(256), np.uint8) for _ in range(50)]
        del dirt
        write_video(tmp_path / "a.mp4", frames, 50, 20)
        written.add((tmp_path / "a.mp4").read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "expected frames, found none"),
        ([np.zeros((63, 64, 3), np.uint8)], "even height and width"),
        ([np.zeros((64, 64, 3), np.uint8), np.zeros((64, 66, 3), np.uint8)], r"expected frames \(64, 64, 3\) uint8"),
        ([np.zeros((64, 64, 3), np.float32)], "float32"),
        ([np.zeros((64, 64), np.uint8)], "uint8, found"),
    ],
)
def test_wrong_frames_leave_nothing_behind(tmp_path, frames, words):
    with pytest.raises(ValueError, match=words):
        write_video(tmp_path / "a.mp4", frames, 50, 20)
    assert not list(tmp_path.iterdir())
