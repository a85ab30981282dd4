"""Invented people: how they are built and what they wear."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")

RIGHT, LEFT = 0, 1  # order of every pair of sides

# How a surface is coloured; the shader of `renderer.py` knows these numbers.
PLAIN, RINGS, STRIPES, CHECKS, DOTS, PRINT, FACE = range(7)

MATERIALS = (
    "skin",
    "head",
    "hair",
    "shirt",
    "right_sleeve",
    "left_sleeve",
    "right_trouser",
    "left_trouser",
    "right_sock",
    "left_sock",
    "right_band",
    "left_band",
    "shoes",
    "belt",
    "skirt",
    "seat",
)
MATERIAL = {name: index for index, name in enumerate(MATERIALS)}

HAIR_STYLES = ("short", "long", "ponytail", "bun", "bald", "cap")

_SKINS = ((0.96, 0.80, 0.69), (0.91, 0.72, 0.58), (0.84, 0.63, 0.48), (0.72, 0.51, 0.36), (0.56, 0.38, 0.26), (0.40, 0.27, 0.19))
_HAIRS = ((0.10, 0.08, 0.07), (0.24, 0.15, 0.10), (0.42, 0.26, 0.14), (0.78, 0.62, 0.36), (0.62, 0.30, 0.14), (0.66, 0.65, 0.64))
_NEUTRALS = ((0.93, 0.93, 0.91), (0.15, 0.15, 0.17), (0.50, 0.51, 0.53), (0.14, 0.19, 0.36), (0.80, 0.73, 0.60), (0.30, 0.42, 0.60))
_SHOES = ((0.12, 0.11, 0.11), (0.92, 0.92, 0.93), (0.42, 0.26, 0.15), (0.65, 0.13, 0.13), (0.15, 0.30, 0.58), (0.90, 0.75, 0.15))


@dataclass(frozen=True)
class Build:
    """Lengths between joints, and half widths, half depths and radii of the flesh around them, all in mm.

    A pair of radii belongs to the upper and the lower end of a limb; `chest`, `waist` and `pelvis` are (half width, half depth);
    `head` holds the half axes (across, front to back, up).
    """

    stature: float
    thigh: float
    calf: float
    ankle_height: float
    foot: float
    upper_arm: float
    forearm: float
    hand: float
    half_hips: float
    half_shoulders: float
    lower_spine: float
    upper_spine: float
    neck: float
    head: tuple[float, float, float]
    chest: tuple[float, float]
    waist: tuple[float, float]
    pelvis: tuple[float, float]
    bust: float
    thigh_radius: tuple[float, float]
    calf_radius: tuple[float, float]
    upper_arm_radius: tuple[float, float]
    forearm_radius: tuple[float, float]


@dataclass(frozen=True)
class Clothes:
    """How far the clothes reach. An arm runs from 0 (shoulder) over 1 (elbow) to 2 (wrist), a leg likewise from hip to ankle.

    `sleeve` and `trouser` end there; `sock` begins there; `band` is the (begin, end) of a band on each (right, left) leg, empty where
    both are 2. `skirt` is the length along the leg, 0 for none. `loose` is the room between cloth and skin, mm.
    """

    sleeve: float
    trouser: float
    sock: tuple[float, float]
    band: tuple[tuple[float, float], tuple[float, float]]
    skirt: float
    loose: float


@dataclass(frozen=True)
class Person:
    """One invented person. `materials` is (len(MATERIALS), 9) float64: pattern, period in mm, duty, two RGB colours in [0, 1]."""

    build: Build
    clothes: Clothes
    hair: str
    materials: np.ndarray


def invent_person(rng: np.random.Generator) -> Person:
    """Invent a person; everything about them comes from `rng`."""
    woman = bool(rng.random() < 0.5)
    build = _build(rng, woman)
    clothes = _clothes(rng, woman)
    hair = str(rng.choice(HAIR_STYLES, p=(0.15, 0.4, 0.25, 0.15, 0.0, 0.05) if woman else (0.6, 0.08, 0.04, 0.0, 0.13, 0.15)))
    return Person(build, clothes, hair, _materials(rng, clothes, hair))


def _build(rng: np.random.Generator, woman: bool) -> Build:
    """Proportions after ANSUR II (2012), shrunk to the joint centres that motion capture sees."""
    stature = float(np.clip(rng.normal(1640 if woman else 1755, 60), 1520, 1920))
    weight = float(np.clip(rng.normal(1.0, 0.11), 0.82, 1.3))
    around = stature * weight
    leg = rng.normal(1.0, 0.02)
    arm = rng.normal(1.0, 0.02)
    limb = stature / 1720 * weight**0.8 * rng.normal(1.0, 0.04)
    lean_limb = stature / 1720 * weight**0.6 * rng.normal(1.0, 0.04) * (0.93 if woman else 1.0)
    return Build(
        stature=stature,
        thigh=0.245 * stature * leg,
        calf=0.246 * stature * leg,
        ankle_height=0.046 * stature,
        foot=0.125 * stature,
        upper_arm=0.164 * stature * arm,
        forearm=0.147 * stature * arm,
        hand=0.085 * stature,
        half_hips=0.060 * stature * rng.normal(1.0, 0.04),
        half_shoulders=(0.094 if woman else 0.102) * stature * rng.normal(1.0, 0.03),
        lower_spine=0.125 * stature,
        upper_spine=0.152 * stature,
        neck=0.113 * stature,
        head=(76 * rng.normal(1.0, 0.03), 95 * rng.normal(1.0, 0.03), 114 * rng.normal(1.0, 0.03)),
        chest=((0.083 if woman else 0.09) * around, 0.069 * around * rng.normal(1.0, 0.05)),
        waist=((0.073 if woman else 0.083) * around, (0.060 if woman else 0.066) * stature * weight**1.4),
        pelvis=((0.098 if woman else 0.093) * around, 0.068 * around * rng.normal(1.0, 0.05)),
        bust=float(rng.uniform(0.6, 1.0)) if woman else 0.0,
        thigh_radius=(86 * limb, 64 * limb),
        calf_radius=(63 * limb, 43 * limb),
        upper_arm_radius=(53 * lean_limb, 43 * lean_limb),
        forearm_radius=(50 * lean_limb, 34 * lean_limb),
    )


def _clothes(rng: np.random.Generator, woman: bool) -> Clothes:
    sleeve = float(rng.choice((0.15, rng.uniform(0.4, 0.75), rng.uniform(0.9, 1.4), 2.0), p=(0.12, 0.38, 0.12, 0.38)))
    skirt = float(rng.uniform(0.55, 1.05)) if woman and rng.random() < 0.35 else 0.0
    bare = skirt > 0 or rng.random() < 0.5
    trouser = float(rng.uniform(0.4, 0.85)) if bare else float(rng.choice((2.0, rng.uniform(1.4, 1.7)), p=(0.8, 0.2)))
    sock = float(rng.choice((2.0, rng.uniform(1.7, 1.85), rng.uniform(1.15, 1.5)), p=(0.2, 0.35, 0.45)))
    one_sock = trouser < 1.5 and rng.random() < 0.2
    return Clothes(
        sleeve=sleeve,
        trouser=trouser,
        sock=_sides(rng, sock, 2.0 if one_sock else sock),
        band=_bands(rng),
        skirt=skirt,
        loose=float(rng.uniform(3, 14)),
    )


def _bands(rng: np.random.Generator) -> tuple[tuple[float, float], tuple[float, float]]:
    """A band around one leg or both, on half of the people."""
    none = (2.0, 2.0)
    if rng.random() > 0.5:
        return none, none
    begin = float(rng.choice((rng.uniform(0.45, 0.7), rng.uniform(0.85, 0.95), rng.uniform(1.1, 1.4))))
    band = (begin, begin + float(rng.uniform(0.15, 0.35)))
    return _sides(rng, band, none if rng.random() < 0.7 else band)


def _sides(rng: np.random.Generator, one: T, other: T) -> tuple[T, T]:
    """`one` and `other` as (right, left) or the other way round."""
    return (one, other) if rng.random() < 0.5 else (other, one)


def _materials(rng: np.random.Generator, clothes: Clothes, hair: str) -> np.ndarray:
    skin = _pick(rng, _SKINS) * rng.uniform(0.94, 1.04)
    hair_colour = _colour(rng) if hair == "cap" else _pick(rng, _HAIRS)
    shirt = _cloth(rng, _distinct(rng, [skin]))
    sleeves = _sleeves(rng, shirt, skin, clothes)
    trousers = _trousers(rng, shirt, skin)
    sock = _cloth(rng, _distinct(rng, [skin, trousers[0][3:6]]), patterned=0.15)
    other_sock = _cloth(rng, _distinct(rng, [skin, sock[3:6]]), patterned=0.15) if rng.random() < 0.4 else sock
    band = _plain(_distinct(rng, [skin, trousers[0][3:6], trousers[1][3:6]]))
    rows = {
        "skin": _plain(skin),
        "head": _material(FACE, 0, float(hair != "bald"), skin, hair_colour),
        "hair": _plain(hair_colour),
        "shirt": shirt,
        "right_sleeve": sleeves[RIGHT],
        "left_sleeve": sleeves[LEFT],
        "right_trouser": trousers[RIGHT],
        "left_trouser": trousers[LEFT],
        "right_sock": sock,
        "left_sock": other_sock,
        "right_band": band,
        "left_band": band,
        "shoes": _plain(_pick(rng, _SHOES)),
        "belt": _plain(_pick(rng, _NEUTRALS) * 0.5),
        "skirt": _cloth(rng, _distinct(rng, [skin, shirt[3:6]])),
        "seat": _plain(np.array((0.52, 0.45, 0.38))),
    }
    return np.clip(np.stack([rows[name] for name in MATERIALS]), 0, 1e3)


def _sleeves(rng: np.random.Generator, shirt: np.ndarray, skin: np.ndarray, clothes: Clothes) -> tuple[np.ndarray, np.ndarray]:
    """Long sleeves mostly differ from the torso, so that an arm before it is seen; some differ from each other as well."""
    if rng.random() < (0.15 if clothes.sleeve > 0.8 else 0.45):
        return shirt, shirt
    right = _cloth(rng, _distinct(rng, [shirt[3:6], shirt[6:9], skin]), patterned=0.1)
    left = _cloth(rng, _distinct(rng, [shirt[3:6], right[3:6]]), patterned=0.1) if rng.random() < 0.15 else right
    return right, left


def _trousers(rng: np.random.Generator, shirt: np.ndarray, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two trouser legs; three people in five wear legs of two colours, so that crossing legs can be told apart."""
    right = _cloth(rng, _distinct(rng, [shirt[3:6], skin]), patterned=0.12)
    if rng.random() < 0.4:
        return right, right
    return right, _cloth(rng, _distinct(rng, [right[3:6], shirt[3:6]]), patterned=0.12)


def _cloth(rng: np.random.Generator, colour: np.ndarray, patterned: float = 0.25) -> np.ndarray:
    """A material of that colour, with a second one in a pattern as often as `patterned` says."""
    if rng.random() >= patterned:
        return _plain(colour)
    pattern = int(rng.choice((RINGS, STRIPES, CHECKS, DOTS, PRINT), p=(0.4, 0.2, 0.15, 0.1, 0.15)))
    return _material(pattern, rng.uniform(80, 160), rng.uniform(0.35, 0.6), colour, _distinct(rng, [colour], 0.6))


def _plain(colour: np.ndarray) -> np.ndarray:
    return _material(PLAIN, 0, 0, colour, colour)


def _material(pattern: int, period: float, duty: float, colour: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.concatenate([(pattern, period, duty), colour, second])


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A colour of cloth, RGB in [0, 1]."""
    if rng.random() < 0.3:
        return np.clip(_pick(rng, _NEUTRALS) * rng.uniform(0.9, 1.08), 0, 1)
    hue, saturation, value = rng.random(), rng.uniform(0.35, 0.9), rng.uniform(0.35, 0.95)
    wheel = np.clip(np.abs((hue * 6 + np.array((0.0, 4.0, 2.0))) % 6 - 3) - 1, 0, 1)
    return value * (1 - saturation * (1 - wheel))


def _distinct(rng: np.random.Generator, others: Sequence[np.ndarray], apart: float = 0.75) -> np.ndarray:
    """A colour whose RGB distance (sum of absolute differences) to each of `others` is at least `apart`, or the farthest of 40."""
    candidates = [_colour(rng) for _ in range(40)]
    distances = [min(float(np.abs(colour - other).sum()) for other in others) for colour in candidates]
    far = [colour for colour, distance in zip(candidates, distances, strict=True) if distance >= apart]
    return far[0] if far else candidates[int(np.argmax(distances))]


def _pick(rng: np.random.Generator, colours: Sequence[tuple[float, float, float]]) -> np.ndarray:
    return np.array(colours[int(rng.integers(len(colours)))])
