"""Videos that a camera, a phone or an editor might have written, made from a plain one."""

import struct
from collections.abc import Collection, Sequence
from fractions import Fraction
from pathlib import Path

import av


def _copy(path: Path, copy: Path, lost: Collection[int] = (), matrix: Sequence[int] | None = None, rate: int = 1) -> Path:
    """Copy the packets of a video but for those `lost` (numbers of frames); time stamps grow by `rate`."""
    with av.open(path) as source, av.open(copy, "w", options={"avoid_negative_ts": "disabled"}) as target:
        origin = source.streams.video[0]
        stream = target.add_stream_from_template(origin)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        step = round(1 / origin.average_rate / origin.time_base)
        for packet in source.demux(origin):
            if packet.size and round(packet.pts / step) not in lost:
                packet.stream = stream
                packet.pts, packet.dts = packet.pts * rate, packet.dts * rate
                target.mux(packet)
    return copy


def turned(path: Path, copy: Path, a: float, b: float, c: float, d: float) -> Path:
    """A video whose display matrix sends (x, y) to (a x + c y, b x + d y)."""
    return _copy(path, copy, matrix=[round(n * 2**16) for n in (a, b, 0, c, d, 0)] + [0, 0, 2**30])


def with_lost_frames(path: Path, copy: Path, lost: Collection[int]) -> Path:
    """A video that lacks some frames; the others keep their time stamps. Its frames must not refer to each other out of order."""
    return _copy(path, copy, lost=lost)


def slowed(path: Path, copy: Path, rate: int) -> Path:
    """The same frames at a rate that is so many times lower."""
    return _copy(path, copy, rate=rate)


def edited(path: Path, copy: Path, first: int, count: int) -> Path:
    """An mp4 whose edit list shows only `count` frames from `first` on: bytes of the table alone are changed."""
    data = bytearray(path.read_bytes())
    with av.open(path) as container:
        stream = container.streams.video[0]
        step, rate = round(1 / stream.average_rate / stream.time_base), stream.average_rate
    scale = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)[0]  # units per second of a film
    entry = data.index(b"elst") + 12
    start = struct.unpack_from(">i", data, entry + 4)[0]
    struct.pack_into(">Ii", data, entry, int(Fraction(count) / rate * scale), start + first * step)
    copy.write_bytes(data)
    return copy
