"""Which twins show what the thesis shows of depth (Yuan 2019, figures 3.14 to 3.16): one source, one 2D pose, two orders of the limbs.

They are chosen by what the labels say and by how clearly the two true images differ where the limbs change places. What a model painted has
no say, so they show its failures as well.

A limb turns where its label goes from +1 to -1 or back between the two members of a twin.
"""

import numpy as np
import torch

from pipeline.evaluation.scores.depth import clear_pixels
from pipeline.inference.batched import CHUNK, Task
from pipeline.packs.pack import Pack
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, TORSO_PART, front_parts
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAIN_NAMES, LIMB_NAMES, mirror_names

KINDS = ("legs swapped", "calf and thigh occluded", "right arm before and behind the torso")
EACH = 2
OTHER_SIDE = mirror_names(CHAIN_NAMES)  # of each chain, the same on the other side of the body
LEGS = tuple(CHAIN_NAMES.index(name) for name in ("right_leg", "left_leg"))
_RIGHT_ARM = CHAIN_NAMES.index("right_arm")
_FOREARM = CHAIN_LIMBS[_RIGHT_ARM].index(LIMB_NAMES.index("right_forearm"))


def choose_demonstrations(pack: Pack, twins: Task, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The twins that count, (M,) bool, that fit the thesis' demonstrations best and show them most clearly: as `choose` gives them."""
    fit = fits(pack.label[twins.target], twins.label, pack.twins.chain) * counted
    candidates = np.flatnonzero(fit.any(0))
    pixels = np.zeros(len(twins), dtype=np.int64)
    pixels[candidates] = _traded_pixels(pack, twins, candidates)
    return choose(fit, pixels, pack.identity[twins.target])


def fits(label: np.ndarray, twin_label: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """How well each twin fits each of `KINDS`; 0 where it does not.

    - legs swapped: a point for each limb of the mirrored leg that turns, and one more where the same limb of the other leg turns the other way
    - calf and thigh occluded: three points for each limb of the mirrored leg that turns the same way, so that both are -1 in one of the two
      orders, and one for each limb of the other leg whose label stays
    - right arm: one point where the forearm turns, and one more where the upper arm turns the same way

    label, twin_label : (M, 8) -1, 0 or +1; chain : (M,) int; returns (3, M) int64
    """
    change = twin_label.astype(np.int64) - label
    own = np.take_along_axis(change, np.asarray(CHAIN_LIMBS)[chain], 1)  # (M, 2)
    other = np.take_along_axis(change, np.asarray(CHAIN_LIMBS)[np.asarray(OTHER_SIDE)[chain]], 1)  # (M, 2)
    is_leg = np.isin(chain, LEGS)
    turns, opposite = np.abs(own) == 2, own * other == -4
    together = np.maximum((own == 2).sum(1), (own == -2).sum(1))
    forearm, same = turns[:, _FOREARM], own[:, 0] == own[:, 1]
    return np.stack(
        [
            is_leg * (turns.sum(1) + opposite.sum(1)),
            is_leg * (together > 0) * (3 * together + (other == 0).sum(1)),
            (chain == _RIGHT_ARM) * forearm * (1 + same),
        ]
    )


def front_in_twin(label: np.ndarray, twin_label: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """Is the mirrored chain farther in front in the twin than in the original, going by its two labels? (M,) bool; arrays as in `fits`."""
    limbs = np.asarray(CHAIN_LIMBS)[chain]
    first, second = (np.take_along_axis(labels, limbs, 1).sum(1) for labels in (label, twin_label))
    return second > first


def choose(fit: np.ndarray, pixels: np.ndarray, identity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Up to `EACH` twins of each kind, of different people, none of them twice: the best fit, then the most pixels, then the first.

    fit : (3, M) as `fits` gives it, 0 where a twin may not be shown; pixels : (M,) int, in how many the two images differ clearly where the
    limbs change places, none is shown with 0; identity : (M,) str, the person
    returns : the twins' positions (n,) int64, and their kinds (n,) int64, positions in `KINDS`
    """
    chosen: list[int] = []
    kinds: list[int] = []
    for kind, points in enumerate(fit):
        people: set[str] = set()
        for i in np.lexsort((-pixels, -points)):  # a stable sort: ties stay in order
            if len(people) < EACH and points[i] > 0 and pixels[i] > 0 and i not in chosen and identity[i] not in people:
                people.add(identity[i])
                chosen.append(int(i))
                kinds.append(kind)
    return np.array(chosen, dtype=np.int64), np.array(kinds, dtype=np.int64)


def _traded_pixels(pack: Pack, twins: Task, chosen: np.ndarray) -> np.ndarray:
    """In how many pixels a twin differs clearly from its original where the mirrored limbs trade places, (n,) int64.

    These are the pixels where the ordered part map shows the mirrored leg with the one set of labels and the other leg with the other; of an
    arm: the forearm and the torso.
    """
    counts = [np.zeros(0, dtype=np.int64)]
    for part in np.array_split(chosen, -(-len(chosen) // CHUNK) or 1):
        rows = twins.target[part]
        body = measure(torch.from_numpy(pack.pose_2d[rows]), (pack.image.shape[1], pack.image.shape[2]))
        seen = [front_parts(body, torch.from_numpy(label)).numpy()[..., None] for label in (pack.label[rows], twins.label[part])]
        (first, second), (others_first, others_second) = (
            [(image == parts[:, None, None]).any(-1) for image in seen] for parts in _trading_parts(pack.twins.chain[part])
        )
        traded = (first & others_second) | (others_first & second)
        counts.append((traded & clear_pixels(pack.image[rows], pack.twins.image[part])).sum((1, 2)))
    return np.concatenate(counts)


def _trading_parts(chain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the parts whose order a demonstration shows, of each chain and of what it crosses: (n, 2) int64 each; chain : (n,) int."""
    limbs, others = (np.asarray(CHAIN_LIMBS)[which] + FIRST_LIMB_PART for which in (chain, np.asarray(OTHER_SIDE)[chain]))
    is_leg = np.isin(chain, LEGS)[:, None]
    return np.where(is_leg, limbs, limbs[:, 1:]), np.where(is_leg, others, TORSO_PART)
