"""What a video holds, counted, and whether it can be decoded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from pipeline.errors import UserError


@dataclass(frozen=True)
class Video:
    """A video that can be decoded.

    fps : mean rate by the container, frames per second
    width, height : px, of the pictures and not of the container
    frames : how many there are to decode; counted, since a container may only estimate it
    """

    fps: float
    width: int
    height: int
    frames: int


def probe_video(path: Path, decode: bool = False) -> Video:
    """Read all packets of a video and decode its first frame, or all frames where `decode` is set.

    Raises UserError where the file is missing, is no video, ends early or cannot be decoded.
    """
    if not path.is_file():
        raise UserError(f"{path}: not found")
    with _one_line(path), av.open(path) as container:
        if not container.streams.video:
            raise UserError(f"{path}: expected a video, found none in the file")
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        packets, frames, decoded, size = _read(container, stream, decode)
        if packets < stream.frames:
            raise UserError(
                f"{path}: expected {stream.frames} frames as the file's header says, found {packets}; the file ends early, fetch it again"
            )
        if not size or not stream.average_rate:
            raise UserError(f"{path}: expected frames at a known rate, found none")
        if decode and decoded < frames:
            raise UserError(f"{path}: expected {frames} frames, only {decoded} of them can be decoded; fetch the file again")
        return Video(float(stream.average_rate), *size, frames)


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """Turn the library's errors into one line that names the file."""
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UserError(f"{path}: cannot be decoded ({reason}); fetch the file again") from error


def _read(container: av.container.InputContainer, stream: av.VideoStream, decode: bool) -> tuple[int, int, int, tuple[int, int] | None]:
    """Number of packets, of packets with a frame to show, of frames decoded; width and height of the first frame (None where there is none)."""
    packets, frames, decoded, size = 0, 0, 0, None
    for packet in container.demux(stream):
        if packet.size:  # the last one is empty: it asks the decoder for what it holds back
            packets += 1
            frames += not packet.is_discard  # an edit list can hide frames
        if decode or size is None:
            for frame in packet.decode():
                decoded += not frame.is_corrupt  # one that the decoder has painted over
                size = size or (frame.width, frame.height)
    return packets, frames, decoded, size
