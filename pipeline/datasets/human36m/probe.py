"""What a video holds, counted, and whether it can be decoded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipeline.datasets.human36m.display import Display, display_of
from pipeline.datasets.human36m.hashed import HashedFile
from pipeline.utils.errors import UserError, is_machine_fault
from pipeline.utils.files import file_hash

# A step between two frames that is longer than this many usual ones is a gap: frames are missing.
_GAP = 1.5


@dataclass(frozen=True)
class Video:
    """A video that can be decoded.

    fps : mean rate by the container, frames per second
    width, height : px, of the pictures as a player shows them, and not of the container
    frames : how many a player shows; counted, since a container may only estimate it
    rate : frames per second by the time stamps, which go on at one rate; None where the file has none
    start : the first frame's time stamp, s
    turned : whether width and height are exchanged against what is stored
    sha256 : of the file, in hexadecimal
    """

    fps: float
    width: int
    height: int
    frames: int
    rate: float | None = field(default=None, compare=False)
    start: float = field(default=0, compare=False)
    turned: bool = field(default=False, compare=False)
    sha256: str = field(default="", compare=False)


def probe_video(path: Path, decode: bool = False, needed: int | None = None) -> Video:
    """Read all packets of a video, its file once, and decode its first frame, or all frames where `decode` is set.

    needed : how many of the first frames will be used; all where it is None
    Frames that an edit list hides do not count. Raises UserError where the file is missing, is no video, ends early, cannot be decoded, or
    where by its time stamps some are missing between those that are needed; MachineError where the machine cannot read it.
    """
    if not path.is_file():
        raise UserError(f"{path}: not found")
    with reading_video(path, "cannot be decoded ({}); fetch the file again"), HashedFile(path) as file, av.open(file, "r") as container:
        stream = video_stream(path, container)
        stream.codec_context.options = {"err_detect": "explode"}
        found = _read(path, container, stream, decode)
        if found.packets < stream.frames and (whole := _count_packets(path)) < stream.frames:
            raise UserError(f"{path}: expected {stream.frames} frames as the file's header says, found {whole}; the file ends early, fetch it again")
        if not found.size or not stream.average_rate:
            raise UserError(f"{path}: expected frames at a known rate, found none")
        frames = len(found.stamps)
        if decode and found.decoded < frames:
            raise UserError(f"{path}: expected {frames} frames, only {found.decoded} of them can be decoded; fetch the file again")
        start, rate = _check_pace(path, found.stamps, stream.time_base, needed) or (0.0, None)
        width, height = found.display.size(*found.size)
        return Video(float(stream.average_rate), width, height, frames, rate, start, found.display.exchanged, file.sha256())


def video_stream(path: Path, container: av.container.InputContainer) -> av.VideoStream:
    """The pictures of a file; raise UserError where it has none, or where no decoder knows them."""
    if not container.streams.video:
        raise UserError(f"{path}: expected a video, found a file without pictures")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise UserError(f"{path}: expected a video that can be decoded, found pictures in a form that is not known; fetch the file again")
    return stream


@contextmanager
def reading_video(path: Path, message: str) -> Iterator[None]:
    """Turn the library's errors inside the block into one line: the file's name and `message`, which says with `{}` where the reason goes.

    Raises MachineError where the machine cannot read the file. The library gives its own errors numbers of the machine's, too, so the file
    is read once more to tell.
    """
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, OSError) and is_machine_fault(error) and path.is_file():
            file_hash(path)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UserError(f"{path}: {message.format(reason)}") from error


@dataclass
class _Found:
    """What the packets say. stamps : one per frame to show, in the order of the packets; decoded : frames without damage; size : as stored."""

    packets: int = 0
    stamps: list[int | None] = field(default_factory=list)
    decoded: int = 0
    size: tuple[int, int] | None = None
    display: Display = Display()


def _read(path: Path, container: av.container.InputContainer, stream: av.VideoStream, decode: bool) -> _Found:
    found = _Found()
    for packet in container.demux(stream):
        if packet.size:  # the last one is empty: it asks the decoder for what it holds back
            found.packets += 1
            if not packet.is_discard:  # an edit list can hide frames
                found.stamps.append(packet.pts)
        if decode or found.size is None:
            for frame in packet.decode():
                found.decoded += not frame.is_corrupt  # one that the decoder has painted over
                if found.size is None:
                    found.size, found.display = (frame.width, frame.height), display_of(frame, str(path))
    return found


def _count_packets(path: Path) -> int:
    """How many frames a file holds, with those that an edit list takes away altogether."""
    with av.open(path, options={"ignore_editlist": "1"}) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def _check_pace(path: Path, stamps: Sequence[int | None], unit: Fraction | None, needed: int | None) -> tuple[float, float] | None:
    """Time of the first frame, s, and frames per second; None where the file does not tell. Raise UserError where the frames go at no one rate."""
    known = sorted(stamp for stamp in stamps if stamp is not None)
    if unit is None or len(known) < len(stamps):
        return None
    known = known[:needed]
    if len(known) < 2:
        return None
    times = np.array([float(stamp * unit) for stamp in known])
    steps = np.diff(times)
    if steps.min() <= 0:
        raise UserError(f"{path}: expected each frame at a time of its own, found two at {times[int(np.argmin(steps))]:.4g} s; write the video anew")
    usual = float(np.median(steps))
    gaps = np.flatnonzero(steps > _GAP * usual)
    if len(gaps):
        first, others = int(gaps[0]), f" (and {_count(len(gaps) - 1, 'more gap')})" if len(gaps) > 1 else ""
        missing = max(1, round(float(steps[first]) / usual) - 1)
        raise UserError(
            f"{path}: expected a frame every {usual:.4g} s, found {steps[first]:.4g} s after frame {first}{others}: about {_count(missing, 'frame')} "
            "missing there, and pose i would not belong to frame i; leave the view out, or write a video that has them"
        )
    length = float(times[-1] - times[0])
    drift = float(np.abs(times - times[0] - np.arange(len(times)) * length / (len(times) - 1)).max())
    if drift > length / (len(times) - 1):
        raise UserError(
            f"{path}: expected frames at one rate, found time stamps up to {drift:.4g} s beside it, more than a frame; leave the view out, "
            "or write a video whose frames follow at one rate"
        )
    return float(times[0]), (len(times) - 1) / length


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
