"""A pack of people drawn as sticks, and the parameters of a small training of the pose estimator."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from people import STANDING
from ruamel.yaml import YAML

from pipeline.packs.pack import write_pack
from pipeline.pose.skeleton import LIMBS
from pipeline.pose_estimation.pictures import draw_skeleton

SIZE = (64, 32)
RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "pose" / "params.yaml"
SMALL: dict[str, dict[str, Any]] = YAML(typ="safe").load(RECIPE.parents[1] / "tiny" / "pose.yaml")


def write_sticks(path: Path, rows: int, seed: int) -> None:
    """People who stand, a little different each, of two identities."""
    rng = np.random.default_rng(seed)
    columns = []
    for row in range(rows):
        pose_2d = (STANDING / 2 + rng.normal(0, 1, (17, 2))).astype(np.float32)
        image = np.full((*SIZE, 3), rng.integers(20, 80), np.uint8)
        image = cv2.GaussianBlur(draw_skeleton(image, pose_2d), (3, 3), 0.6)
        columns.append(
            {
                "image": image[None],
                "pose_2d": pose_2d[None],
                "label": np.zeros((1, len(LIMBS)), np.int8),
                "pose_3d": np.zeros((1, 0, 3), np.float32),
                "frame": np.array([row], np.int32),
                **{name: np.array(["a"], dtype=object) for name in ("sequence", "action", "camera")},
                "identity": np.array([f"{path.stem}-{row % 2}"], dtype=object),
            }
        )
    twins = {
        "image": np.zeros((0, *SIZE, 3), np.uint8),
        "row": np.zeros(0, np.int32),
        "chain": np.zeros(0, np.int8),
        "label": np.zeros((0, len(LIMBS)), np.int8),
        "pose_3d": np.zeros((0, 0, 3), np.float32),
    }
    write_pack(path, path.stem, "sticks", columns, [twins])


def write_params(path: Path, **sections: dict[str, Any]) -> None:
    yaml = YAML()
    values = yaml.load(RECIPE)
    for changes in (SMALL, sections):
        for name, section in changes.items():
            values[name].update(section)
    yaml.dump(values, path)
