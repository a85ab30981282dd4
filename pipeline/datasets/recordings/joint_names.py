"""Joint names as data: from the markers of other people's joint sets to the 17 joints of the project.

Joints that a set does not have are derived by the rules of `DERIVED`, in that order, and whoever imports is told which.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.datasets.recordings.recording import Markers
from pipeline.pose.joint_sets import COCO_17
from pipeline.pose.skeleton import H36M_17, H36M_32_TO_17
from pipeline.utils.errors import UserError, shown


def _both(*parts: str) -> tuple[str, ...]:
    return tuple(f"{side}_{part}" for part in parts for side in ("left", "right"))


def _one(side: str, *parts: str) -> tuple[str, ...]:
    return tuple(f"{side}_{part}" for part in parts)


_ARM, _LEG, _FOOT = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"), ("big_toe", "small_toe", "heel")

# Joint sets without names in the file: what stands at each place. Names of joints that nothing is made of only keep the place.
HALPE_26 = (*COCO_17, "head", "thorax", "hips", *_both(*_FOOT))
BODY_25 = (
    *("nose", "thorax", *_one("right", *_ARM), *_one("left", *_ARM), "hips", *_one("right", *_LEG), *_one("left", *_LEG)),
    *("right_eye", "left_eye", "right_ear", "left_ear", *_one("left", *_FOOT), *_one("right", *_FOOT)),
)
BODY_25B = (*COCO_17, "upper_neck", "head", *_one("left", *_FOOT), *_one("right", *_FOOT))
MEDIAPIPE_33 = (
    *("nose", *_one("left", "eye_inner", "eye", "eye_outer"), *_one("right", "eye_inner", "eye", "eye_outer")),
    *_both("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle", "heel", "big_toe"),
)
H36M_32 = tuple(H36M_17.names[H36M_32_TO_17.index(i)] if i in H36M_32_TO_17 else f"joint_{i}" for i in range(32))

# How many points an array has: its joint set. What an array has beyond it (hands, faces) is not used.
SETS: Mapping[int, tuple[str, ...]] = {
    17: COCO_17,
    25: BODY_25,
    26: HALPE_26,
    32: H36M_32,
    33: MEDIAPIPE_33,
    133: COCO_17,
    543: MEDIAPIPE_33,
    553: MEDIAPIPE_33,
}

# How joint sets call their markers, without blanks, signs and capitals. Each set beside its own way to say what is not left or right.
_SIDED = {
    f"{said}{part}": f"{side}_{part}"
    for side, words in (("left", ("l", "left")), ("right", ("r", "right")))
    for said in words
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "eye", "ear")
} | {"nose": "nose"}
_H36M = {"upleg": "hip", "leg": "knee", "foot": "ankle", "arm": "shoulder", "forearm": "elbow", "hand": "wrist"}
SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "HALPE_26": _SIDED | {"hip": "hips", "neck": "thorax", "head": "head"},
    "BODY_25": _SIDED | {"chip": "hips", "midhip": "hips", "neck": "thorax"},
    "BODY_25B": _SIDED | {"chip": "hips", "neck": "upper_neck", "head": "head"},  # its neck lies at the skull
    "Human3.6M's 17": {name.replace("_", ""): name for name in H36M_17.names},
    "Human3.6M's 32": {f"{side}{said}": f"{side}_{part}" for said, part in _H36M.items() for side in ("left", "right")}
    | {"hips": "hips", "spine1": "spine", "neck": "thorax", "head": "nose"},
}

# A joint that has no marker: the sum of these shares of other joints.
DERIVED: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("hips", {"left_hip": 0.5, "right_hip": 0.5}),
    ("thorax", {"left_shoulder": 0.5, "right_shoulder": 0.5}),
    ("spine", {"hips": 0.5, "thorax": 0.5}),
    ("nose", {"left_eye": 0.5, "right_eye": 0.5}),
    ("head", {"left_ear": 0.85, "right_ear": 0.85, "thorax": -0.7}),  # the ears, on by 0.7 of their way from the thorax
    ("head", {"nose": 1, "thorax": 0.25, "hips": -0.25}),  # the nose, up along the trunk by a quarter of its length
)


@dataclass(frozen=True)
class Joints:
    """The 17 joints in a file's own unit and axes: positions (T, 17, 3) float64, NaN where one is not known.

    derived : joint -> the joints that it was made of; joint_set : how the markers were understood
    """

    positions: np.ndarray
    derived: Mapping[str, tuple[str, ...]]
    joint_set: str


def to_17(markers: Markers, renamed: Mapping[str, str]) -> Joints:
    """The joints that the markers stand for; renamed : joint -> marker, where a file calls it otherwise.

    A marker that is never seen counts as none. Raises UserError where a joint has no marker and cannot be derived, or a marker stands there twice.
    """
    joint_set, places = _places(markers, renamed)
    seen = np.isfinite(markers.positions).all(axis=-1).any(axis=0)
    found = {joint: markers.positions[:, place] for joint, place in places.items() if seen[place]}
    derived = {}
    for joint, shares in DERIVED:
        if joint not in found and all(name in found for name in shares):
            found[joint] = sum((share * found[name] for name, share in shares.items()), np.zeros_like(markers.positions[:, 0]))
            derived[joint] = tuple(shares)
    missing = [joint for joint in H36M_17.names if joint not in found]
    if missing:
        raise UserError(
            f"{markers.where}: expected a marker of each joint, found none of {', '.join(missing)} that is ever seen among "
            f"{shown(', '.join(markers.names)) if markers.names else f'{len(seen)} points'}; name it by --marker {missing[0]}=NAME"
        )
    return Joints(np.stack([found[joint] for joint in H36M_17.names], axis=1), derived, joint_set)


def _places(markers: Markers, renamed: Mapping[str, str]) -> tuple[str, dict[str, int]]:
    """How the markers are understood, and where each joint stands among them."""
    if not markers.names:
        return _by_order(markers)
    plain = [_plain(name) for name in markers.names]
    joint_set = max(SPELLINGS, key=lambda name: len({SPELLINGS[name][word] for word in plain if word in SPELLINGS[name]}))
    words = {joint: word for word, joint in SPELLINGS[joint_set].items() if word in plain}
    for joint, name in renamed.items():
        if name not in markers.names:
            raise UserError(f"{markers.where}: expected the marker {shown(name)} of --marker, found {shown(', '.join(markers.names))}")
        words[joint] = _plain(name)
    count = Counter(plain)
    for joint, word in words.items():
        if count[word] > 1:
            name = markers.names[plain.index(word)]
            raise UserError(f"{markers.where}: expected each marker once, found {shown(name)} {count[word]} times ({joint}); take the wrong one out")
    return joint_set, {joint: plain.index(word) for joint, word in words.items()}


def _by_order(markers: Markers) -> tuple[str, dict[str, int]]:
    count = markers.positions.shape[1]
    if count not in SETS:
        known = ", ".join(map(str, sorted(SETS)))
        raise UserError(f"{markers.where}: expected points of a known joint set ({known} of them), found {count}; give a file with names, as TRC is")
    return f"{len(SETS[count])} points", {joint: place for place, joint in enumerate(SETS[count])}


def _plain(name: str) -> str:
    """A marker's name as it can be compared: what stands before a colon is whose marker it is."""
    return re.sub(r"[^a-z0-9]", "", name.rpartition(":")[2].lower())


def told(derived: Mapping[str, Sequence[str]]) -> str:
    """What was derived from what, in words; empty where nothing was."""
    return ", ".join(f"{joint} from {' and '.join(names)}" for joint, names in derived.items())
