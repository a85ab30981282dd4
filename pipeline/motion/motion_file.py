"""The motion file: a motion as JSON, read frame by frame, so that a long one takes no more memory than its poses.

    {"fps": 25,
     "frames": [
       {"joints": {"hips": [412.0, 530.5], ..., "right_wrist": null}, "labels": {"right_forearm": 1}},
       ...]}

Each frame has the form of a pose file (`pose.pose_file`), all in px of one picture.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from pipeline.motion.motion import FASTEST, Motion, as_rate
from pipeline.pose.pose_file import LabelledPose, decode_pose, encode_pose
from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import atomic_file, machine_faults
from pipeline.utils.numbers import as_number

SLOWEST = 0.01  # frames per second
_KEYS = ("fps", "frames")
_CHUNK = 2**16  # letters read at a time
_LONGEST = 2**20  # letters of a frame
_DIGITS = 2  # of a px


def read_motion(path: Path) -> Motion:
    """Read a motion file; raise UserError, one line that names the frame, where it is damaged, or a frame holds no pose."""
    if not path.is_file():
        raise UserError(f"{path}: not found; expected a motion file" if not path.exists() else f"{path}: expected a motion file, found a folder")
    with machine_faults(path), path.open(encoding="utf-8-sig") as file:
        return decode_motion(file, str(path))


def decode_motion(file: TextIO, where: str) -> Motion:
    """The motion in the content of a motion file; raises as `read_motion`, with lines that begin with `where`."""
    try:
        return _read(_Reader(file), where)
    except UnicodeDecodeError:
        raise UserError(f"{where}: expected text in UTF-8, found something else; save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        found = "lists within lists without end" if isinstance(error, RecursionError) else error
        raise UserError(f"{where}: expected JSON, {found}") from None


def write_motion(path: Path, motion: Motion) -> None:
    """Write a motion file, a frame per line, whole or not at all."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        encode_motion(file, motion)


def encode_motion(file: TextIO, motion: Motion) -> None:
    """Write the content of a motion file, a frame per line."""
    file.write(f'{{"fps": {_as_json(motion.fps)},\n "frames": [')
    for number, (pose_2d, label) in enumerate(zip(motion.pose_2d, motion.label, strict=True)):
        file.write(",\n  " if number else "\n  ")
        json.dump(encode_pose(pose_2d.astype(np.float64).round(_DIGITS), label), file)
    file.write("\n]}\n")


def _as_json(fps: Fraction) -> str:
    return json.dumps(fps.numerator if fps.denominator == 1 else float(fps))


def _read(reader: "_Reader", where: str) -> Motion:
    found: dict[str, Any] = {}
    for key in reader.members():
        if key not in _KEYS or key in found:
            why = "stands twice" if key in found else "is not known here"
            raise UserError(f"{where}: expected `fps` and `frames`, each once, found that {shown(key)} {why}; see docs/motions.md")
        found[key] = [_frame(content, where, number) for number, content in enumerate(reader.items())] if key == "frames" else reader.value()
    for key in _KEYS:
        if key not in found:
            raise UserError(f"{where}: {key}: missing; see docs/motions.md")
    fps = as_number(found["fps"], FASTEST, where, "fps")
    if fps < SLOWEST:
        raise UserError(f"{where}: fps = {fps:g}: expected frames per second, {SLOWEST:g} to {FASTEST}; correct it")
    poses: list[LabelledPose] = found["frames"]
    if not poses:
        raise UserError(f"{where}: frames: expected a pose at least, found none; see docs/motions.md")
    return Motion(np.stack([pose.pose_2d for pose in poses]), np.stack([pose.label for pose in poses]), as_rate(fps))


def _frame(content: Any, file: str, number: int) -> LabelledPose:
    """A pose, float32; raise UserError with one line, the first of those that a pose file would get."""
    where = f"{file}: frame {number}"
    if not isinstance(content, dict):
        raise UserError(f"{where}: expected a pose, joints and labels, found {shown(content)}; take the frame out, or give its pose")
    try:
        pose = decode_pose(content, where)
    except UserError as error:
        first, *others = str(error).splitlines()
        raise UserError(f"{first} (and {len(others)} more like it)" if others else first) from None
    return LabelledPose(pose.pose_2d.astype(np.float32), pose.label)


class _Reader:
    """JSON from a file, a value at a time; raises ValueError where it is damaged."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.text, self.at, self.before = file, "", 0, 0
        self.decoder = json.JSONDecoder(object_pairs_hook=_each_once)

    def members(self) -> Iterator[str]:
        """The keys of an object, which is the whole file; whoever iterates reads the value that follows each of them."""
        for _ in self._each("{", "}"):
            key = self.value()
            if not isinstance(key, str):
                raise ValueError(f"a key is {shown(key)}")
            self._expect(":")
            yield key
        if self._peek():
            raise ValueError(f"something follows its end, at letter {self.before + self.at}")

    def items(self) -> Iterator[Any]:
        """The values of a list, one by one."""
        for _ in self._each("[", "]"):
            yield self.value()

    def value(self) -> Any:
        """The value that comes next."""
        self._peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise ValueError(f"{error.msg} at letter {self.before + error.pos}") from None
            else:
                if end < len(self.text) or not self._more():  # at the end of what was read a number may go on
                    self.at = end
                    return value

    def _each(self, opening: str, closing: str) -> Iterator[None]:
        """Stand before each member of a list or an object."""
        self._expect(opening)
        if self._peek() != closing:
            yield
            while self._peek() == ",":
                self.at += 1
                yield
        self._expect(closing)

    def _expect(self, letter: str) -> None:
        if self._peek() != letter:
            found = shown(self._peek()) if self._peek() else "its end: it is empty or cut short"
            raise ValueError(f"{shown(letter)} at letter {self.before + self.at}, found {found}")
        self.at += 1

    def _peek(self) -> str:
        """The next letter that is no white space, empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at].isspace():
                self.at += 1
            if self.at < len(self.text) or not self._more():
                return self.text[self.at : self.at + 1]

    def _more(self) -> bool:
        """Read on, and forget what is done; whether there was more."""
        if len(self.text) - self.at > _LONGEST:
            raise ValueError(f"a value at letter {self.before + self.at} is longer than {_LONGEST} letters")
        chunk = self.file.read(_CHUNK)
        self.before += self.at
        self.text, self.at = self.text[self.at :] + chunk, 0
        return bool(chunk)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one place")
    return found
