"""The built-in faces: invented people at FEI's ten angles, written in FEI's file layout with their landmarks beside them."""

from functools import partial
from pathlib import Path

import numpy as np

from pipeline.config.faces import FacesConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.fei.landmarks import CSV_NAME, write_csv
from pipeline.datasets.fei.layout import ROTATION, picture_name
from pipeline.datasets.fei.synthetic.head import Face, build_mesh, landmarks
from pipeline.datasets.fei.synthetic.render import HeadPose, project, render
from pipeline.parallel import run_parallel
from pipeline.utils.images import encode

SKINS = ((0.96, 0.80, 0.69), (0.90, 0.71, 0.58), (0.80, 0.60, 0.46), (0.64, 0.45, 0.33), (0.46, 0.31, 0.23))
HAIRS = ((0.08, 0.06, 0.05), (0.22, 0.14, 0.09), (0.42, 0.27, 0.15), (0.70, 0.54, 0.30), (0.58, 0.57, 0.56), (0.45, 0.18, 0.08))
IRISES = ((0.25, 0.15, 0.08), (0.33, 0.45, 0.30), (0.30, 0.45, 0.60))
PROFILE = np.pi / 2  # the first and the last angle


def write_faces(root: Path, config: FacesConfig, parallel: ParallelConfig) -> None:
    """Write the pictures of all people, and their landmarks as one table, into the new folder `root`."""
    root.mkdir(parents=True, exist_ok=True)
    people = list(range(1, config.people + 1))
    rows = run_parallel(partial(_write_person, root.absolute(), config), people, parallel, "rendering")
    write_csv(root / CSV_NAME, {name: points for person in rows for name, points in person.items()})


def _write_person(root: Path, config: FacesConfig, person: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([config.seed, person])
    face = invent_face(rng)
    mesh, marks = build_mesh(face), landmarks(face)
    size, found = config.picture_size, {}
    for view, yaw in zip(ROTATION, np.linspace(-PROFILE, PROFILE, len(ROTATION)), strict=True):
        seen = invent_view(rng, float(yaw))
        name = picture_name(person, view)
        (root / name).write_bytes(encode(render(mesh, face, seen, size), ".jpg"))
        found[name] = project(seen.to_camera(marks), size)
    return found


def invent_view(rng: np.random.Generator, yaw: float) -> HeadPose:
    """A head at an angle, as people hold theirs: not quite at the angle asked for, a little tilted, not quite in the middle."""
    turn, pitch, roll = rng.normal(0, np.radians((4, 3, 2)))
    x, y = rng.normal(0, 5, 2)
    return HeadPose(yaw + float(turn), float(pitch), float(roll), (float(x), float(y)), float(rng.normal(1, 0.015)))


def invent_face(rng: np.random.Generator) -> Face:
    """A person of their own."""

    def around(middle: float, deviation: float) -> float:
        return middle + deviation * min(max(rng.normal(), -2.0), 2.0)

    def colour(choices: tuple[tuple[float, float, float], ...], deviation: float) -> np.ndarray:
        return (np.array(choices[rng.integers(len(choices))]) + deviation * rng.normal(size=3)).clip(0.02, 0.98)

    skin, hair = colour(SKINS, 0.02), colour(HAIRS, 0.02)
    long_hair, bearded, bald = rng.random() < 0.4, rng.random() < 0.3, rng.random() < 0.08
    frame = (np.array([0.06, 0.06, 0.07]) if rng.random() < 0.6 else rng.random(3) * 0.6) if rng.random() < 0.3 else None
    light = np.array([rng.normal(0, 0.35), -0.45 + rng.normal(0, 0.1), -1.0])
    return Face(
        half_width=around(75, 3.5),
        half_depth=around(96, 3),
        jaw=around(1.0, 0.05),
        chin=around(1.0, 0.03),
        eye_distance=around(1.0, 0.05),
        eye_size=around(1.0, 0.08),
        brow_height=around(0, 2),
        brow_thickness=around(5, 1.2),
        nose_length=around(1.0, 0.06),
        nose_width=around(1.0, 0.14),
        nose_height=around(1.0, 0.16),
        mouth_width=around(1.0, 0.09),
        lips=around(1.0, 0.16),
        cheeks=around(1.0, 0.5),
        skin=_rgb(skin),
        lip=_rgb(0.45 * skin + 0.55 * np.array([0.72, 0.30, 0.30]) * (0.6 + 0.4 * skin[0])),
        iris=_rgb(colour(IRISES, 0.03)),
        hair=_rgb(hair),
        hairline=around(34, 6),
        hair_end=None if bald else around(150, 30) if long_hair else around(26, 10),
        hair_thickness=around(12, 3) if long_hair else around(8, 2.5),
        parting=float(rng.uniform(-np.pi, np.pi)),
        beard=float(rng.uniform(0.4, 0.9)) if bearded and not long_hair else 0.0,
        glasses=None if frame is None else _rgb(frame),
        shirt=_rgb(rng.random(3) * 0.85 + 0.08),
        light=_rgb(light / np.linalg.norm(light)),
        ambient=around(0.5, 0.04),
        background=_rgb(np.array([0.9, 0.9, 0.89]) + 0.015 * rng.normal(size=3).clip(-2, 2)),
    )


def _rgb(values: np.ndarray) -> tuple[float, float, float]:
    first, second, third = values.tolist()
    return first, second, third
