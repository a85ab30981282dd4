"""The studio's motions: played frame by frame, labelled over stretches, saved as films."""

import io
import json
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.inference.generator import Generator
from pipeline.inference.transfer import seen_box
from pipeline.motion.animate import BATCH, Animation, make_animation
from pipeline.motion.films import write_film
from pipeline.motion.motion import Motion
from pipeline.motion.motion_file import decode_motion, encode_motion
from pipeline.page.folder import PhotoFolder
from pipeline.page.painting import encode_shown, photos_of
from pipeline.pose.skeleton import LIMB_NAMES, LIMBS
from pipeline.utils.errors import UserError

MOST_FRAMES = 3000  # of a motion that is played
Names = tuple[str, ...]  # of photos of one person: the first is painted into


class MotionStudio:
    """One motion, and the people of a folder's photos painted in it; margin : as for `PoseStudio`."""

    def __init__(self, folder: PhotoFolder, generator: Generator, margin: float | None, motion: Motion | None = None) -> None:
        """Raise UserError where the motion is too long."""
        self.folder, self.generator, self.margin = folder, generator, margin
        self._lock = threading.Lock()
        self._motion: Motion | None = None
        self._open: tuple[Names, Animation] | None = None  # the photos that were painted from last, frame by frame
        if motion is not None:
            self._take(motion)

    @property
    def loaded(self) -> bool:
        """Whether there is a motion."""
        return self._motion is not None

    def load(self, content: str) -> None:
        """Take the motion of a motion file; raise UserError where it is damaged or too long, and keep the one that was there."""
        self._take(decode_motion(io.StringIO(content), "motion"))

    def content(self) -> str:
        """The motion as a motion file."""
        file = io.StringIO()
        encode_motion(file, self._given())
        return file.getvalue()

    def shown(self, names: Names) -> str:
        """JSON for the page: `fps`, which limbs are `visible`, and of each frame `labels` and `joints`, px of the photo."""
        with self._lock:
            animation = self._animation(names)
        (image, source), size = photos_of(self.folder, names[:1])[0], self.generator.image_size
        home = seen_box(source, image, size, self.margin)
        placed = animation.poses(np.arange(len(animation.motion)))
        placed = home[:2] + (placed + 0.5) * (home[2:] - home[:2]) / np.array(size[::-1])
        frames = [
            {"joints": [None if np.isnan(x) else [round(float(x), 1), round(float(y), 1)] for x, y in joints], "labels": label.tolist()}
            for joints, label in zip(placed, animation.motion.label, strict=True)
        ]
        visible = (~np.isnan(placed[..., 0])).any(axis=0)
        limbs = [bool(visible[list(limb)].all()) for limb in LIMBS]
        return json.dumps({"fps": float(animation.motion.fps), "visible": limbs, "frames": frames})

    def label(self, limb: str, start: int, stop: int, value: int) -> None:
        """Label a limb in the frames from `start` up to `stop`, which belongs to them; raise UserError where there are no such frames or limb."""
        with self._lock:
            motion = self._given()
            if limb not in LIMB_NAMES or not 0 <= start <= stop < len(motion):
                raise UserError(f"expected a limb, and frames from 0 to {len(motion) - 1}, the first one first, found {limb}, {start} to {stop}")
            label, number = motion.label.copy(), LIMB_NAMES.index(limb)
            known = ~np.isnan(motion.pose_2d[start : stop + 1, list(LIMBS[number]), 0]).any(axis=1)
            label[start : stop + 1, number] = np.where(known, value, 0)
            self._motion = replace(motion, label=label)
            if self._open is not None:
                names, animation = self._open
                self._open = names, replace(animation, motion=replace(animation.motion, label=label))

    def paint(self, names: Names, number: int) -> tuple[bytes, float]:
        """A frame with the person of the photos, on its own, as PNG; and how long it took to paint, s. Raises UserError where there is none."""
        with self._lock:
            animation = self._animation(names)
            if not 0 <= number < len(animation.motion):
                raise UserError(f"expected a frame from 0 to {len(animation.motion) - 1}, found {number}")
            since = time.perf_counter()
            painted = animation.frame(number)
            return encode_shown(painted), time.perf_counter() - since

    def film(self, names: Names) -> bytes:
        """The whole motion with the person of the photos, steady, as MP4."""
        with self._lock, tempfile.TemporaryDirectory(prefix="pose25d-film-") as folder:
            animation = self._animate(names, steady=True, batch_size=BATCH)
            path = Path(folder) / "film.mp4"
            write_film(path, animation.frames(), animation.motion.fps)
            return path.read_bytes()

    def _take(self, motion: Motion) -> None:
        if len(motion) > MOST_FRAMES:
            how = "take a part by --start and --stop, or paint it by `pose25d animate`"
            raise UserError(f"motion: expected at most {MOST_FRAMES} frames to play, found {len(motion)}; {how}")
        with self._lock:
            self._motion, self._open = motion, None

    def _given(self) -> Motion:
        if self._motion is None:
            raise UserError("there is no motion yet; load one")
        return self._motion

    def _animation(self, names: Names) -> Animation:
        """The person of the photos, to be painted frame by frame."""
        if self._open is None or self._open[0] != names:
            self._open = names, self._animate(names, steady=False, batch_size=1)
        return self._open[1]

    def _animate(self, names: Names, steady: bool, batch_size: int) -> Animation:
        (image, source), *further = photos_of(self.folder, names)
        return make_animation(self.generator, image, source, self._given(), self.margin, None, steady, batch_size, further, keep=None)
