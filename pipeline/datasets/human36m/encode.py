"""Write H.264 videos that are the same, byte for byte, for the same frames."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.utils.files import atomic_file

# From RGB to Y, Cb and Cr as ITU-R BT.601 defines them, 8 bit, limited range; the fourth column is the offset.
_TO_LUMA = np.array([[65.481, 128.553, 24.966, 16 * 255]]) / 255
_TO_CHROMA = np.array([[-37.797, -74.203, 112.0, 128 * 255], [112.0, -93.786, -18.214, 128 * 255]]) / 255

# One thread, in the encoder and in its look-ahead: results of several threads may depend on which is first. And no macroblock tree:
# x264's vector code for it uses memory that was never set wherever a picture is not a multiple of 128 px wide and B-frames are on, so
# that the same frames give other bytes in a program that has used its memory before (tests/datasets/human36m/test_encode.py).
_OPTIONS = {"preset": "veryfast", "x264-params": "threads=1:lookahead-threads=1:mbtree=0"}


def write_video(path: Path, frames: Iterable[np.ndarray], fps: Fraction | float, crf: int) -> int:
    """Write frames (H, W, 3) uint8 RGB, H and W even, as H.264 in an mp4 file; return how many there were.

    crf : constant rate factor, 0 (lossless) to 51. The same frames give the same bytes on the same machine: colours are converted
    here, every byte that the encoder is handed is set, the line padding too, and nothing runs in a second thread.
    Raises ValueError where there is no frame, or one has another size or type than the first.
    """
    count = 0
    with atomic_file(path) as partial, av.open(partial, "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options={**_OPTIONS, "crf": str(crf)})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for image in frames:
            if not count:
                stream.height, stream.width = _even_size(path, image)
            if image.dtype != np.uint8 or image.shape != (stream.height, stream.width, 3):
                raise ValueError(f"{path}: expected frames ({stream.height}, {stream.width}, 3) uint8, found {image.shape} {image.dtype}")
            frame = _to_frame(image)
            frame.pts, frame.time_base = count, 1 / Fraction(fps)
            container.mux(stream.encode(frame))
            count += 1
        if not count:
            raise ValueError(f"{path}: expected frames, found none")
        container.mux(stream.encode(None))
    return count


def _even_size(path: Path, image: np.ndarray) -> tuple[int, int]:
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"{path}: expected an even height and width, found {height} and {width}")
    return height, width


def _to_frame(image: np.ndarray) -> av.VideoFrame:
    """One RGB picture (H, W, 3) uint8 as 4:2:0 planes, chroma averaged over 2 x 2 pixels."""
    height, width = image.shape[:2]
    half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = cv2.transform(half, _TO_CHROMA)
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, values in zip(frame.planes, (cv2.transform(image, _TO_LUMA), chroma[..., 0], chroma[..., 1]), strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    return frame
