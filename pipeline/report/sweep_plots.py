"""Pictures of a sweep over the thicknesses of the body, drawn from the figures that `sweep.sweep` gives."""

from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.evaluation.label_sweep import SCORES, SHARES

NAMES = {"label_accuracy": "clear cases", "label_accuracy_all": "all cases", "label_accuracy_balanced": "clear, class-balanced"}
COLOURS = {"label_accuracy": "#2f5cd6", "label_accuracy_all": "#8a8f98", "label_accuracy_balanced": "#e8a33d"}
SHARE_COLOURS = {"occluded": "#2f5cd6", "level": "#2f9e44", "in_front": "#d63031"}
KIND_COLOURS = ("#2f5cd6", "#2f9e44", "#d63031", "#e8a33d", "#7048e8", "#343a40")  # of the kinds of limb, in their order

PLOT_FILES = ("thickness.png", "radius.png", "confusion.png")


def write_plots(folder: Path, found: dict[str, Any]) -> None:
    """Write thickness.png and radius.png into `folder`, and confusion.png where the truth is known."""
    plots = {"thickness": draw_thickness(found), "radius": draw_radius(found)}
    if found["confusion"] is not None:
        plots["confusion"] = draw_confusion(found["confusion"])
    for name, plot in plots.items():
        plot.savefig(folder / f"{name}.png", dpi=100, metadata={"Software": None})


def draw_thickness(found: dict[str, Any]) -> Figure:
    """Accuracy and shares over the torso's thickness, and accuracy over the ratio to each person's chest where that is known."""
    table, present, ratio = found["torso_thickness"], found["present"]["torso_thickness"], found["chest_ratio"]
    panels = 2 if ratio is None else 3
    figure = Figure(figsize=(4.6 * panels, 3.8), layout="constrained")
    axes = [figure.add_subplot(1, panels, number + 1) for number in range(panels)]
    _draw_accuracy(axes[0], table)
    _finish(axes[0], "accuracy of the labels", "pose.torso_thickness, mm", present)
    _draw_shares(axes[1], table, found["true_shares"])
    _finish(axes[1], "share of the labels", "pose.torso_thickness, mm", present)
    if ratio is not None:
        _draw_accuracy(axes[2], ratio)
        _finish(axes[2], "accuracy, a torso for each person", "thickness over the person's own chest depth")
        axes[2].sharey(axes[0])
    return figure


def draw_radius(found: dict[str, Any]) -> Figure:
    """Accuracy on clear cases over the radius of each kind of limb; without truth, the share of labels that change."""
    shown = "changed" if found["confusion"] is None else "label_accuracy"
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.add_subplot()
    for (kind, table), colour in zip(found["limb_radius"].items(), cycle(KIND_COLOURS), strict=False):
        radius = found["present"]["limb_radius"][kind]
        factors = np.array(table["value"]) / radius
        axes.plot(factors, table[shown], color=colour, marker=".", label=f"{kind.replace('_', ' ')} ({radius:g} mm)")
        optimum = table["best"]["label_accuracy"]
        if optimum:
            axes.plot(optimum["value"] / radius, optimum["accuracy"], "o", color=colour, markersize=8)
    title = "share of labels that change" if shown == "changed" else "accuracy of the labels, clear cases (dots: best)"
    _finish(axes, title, "radius over the present one, the others fixed", 1.0)
    return figure


def draw_confusion(confusion: dict[str, list[list[int]]]) -> Figure:
    """One table per limb: of the clear cases with one true label (row), the share that got each label (column), and how many."""
    figure = Figure(figsize=(11, 5.8), layout="constrained")
    for number, (name, counts) in enumerate(confusion.items()):
        _draw_table(figure.add_subplot(2, 4, number + 1), name.replace("_", " "), np.array(counts))
    figure.supxlabel("label", fontsize=10)
    figure.supylabel("truth", fontsize=10)
    return figure


def _draw_accuracy(axes: Axes, table: dict[str, Any]) -> None:
    if table["best"][SCORES[0]] is None:
        axes.text(0.5, 0.5, "no truth: not known", ha="center", va="center", transform=axes.transAxes, color="#8a8f98")
        axes.set_yticks([])
        return
    for name in SCORES:
        optimum = table["best"][name]
        label = f"{NAMES[name]}: best {optimum['accuracy']:.3f} at {optimum['value']:g}"
        axes.plot(table["value"], table[name], color=COLOURS[name], marker=".", label=label)
        axes.plot(optimum["value"], optimum["accuracy"], "o", color=COLOURS[name], markersize=8)


def _draw_shares(axes: Axes, table: dict[str, Any], truth: dict[str, float] | None) -> None:
    for name in SHARES:
        axes.plot(table["value"], table[name], color=SHARE_COLOURS[name], marker=".", label=name.replace("_", " "))
        if truth is not None:
            axes.axhline(truth[name], color=SHARE_COLOURS[name], linestyle=":", linewidth=1)
    if truth is not None:
        axes.plot([], [], color="black", linestyle=":", linewidth=1, label="truth")
    axes.set_ylim(0, 1)  # with room for the legend
    axes.plot(table["value"], table["changed"], color="black", linewidth=1, label="other than at present")


def _draw_table(axes: Axes, name: str, counts: np.ndarray) -> None:
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(3, 3):
        colour = "white" if share[row, column] > 0.6 else "black"
        text = f"{100 * share[row, column]:.1f} %\n{counts[row, column]}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(3), ["−1", "0", "+1"], fontsize=8)
    axes.set_yticks(range(3), ["−1", "0", "+1"], fontsize=8)
    axes.set_title(f"{name}: {counts.trace() / max(counts.sum(), 1):.3f}", fontsize=9)


def _finish(axes: Axes, title: str, below: str, present: float | None = None) -> None:
    """Title, grid and legend; a line at the present value."""
    if present is not None:
        axes.axvline(present, color="black", linestyle="--", linewidth=1, label=f"present: {present:g}")
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(below, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7.5, frameon=False)
