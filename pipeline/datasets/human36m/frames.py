"""Which frames of a video are kept: every k-th, as long as there is a pose."""

from pipeline.utils.errors import UserError

_SLOWEST = 0.9  # of the rate asked for: nearly the same rate will do


def kept_frames(fps: float, wanted: float, poses: int) -> range:
    """Indices 0, k, 2k, ... below `poses`, with k the nearest whole number to `fps / wanted`, at least 1.

    fps : the video's own rate; wanted : the rate asked for (`data.fps`); frame i belongs to pose i.
    """
    return range(0, poses, max(1, round(fps / wanted)))


def check_rate(fps: float, wanted: float, where: str) -> None:
    """Raise UserError, which begins with `where`, for a video of fewer frames per second than are asked for."""
    if fps < _SLOWEST * wanted:
        raise UserError(f"{where}: expected at least {wanted:g} frames/s, as data.fps asks for, found {fps:.4g}; lower data.fps, or leave it out")
