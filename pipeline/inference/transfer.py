"""A trained model applied to one picture and one 2.5D pose.

A pose file is JSON:

    {"joints": {"hips": [412.0, 530.5], "right_hip": [391.0, 530.0], ..., "right_wrist": null},
     "labels": {"right_forearm": 1, "left_thigh": -1}}

`joints` names all 17 joints (`skeleton.H36M_17`), each as x and y in px, null where it is not known. `labels` says of limbs
(`skeleton.LIMB_NAMES`) whether they are in front (1), in the torso's plane (0) or occluded (-1); a limb that is left out is 0.

The pose that belongs to the picture is in px of that picture. The pose to paint may be in px of any picture: every pose is brought to the
image that the networks see by the extent of its own joints, as in training (`crop.crop_box`), so its place and size do not matter. A model that
was trained on photos sees them whole, cut to its proportions around their middle: there both poses are in px of the picture.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import BeforeValidator, Field, Strict, create_model

from pipeline.config.section import Section, parse
from pipeline.inference.generator import Generator
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.conditioning import encode_poses
from pipeline.pose.crop import crop_box, crop_image, middle_box, to_crop
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, check_file_place, read_json
from pipeline.utils.numbers import MOST_PX
from pipeline.utils.pictures import PictureError, read_picture
from pipeline.utils.tensors import as_rows, to_image, to_uint8

MIN_EXTENT = 8.0  # px; a pose that spans less is not in px
MAX_STRETCH = 0.02  # by how much the proportions of a picture without a pose may differ from those of the image that the networks see

MOST_BYTES = 2**20  # of a pose file
MARK = "pose25d"  # the key of a PNG's text by which a picture that was painted here is known


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected -1, 0 or 1, found true or false")
    return value


Pixel = Annotated[float, Strict(), Field(ge=-MOST_PX, le=MOST_PX)]
Point = tuple[Pixel, Pixel] | None
Label = Annotated[Literal[-1, 0, 1], BeforeValidator(_no_boolean)]


_Joints = create_model("Joints", __base__=Section, **dict.fromkeys(H36M_17.names, (Point, ...)))  # type: ignore[call-overload]
_Labels = create_model("Labels", __base__=Section, **dict.fromkeys(LIMB_NAMES, (Label, 0)))  # type: ignore[call-overload]


class PoseFile(Section):
    """Content of a pose file."""

    joints: _Joints  # type: ignore[valid-type]
    labels: _Labels  # type: ignore[valid-type]


@dataclass(frozen=True)
class LabelledPose:
    """A 2.5D pose: pose_2d (17, 2) float64, px, NaN where a joint is not known; label (8,) int8."""

    pose_2d: np.ndarray
    label: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """(K, 2) px, the joints that are known."""
        return self.pose_2d[~np.isnan(self.pose_2d[:, 0])]


def read_pose(path: Path) -> LabelledPose:
    """Read a pose file; raise UserError with a line per wrong entry."""
    content = parse(PoseFile, read_json(path, MOST_BYTES), str(path), hint="see examples/pose.json")
    pose_2d = [getattr(content.joints, name) or (np.nan, np.nan) for name in H36M_17.names]
    pose = LabelledPose(np.array(pose_2d, np.float64), np.array([getattr(content.labels, name) for name in LIMB_NAMES], np.int8))
    extent = np.ptp(pose.known, axis=0).max() if len(pose.known) else 0.0
    if extent < MIN_EXTENT:
        raise UserError(f"{path}: expected joints in px that span at least {MIN_EXTENT:g} px, found {len(pose.known)} that span {extent:.3g}")
    return pose


def check_name(path: Path) -> None:
    """Raise UserError where a painted picture cannot be written to `path`, before anything is painted."""
    check_file_place(path)
    if path.suffix.lower() != ".png":
        raise UserError(f"{path}: the image is written as PNG; expected a name that ends in .png")


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write (h, w, 3) uint8 RGB as PNG, marked as painted here, whole or not at all; raises as `check_name`."""
    check_name(path)
    text = PngInfo()
    text.add_text(MARK, _digest(image))
    with atomic_file(path) as partial:
        Image.fromarray(image).save(partial, "PNG", pnginfo=text)


def is_painted(path: Path) -> bool:
    """Whether the file holds just what `write_picture` wrote: nobody drew on it since. Raises MachineError where it may not be read."""
    try:
        image = read_picture(path)
        with Image.open(path) as file:
            return file.info.get(MARK) == _digest(image)
    except (PictureError, OSError, ValueError, SyntaxError):
        return False


def _digest(image: np.ndarray) -> str:
    return hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()


def transfer(generator: Generator, image: np.ndarray, source: LabelledPose | None, target: LabelledPose, margin: float | None) -> np.ndarray:
    """Paint the person of the picture in the target pose: the refined image, (H, W, 3) uint8 RGB, as large as those of training.

    image : (h, w, 3) uint8 RGB; source : the pose in it, by which the person is cut out, or None for a picture that is cut already, which
    a model without `pose.source` and `pose.appearance` can do with; margin : `data.margin` of training, None for a model of photos. Raises
    UserError where the picture and its pose do not fit each other.
    """
    size = generator.image_size
    if not isinstance(generator.conditioning, BodyConditioning):
        raise UserError("these weights paint faces; a pose file names the joints of a body: give weights of a recipe that paints people")
    if source is None:
        crop, source_pose, source_label = _whole(image, size, generator), np.full_like(target.pose_2d, np.nan), np.zeros_like(target.label)
    else:
        _check_inside(image, source)
        box = _box(source, image, size, margin)
        crop = crop_image(image, box, (image.shape[1], image.shape[0]), size)
        source_pose, source_label = to_crop(source.pose_2d[None], box[None], size)[0], source.label
    target_pose = to_crop(target.pose_2d[None], _box(target, image, size, margin)[None], size)[0]
    poses = [torch.from_numpy(pose.astype(np.float32))[None] for pose in (source_pose, target_pose)]
    labels = [torch.from_numpy(label)[None] for label in (source_label, target.label)]
    picture = to_image(crop[None])
    _, refined = generator.paint(picture, encode_poses(generator.conditioning, picture, poses[0], labels[0], poses[1], labels[1], size))
    return as_rows(to_uint8(refined))[0]


def _check_inside(image: np.ndarray, source: LabelledPose) -> None:
    """Raise UserError unless most of the joints lie in the picture."""
    height, width = image.shape[:2]
    inside = ((source.known > -1) & (source.known < (width, height))).all(axis=1)
    if inside.mean() < 0.5:
        raise UserError(
            f"source pose: expected joints in px of the picture, which is {width} x {height}, found {(~inside).sum()} of {inside.size} outside; "
            "give the pose of this very picture"
        )


def _whole(image: np.ndarray, size: tuple[int, int], generator: Generator) -> np.ndarray:
    """The whole picture at the size that the networks see; raise UserError where that would stretch it, or where they need a source pose."""
    height, width = image.shape[:2]
    conditioning = generator.conditioning
    assert isinstance(conditioning, BodyConditioning)
    for name, needed in (
        ("pose.source", conditioning.config.source),
        ("pose.appearance", conditioning.config.appearance),
        (f"model.vunet.look: {conditioning.look}", conditioning.look != "image"),
    ):
        if needed:
            raise UserError(f"source pose: missing; this model was trained with {name}, so it needs the pose that the picture shows")
    if abs(width / height * size[0] / size[1] - 1) > MAX_STRETCH:
        raise UserError(
            f"source pose: missing, and the picture, {width} x {height}, has not the proportions {size[1]} x {size[0]} of an image that is cut "
            "already; give the pose that the picture shows, or cut the person out"
        )
    return crop_image(image, np.array([0, 0, width, height]) - 0.5, (width, height), size)


def _box(pose: LabelledPose, image: np.ndarray, size: tuple[int, int], margin: float | None) -> np.ndarray:
    """What the networks see of the plane that the pose lies in: (4,) x0, y0, x1, y1, px."""
    height, width = image.shape[:2]
    return middle_box((height, width), size) if margin is None else crop_box(pose.known[None], size, margin)[0]
