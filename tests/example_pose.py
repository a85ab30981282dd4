"""The example of a pose file, with changes."""

import json
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def write_pose(path: Path, **changes: Any) -> Path:
    """A copy of the example with other joints or labels; None takes one out."""
    content = json.loads((EXAMPLES / "pose.json").read_text(encoding="utf-8"))
    for part, values in changes.items():
        content[part] = {name: value for name, value in {**content[part], **values}.items() if value is not None}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
