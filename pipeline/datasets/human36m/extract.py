"""Frames of a video at a given rate: decoded in order, never sought; only what is kept is converted.

Frame i is the i-th in the order of presentation. What the kept frames do not need is not even decoded where the codec allows it:
frames that no other refers to (most B-frames), and, where every frame stands alone (MJPEG), all the others.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m.display import display_of
from pipeline.datasets.human36m.frames import check_rate, kept_frames
from pipeline.datasets.human36m.hashed import HashedFile
from pipeline.datasets.human36m.probe import reading_video, video_stream
from pipeline.packs.frame_store import store_path, write_frames
from pipeline.parallel import run_parallel
from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.files import atomic_folder, write_json

# Without ACCURATE_RND a conversion that keeps the size darkens the image by more than one grey level.
_SCALING = int(Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)

_MOST_WAITING = 64  # packets; no codec has more frames between a frame's decoding and its showing

FILES = ("*.*.h5", "report.json")  # what `extract_subject` writes


def stored_size(width: int, height: int, max_height: int) -> tuple[int, int]:
    """(width, height) px of a frame that is reduced to at most `max_height`, never enlarged, with its proportions kept."""
    if height <= max_height:
        return width, height
    return max(1, round(width * max_height / height)), max_height


class ChangedError(UserError):
    """A video is another one than was asked for."""


def read_frames(path: Path, kept: Sequence[int], size: tuple[int, int], max_height: int, sha256: str | None = None) -> Iterator[np.ndarray]:
    """Yield the frames `kept` of a video, in order, each as (h, w, 3) uint8 RGB of at most `max_height` rows.

    kept : ascending frame indices; size : (width, height) px that every frame must have as a player shows it; sha256 : of the file, if known.
    The file is read once, or again where its packets do not tell the order of its frames, or something is wrong with it.
    Raises UserError where the file is missing or is no video, and where a kept frame is missing, damaged or of another size; ChangedError
    instead, or after the last frame, where the file has another SHA-256; MachineError where the machine cannot read the file.
    """
    with reading_video(path, "expected a video that can be decoded; {}"), HashedFile(path) as file, _unchanged(file, sha256):
        yield from _read_frames(path, file, kept, size, max_height)


@contextmanager
def _unchanged(file: HashedFile, sha256: str | None) -> Iterator[None]:
    """Raise ChangedError at the end of the block, or instead of what it raises, where the file has another SHA-256."""
    try:
        yield
    except Exception:
        _check_unchanged(file, sha256)
        raise
    _check_unchanged(file, sha256)


def _check_unchanged(file: HashedFile, sha256: str | None) -> None:
    if sha256 is not None and file.sha256() != sha256:
        raise ChangedError(f"{file.name} has changed since `index` saw it; run the stage `index` again")


def _read_frames(path: Path, file: HashedFile, kept: Sequence[int], size: tuple[int, int], max_height: int) -> Iterator[np.ndarray]:
    scaler = VideoReformatter()
    done = 0
    # Where skipping costs a kept frame (a decoder that guesses the order of frames may lose one), decode everything from the start.
    for decode in (partial(_decode_needed, file), partial(_decode_all, path)) if kept else ():
        for number, frame in decode(kept[done:]):
            if number != kept[done]:
                break
            display = display_of(frame, str(path))
            if (shown := display.size(frame.width, frame.height)) != size:
                raise UserError(f"{path}: frame {kept[done]} has {shown[0]}x{shown[1]} px, expected {size[0]}x{size[1]}")
            yield display.show(_to_rgb(scaler, frame, display.size(*stored_size(*size, max_height))))
            done += 1
            if done == len(kept):
                return
    if kept:
        raise UserError(f"{path}: frame {kept[done]} is missing; the file is damaged or cut short")


def _decode_needed(file: HashedFile, kept: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Yield (number, frame) of the frames `kept` in one reading of the file, without what they do not need.

    Ends early where packets do not tell the order of frames, and where something is wrong: `_decode_all` says what.
    """
    wanted = set(kept)
    with suppress(av.FFmpegError), av.open(file, "r") as container:
        codec = _one_thread(video_stream(Path(file.name), container))
        order = _Order()
        count = 0
        for packet in order.told(container.demux(video=0)):
            # As long as all come in order, the stamps may be those of decoding (AVI has no others): the decoder alone knows, and frames are counted.
            counted = order.plain and not codec.codec.intra_only
            needed = counted or not packet.size or order.number(packet.pts) in wanted
            if not needed and codec.codec.intra_only:
                continue
            codec.skip_frame = "DEFAULT" if needed else "NONREF"
            for frame in codec.decode(packet):
                if frame.is_corrupt:
                    return
                number = count if counted else order.number(frame.pts)
                count += 1
                if number in wanted:
                    yield number, frame


class _Order:
    """Which frame a packet holds, by time stamps, as the packets come. plain : none has come yet whose frame is shown before an earlier packet's."""

    def __init__(self) -> None:
        self.plain = True
        self._stamps: list[int] = []  # of the packets so far, sorted

    def told(self, packets: Iterable[Any]) -> Iterator[Any]:
        """The packets, each once all have come whose frames are shown before its own; ends where stamps do not tell that.

        No frame is shown before it is decoded: once a packet is due for decoding, all have come whose frames are shown by then.
        """
        waiting: deque[Any] = deque()
        due: int | None = None
        for packet in packets:
            counts = packet.size and not packet.is_discard  # an edit list can hide frames
            if len(waiting) > _MOST_WAITING or (counts and not self._add(packet.pts, due)):
                return
            waiting.append(packet)
            due = due if packet.dts is None else packet.dts
            while waiting and (not packet.size or waiting[0].pts is None or (due is not None and waiting[0].pts <= due)):
                yield waiting.popleft()

    def _add(self, stamp: int | None, due: int | None) -> bool:
        """Note a stamp; False where there is none, where it is late, or there already."""
        if stamp is None or (due is not None and stamp <= due):
            return False
        place = bisect_left(self._stamps, stamp)
        if place < len(self._stamps):
            if self._stamps[place] == stamp:
                return False
            self.plain = False
        self._stamps.insert(place, stamp)
        return True

    def number(self, stamp: int | None) -> int | None:
        """The number of the frame with this stamp; None where no packet that counts has it."""
        place = 0 if stamp is None else bisect_left(self._stamps, stamp)
        return place if place < len(self._stamps) and self._stamps[place] == stamp else None


def _decode_all(path: Path, kept: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Yield (number, frame) of the frames `kept`, with every frame decoded and all packets known before."""
    times = presentation_times(path)
    if times and kept[-1] >= len(times):
        raise UserError(f"{path}: expected {kept[-1] + 1} frames or more, found {len(times)}; the file is cut short")
    wanted = {times[number] if times else number: number for number in kept}
    with av.open(path) as container:
        codec = _one_thread(video_stream(path, container))
        count = 0
        for packet in container.demux(video=0):
            for frame in codec.decode(packet):
                if frame.is_corrupt:  # the decoder has painted over what it could not read, and later frames build on it
                    raise UserError(f"{path}: the frame at {float(frame.time or 0):.2f} s is damaged")
                time = frame.pts if times else count
                count += 1
                if time in wanted:
                    yield wanted[time], frame


def presentation_times(path: Path) -> list[int]:
    """Time stamps of a video's frames in the order of presentation, in units of the stream; the i-th belongs to frame i.

    They are read from the packets, without decoding. Empty where packets do not tell the order: no stamps, or stamps that follow the
    order of decoding (AVI has no others) although the codec may present frames in another.
    """
    with av.open(path) as container:
        stream = video_stream(path, container)
        stamps = [packet.pts for packet in container.demux(stream) if packet.size and not packet.is_discard]
        intra_only = stream.codec_context.codec.intra_only
    times = sorted(stamp for stamp in stamps if stamp is not None)
    if len(set(times)) < len(stamps):
        return []
    return times if intra_only or stamps != times else []


def _one_thread(stream: av.VideoStream) -> Any:
    """The stream's decoder: the switch `skip_frame` must act on the packet that follows, and the cores are busy with other videos."""
    codec = stream.codec_context
    codec.thread_type, codec.thread_count = "NONE", 1
    return codec


def _to_rgb(scaler: VideoReformatter, frame: Any, size: tuple[int, int]) -> np.ndarray:
    """The picture as the file holds it, brought to `size` (width, height): (h, w, 3) uint8 RGB. The planar format is converted twice as fast as
    the interleaved one."""
    width, height = size
    planar = scaler.reformat(frame, width=width, height=height, format="gbrp", interpolation=_SCALING, threads=1)
    green, blue, red = (np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, :width] for plane in planar.planes)
    return cv2.merge([red, green, blue])


def extract_subject(manifest: dict[str, Any], folder: Path, data: DataConfig, parallel: ParallelConfig) -> None:
    """Write the kept frames of every video of a subject to `folder`, and report.json, which says what was left out and why.

    manifest : `<subject>.videos.json`, its paths relative to `data.root`.
    A video that is missing or cannot be decoded raises UserError that names the view; with `data.skip_bad` it is left out.
    """
    subject, videos = manifest["subject"], manifest["videos"]
    with atomic_folder(folder, FILES) as new:
        extract = partial(_extract_view, subject, Path(data.root).absolute(), new.absolute(), data)
        faults = run_parallel(extract, videos, parallel, f"extract {subject}")
        if all(faults):
            raise UserError(f"{subject}: expected at least one video that can be used" + (f"; the first: {faults[0]}" if faults else ", found none"))
        write_json(new / "report.json", _report(subject, videos, faults, data.fps))


def _report(subject: str, videos: list[dict[str, Any]], faults: list[str | None], fps: float) -> dict[str, Any]:
    views = [{"sequence": video["sequence"], "camera": video["camera"]} for video in videos]
    counts = [len(kept_frames(video["fps"], fps, video["poses"])) for video in videos]
    return {
        "subject": subject,
        "videos": [{**view, "frames": count} for view, count, fault in zip(views, counts, faults, strict=True) if fault is None],
        "left_out": [{**view, "reason": fault} for view, fault in zip(views, faults, strict=True) if fault is not None],
    }


def _extract_view(subject: str, root: Path, folder: Path, data: DataConfig, video: dict[str, Any]) -> str | None:
    """Write one video's kept frames to `folder`; return the fault of a video that is left out."""
    source = root / video["path"]
    view = f"{subject}, {video['sequence']}, camera {video['camera']}"
    check_rate(video["fps"], data.fps, view)
    kept = kept_frames(video["fps"], data.fps, video["poses"])
    size = (video["width"], video["height"])
    stored = stored_size(*size, data.frame_height)
    try:
        images = read_frames(source, kept, size, data.frame_height, video["sha256"])
        write_frames(store_path(folder, video["sequence"], video["camera"]), images, np.array(kept), size, stored, video["fps"])
    except MachineError:
        raise
    except ChangedError as error:
        raise UserError(f"{view}: {error}") from None
    except UserError as error:
        if not data.skip_bad:
            raise UserError(f"{view}: {error} (data.skip_bad=true leaves it out)") from None
        return str(error)
    return None
