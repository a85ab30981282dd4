"""Numbers: those of other people, finite and in range or refused by name; and those of metrics files, rounded."""

import math
from typing import Any

import numpy as np

from pipeline.utils.errors import UserError, shown

MOST_PX = 1e5  # no picture is larger; a position beyond is a mistake
MOST_MM = 1e6  # no pose is farther from its camera


def check_numbers(values: np.ndarray, most: float, where: str, what: str, missing: bool = False) -> None:
    """Raise UserError where one of `values` is not finite or beyond `most` on either side of 0.

    where, what : begin the line, as in `S1.h5: expected pose_2d ...`; missing : NaN stands for what is not there, and is allowed
    """
    index = first_outside(values, -most, most, missing)
    if index is not None:
        found = f"{values[index]} at {list(index)}" if index else str(values)
        raise UserError(f"{where}: expected {what} to be finite and within ±{most:g}, found {found}")


def first_outside(values: np.ndarray, low: float, high: float, missing: bool = False) -> tuple[int, ...] | None:
    """The place of the first of `values` that is not within `low` and `high`, None where there is none; missing : NaN is allowed."""
    fine = (values >= low) & (values <= high)  # False for NaN
    if missing:
        fine |= np.isnan(values)
    return None if fine.all() else tuple(int(i) for i in np.argwhere(~fine)[0])


def as_number(value: Any, most: float, where: str, what: str) -> float:
    """`value` of a JSON or CSV file as a finite float; raise UserError where it is none (a boolean is none), or beyond `most`."""
    try:
        number = float("nan") if isinstance(value, bool | str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= most:
        raise UserError(f"{where}: expected {what} to be a finite number within ±{most:g}, found {shown(value)}")
    return number


def rounded(value: float) -> float | None:
    """A number as it is written to a metrics file: six significant digits, None where it is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def mean(values: np.ndarray) -> float | None:
    """Mean of the defined values; None where there is none."""
    defined = values[np.isfinite(values)]
    return rounded(float(defined.mean(dtype=np.float64))) if defined.size else None


def deviation(values: np.ndarray) -> float | None:
    """Standard deviation (of the population) of the defined values; None where there is none."""
    defined = values[np.isfinite(values)]
    return rounded(float(defined.std(dtype=np.float64))) if defined.size else None


def spread(items: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the items, evenly spread over them."""
    return items[np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))]
