"""What a score is: its name, how it is worked out, what it says, and which values are good.

The report reads this without loading torch, which takes seconds: what declares scores uses methods of tensors alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

Better = Literal["higher", "lower", "nearer to the ideal"]


class Heads(NamedTuple):
    """The squares around the targets' heads, cut out of painted images and truths at about twice their size.

    prediction, truth : (..., 3, S, S) uint8; known : (...,) bool, whose heads are known
    """

    prediction: Tensor
    truth: Tensor
    known: Tensor


class ImagePairs(NamedTuple):
    """Painted images and their truths, as scores see them.

    prediction, truth : (..., 3, H, W) uint8 RGB, which may broadcast; body : (..., 1, H, W) bool, where the target's body is; overlap : the same,
    where the target's limbs overlap the torso or each other; heads : None where nobody knows of heads
    """

    prediction: Tensor
    truth: Tensor
    body: Tensor
    overlap: Tensor
    heads: Heads | None = None


@dataclass(frozen=True)
class Score:
    """A score, declared once: metrics/test.json, the report and the tables of experiments take all that they say of it from here.

    name : in metrics/test.json
    function : of image pairs, (...,) float64, NaN where it is not defined; None of a score that takes a network, which `evaluate.py` asks
    meaning : what it says, in plain words
    better : which values are good
    ideal : what the true image itself has; None where that depends on the data
    title : in tables
    place : scores are listed by rising place, those of one place by name
    always : every pair has it; one that lacks it is a mistake
    flag : the switch of section `evaluate` that asks for it; None: it is always worked out, and handed on for each pair
    grouped : what it is called where it is also summed up by action, view and distance; empty: it is not
    """

    name: str
    function: Callable[[ImagePairs], Tensor] | None
    meaning: str
    better: Better
    ideal: float | None
    title: str = ""
    place: int = 1000
    always: bool = False
    flag: str | None = None
    grouped: str = ""

    @property
    def heading(self) -> str:
        """What a table calls it."""
        return self.title or self.name

    @property
    def arrow(self) -> str:
        """Which values are good, as a sign."""
        return {"higher": "↑", "lower": "↓"}.get(self.better, f"→ {self.ideal:g}" if self.ideal is not None else "")

    def cost(self, value: float) -> float:
        """How far from good a value is: the least is the best."""
        if self.better == "nearer to the ideal":
            assert self.ideal is not None
            return abs(value - self.ideal)
        return -value if self.better == "higher" else value
