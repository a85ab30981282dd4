"""Which twins show what the thesis shows of depth (Yuan 2019, figures 3.14 to 3.16): one source, one 2D pose, two orders of the limbs.

They are chosen by what the labels say and by how clearly the two true images differ where the limbs change places. What a model painted has
no say, so they show its failures as well.

A limb turns where its label goes from +1 to -1 or back between the two members of a twin.
"""

import numpy as np

from pipeline.pose.skeleton import CHAIN_LIMBS, CHAIN_NAMES, LIMB_NAMES, mirror_names

KINDS = ("legs swapped", "calf and thigh occluded", "right arm before and behind the torso")
EACH = 2
OTHER_SIDE = mirror_names(CHAIN_NAMES)  # of each chain, the same on the other side of the body
LEGS = tuple(CHAIN_NAMES.index(name) for name in ("right_leg", "left_leg"))
_RIGHT_ARM = CHAIN_NAMES.index("right_arm")
_FOREARM = CHAIN_LIMBS[_RIGHT_ARM].index(LIMB_NAMES.index("right_forearm"))


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
