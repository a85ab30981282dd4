"""Films: what is written is read at its rate, only what was painted here is known as such, and memory stays flat."""

import resource
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets.human36m.extract import read_frames
from pipeline.datasets.human36m.probe import probe_video
from pipeline.motion.films import MOST_FRAMES, check_film, is_painted_film, write_film
from pipeline.utils.errors import UserError

SUFFIXES = (".mp4", ".gif", ".webp")
FPS = Fraction(30000, 1001)


def frames(count: int, height: int = 24, width: int = 16) -> Iterator[np.ndarray]:
    """A bright bar that wanders over a dark ground."""
    for number in range(count):
        image = np.full((height, width, 3), 40, np.uint8)
        image[:, number % width] = (230, 120, 60)
        yield image


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_film_has_its_frames_at_its_rate(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"new{suffix}"
    write_film(path, frames(30), FPS)
    if suffix == ".mp4":
        video = probe_video(path, decode=True)
        assert (video.frames, video.width, video.height) == (30, 16, 24)
        assert video.fps == pytest.approx(float(FPS), rel=1e-4)
        read = list(read_frames(path, range(30), (16, 24), 24))
    else:
        with Image.open(path) as image:
            read, lengths = [], []
            for number in range(image.n_frames):
                image.seek(number)
                read.append(np.asarray(image.convert("RGB")))
                lengths.append(image.info["duration"])
        assert sum(lengths) == pytest.approx(1000 * 30 / float(FPS), abs=10)
    assert len(read) == 30
    for found, expected in zip(read, frames(30), strict=True):
        assert np.abs(found.astype(int).mean(axis=(0, 2)) - expected.mean(axis=(0, 2))).mean() < 30
        assert found.mean(axis=(0, 2)).argmax() == expected.mean(axis=(0, 2)).argmax()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_only_what_was_painted_here_is_known_again(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"new{suffix}"
    write_film(path, frames(5), FPS)
    assert is_painted_film(path)
    content = path.read_bytes()
    for changed in (content[:-1], content + b"\0", content[:100] + bytes([content[100] ^ 1]) + content[101:], b"", content[-48:]):
        path.write_bytes(changed)
        assert not is_painted_film(path)


def test_a_film_that_somebody_wrote_anew_is_theirs(tmp_path: Path) -> None:
    write_film(tmp_path / "new.gif", frames(5), FPS)
    with Image.open(tmp_path / "new.gif") as image:
        image.save(tmp_path / "theirs.gif", save_all=True)
    assert not is_painted_film(tmp_path / "theirs.gif")


def test_an_odd_size_is_made_even_for_h264(tmp_path: Path) -> None:
    write_film(tmp_path / "new.mp4", frames(3, 25, 17), FPS)
    video = probe_video(tmp_path / "new.mp4")
    assert (video.width, video.height) == (18, 26)


@pytest.mark.parametrize(
    ("name", "count", "fps", "fault"),
    [
        ("new.avi", 10, 25, "films are written as .mp4, .gif, .webp; expected a name that ends in one of these"),
        ("new", 10, 25, "expected a name that ends in one of these"),
        ("new.gif", MOST_FRAMES + 1, 25, f"expected at most {MOST_FRAMES} frames for .gif, found {MOST_FRAMES + 1}; write .mp4, or give --stop"),
        ("new.gif", 10, 60, "expected at most 50 frames per second for .gif, found 60; write .webp or .mp4"),
        ("", 10, 25, "expected the name of a file to write, found a folder"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(name: str, count: int, fps: int, fault: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        check_film(tmp_path / name, count, Fraction(fps))
    assert fault in str(error.value)
    check_film(tmp_path / "new.mp4", 10**6, Fraction(1000))


def test_what_fails_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "new.mp4"
    write_film(path, frames(3), FPS)
    before = path.read_bytes()

    def cut_short() -> Iterator[np.ndarray]:
        yield from frames(2)
        raise UserError("frame 2 is missing")

    with pytest.raises(UserError, match="frame 2 is missing"):
        write_film(path, cut_short(), FPS)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["new.mp4"]


def test_many_frames_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    """Held in memory they would be 250 MB."""
    write_film(tmp_path / "short.mp4", frames(500, 64, 64), FPS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_film(tmp_path / "long.mp4", frames(20_000, 64, 64), FPS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000  # KiB
