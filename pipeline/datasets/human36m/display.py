"""How a player turns the pictures of a video: cameras on edge store them lying, and write a matrix beside them."""

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

from pipeline.utils.errors import UserError

_ONE = 2**16  # the matrix holds numbers of 16 bits behind the point


@dataclass(frozen=True)
class Display:
    """What is done to a stored picture before it is shown: rows and columns are exchanged first, then it is mirrored."""

    exchanged: bool = False
    mirrored: bool = False  # left to right
    upside_down: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) as shown, of a stored picture; and the other way round."""
        return (height, width) if self.exchanged else (width, height)

    def show(self, image: np.ndarray) -> np.ndarray:
        """The stored picture (h, w, 3) as a player shows it; itself where nothing is to be done."""
        if self == Display():
            return image
        shown = image.swapaxes(0, 1) if self.exchanged else image
        return np.ascontiguousarray(shown[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1])


def display_of(frame: av.VideoFrame, where: str) -> Display:
    """What the display matrix of a decoded frame asks for; nothing where it has none.

    Raises UserError, which begins with `where`, for a matrix that does anything but turn by right angles and mirror.
    """
    data: Any = frame.side_data.get(Type.DISPLAYMATRIX.name)
    if data is None:
        return Display()
    # (x, y) of the stored picture goes to (a x + c y, b x + d y), but for where the picture's corner is put.
    a, b, _, c, d = np.frombuffer(data, np.int32, 5).tolist()
    if (abs(a), abs(d), b, c) == (_ONE, _ONE, 0, 0):
        return Display(False, a < 0, d < 0)
    if (abs(b), abs(c), a, d) == (_ONE, _ONE, 0, 0):
        return Display(True, c < 0, b < 0)
    found = ", ".join(f"{number / _ONE:g}" for number in (a, b, c, d))
    raise UserError(f"{where}: expected pictures that are shown upright or turned by right angles, found the display matrix ({found})")
