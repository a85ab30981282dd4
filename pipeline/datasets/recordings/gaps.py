"""Frames in which markers were not seen: short gaps are interpolated, longer ones split the sequence."""

import numpy as np
from scipy.interpolate import CubicSpline

SHORTEST = 10  # frames; less is no sequence


def fill_gaps(positions: np.ndarray, longest: int) -> tuple[np.ndarray, dict[int, list[tuple[int, int]]]]:
    """A copy of joints (T, J, 3) with gaps of at most `longest` frames interpolated by a cubic spline in time, and joint -> gaps filled.

    NaN where a joint is not known. Nothing is put before a joint's first known frame or after its last one. A gap is (first, last) frame.
    """
    filled = positions.copy()
    done: dict[int, list[tuple[int, int]]] = {}
    for joint in range(positions.shape[1]):
        known = np.isfinite(positions[:, joint]).all(axis=-1)
        frames = np.flatnonzero(known)
        short = [(a, b) for a, b in runs(~known) if a > 0 and b < len(known) - 1 and b - a < longest]
        if short and len(frames) > 1:
            spline = CubicSpline(frames, positions[frames, joint])
            for a, b in short:
                filled[a : b + 1, joint] = spline(np.arange(a, b + 1))
            done[joint] = short
    return filled, done


def whole_runs(positions: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) frame of every stretch of joints (T, J, 3) in which all are known."""
    return runs(np.isfinite(positions).all(axis=(1, 2)))


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) place of every stretch of true values in `flags` (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]
