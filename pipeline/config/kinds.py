"""The kinds of recipe, which `data.kind` names, and the sections that differ between them.

Only the sections of the kind at hand are loaded, so that no result of one kind depends on the code of another.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pipeline.config.section import load_config
from pipeline.utils.errors import UserError, shown
from pipeline.utils.params_file import read_params

if TYPE_CHECKING:
    from pipeline.config.data import DataConfig
    from pipeline.config.faces import FaceDataConfig, FaceMapConfig
    from pipeline.config.photos import PhotoDataConfig
    from pipeline.config.pose import MapConfig

    AnyData = DataConfig | FaceDataConfig | PhotoDataConfig
    AnyMapConfig = MapConfig | FaceMapConfig

Kind = Literal["recordings", "faces", "photos", "keypoints"]  # what the data of a recipe are
KINDS: tuple[Kind, ...] = get_args(Kind)


def kind_of(params: Path, values: Mapping[str, Any]) -> Kind:
    """What `data.kind` says among the `values` of a whole file `params`; raise UserError where it is missing or none of `KINDS`."""
    data = values.get("data")
    if not isinstance(data, Mapping):
        raise UserError(f"{params}: section `data` is missing; expected one with `kind`, one of {', '.join(KINDS)}")
    if "kind" not in data:
        raise UserError(f"{params}: data.kind: missing; expected what the data are, one of {', '.join(KINDS)}")
    if data["kind"] not in KINDS:
        raise UserError(f"{params}: data.kind = {shown(data['kind'])}: expected what the data are, one of {', '.join(KINDS)}")
    return cast(Kind, data["kind"])


def load_data(params: Path) -> "AnyData":
    """The section `data` of a recipe that paints; raise UserError with a line per wrong key."""
    kind = kind_of(params, read_params(params))
    if kind == "faces":
        from pipeline.config.faces import FaceDataConfig

        return load_config(FaceDataConfig, params, "data")
    if kind == "photos":
        from pipeline.config.photos import PhotoDataConfig

        return load_config(PhotoDataConfig, params, "data")
    from pipeline.config.data import DataConfig

    return load_config(DataConfig, params, "data")


def load_map_config(params: Path) -> "AnyMapConfig":
    """What the networks see of the section `pose`; raise UserError with a line per wrong key."""
    if kind_of(params, read_params(params)) == "faces":
        from pipeline.config.faces import FaceMapConfig

        return load_config(FaceMapConfig, params, "pose")
    from pipeline.config.pose import PoseConfig

    return load_config(PoseConfig, params, "pose").map_config


def map_config_from(pose: str, values: Mapping[str, Any]) -> "AnyMapConfig":
    """What a trained network sees of `pose`, "bodies" or "faces", from the values beside its weights; ValidationError where they do not fit."""
    if pose == "faces":
        from pipeline.config.faces import FaceMapConfig

        return FaceMapConfig.model_validate(values)
    from pipeline.config.pose import MapConfig

    return MapConfig.model_validate({"head": False} | dict(values))  # weights of before heads were seen larger do not say so
