"""The curves that a training logged."""

import csv
from pathlib import Path

import numpy as np

from pipeline.utils.errors import UserError
from pipeline.utils.files import machine_faults


def read_curves(folder: Path) -> dict[str, np.ndarray]:
    """The curves that a training logged below `folder`/plots/metrics: name -> (n, 2) float64, step and value, sorted by name.

    Raises UserError where a file is no table of steps and values.
    """
    base = folder / "plots" / "metrics"
    curves = {}
    for path in sorted(base.rglob("*.tsv")):
        name = path.relative_to(base).with_suffix("").as_posix()
        try:
            with machine_faults(path), path.open(encoding="utf-8", newline="") as file:
                table = csv.DictReader(file, delimiter="\t")
                points = [(float(row["step"]), float(row[path.stem])) for row in table]
            if not {"step", path.stem} <= set(table.fieldnames or ()) or not np.isfinite(points).all():
                raise ValueError
        except (OSError, KeyError, TypeError, ValueError, csv.Error):
            raise UserError(f"{path}: expected a table with the columns step and {path.stem}; run the training stage again") from None
        curves[name] = np.array(points).reshape(-1, 2)
    return curves
