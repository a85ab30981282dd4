"""Which frames of a video are kept: every k-th, as long as there is a pose."""


def kept_frames(fps: float, wanted: float, poses: int) -> range:
    """Indices 0, k, 2k, ... below `poses`, with k the nearest whole number to `fps / wanted`, at least 1.

    fps : the video's own rate; wanted : the rate asked for (`data.fps`); frame i belongs to pose i.
    """
    return range(0, poses, max(1, round(fps / wanted)))
