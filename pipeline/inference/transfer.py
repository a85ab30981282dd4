"""A trained model applied to one picture and one 2.5D pose.

The pose that belongs to the picture is in px of that picture. The pose to paint may be in px of any picture: every pose is brought to the
image that the networks see by the extent of its own joints, as in training (`crop.crop_box`), so its place and size do not matter. A model that
was trained on photos sees them whole, cut to its proportions around their middle: there both poses are in px of the picture.
"""

import numpy as np
import torch
from torch import Tensor

from pipeline.inference.generator import Generator
from pipeline.pose.background import same_place
from pipeline.pose.conditioning import encode_poses
from pipeline.pose.crop import crop_box, crop_image, middle_box, to_crop
from pipeline.pose.pose_file import LabelledPose
from pipeline.utils.errors import UserError
from pipeline.utils.tensors import as_rows, to_image, to_layer, to_uint8

MAX_STRETCH = 0.02  # by how much the proportions of a picture without a pose may differ from those of the image that the networks see


def transfer(
    generator: Generator,
    image: np.ndarray,
    source: LabelledPose | None,
    target: LabelledPose,
    margin: float | None,
    plate: np.ndarray | None = None,
) -> np.ndarray:
    """Paint the person of the picture in the target pose: the refined image, (H, W, 3) uint8 RGB, as large as those of training.

    The person is painted where it stood, before what the picture shows there.

    image : (h, w, 3) uint8 RGB; source : the pose in it, by which the person is cut out, or None for a picture that is cut already, which
    a model without `pose.source` and `pose.appearance` can do with; margin : `data.margin` of training, None for a model of photos; plate : the same
    picture without the person, for a model with `pose.background: plate`. Raises
    UserError where the picture and its pose do not fit each other.
    """
    size = generator.image_size
    if generator.conditioning.config.kind != "bodies":
        raise UserError("these weights paint faces; a pose file names the joints of a body: give weights of a recipe that paints people")
    if source is None:
        crop, source_pose, source_label = _whole(image, size, generator), np.full_like(target.pose_2d, np.nan), np.zeros_like(target.label)
    else:
        _check_inside(image, source)
        box, crop = _box(source, image, size, margin), cut_out(image, source, size, margin)
        source_pose, source_label = to_crop(source.pose_2d[None], box[None], size)[0], source.label
    target_pose = to_crop(target.pose_2d[None], _box(target, image, size, margin)[None], size)[0]
    poses = [torch.from_numpy(pose.astype(np.float32))[None] for pose in (source_pose, target_pose)]
    labels = [torch.from_numpy(label)[None] for label in (source_label, target.label)]
    picture = to_image(crop[None])
    scene = same_place(1)
    if plate is not None:
        scene = scene._replace(plate=_plate_layer(plate, image, source, generator, margin))
    condition = encode_poses(generator.conditioning, picture, poses[0], labels[0], poses[1], labels[1], size, scene=scene)
    _, refined = generator.paint(picture, condition)
    return as_rows(to_uint8(refined))[0]


def cut_out(image: np.ndarray, pose: LabelledPose, size: tuple[int, int], margin: float | None) -> np.ndarray:
    """What the networks see of a picture (h, w, 3) uint8 RGB that shows this pose, (H, W, 3); size : (H, W); margin : as for `transfer`."""
    return crop_image(image, _box(pose, image, size, margin), (image.shape[1], image.shape[0]), size)


def _plate_layer(plate: np.ndarray, image: np.ndarray, source: LabelledPose | None, generator: Generator, margin: float | None) -> Tensor:
    """What the networks see of the picture without the person, (1, 4, H, W); raise UserError where they see none, or it is no such picture."""
    config = generator.conditioning.config
    if config.kind != "bodies" or config.background != "plate":
        raise UserError("plate: these weights were trained without one; train with pose.background = plate, or leave it out")
    if plate.shape != image.shape:
        height, width = image.shape[:2]
        found = f"{plate.shape[1]} x {plate.shape[0]}"
        raise UserError(f"plate: expected the picture without its person, {width} x {height}, found {found}; take it with the same camera")
    assert source is not None  # such a model needs the source's pose
    crop = cut_out(plate, source, generator.image_size, margin)
    return to_layer(np.concatenate([crop, np.full_like(crop[..., :1], 255)], axis=2)[None])


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
    for name, needed in (
        ("pose.source", conditioning.config.source),
        ("pose.appearance", conditioning.config.kind == "bodies" and conditioning.config.appearance),
        ("pose.background", conditioning.config.kind == "bodies" and conditioning.config.background != "none"),
        (f"model.vunet.appearance_input: {conditioning.appearance_input}", conditioning.appearance_input != "image"),
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
