"""Sweep the thicknesses of the body, to see what value fits."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from pipeline.config.data import DataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.evaluation.label_sweep import Known, read_hand_labels, read_known, sweep
from pipeline.report.sweep_plots import PLOT_FILES, write_plots
from pipeline.utils.files import atomic_folder, check_replaceable, write_json
from stages.command import existing, output, stage

FILES = ("sweep.json", *PLOT_FILES)


@stage
@click.argument("packed", type=existing)
@click.argument("out", type=output)
@click.option("--labels", type=existing, help="CSV file of labels given by hand: the truth of data that has none.")
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Use every n-th row of the packs only.")
def main(packed: Path, out: Path, labels: Path | None, every: int, params: Path) -> None:
    """Label the poses in PACKED with many thicknesses of the torso and radii of the limbs; write figures and plots into the folder OUT.

    The accuracy needs a truth, which the built-in data has; on other data it comes from --labels, and without that the figures are
    the shares of the labels, and how many change. No stage: nothing depends on it.
    """
    check_replaceable(out, FILES)
    pose = load_config(PoseConfig, params, "pose")
    known = read_known(packed, load_config(DataConfig, params, "data").subjects, 1 if labels else every)
    depths = None
    if labels:
        known = read_hand_labels(labels, known)
    elif known.truth is not None:
        depths = chest_depths(known, load_config(SyntheticConfig, params, "synthetic"))
    found = sweep(known, pose.torso_thickness, pose.limb_radius, depths)
    with atomic_folder(out, FILES) as partial:
        write_json(partial / "sweep.json", found)
        write_plots(partial, found)
    for line in summary(found):
        click.echo(line)


def chest_depths(known: Known, config: SyntheticConfig) -> np.ndarray | None:
    """Depth of the chest of the invented person in each row, (N,) mm; None where someone is not invented here."""
    takes = {take.identity: take for subject in np.unique(known.subject) for take in sequences(subject, config.sequences)}
    names, row = np.unique(known.identity, return_inverse=True)
    if not set(names) <= set(takes):
        return None
    return np.array([2 * invent_take(config.seed, takes[name], 1, config.fps)[0].build.chest[1] for name in names])[row]


def summary(found: dict[str, Any]) -> list[str]:
    """What was found, in a line or two."""
    present, best = found["present"], found["torso_thickness"]["best"]["label_accuracy"]
    if best is None:
        return ["no truth: the shares of the labels are written, their accuracy is not known (see docs/own_recordings.md)"]
    return [
        f"pose.torso_thickness {present['torso_thickness']:g} mm: {present['label_accuracy']:.4f} of {found['clear_cases']} clear cases right",
        f"best: {best['value']:g} mm, {best['accuracy']:.4f}",
    ]


if __name__ == "__main__":
    main()
