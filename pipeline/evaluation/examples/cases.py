"""What evaluation hands on to the report: every pair's scores, and the images that are worth a look."""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from pipeline.evaluation.scores.declared import PAIR_SCORES
from pipeline.inference.images import SETS
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, machine_faults


@dataclass(frozen=True)
class Examples:
    """Painted pairs, one row each. Images are (n, H, W, 3) uint8 RGB; poses (n, 17, 2) float32, px of the image; labels (n, 8) int8."""

    source: np.ndarray
    truth: np.ndarray
    by_part: np.ndarray  # the baseline without a network
    coarse: np.ndarray
    refined: np.ndarray
    source_pose: np.ndarray
    source_label: np.ndarray
    target_pose: np.ndarray
    target_label: np.ndarray
    mask_l1: np.ndarray  # (n,) float32, of the refined image
    caption: np.ndarray  # (n,) str


@dataclass(frozen=True)
class TwinExamples:
    """One pose painted with two orders of its limbs, one row each; arrays as in `Examples`."""

    source: np.ndarray
    truth: np.ndarray
    twin: np.ndarray
    painted: np.ndarray
    painted_twin: np.ndarray
    pose: np.ndarray
    label: np.ndarray
    twin_label: np.ndarray
    right: np.ndarray  # (n, 2) float64: 1 right, 0 wrong, for each of the two
    caption: np.ndarray  # (n,) str


@dataclass(frozen=True)
class Demonstrations(TwinExamples):
    """Twins that show what the thesis shows of depth, those of one kind one after the other.

    The first order (`truth`, `painted`, `label`, `right[:, 0]`) is the one whose mirrored limbs are farther in front, whichever was recorded.
    """

    kind: np.ndarray  # (n,) str, of demonstrations.KINDS


@dataclass(frozen=True)
class Steps:
    """What lies between labels and image, one row each, arrays as in `Examples`; nothing of a model without `pose.lift` and `pose.appearance`."""

    source: np.ndarray
    pose: np.ndarray
    label: np.ndarray
    depth_layer: np.ndarray  # how near the front parts are: brighter is nearer
    warped_front: np.ndarray  # the warped source: its colours where the target shows the front parts
    warped_second: np.ndarray  # the same of the second parts, next behind them
    refined: np.ndarray
    truth: np.ndarray
    caption: np.ndarray  # (n,) str


@dataclass(frozen=True)
class Appearances:
    """What the variational U-Net paints of one pose with several appearances, one row each; nothing of a generator without latents."""

    source: np.ndarray
    other: np.ndarray  # another person's image
    pose: np.ndarray
    label: np.ndarray
    between: np.ndarray  # (n, m, H, W, 3) uint8, from the source's appearance to the other's
    sampled: np.ndarray  # (n, k, H, W, 3) uint8, appearances drawn from the prior
    caption: np.ndarray  # (n,) str


@dataclass(frozen=True)
class Pairs:
    """All test pairs, one row each."""

    source: np.ndarray  # (P,) str, subject/sequence/camera/frame
    target: np.ndarray  # (P,) str
    identity: np.ndarray  # (P,) str, the person
    distance: np.ndarray  # (P,) float32, mean distance of the joints, px
    scores: np.ndarray  # (images, scores, P) float32, in the order of images.SETS and declared.PAIR_SCORES


@dataclass(frozen=True)
class Orders:
    """All twins that count, one row each; nothing of a joint set without limbs."""

    name: np.ndarray  # (M,) str, as those of pairs, and the chain that is mirrored
    person: np.ndarray  # (M,) str
    chain: np.ndarray  # (M,) int8, position in skeleton.CHAINS
    judged: np.ndarray  # (images, M, 2) float64, as `judge_order` gives it, in the order of images.SETS


@dataclass(frozen=True)
class Labels:
    """How the label rule compares with the truth."""

    confusion: np.ndarray  # (8, 3, 3) int64, limb, truth, label; all zero without truth


@dataclass(frozen=True)
class Cases:
    """The content of the file of cases, a .npz with one array per field: `samples.source` ..."""

    pairs: Pairs
    samples: Examples
    best: Examples
    worst: Examples
    twins: TwinExamples
    demonstrations: Demonstrations
    steps: Steps
    appearances: Appearances
    orders: Orders
    labels: Labels


_IMAGES = ("B", (None, None, None, 3))  # uint8
_POSES, _LABELS, _NUMBERS, _WORDS = ("fd", (None, None, 2)), ("b", (None, None)), ("fd", (None,)), ("U", (None,))
_FORMS: dict[str, tuple[str, tuple[int | None, ...]]] = {  # by name: NumPy's type codes, and the axes, None where any length will do
    **dict.fromkeys(("source", "truth", "by_part", "coarse", "refined", "twin", "painted", "painted_twin"), _IMAGES),
    **dict.fromkeys(("depth_layer", "warped_front", "warped_second", "other"), _IMAGES),
    **dict.fromkeys(("between", "sampled"), ("B", (None, *_IMAGES[1]))),
    **dict.fromkeys(("source_pose", "target_pose", "pose"), _POSES),
    **dict.fromkeys(("source_label", "target_label", "label", "twin_label"), _LABELS),
    **dict.fromkeys(("mask_l1", "distance"), _NUMBERS),
    **dict.fromkeys(("caption", "kind", "target", "pair_name", "identity", "name", "person"), _WORDS),
    "chain": ("b", (None,)),
    "judged": ("fd", (None, None, 2)),
    "right": ("fd", (None, 2)),
    "scores": ("fd", (None, len(PAIR_SCORES), None)),
    "confusion": ("lq", (len(LIMB_NAMES), 3, 3)),
}
_GROUPS: dict[str, Any] = {
    "pairs": Pairs,
    "samples": Examples,
    "best": Examples,
    "worst": Examples,
    "twins": TwinExamples,
    "demonstrations": Demonstrations,
    "steps": Steps,
    "appearances": Appearances,
    "orders": Orders,
    "labels": Labels,
}


def write_cases(path: Path, cases: Cases) -> None:
    """Write a .npz whose bytes depend on the content alone (its members carry a fixed date)."""
    arrays = {f"{name}.{field}": array for name in _GROUPS for field, array in vars(getattr(cases, name)).items()}
    content = io.BytesIO()  # a file of zip on a full disk raises twice
    np.savez_compressed(content, allow_pickle=False, **arrays)
    with atomic_file(path) as partial:
        partial.write_bytes(content.getbuffer())


def read_cases(path: Path) -> Cases:
    """Read what `write_cases` wrote; raise UserError where the file is damaged or lacks an array, or where arrays do not fit each other."""
    try:
        with machine_faults(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            groups = {name: cls(**{field.name: arrays[f"{name}.{field.name}"] for field in fields(cls)}) for name, cls in _GROUPS.items()}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, NotImplementedError, TypeError, MemoryError, struct.error) as error:
        raise UserError(f"{path}: expected the cases that stage evaluate writes; run it again ({' '.join(str(error).split())})") from None
    for name, group in groups.items():
        for array, expected in _misfits(vars(group)):
            found = f"{getattr(group, array).shape} {getattr(group, array).dtype}"
            raise UserError(f"{path}: expected `{name}.{array}` {expected}, found {found}; run the stage evaluate again")
    pairs = groups["pairs"]
    count, images = len(pairs.source), len(pairs.scores)
    lengths = {len(pairs.target), len(pairs.identity), len(pairs.distance), pairs.scores.shape[2]}
    if lengths != {count} or images not in SETS:
        raise UserError(f"{path}: expected in `pairs` as many rows in each array, found others; run the stage evaluate again")
    orders = groups["orders"]
    if {len(orders.person), len(orders.chain), orders.judged.shape[1]} != {len(orders.name)} or (len(orders.name) and len(orders.judged) != images):
        raise UserError(f"{path}: expected in `orders` as many rows in each array, found others; run the stage evaluate again")
    return Cases(**groups)


def _misfits(group: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    """The arrays of a group that are of another type or shape than `_FORMS` says, or hold what cannot be, and what was expected."""
    rows = len(group["caption"]) if "caption" in group and group["caption"].ndim else None
    picture = next((group[name].shape[1:] for name in ("source", "truth") if name in group and group[name].ndim == len(_FORMS["truth"][1])), None)
    for name, array in group.items():
        kinds, axes = _FORMS["pair_name" if "caption" not in group and name in ("source", "target") else name]
        if not array.ndim or (rows is not None and len(array) != rows and not (name == "by_part" and not len(array))):
            yield name, f"of {rows} rows"
        elif rows == 0 and not len(array):
            if kinds == "B" and array.ndim < len(_FORMS["truth"][1]):
                yield name, "of images"
        elif (
            array.dtype.char not in kinds or array.ndim != len(axes) or any(want not in (None, n) for want, n in zip(axes, array.shape, strict=True))
        ):
            yield name, f"of shape {tuple('n' if want is None else want for want in axes)}"
        elif kinds == "B" and array.shape[-3:] != picture:
            yield name, f"of images {picture}"
        elif name.endswith("label") and array.size and not -1 <= array.min() <= array.max() <= 1:
            yield name, "from -1 to 1"
        elif array.dtype.kind == "f" and np.isinf(array).any():
            yield name, "of finite numbers"
