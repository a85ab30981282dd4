"""Frames of a video at a given rate: decoded in order, never sought; only what is kept is converted.

Frame i is the i-th in the order of presentation. What the kept frames do not need is not even decoded where the codec allows it:
frames that no other refers to (most B-frames), and, where every frame stands alone (MJPEG), all the others.
"""

from collections.abc import Iterator, Sequence
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
from pipeline.datasets.human36m.probe import reading_video, video_stream
from pipeline.packs.frame_store import store_path, write_frames
from pipeline.parallel import run_parallel
from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.files import atomic_folder, file_hash, write_json

# Without ACCURATE_RND a conversion that keeps the size darkens the image by more than one grey level.
_SCALING = int(Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)


FILES = ("*.*.h5", "report.json")  # what `extract_subject` writes


def stored_size(width: int, height: int, max_height: int) -> tuple[int, int]:
    """(width, height) px of a frame that is reduced to at most `max_height`, never enlarged, with its proportions kept."""
    if height <= max_height:
        return width, height
    return max(1, round(width * max_height / height)), max_height


def read_frames(path: Path, kept: Sequence[int], size: tuple[int, int], max_height: int) -> Iterator[np.ndarray]:
    """Yield the frames `kept` of a video, in order, each as (h, w, 3) uint8 RGB of at most `max_height` rows.

    kept : ascending frame indices; size : (width, height) px that every frame must have as a player shows it.
    Raises UserError where the file is missing or is no video, and where a kept frame is missing, damaged or of another size; MachineError
    where the machine cannot read the file.
    """
    with reading_video(path, "expected a video that can be decoded; {}"):
        yield from _read_frames(path, kept, size, max_height)


def _read_frames(path: Path, kept: Sequence[int], size: tuple[int, int], max_height: int) -> Iterator[np.ndarray]:
    times = presentation_times(path)
    if kept and times and kept[-1] >= len(times):
        raise UserError(f"{path}: expected {kept[-1] + 1} frames or more, found {len(times)}; the file is cut short")
    scaler = VideoReformatter()
    wanted = [times[i] for i in kept] if times else list(kept)
    done = 0
    # Where skipping costs a kept frame (a decoder that guesses the order of frames may lose one), decode everything from the start.
    for skipping in (True, False) if wanted else ():
        for time, frame in _decode(path, set(wanted[done:]), skipping, counted=not times):
            if time != wanted[done]:
                break
            display = display_of(frame, str(path))
            if (shown := display.size(frame.width, frame.height)) != size:
                raise UserError(f"{path}: frame {kept[done]} has {shown[0]}x{shown[1]} px, expected {size[0]}x{size[1]}")
            yield display.show(_to_rgb(scaler, frame, display.size(*stored_size(*size, max_height))))
            done += 1
            if done == len(wanted):
                return
    if wanted:
        raise UserError(f"{path}: frame {kept[done]} is missing; the file is damaged or cut short")


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


def _decode(path: Path, wanted: set[int], skipping: bool, counted: bool) -> Iterator[tuple[int, Any]]:
    """Yield (time, frame) of the frames whose time is `wanted`; the time is the frame's number if they are `counted`.

    One thread: the switch `skip_frame` must act on the packet that follows, and the cores are busy with other videos.
    """
    with av.open(path) as container:
        stream = video_stream(path, container)
        codec = stream.codec_context
        codec.thread_type, codec.thread_count = "NONE", 1
        number = 0
        for packet in container.demux(stream):
            needed = not skipping or counted or packet.pts in wanted or not packet.size
            if not needed and codec.codec.intra_only:
                continue
            codec.skip_frame = "DEFAULT" if needed else "NONREF"
            for frame in codec.decode(packet):
                if frame.is_corrupt:  # the decoder has painted over what it could not read, and later frames build on it
                    raise UserError(f"{path}: the frame at {float(frame.time or 0):.2f} s is damaged")
                time = number if counted else frame.pts
                number += 1
                if time in wanted:
                    yield time, frame


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
    if source.is_file() and file_hash(source) != video["sha256"]:
        raise UserError(f"{view}: {source} has changed since `index` saw it; run the stage `index` again")
    check_rate(video["fps"], data.fps, view)
    kept = kept_frames(video["fps"], data.fps, video["poses"])
    size = (video["width"], video["height"])
    stored = stored_size(*size, data.frame_height)
    try:
        images = read_frames(source, kept, size, data.frame_height)
        write_frames(store_path(folder, video["sequence"], video["camera"]), images, np.array(kept), size, stored, video["fps"])
    except MachineError:
        raise
    except UserError as error:
        if not data.skip_bad:
            raise UserError(f"{view}: {error} (data.skip_bad=true leaves it out)") from None
        return str(error)
    return None
