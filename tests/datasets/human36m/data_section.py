"""A section `data` of two subjects."""

from pathlib import Path
from typing import Any

from pipeline.config.data import DataConfig


def data_config(root: Path, **values: Any) -> DataConfig:
    """The section for small recordings in `root`, with other values where they are given."""
    given: dict[str, Any] = {"kind": "recordings", "root": str(root), "subjects": ["S1", "S9"], "test_subjects": ["S9"], "cameras": "all", "fps": 10}
    given |= {"frame_height": 32, "image_size": [64, 32], "margin": 0.15, "skip_bad": False, "exclude": []}
    return DataConfig.model_validate(given | values)
