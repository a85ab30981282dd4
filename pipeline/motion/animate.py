"""The person of a picture painted in every pose of a motion, a batch at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.inference.generator import Generator
from pipeline.inference.transfer import Photo, Portrait, make_portrait
from pipeline.motion.blend import Shown, blend, part_frames, reach_of
from pipeline.motion.motion import Motion
from pipeline.motion.place import place_motion
from pipeline.motion.proportions import fit_motion
from pipeline.motion.steady import steady_depths
from pipeline.pose.background import same_place
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.crop import crop_image, to_crop
from pipeline.pose.drawing import draw_pose
from pipeline.pose.pose_file import LabelledPose
from pipeline.utils.images import enlarge
from pipeline.utils.tensors import as_rows, to_uint8

BATCH = 16  # frames painted at a time
SHOWN_HEIGHT = 256  # px of a picture beside others, at least


@dataclass(frozen=True)
class Animation:
    """A person and a motion.

    boxes : (T, 4) px, what the networks see of each of its frames
    place : (T, 3) float32, where the background of each frame lies in the source's image, as `Scene.place`
    steady : whether frames are painted with regard to those around them, else each on its own
    plain : the motion and its boxes before the person kept other proportions in it (`proportions.fit_motion`); None where it is just as it was
    """

    portrait: Portrait
    motion: Motion
    boxes: np.ndarray
    place: Tensor
    steady: bool
    plain: tuple[Motion, np.ndarray] | None = None

    def frames(self) -> Iterator[np.ndarray]:
        """The painted frames, (H, W, 3) uint8 RGB each; no more than a batch of them and of those around them is in memory at any time."""
        if self.steady:
            yield from blend(self._shown(), reach_of(self.motion.fps))
            return
        for rows in self._batches():
            yield from as_rows(self._paint(rows, self._measure(rows, None)))

    def frame(self, number: int) -> np.ndarray:
        """One frame on its own, (H, W, 3) uint8 RGB."""
        rows = np.array([number])
        return as_rows(self._paint(rows, self._measure(rows, None)))[0]

    def poses(self, rows: np.ndarray) -> np.ndarray:
        """The joints of the frames `rows`, (n, 17, 2) px of the image that the networks see."""
        return to_crop(self.motion.pose_2d[rows], self.boxes[rows], self.portrait.generator.image_size)

    def _batches(self) -> Iterator[np.ndarray]:
        """The numbers of the frames, a batch at a time."""
        batch = len(self.portrait.image)
        for start in range(0, len(self.motion), batch):
            yield np.arange(start, min(start + batch, len(self.motion)))

    def _shown(self) -> Iterator[Shown]:
        """The frames as they are painted, and where the body's parts are in them."""
        conditioning, depth = self.portrait.generator.conditioning, self._depths()
        assert isinstance(conditioning, BodyConditioning)  # a portrait is that of a body
        for rows in self._batches():
            target = self._measure(rows, depth)
            with torch.inference_mode():
                front = conditioning.front_parts(target, self._labels(rows))
                frame = part_frames(target, self.place[self._filled(rows)])
            yield Shown(self._paint(rows, target).float(), front[: len(rows)], frame[: len(rows)])

    @torch.inference_mode()
    def _measure(self, rows: np.ndarray, depth: np.ndarray | None) -> Any:
        """The bodies of a batch; depth : (T, 17) mm, or None: the lifter infers it in each frame anew."""
        filled = self._filled(rows)
        target = self.portrait.measure(self.poses(filled))
        return target if depth is None else replace(target, depth=torch.from_numpy(depth[filled]))

    def _paint(self, rows: np.ndarray, target: Any) -> Tensor:
        """The frames of a batch, (n, 3, H, W) uint8."""
        scene = self.portrait.scene._replace(place=self.place[self._filled(rows)])
        return replace(self.portrait, scene=scene).paint_measured(target, self._labels(rows))[: len(rows)]

    def _labels(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self.motion.label[self._filled(rows)])

    def _filled(self, rows: np.ndarray) -> np.ndarray:
        """The numbers of the frames of a whole batch, the last one as often as need be."""
        return rows[self.portrait.fill(len(rows))]

    def _depths(self) -> np.ndarray | None:
        """The depths of the joints, decided over the whole motion."""
        generator = self.portrait.generator
        pose_2d = self.poses(np.arange(len(self.motion)))
        return steady_depths(generator.conditioning, pose_2d, self.motion.label, generator.image_size, self.motion.fps)

    def frames_beside(self) -> Iterator[np.ndarray]:
        """Each frame larger: the source, the skeleton, what is painted, and what the motion's film shows, where there is one.

        Where the person keeps other proportions, the skeleton of the motion as it was stands before that which is painted.
        """
        size = self.portrait.generator.image_size
        scale = -(-SHOWN_HEIGHT // size[0])
        source = as_rows(to_uint8(self.portrait.image[:1]))[0]
        told = [self._before(), (self.motion, self.boxes)][self.plain is None :]
        for number, (painted, truth) in enumerate(zip(self.frames(), self._truth(), strict=False)):
            skeletons = [
                draw_pose(to_crop(motion.pose_2d[[number]], boxes[[number]], size)[0], motion.label[number], size, scale) for motion, boxes in told
            ]
            tiles = [enlarge(image, scale * size[0]) for image in (source, painted, *truth)]
            yield np.concatenate([tiles[0], *skeletons, *tiles[1:]], axis=1)

    def _truth(self) -> Iterator[tuple[np.ndarray, ...]]:
        """What the film shows in each box, in a tuple; empty tuples without end where there is no film."""
        motion, boxes = self._before()
        if motion.film is None:
            yield from repeat(())
            return
        for picture, box in zip(motion.film.pictures(), boxes, strict=True):
            yield (crop_image(picture, box, motion.film.size, self.portrait.generator.image_size),)

    def _before(self) -> tuple[Motion, np.ndarray]:
        """The motion in its own proportions, and its boxes."""
        return self.plain or (self.motion, self.boxes)


def make_animation(
    generator: Generator,
    image: np.ndarray,
    source: LabelledPose,
    motion: Motion,
    margin: float | None,
    plate: np.ndarray | None = None,
    steady: bool = True,
    batch_size: int = BATCH,
    further: Sequence[Photo] = (),
    keep: bool | None = False,
) -> Animation:
    """The person of a picture, to be painted in a motion. Other arguments and errors are those of `transfer.make_portrait`.

    steady : as in `Animation`; batch_size : frames painted at a time; keep : proportions, as for `proportions.fit_motion`
    """
    portrait = make_portrait(generator, image, source, margin, plate, min(batch_size, len(motion)), further)
    fitted = fit_motion(motion, [source, *(pose for _, pose in further)], generator.conditioning.lifter, keep)

    def boxes(one: Motion) -> np.ndarray:
        return place_motion(one, source, image.shape[:2], generator.image_size, margin)

    plain = None if fitted is motion else (motion, boxes(motion))
    return Animation(portrait, fitted, boxes(fitted), same_place(len(motion)).place, steady, plain)
