"""What the pipeline left out of the recordings or photos, one line for each thing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json


def read_left_out(manifests: Path, frames: Path, subjects: Sequence[str]) -> list[str]:
    """One line for each thing that was left out, from the manifests of stage index and the reports of stage extract."""
    lines = []
    for subject in subjects:
        for path in (manifests / f"{subject}.videos.json", frames / subject / "report.json"):
            lines += [f"{subject}: {line}" for line in left_out_lines(path)]
    return lines


def left_out_lines(report: Path) -> list[str]:
    """One line for each thing that was left out, from one report or manifest."""
    content = read_json(report)
    items = content.get("left_out") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise UserError(f"{report}: expected a list `left_out`, found other content; run the stage again that writes it")
    return [_left_out_line(item) for item in items]


def _left_out_line(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    where = ", ".join(str(item[key]) for key in ("sequence", "camera", "picture") if item.get(key))
    return f"{where}: {item.get('reason', '')}" if where else str(item.get("reason", ""))
