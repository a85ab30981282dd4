"""A pose model that others trained, as an ONNX file: the joints of the one person in a picture.

What mmpose exports of RTMPose (Jiang et al. 2023) and of networks with heatmaps: the input (1, 3, H, W) is RGB, less the mean and over the deviation
of ImageNet's pixels; the outputs are either two rows of bins for each of COCO's 17 keypoints, along x and along y (SimCC, two bins or more per
px), or one heatmap (1, 17, h, w). The file is the user's: https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose lists some.
Models in half or double precision, and those that take several pictures at a time, get what they ask for.
"""

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.pose.crop import crop_image
from pipeline.pose.joint_sets import COCO_17, to_18
from pipeline.utils.errors import UserError, shown

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
ROOM = 1.25  # of the box around the person, as mmpose cuts it; here the person's box is the whole picture
SURE = 0.3  # score from which on a keypoint counts as found
MOST_SIDE = 4096  # px of a model's input
MOST_BATCH = 64  # pictures that a model takes at a time
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}  # of an input


class OnnxPose:
    """A pose model in an ONNX file, run by onnxruntime on the CPU."""

    def __init__(self, path: Path) -> None:
        """Raise UserError where onnxruntime is missing, or where the file is none of the kinds above."""
        try:
            import onnxruntime
        except ImportError:
            raise UserError("onnxruntime is not installed; pip install '.[onnx]'") from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what it says of faults stands in its exceptions, too
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own kinds of error are not public
            raise UserError(f"{path}: expected a pose model in ONNX, {_first_line(error)}") from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        sides = shape[2:] if len(shape) == 4 and shape[1] == 3 else []
        if not sides or not all(isinstance(side, int) and 0 < side <= MOST_SIDE for side in sides):
            found = shown([one.shape for one in inputs])
            raise UserError(f"{path}: expected one input (1, 3, H, W) of fixed H and W, at most {MOST_SIDE} px, found {found}")
        if len(outputs) not in (1, 2):
            raise UserError(f"{path}: expected bins along x and y, or heatmaps, found {len(outputs)} outputs")
        if inputs[0].type not in _TYPES:
            raise UserError(f"{path}: expected an input of {', '.join(_TYPES)}, found {inputs[0].type}")
        batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else 1
        if batch > MOST_BATCH:
            raise UserError(f"{path}: expected at most {MOST_BATCH} pictures at a time, found {batch}; export it with a batch of 1")
        self._path, self._name, self.size = path, inputs[0].name, (int(sides[0]), int(sides[1]))
        self._type, self._batch = _TYPES[inputs[0].type], batch

    def find(self, image: np.ndarray) -> np.ndarray:
        """The keypoints of the person in a picture (h, w, 3) uint8 RGB: (18, 2) float32 px, NaN where none is found."""
        box = _box(image.shape[:2], self.size)
        cut = crop_image(image, box, (image.shape[1], image.shape[0]), self.size)
        values = ((cut - np.array(MEAN)) / np.array(DEVIATION)).astype(np.float32).transpose(2, 0, 1)[None]
        points, score = self._read(self._run(values))
        scale = (box[2:] - box[:2]) / self.size[::-1]
        points = (points + 0.5) * scale + box[:2]
        points[score < SURE] = np.nan
        return to_18(points).astype(np.float32)

    def _run(self, values: np.ndarray) -> list[np.ndarray]:
        """What the model says of one picture (1, 3, H, W); where it takes several at a time, it gets the same one several times."""
        given = np.ascontiguousarray(np.repeat(values, self._batch, axis=0).astype(self._type))
        try:
            outputs: list[Any] = self._session.run(None, {self._name: given})
        except Exception as error:  # its own kinds of error are not public
            raise UserError(f"{self._path}: expected a pose model that runs here, {_first_line(error)}") from None
        if not all(isinstance(output, np.ndarray) and output.ndim >= 1 and len(output) for output in outputs):
            raise UserError(f"{self._path}: expected arrays as outputs, found {shown([type(output).__name__ for output in outputs])}")
        return [output[0] for output in outputs]

    def _read(self, arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Places (17, 2) in px of the input, and scores (17,)."""
        for array in arrays:
            if array.ndim != 4 - len(arrays) or not array.size or not np.issubdtype(array.dtype, np.floating):
                found = f"{(1, *array.shape)} {array.dtype}"
                raise UserError(f"{self._path}: expected bins (1, 17, n) along x and y, or heatmaps (1, 17, h, w), found {found}")
            if len(array) != len(COCO_17):
                raise UserError(f"{self._path}: expected {len(COCO_17)} keypoints of COCO, found {len(array)}")
            if not np.isfinite(array).all():
                raise UserError(f"{self._path}: expected finite numbers from the model, found others; export it in single precision")
        height, width = self.size
        if len(arrays) == 2:
            x, y = (array.argmax(axis=1) for array in arrays)
            score = np.minimum(arrays[0].max(axis=1), arrays[1].max(axis=1))
            return np.stack([x * width / arrays[0].shape[1], y * height / arrays[1].shape[1]], axis=1), score
        maps = arrays[0]
        row, column = np.divmod(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[2])
        x, y = (column + 0.5) * width / maps.shape[2] - 0.5, (row + 0.5) * height / maps.shape[1] - 0.5
        return np.stack([x, y], axis=1), maps.max(axis=(1, 2))


def _first_line(error: Exception) -> str:
    """What a library says, in a line: the first one, up to 120 letters."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:120]


def _box(shape: tuple[int, ...], size: tuple[int, int]) -> np.ndarray:
    """The picture with room around it, in the proportions of `size`: (4,) x0, y0, x1, y1, px."""
    height, width = shape
    scale = ROOM * max(height / size[0], width / size[1])
    half = scale * np.array(size[::-1]) / 2
    centre = np.array((width, height)) / 2 - 0.5
    return np.concatenate([centre - half, centre + half])
