"""The scores of runs as a plot."""

from collections.abc import Sequence

from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from experiments.results import Result, has_order
from experiments.scores import order_of, value_at

MARKERS = "os^D"  # of the plot: the next one after every ten colours


def plot(results: Sequence[Result]) -> Figure:
    """Order accuracy against SSIM, a point per run that has both, with the interval where there is one; sharpness where no run has an order.

    Names stand beside the axes, the highest first: runs that differ in a seed alone lie so close that names at their points would cover each other.
    """
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.add_subplot()
    ordered = has_order(results) or not any(result.metrics for result in results)
    points: list[tuple[float, ErrorbarContainer]] = []
    for result in results:
        metrics = result.metrics or {}
        sharp = value_at(metrics, "refined", "sharpness")
        ssim, (height, low, high) = value_at(metrics, "refined", "ssim"), order_of(metrics, "refined") if ordered else (sharp, None, None)
        if ssim is not None and height is not None:
            interval = None if low is None or high is None else [[max(height - low, 0)], [max(high - height, 0)]]
            marker = f"{MARKERS[len(points) // 10 % len(MARKERS)]}C{len(points) % 10}"
            point = axes.errorbar(ssim, height, yerr=interval, fmt=marker, label=result.run.name, markersize=5, capsize=3, linewidth=1)
            points.append((height, point))
    axes.axhline(0.5 if ordered else 1.0, color="#9aa0a6", linewidth=1, linestyle="--")
    if points:
        figure.legend(handles=[point for _, point in sorted(points, key=lambda pair: -pair[0])], loc="outside right upper", frameon=False)
    axes.margins(x=0.1)
    axes.set_xlabel("SSIM of the refined image")
    axes.set_ylabel("order accuracy (0.5: blind to depth)" if ordered else "sharpness (1: as sharp as the truth)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
