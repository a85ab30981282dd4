"""The person of a picture painted in every pose of a motion, a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from pipeline.inference.generator import Generator
from pipeline.inference.transfer import Portrait, make_portrait
from pipeline.motion.motion import Motion
from pipeline.motion.place import place_motion
from pipeline.pose.crop import crop_image, to_crop
from pipeline.pose.drawing import draw_pose
from pipeline.pose.pose_file import LabelledPose
from pipeline.utils.images import enlarge
from pipeline.utils.tensors import as_rows, to_uint8

BATCH = 16  # frames painted at a time
SHOWN_HEIGHT = 256  # px of a picture beside others, at least


@dataclass(frozen=True)
class Animation:
    """A person and a motion; boxes : (T, 4) px, what the networks see of each of its frames."""

    portrait: Portrait
    motion: Motion
    boxes: np.ndarray

    def frames(self) -> Iterator[np.ndarray]:
        """The painted frames, (H, W, 3) uint8 RGB each; no more than a batch of them is in memory at any time."""
        for start in range(0, len(self.motion), BATCH):
            rows = slice(start, start + BATCH)
            yield from self.portrait.paint(self._poses(rows), self.motion.label[rows])

    def frames_beside(self) -> Iterator[np.ndarray]:
        """Each frame larger: the source, the skeleton, what is painted, and what the motion's film shows, where there is one."""
        size = self.portrait.generator.image_size
        scale = -(-SHOWN_HEIGHT // size[0])
        source = as_rows(to_uint8(self.portrait.image[:1]))[0]
        for number, (painted, truth) in enumerate(zip(self.frames(), self._truth(), strict=False)):
            skeleton = draw_pose(self._poses(slice(number, number + 1))[0], self.motion.label[number], size, scale)
            tiles = [enlarge(image, scale * size[0]) for image in (source, painted, *truth)]
            yield np.concatenate([tiles[0], skeleton, *tiles[1:]], axis=1)

    def _poses(self, rows: slice) -> np.ndarray:
        return to_crop(self.motion.pose_2d[rows], self.boxes[rows], self.portrait.generator.image_size)

    def _truth(self) -> Iterator[tuple[np.ndarray, ...]]:
        """What the film shows in each box, in a tuple; empty tuples without end where there is no film."""
        film = self.motion.film
        if film is None:
            yield from repeat(())
            return
        for picture, box in zip(film.pictures(), self.boxes, strict=True):
            yield (crop_image(picture, box, film.size, self.portrait.generator.image_size),)


def make_animation(
    generator: Generator, image: np.ndarray, source: LabelledPose, motion: Motion, margin: float | None, plate: np.ndarray | None = None
) -> Animation:
    """The person of a picture, to be painted in a motion. Arguments and errors are those of `transfer.make_portrait`."""
    portrait = make_portrait(generator, image, source, margin, plate, min(BATCH, len(motion)))
    height, width = image.shape[:2]
    return Animation(portrait, motion, place_motion(motion, source, (height, width), generator.image_size, margin))
