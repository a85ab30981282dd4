"""The sections that differ between recipes on recordings, on faces and on photographs: which of them a file of parameters is for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config.data import DataConfig
from pipeline.config.faces import FaceDataConfig, FaceMapConfig
from pipeline.config.photos import PhotoDataConfig
from pipeline.config.pose import MapConfig, PoseConfig
from pipeline.config.section import load_config, read_params

AnyData = DataConfig | FaceDataConfig | PhotoDataConfig


def load_data(params: Path) -> AnyData:
    """The section `data`; a file with a section `faces` or `photos` is of such a recipe. Raise UserError with a line per wrong key."""
    values = read_params(params)
    if "faces" in values:
        return load_config(FaceDataConfig, params, "data")
    return load_config(PhotoDataConfig, params, "data") if "photos" in values else load_config(DataConfig, params, "data")


def load_map_config(params: Path) -> MapConfig | FaceMapConfig:
    """What the networks see of the section `pose`; raise UserError with a line per wrong key."""
    if "faces" in read_params(params):
        return load_config(FaceMapConfig, params, "pose")
    return load_config(PoseConfig, params, "pose").seen


def map_config_from(values: Mapping[str, Any]) -> MapConfig | FaceMapConfig:
    """What a trained network saw, from the values beside its weights; pydantic's ValidationError where they are none of the two."""
    return (FaceMapConfig if "mask" in values else MapConfig).model_validate(values)
