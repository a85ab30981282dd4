"""A posed person as simple solids: tapered capsules under an affine map (ellipsoids are the short ones) and boxes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.datasets.synthetic.person import LEFT, MATERIAL, RIGHT, Person
from pipeline.datasets.synthetic.rig import ARMS, LEGS, SIDES, Pose, move, unit
from pipeline.pose.skeleton import LIMB_NAMES

# Which part of the body a pixel shows. The limbs stand in the order of every label array, from LIMB on.
BACKGROUND, TORSO, HEAD, LIMB = 0, 1, 2, 3
RIGHT_FOOT, LEFT_FOOT, LEFT_HAND, RIGHT_HAND, CLOTH, SEAT = range(LIMB + len(LIMB_NAMES), LIMB + len(LIMB_NAMES) + 6)
THIGH, CALF, UPPER_ARM, FOREARM = (
    (LIMB + LIMB_NAMES.index(f"right_{kind}"), LIMB + LIMB_NAMES.index(f"left_{kind}")) for kind in ("thigh", "calf", "upper_arm", "forearm")
)
HAND, FOOT = (RIGHT_HAND, LEFT_HAND), (RIGHT_FOOT, LEFT_FOOT)

CAPSULE, BOX = 0, 1
SHARED = 0.25  # share of a thigh or an upper arm, next to the torso, that belongs to the shared joint


@dataclass(frozen=True)
class Solids:
    """N solids in T frames. A point p of the world lies at q = linear (p - origin) in the frame of a solid.

    There a capsule is the hull of a ball of radius `shape[0]` about 0 and one of radius `shape[1]` about (0, 0, `shape[2]`), and a
    box reaches from -shape to shape. q is in mm along the solid's third axis (its bone); its second axis points to the front.

    kind, part : (N,) int64; material : (N, 3) int64, from the beginning to the first and the second `split`, and beyond
    split : (N, 2) float64, mm along the third axis; shift : (N, 2) float64, mm by which patterns are moved along the first and the third
    axis, so that they run on from one solid to the next; joint : (N,) float64, mm of it that belong to the joint with the torso
    origin : (T, N, 3) float64, mm, world; axis : (T, N, 3) mm to the far end; linear : (T, N, 3, 3); shape : (T, N, 3) mm
    bound : (T, N) float64, mm, radius of balls about both ends whose hull holds the solid
    """

    kind: np.ndarray
    part: np.ndarray
    material: np.ndarray
    split: np.ndarray
    shift: np.ndarray
    joint: np.ndarray
    origin: np.ndarray
    axis: np.ndarray
    linear: np.ndarray
    shape: np.ndarray
    bound: np.ndarray


def build_body(person: Person, pose: Pose, seat: np.ndarray | None) -> Solids:
    """The solids of a person in every frame of `pose`, with a seat whose top centre is at `seat` (3,) mm, if there is one."""
    sculptor = _Sculptor(len(pose.joints))
    _torso(sculptor, person, pose)
    _head(sculptor, person, pose)
    for side in (RIGHT, LEFT):
        _arm(sculptor, person, pose, side)
        _leg(sculptor, person, pose, side)
    if person.clothes.skirt:
        _skirt(sculptor, person, pose)
    if seat is not None:
        _seat(sculptor, seat)
    return sculptor.solids()


Zones = tuple[tuple[str, str, str], tuple[float, float]]  # materials, and where along the bone (mm) the second and the third begin


def _plain(material: str) -> Zones:
    return (material, material, material), (np.inf, np.inf)


@dataclass
class _Sculptor:
    """Collects solids, one row of T frames each."""

    frames: int
    rows: list[tuple[int, int, Zones, float, tuple[float, float]]] = field(default_factory=list)
    places: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def capsule(
        self,
        part: int,
        zones: Zones,
        ends: tuple[np.ndarray, np.ndarray],
        radii: tuple[float, float],
        front: np.ndarray,
        flat: float = 1.0,
        joint: float = 0.0,
    ) -> None:
        """Add a tapered capsule from one end (T, 3) to the other; `flat` is its depth toward `front` (T, 3) over its width."""
        axis = ends[1] - ends[0]
        length = np.linalg.norm(axis, axis=-1)
        up = axis / np.maximum(length, 1e-9)[:, None]
        across = unit(np.cross(front, up))
        frame = np.stack([across, np.cross(up, across) / flat, up], axis=1)
        thin = np.maximum(radii[1], radii[0] - 0.9 * length)  # a capsule must not vanish within its thicker end
        thin = np.minimum(thin, radii[0] + 0.9 * length)
        shape = np.stack([np.full(self.frames, radii[0]), thin, length], axis=-1)
        self._add(CAPSULE, part, zones, joint, (0, 0), ends[0], axis, frame, shape, np.full(self.frames, max(radii) * max(flat, 1.0)))

    def ellipsoid(
        self,
        part: int,
        zones: Zones,
        centre: np.ndarray,
        frame: np.ndarray,
        half: tuple[float, float, float],
        shift: tuple[float, float] = (0, 0),
    ) -> None:
        """Add an ellipsoid about `centre` (T, 3) whose half axes lie along the axes (columns) of `frame` (T, 3, 3)."""
        linear = np.swapaxes(frame, 1, 2) * (half[2] / np.asarray(half))[:, None]
        shape = np.tile((half[2], half[2], 0.0), (self.frames, 1))
        self._add(CAPSULE, part, zones, 0, shift, centre, np.zeros_like(centre), linear, shape, np.full(self.frames, max(half)))

    def box(self, part: int, zones: Zones, centre: np.ndarray, half: tuple[float, float, float]) -> None:
        """Add an upright box about `centre` (3,)."""
        origin = np.tile(centre, (self.frames, 1))
        linear, shape = np.tile(np.eye(3), (self.frames, 1, 1)), np.tile(half, (self.frames, 1))
        self._add(BOX, part, zones, 0, (0, 0), origin, np.zeros_like(origin), linear, shape, np.full(self.frames, np.linalg.norm(half)))

    def _add(self, kind: int, part: int, zones: Zones, joint: float, shift: tuple[float, float], *place: np.ndarray) -> None:
        self.rows.append((kind, part, zones, joint, shift))
        self.places.append(place)

    def solids(self) -> Solids:
        """All of them, in the order in which they were added."""
        kinds, parts, zones, joints, shifts = zip(*self.rows, strict=True)
        materials = [[MATERIAL[name] for name in names] for names, _ in zones]
        return Solids(
            np.array(kinds, np.int64),
            np.array(parts, np.int64),
            np.array(materials, np.int64),
            np.array([splits for _, splits in zones], float),
            np.array(shifts, float),
            np.array(joints, float),
            *(np.ascontiguousarray(np.stack(column, axis=1)) for column in zip(*self.places, strict=True)),
        )


def _torso(sculptor: _Sculptor, person: Person, pose: Pose) -> None:
    build, clothes = person.build, person.clothes
    hips, spine, thorax = pose.joints[:, 0], pose.joints[:, 7], pose.joints[:, 8]
    front = pose.chest[..., 1]
    waist, chest, pelvis = build.waist, build.chest, build.pelvis
    bottom = hips + move(pose.pelvis, (0, 0, 0.018 * build.stature))
    top = thorax - 0.052 * build.stature * pose.chest[..., 2]
    dressed = "skirt" if clothes.skirt else "right_trouser"
    middle = unit(pose.pelvis[..., 1] + front)
    belt = 0.35 * build.lower_spine
    sculptor.capsule(TORSO, ((dressed, "belt", "shirt"), (belt, belt + 28)), (bottom, spine), (pelvis[0], waist[0]), middle, pelvis[1] / pelvis[0])
    sculptor.capsule(TORSO, _plain("shirt"), (spine, top), (waist[0], chest[0]), front, chest[1] / chest[0])
    shoulders = pose.joints[:, ARMS[RIGHT][0]], pose.joints[:, ARMS[LEFT][0]]
    yoke = 0.9 * build.upper_arm_radius[0]
    sculptor.capsule(TORSO, _plain("shirt"), shoulders, (yoke, yoke), front)
    collar = thorax + move(pose.chest, (0, -10, 18))
    hang, high = 0.036 * build.stature, build.upper_spine - 0.075 * build.stature
    for side in (RIGHT, LEFT):
        sculptor.capsule(TORSO, _plain("shirt"), (collar, shoulders[side]), (0.34 * build.neck, 0.8 * yoke), front)
        aside = SIDES[side] * 0.45 * pelvis[0]
        buttock = bottom + move(pose.pelvis, (aside, -0.28 * pelvis[1], -hang))
        size = (0.52 * pelvis[0], 0.68 * pelvis[1], 0.42 * pelvis[0])
        sculptor.ellipsoid(TORSO, _plain(dressed), buttock, pose.pelvis, size, (aside, -hang))
        aside = SIDES[side] * 0.42 * chest[0]
        breast = spine + move(pose.chest, (aside, (0.36 + 0.24 * build.bust) * chest[1], high))
        size = (0.5 * chest[0], (0.6 + 0.12 * build.bust) * chest[1], 0.5 * chest[0])
        sculptor.ellipsoid(TORSO, _plain("shirt"), breast, pose.chest, size, (aside, high))


def _head(sculptor: _Sculptor, person: Person, pose: Pose) -> None:
    build, centre, frame = person.build, pose.head_centre, pose.head
    across, depth, up = build.head
    neck = 0.72 * across
    base = pose.joints[:, 8] + move(pose.chest, (0, -4, 0.1 * build.neck))
    sculptor.capsule(HEAD, _plain("skin"), (base, centre + move(frame, (0, -12, -0.35 * up))), (neck * 1.1, neck * 0.92), pose.chest[..., 1])
    sculptor.ellipsoid(HEAD, _plain("head"), centre, frame, build.head)
    sculptor.ellipsoid(HEAD, _plain("skin"), centre + move(frame, (0, 0.34 * depth, -0.62 * up)), frame, (0.62 * across, 0.52 * depth, 0.42 * up))
    tip = centre + move(frame, (0, depth + 12, -0.16 * up))
    sculptor.capsule(HEAD, _plain("skin"), (tip, centre + move(frame, (0, depth - 8, 0.12 * up))), (14, 8), frame[..., 1])
    for side in SIDES:
        sculptor.ellipsoid(HEAD, _plain("skin"), centre + move(frame, (side * across, -6, -0.05 * up)), frame, (9, 20, 30))
    _hair(sculptor, person.hair, centre, frame, build.head)


def _hair(sculptor: _Sculptor, style: str, centre: np.ndarray, frame: np.ndarray, head: tuple[float, float, float]) -> None:
    across, depth, up = head
    if style == "bald":
        return
    shell = (1.04 * across, 0.98 * depth, 0.92 * up) if style != "cap" else (1.06 * across, 1.04 * depth, 0.75 * up)
    lift = 0.2 * up if style != "cap" else 0.34 * up
    sculptor.ellipsoid(HEAD, _plain("hair"), centre + move(frame, (0, -0.16 * depth, lift)), frame, shell)
    nape = centre + move(frame, (0, -0.55 * depth, -0.1 * up))
    if style == "cap":
        peak = centre + move(frame, (0, 0.95 * depth, 0.42 * up))
        sculptor.ellipsoid(HEAD, _plain("hair"), peak, frame, (0.8 * across, 0.6 * depth, 12))
    elif style == "long":
        sculptor.capsule(HEAD, _plain("hair"), (nape, nape + move(frame, (0, -18, -1.35 * up))), (0.95 * across, 0.7 * across), frame[..., 1], 0.62)
    elif style == "ponytail":
        knot = centre + move(frame, (0, -1.1 * depth, 0.25 * up))
        sculptor.capsule(HEAD, _plain("hair"), (knot, knot + move(frame, (0, -25, -1.5 * up))), (30, 16), frame[..., 1])
    elif style == "bun":
        knot = centre + move(frame, (0, -0.75 * depth, 0.85 * up))
        sculptor.ellipsoid(HEAD, _plain("hair"), knot, frame, (42, 42, 40))


def _zones(begin: float, length: float, covers: Sequence[tuple[float, str]]) -> Zones:
    """The zones of the limb that runs from `begin` to `begin + 1` of its chain: `covers` are (where it begins, material), in order.

    At most three can show on one limb; where there are more, those in the middle that are shortest give way.
    """
    shown = [(max(0.0, start - begin), name) for start, name in covers if start < begin + 1]
    shown = [item for item, after in zip(shown, [*shown[1:], (np.inf, "")], strict=True) if after[0] > item[0]]
    while len(shown) > 3:
        widths = [shown[i + 1][0] - shown[i][0] for i in range(1, len(shown) - 1)]
        shown.pop(1 + int(np.argmin(widths)))
    names = [name for _, name in shown]
    splits = [start * length for start, _ in shown[1:]]
    padded = (*names, names[-1], names[-1])[:3]
    first, second = (*splits, np.inf, np.inf)[:2]
    return (padded[0], padded[1], padded[2]), (first, second)


def _arm(sculptor: _Sculptor, person: Person, pose: Pose, side: int) -> None:
    build, clothes = person.build, person.clothes
    shoulder, elbow, wrist = (pose.joints[:, joint] for joint in ARMS[side])
    cloth = f"{('right', 'left')[side]}_sleeve"
    covers = [(0.0, cloth), (clothes.sleeve, "skin")]
    front = unit(pose.chest[..., 1] + 0.3 * pose.chest[..., 2])
    for begin, part, ends, radii, length in (
        (0, UPPER_ARM[side], (shoulder, elbow), build.upper_arm_radius, build.upper_arm),
        (1, FOREARM[side], (elbow, wrist), build.forearm_radius, build.forearm),
    ):
        joint = SHARED * length if begin == 0 else 0.0
        cover = clothes.sleeve - begin
        roomy = (radii[0] + 3, radii[1] + 5) if cover >= 1 else radii
        sculptor.capsule(part, _zones(begin, length, covers), ends, roomy, front, joint=joint)
        if 0.2 < cover < 1:
            _cuff(sculptor, part, cloth, ends, radii, cover, clothes.loose, front, joint)
    forearm = unit(wrist - elbow)
    palm = wrist + 0.52 * (pose.fingers[:, side] - wrist)
    sculptor.capsule(HAND[side], _plain("skin"), (wrist, palm), (0.92 * build.forearm_radius[1], 38), front, 0.6)
    sculptor.capsule(HAND[side], _plain("skin"), (palm, pose.fingers[:, side]), (35, 22), front, 0.5)
    thumb = wrist + 0.55 * build.hand * forearm + 34 * unit(front - np.sum(front * forearm, axis=-1, keepdims=True) * forearm)
    sculptor.capsule(HAND[side], _plain("skin"), (wrist + 18 * forearm, thumb), (17, 12), pose.chest[..., 0])


def _cuff(
    sculptor: _Sculptor,
    part: int,
    cloth: str,
    ends: tuple[np.ndarray, np.ndarray],
    radii: tuple[float, float],
    cover: float,
    loose: float,
    front: np.ndarray,
    joint: float,
) -> None:
    """A sleeve or a trouser leg that ends on the limb and stands off it a little."""
    end = ends[0] + cover * (ends[1] - ends[0])
    radius = radii[0] + cover * (radii[1] - radii[0])
    back = ends[0] + 0.12 * (ends[1] - ends[0])  # the round cap must not reach beyond the hem
    hem = end - (radius + loose) * 0.75 * unit(ends[1] - ends[0])
    start = np.where((np.sum((hem - back) * (ends[1] - ends[0]), axis=-1) > 0)[:, None], back, hem - 1e-3 * (ends[1] - ends[0]))
    sculptor.capsule(part, _plain(cloth), (start, hem), (radii[0] + 2, radius + loose), front, joint=joint)


def _leg(sculptor: _Sculptor, person: Person, pose: Pose, side: int) -> None:
    build, clothes = person.build, person.clothes
    hip, knee, ankle = (pose.joints[:, joint] for joint in LEGS[side])
    name = ("right", "left")[side]
    cloth = f"{name}_trouser"
    covers = _leg_covers(person, side)
    front = pose.pelvis[..., 1] + 0.5 * pose.pelvis[..., 2]
    for begin, part, ends, radii, length in (
        (0, THIGH[side], (hip, knee), build.thigh_radius, build.thigh),
        (1, CALF[side], (knee, ankle), build.calf_radius, build.calf),
    ):
        joint = SHARED * length if begin == 0 else 0.0
        cover = clothes.trouser - begin
        roomy = (radii[0] + 2, radii[1] + 3 + clothes.loose * 0.7) if cover >= 1 else radii
        sculptor.capsule(part, _zones(begin, length, covers), ends, roomy, front, joint=joint)
        if 0.3 < cover < 1 and not clothes.skirt:
            _cuff(sculptor, part, cloth, ends, radii, cover, clothes.loose, front, joint)
    heel, toe = pose.heels[:, side], pose.toes[:, side]
    up = np.cross(np.cross(toe - heel, knee - ankle), toe - heel)
    sculptor.capsule(FOOT[side], _plain("shoes"), (heel, toe), (0.027 * build.stature, 0.021 * build.stature), unit(up), 0.85)
    sculptor.capsule(
        FOOT[side], _plain("shoes"), (heel + 0.3 * (toe - heel), ankle), (0.026 * build.stature, build.calf_radius[1] * 0.95), unit(toe - heel)
    )


def _leg_covers(person: Person, side: int) -> list[tuple[float, str]]:
    """What covers a leg, from the hip down: (where it begins, material)."""
    name = ("right", "left")[side]
    clothes = person.clothes
    trouser, sock = clothes.trouser, clothes.sock[side]
    layers = [(0.0, "skin" if clothes.skirt else f"{name}_trouser")]
    if trouser < min(sock, 2):
        layers.append((trouser, "skin"))
    if max(trouser, sock) < 2:
        layers.append((max(trouser, sock), f"{name}_sock"))
    begin, end = clothes.band[side]
    if begin < 2:
        under = [layer for layer in layers if layer[0] <= end][-1]
        layers = (
            [layer for layer in layers if layer[0] <= begin]
            + [(begin, f"{name}_band"), (end, under[1])]
            + [layer for layer in layers if layer[0] > end]
        )
    return layers


def _skirt(sculptor: _Sculptor, person: Person, pose: Pose) -> None:
    """Cloth from thigh to thigh: capsules side by side, so that it follows both legs."""
    build, length = person.build, person.clothes.skirt
    right, left = (pose.joints[:, LEGS[side][0]] for side in (RIGHT, LEFT))
    ends = []
    for side, hip in ((RIGHT, right), (LEFT, left)):
        knee, ankle = pose.joints[:, LEGS[side][1]], pose.joints[:, LEGS[side][2]]
        thigh = min(length, 0.9)
        ends.append(hip + thigh * (knee - hip) + max(0.0, length - thigh) * (ankle - knee))
    top, hem = build.thigh_radius[0] * 1.05, build.thigh_radius[0] * 1.12
    front = pose.pelvis[..., 1] + 0.5 * pose.pelvis[..., 2]
    for share in np.linspace(0, 1, 6):
        start = right + share * (left - right)
        end = ends[RIGHT] + share * (ends[LEFT] - ends[RIGHT])
        sculptor.capsule(CLOTH, _plain("skirt"), (start, end), (top, hem), front)


def _seat(sculptor: _Sculptor, top: np.ndarray) -> None:
    height = float(top[2])
    sculptor.box(SEAT, _plain("seat"), np.array((top[0], top[1], top[2] - 30)), (190, 190, 30))
    sculptor.box(SEAT, _plain("seat"), np.array((top[0], top[1], height / 2 - 30)), (45, 45, height / 2 - 30))
    sculptor.box(SEAT, _plain("seat"), np.array((top[0], top[1], 12)), (150, 150, 12))
