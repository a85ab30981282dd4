"""A trained model applied to one picture and one 2.5D pose.

The pose that belongs to the picture is in px of that picture. The pose to paint may be in px of any picture: every pose is brought to the
image that the networks see by the extent of its own joints, as in training (`crop.crop_box`), so its place and size do not matter. A model that
was trained on photos sees them whole, cut to its proportions around their middle: there both poses are in px of the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.inference.generator import Generator
from pipeline.pose.background import Scene, same_place
from pipeline.pose.conditioning import Further
from pipeline.pose.crop import crop_box, crop_image, middle_box, to_crop
from pipeline.pose.pose_file import LabelledPose
from pipeline.pose.skeleton import H36M_17, LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.tensors import as_rows, to_image, to_layer, to_uint8

Photo = tuple[np.ndarray, LabelledPose]  # a picture (h, w, 3) uint8 RGB of a person, and the pose in it, px
MAX_STRETCH = 0.02  # by how much the proportions of a picture without a pose may differ from those of the image that the networks see


@dataclass(frozen=True)
class Portrait:
    """The person of a picture as a model sees them, measured once: to be painted in any number of poses, up to B at a time.

    image : (B, 3, H, W) float32 in [-1, 1], B times the same; source : its body, as `Conditioning.measure` gives it; label : (B, 8)
    scene : of B targets; further : other pictures of the person
    """

    generator: Generator
    image: Tensor
    source: Any
    label: Tensor
    scene: Scene
    further: Sequence[Further] = ()

    @torch.inference_mode()
    def measure(self, pose_2d: np.ndarray) -> Any:
        """Bodies in B poses, as `Conditioning.measure` gives them; pose_2d : (B, 17, 2) px of the image that the networks see, NaN where unknown."""
        return self.generator.conditioning.measure(torch.from_numpy(pose_2d.astype(np.float32)), self.generator.image_size)

    @torch.inference_mode()
    def paint_measured(self, target: Any, label: Tensor) -> Tensor:
        """The refined images of B bodies, (B, 3, H, W) uint8; target : as `measure` gives it; label : (B, 8)."""
        condition = self.generator.conditioning.encode(self.image, self.source, self.label, target, label, scene=self.scene, further=self.further)
        return to_uint8(self.generator.paint(self.image, condition)[1])

    def paint(self, pose_2d: np.ndarray, label: np.ndarray) -> np.ndarray:
        """The refined images of n <= B poses, (n, H, W, 3) uint8 RGB.

        pose_2d : (n, 17, 2) px of the image that the networks see, NaN where a joint is not known; label : (n, 8) int8
        """
        rows = self.fill(len(pose_2d))
        return as_rows(self.paint_measured(self.measure(pose_2d[rows]), torch.from_numpy(label[rows])))[: len(pose_2d)]

    def fill(self, count: int) -> np.ndarray:
        """Which of `count` <= B poses fill a batch, (B,): batches are all of one size, for which the source was measured."""
        return np.arange(len(self.image)).clip(max=count - 1)


def transfer(
    generator: Generator,
    image: np.ndarray,
    source: LabelledPose | None,
    target: LabelledPose,
    margin: float | None,
    plate: np.ndarray | None = None,
    further: Sequence[Photo] = (),
) -> np.ndarray:
    """Paint the person of the picture in the target pose: the refined image, (H, W, 3) uint8 RGB, as large as those of training.

    The person is painted where it stood, before what the picture shows there. Arguments and errors are those of `make_portrait`.
    """
    portrait = make_portrait(generator, image, source, margin, plate, further=further)
    pose_2d = to_crop(target.pose_2d[None], seen_box(target, image, generator.image_size, margin)[None], generator.image_size)
    return portrait.paint(pose_2d, target.label[None])[0]


@torch.inference_mode()
def make_portrait(
    generator: Generator,
    image: np.ndarray,
    source: LabelledPose | None,
    margin: float | None,
    plate: np.ndarray | None = None,
    batch_size: int = 1,
    further: Sequence[Photo] = (),
) -> Portrait:
    """The person of a picture, ready to be painted in `batch_size` poses at a time.

    image : (h, w, 3) uint8 RGB; source : the pose in it, by which the person is cut out, or None for a picture that is cut already, which
    a model without `pose.source` and `pose.appearance` can do with; margin : `data.margin` of training, None for a model of photos; plate : the same
    picture without the person, for a model with `pose.background: plate`; further : other pictures of the person, for a model with `pose.appearance`,
    which takes each part of the body from the one that shows it best, or `pose.head`, which does so with the head.
    Raises UserError where a picture and its pose do not fit each other.
    """
    size = generator.image_size
    if generator.conditioning.config.kind != "bodies":
        raise UserError("these weights paint faces; a pose file names the joints of a body: give weights of a recipe that paints people")
    if source is None:
        crop, pose_2d, label = _whole(image, size, generator), np.full((len(H36M_17), 2), np.nan), np.zeros(len(LIMBS), np.int8)
    else:
        crop, pose_2d, label = _cut((image, source), size, margin)
    scene = same_place(batch_size)
    if plate is not None:
        scene = scene._replace(plate=_plate_layer(plate, image, source, generator, margin).expand(batch_size, -1, -1, -1))
    if further and not generator.sees_several:
        raise UserError("these weights see one picture of the person alone; give one, or weights of pose.appearance or pose.head: true")
    others = [_seen(generator, *_cut(one, size, margin), batch_size) for one in further]
    first = _seen(generator, crop, pose_2d, label, batch_size)
    return Portrait(generator, first.image, first.measured, first.label, scene, others)


def _cut(photo: Photo, size: tuple[int, int], margin: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the networks see of a picture, (H, W, 3), and the pose in it, (17, 2) px, and its labels; raise UserError where the two do not fit."""
    image, pose = photo
    _check_inside(image, pose)
    box = seen_box(pose, image, size, margin)
    return cut_out(image, pose, size, margin), to_crop(pose.pose_2d[None], box[None], size)[0], pose.label


def _seen(generator: Generator, crop: np.ndarray, pose_2d: np.ndarray, label: np.ndarray, batch_size: int) -> Further:
    """The same picture `batch_size` times, measured."""
    measured = generator.conditioning.measure(torch.from_numpy(pose_2d.astype(np.float32)).repeat(batch_size, 1, 1), generator.image_size)
    return Further(to_image(crop[None]).repeat(batch_size, 1, 1, 1), measured, torch.from_numpy(label).repeat(batch_size, 1))


def cut_out(image: np.ndarray, pose: LabelledPose, size: tuple[int, int], margin: float | None) -> np.ndarray:
    """What the networks see of a picture (h, w, 3) uint8 RGB that shows this pose, (H, W, 3); size : (H, W); margin : as for `transfer`."""
    return crop_image(image, seen_box(pose, image, size, margin), (image.shape[1], image.shape[0]), size)


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


def seen_box(pose: LabelledPose, image: np.ndarray, size: tuple[int, int], margin: float | None) -> np.ndarray:
    """What the networks see of the plane that the pose lies in: (4,) x0, y0, x1, y1, px."""
    height, width = image.shape[:2]
    return middle_box((height, width), size) if margin is None else crop_box(pose.known[None], size, margin)[0]
