"""The pose file: a 2.5D pose as JSON.

    {"joints": {"hips": [412.0, 530.5], "right_hip": [391.0, 530.0], ..., "right_wrist": null},
     "labels": {"right_forearm": 1, "left_thigh": -1}}

`joints` names all 17 joints (`skeleton.H36M_17`), each as x and y in px, null where it is not known. `labels` says of limbs
(`skeleton.LIMB_NAMES`) whether they are in front (1), in the torso's plane (0) or occluded (-1); a limb that is null or left out is unlabelled.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, Strict, create_model

from pipeline.config.section import Section, parse
from pipeline.pose.labels import known_labels
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json
from pipeline.utils.numbers import MOST_PX

MIN_EXTENT = 8.0  # px; a pose that spans less is not in px
MOST_BYTES = 2**20  # of a pose file


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected -1, 0 or 1, found true or false")
    return value


_Pixel = Annotated[float, Strict(), Field(ge=-MOST_PX, le=MOST_PX)]
_Point = tuple[_Pixel, _Pixel] | None
_Label = Annotated[Literal[-1, 0, 1] | None, BeforeValidator(_no_boolean)]
_Joints = create_model("Joints", __base__=Section, **dict.fromkeys(H36M_17.names, (_Point, ...)))  # type: ignore[call-overload]
_Labels = create_model("Labels", __base__=Section, **dict.fromkeys(LIMB_NAMES, (_Label, None)))  # type: ignore[call-overload]


class _PoseFile(Section):
    """Content of a pose file."""

    joints: _Joints  # type: ignore[valid-type]
    labels: _Labels  # type: ignore[valid-type]


@dataclass(frozen=True)
class LabelledPose:
    """A 2.5D pose: pose_2d (17, 2) float64, px, NaN where a joint is not known; label (8,) int8, 0 where a limb is unlabelled."""

    pose_2d: np.ndarray
    label: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """(K, 2) px, the joints that are known."""
        return self.pose_2d[~np.isnan(self.pose_2d[:, 0])]


def read_pose(path: Path) -> LabelledPose:
    """Read a pose file; raise UserError with a line per wrong entry."""
    return decode_pose(read_json(path, MOST_BYTES), str(path))


def encode_pose(pose_2d: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    """The content of a pose file: pose_2d (17, 2) px, NaN where a joint is not known; label (8,)."""
    points = [None if np.isnan(point).any() else point.tolist() for point in pose_2d]
    return {"joints": dict(zip(H36M_17.names, points, strict=True)), "labels": dict(zip(LIMB_NAMES, label.tolist(), strict=True))}


def decode_pose(content: Any, where: str) -> LabelledPose:
    """The pose in the content of a pose file; raise UserError with a line per wrong entry, each of which begins with `where`."""
    file = parse(_PoseFile, content, where, hint="see examples/pose.json")
    pose_2d = np.array([getattr(file.joints, name) or (np.nan, np.nan) for name in H36M_17.names], np.float64)
    pose = LabelledPose(pose_2d, known_labels(tuple(getattr(file.labels, name) for name in LIMB_NAMES), pose_2d))
    extent = np.ptp(pose.known, axis=0).max() if len(pose.known) else 0.0
    if extent < MIN_EXTENT:
        raise UserError(f"{where}: expected joints in px that span at least {MIN_EXTENT:g} px, found {len(pose.known)} that span {extent:.3g}")
    return pose
