"""The sections that differ between recipes that paint bodies and recipes that paint faces: which of the two a file of parameters is for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.data import DataConfig
from pipeline.config.faces import FaceDataConfig, FaceMapConfig
from pipeline.config.pose import MapConfig, PoseConfig
from pipeline.config.section import load_config, read_params


def paints_faces(params: Path) -> bool:
    """Whether a file of parameters is that of a recipe that paints faces: it has a section `faces`."""
    return "faces" in read_params(params)


def load_data(params: Path) -> DataConfig | FaceDataConfig:
    """The section `data`; raise UserError with a line per wrong key."""
    return load_config(FaceDataConfig, params, "data") if paints_faces(params) else load_config(DataConfig, params, "data")


def load_seen(params: Path) -> MapConfig | FaceMapConfig:
    """What the networks see of the section `pose`; raise UserError with a line per wrong key."""
    return load_config(FaceMapConfig, params, "pose") if paints_faces(params) else load_config(PoseConfig, params, "pose").seen


def seen_from(values: Mapping[str, Any]) -> MapConfig | FaceMapConfig:
    """What a trained network saw, from the values beside its weights; pydantic's ValidationError where they are none of the two."""
    return (FaceMapConfig if "mask" in values else MapConfig).model_validate(values)
