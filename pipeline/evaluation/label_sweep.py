"""How the labels depend on the thicknesses of the body: on the torso's, and on the radius of each kind of limb.

Where the truth of the labels is known (the renderer's z-buffer, or labels given by hand) each thickness gets its accuracy; on any data
it gets the shares of the three labels, and how many labels differ from those at the present values.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config.pose import LimbRadius
from pipeline.evaluation.scores.depth import LABELS, label_accuracy, label_confusion
from pipeline.packs.pack import TRUTH, pack_path, read_columns
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import read_csv
from pipeline.utils.hdf5 import open_hdf5
from pipeline.utils.numbers import mean, rounded

SCORES = ("label_accuracy", "label_accuracy_all", "label_accuracy_balanced")
SHARES = ("occluded", "level", "in_front")  # of the labels, in the order of `LABELS`
KINDS = tuple(LimbRadius.model_fields)
ROW = ("subject", "sequence", "camera", "frame")  # what names a row of the packs
HAND_COLUMNS = (*ROW, *LIMB_NAMES)  # of a table of labels given by hand
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")

THICKNESSES = tuple(float(value) for value in range(80, 401, 20))  # mm
FACTORS = tuple(round(0.1 * value, 1) for value in range(5, 17))  # of a limb's present radius
PICTURES = (25, 50, 100, 200)  # that a person might label by hand
DRAWS = 400
RATIOS = tuple(round(0.05 * value, 2) for value in range(12, 29))  # of a person's own chest depth


@dataclass(frozen=True)
class Known:
    """N poses, where they come from, and what is known of their labels.

    pose_3d : (N, 17, 3) float32, mm, camera frame; identity, subject, sequence, camera : (N,) str; frame : (N,) int
    truth : (N, 8) int8 and clear : (N, 8) bool, or None where nobody knows
    """

    pose_3d: np.ndarray
    identity: np.ndarray
    subject: np.ndarray
    sequence: np.ndarray
    camera: np.ndarray
    frame: np.ndarray
    truth: np.ndarray | None
    clear: np.ndarray | None

    def __len__(self) -> int:
        return len(self.pose_3d)


def read_known(folder: Path, subjects: Sequence[str], every: int = 1) -> Known:
    """Every `every`-th row of the packs of `subjects` in `folder`, without the images.

    The truth is None unless every pack has it. Raises UserError where a pack is missing or damaged, has no poses in 3D, or all are empty.
    """
    known = all(_has_truth(folder, subject) for subject in subjects)
    names = ("pose_3d", "identity", "sequence", "camera", "frame", *(TRUTH if known else ()))
    parts = [read_columns(folder, subject, names) for subject in subjects]
    for name, part in zip(subjects, parts, strict=True):
        _check_part(pack_path(folder, name), part)
    columns = {name: np.concatenate([part[name] for part in parts])[::every] for name in names}
    if not len(columns["pose_3d"]):
        raise UserError(f"{folder}: expected at least one pose of {', '.join(subjects)}, found none")
    subject = np.repeat(np.array(subjects, dtype=str), [len(part["frame"]) for part in parts])[::every]
    truth, clear = columns.pop(TRUTH[0], None), columns.pop(TRUTH[1], None)
    return Known(**columns, subject=subject, truth=truth, clear=clear)


def read_hand_labels(path: Path, known: Known) -> Known:
    """The rows of `known` that a person labelled in `path`, with those labels as the truth, each of them clear.

    path : a CSV file with the columns `ROW` and the names of the eight limbs, each -1, 0 or 1, a row per picture; other columns do not count
    Raises UserError that names the line where a column is missing, a label is none, a picture stands twice, or no pack has that row.
    """
    place = {key: i for i, key in enumerate(zip(known.subject, known.sequence, known.camera, known.frame.tolist(), strict=True))}
    (_, header), *lines = read_csv(path) or [(1, [])]
    missing = [name for name in HAND_COLUMNS if header.count(name) != 1]
    if missing:
        raise UserError(f"{path}: expected the columns {', '.join(HAND_COLUMNS)}, each once; missing: {', '.join(missing)}")
    labels: dict[int, list[int]] = {}
    for number, cells in lines:
        where = f"{path}, line {number}"
        if any(cells[len(header) :]):
            raise UserError(f"{where}: expected {len(header)} columns, found {len(cells)}")
        key, label = _hand_row(dict(zip(header, cells, strict=False)), where)
        name = shown("/".join(map(str, key)))
        if key not in place:
            raise UserError(f"{where}: no pack has {name}; expected a frame that was kept")
        if place[key] in labels:
            raise UserError(f"{where}: expected each picture once, found {name} again; remove the line that should not count")
        labels[place[key]] = label
    if not labels:
        raise UserError(f"{path}: expected at least one labelled picture, found none")
    truth = np.array(list(labels.values()), np.int8)
    return replace(_take(known, np.array(list(labels))), truth=truth, clear=np.ones(truth.shape, bool))


def sweep(known: Known, thickness: float, limb_radius: LimbRadius, chest_depth: np.ndarray | None = None) -> dict[str, Any]:
    """Everything at once: the figures at the present values, and over `THICKNESSES`, `FACTORS` and `RATIOS`.

    thickness : present thickness of the torso, mm; limb_radius : present radii, mm
    chest_depth : (N,) mm, depth of the chest of the person in each row, or None where nobody knows

    A swept table has one list per figure; `best` says where each accuracy is highest (the first such value), null without truth.
    """
    present = label_limbs(known.pose_3d, thickness, limb_radius)
    thicknesses = sorted({*THICKNESSES, thickness})
    return {
        "poses": len(known),
        "people": len(np.unique(known.identity)),
        "clear_cases": None if known.clear is None else int(known.clear.sum()),
        "present": {"torso_thickness": thickness, "limb_radius": limb_radius.model_dump(), **figures(present, known, present)},
        "true_shares": None if known.truth is None else shares(known.truth),
        "torso_thickness": sweep_thickness(known, thicknesses, limb_radius, present),
        "limb_radius": {kind: sweep_radius(known, thickness, limb_radius, kind, FACTORS, present) for kind in KINDS},
        "chest_ratio": None if chest_depth is None else sweep_chest_ratio(known, chest_depth, RATIOS, limb_radius, present),
        "from_few_pictures": try_few_pictures(known, thicknesses, limb_radius, PICTURES, np.random.default_rng(0)),
        "confusion": None if known.truth is None or known.clear is None else _confusion(present, known.truth, known.clear),
    }


def sweep_thickness(known: Known, values: Sequence[float], limb_radius: LimbRadius, present: np.ndarray) -> dict[str, Any]:
    """The figures over thicknesses of the torso, mm; also the shares of the labels of each limb.

    present : (N, 8) labels that the share `changed` compares with
    """
    labels = [label_limbs(known.pose_3d, value, limb_radius) for value in values]
    by_limb = [[shares(label[:, [limb]]) for label in labels] for limb in range(len(LIMB_NAMES))]
    limbs = {name: {share: [row[share] for row in rows] for share in SHARES} for name, rows in zip(LIMB_NAMES, by_limb, strict=True)}
    return {**_table(values, labels, known, present), "by_limb": limbs}


def sweep_radius(known: Known, thickness: float, limb_radius: LimbRadius, kind: str, factors: Sequence[float], present: np.ndarray) -> dict[str, Any]:
    """The figures over the radius of one kind of limb, mm: `factors` of the present one, the others as they are."""
    values = [rounded(factor * getattr(limb_radius, kind)) or 0.0 for factor in factors]
    labels = (label_limbs(known.pose_3d, thickness, limb_radius.model_copy(update={kind: value})) for value in values)
    return _table(values, labels, known, present)


def sweep_chest_ratio(known: Known, chest_depth: np.ndarray, ratios: Sequence[float], limb_radius: LimbRadius, present: np.ndarray) -> dict[str, Any]:
    """The figures where every person has a torso of their own: `ratios` of their chest depth.

    chest_depth : (N,) mm, of the person in each row
    """
    depths, person = np.unique(chest_depth, return_inverse=True)
    people = [(depth, np.flatnonzero(person == number)) for number, depth in enumerate(depths)]
    labels = (_label_people(known.pose_3d, people, ratio, limb_radius) for ratio in ratios)
    return {"mean_chest_depth": mean(chest_depth), **_table(ratios, labels, known, present)}


def try_few_pictures(
    known: Known, values: Sequence[float], limb_radius: LimbRadius, pictures: Sequence[int], rng: np.random.Generator
) -> list[dict[str, Any]] | None:
    """How well a few pictures find the best thickness: for each number of pictures, `DRAWS` times, that many are drawn at random.

    `low` and `high` : 5th and 95th percentile of the thickness, mm, that is best on those drawn; `loss` : mean accuracy on the clear
    cases of all pictures that it loses against the best one. None without truth, or where there are fewer pictures.
    """
    if known.truth is None or known.clear is None or len(known) < max(pictures):
        return None
    right = np.stack([((label_limbs(known.pose_3d, value, limb_radius) == known.truth) & known.clear).sum(1) for value in values])  # (V, N)
    accuracy = right.sum(1) / max(known.clear.sum(), 1)
    found = []
    for number in pictures:
        chosen = [int(right[:, rng.choice(len(known), number, replace=False)].sum(1).argmax()) for _ in range(DRAWS)]
        low, high = np.percentile(np.array(values)[chosen], (5, 95), method="nearest").tolist()
        found.append({"pictures": number, "low": low, "high": high, "loss": mean(accuracy.max() - accuracy[chosen])})
    return found


def figures(label: np.ndarray, known: Known, present: np.ndarray) -> dict[str, float | None]:
    """Accuracies (None without truth), the share of labels that differ from `present`, and the shares of the three labels."""
    truth, clear = known.truth, known.clear
    scores = dict.fromkeys(SCORES) if truth is None or clear is None else label_accuracy(label, truth, clear)
    return {**scores, "changed": mean((label != present).astype(float)), **shares(label)}


def shares(label: np.ndarray) -> dict[str, float | None]:
    """The share of each label, -1 (occluded), 0 (level) and +1 (in front), in (N, L)."""
    return {name: mean((label == value).astype(float)) for name, value in zip(SHARES, LABELS, strict=True)}


def best(table: dict[str, Any]) -> dict[str, dict[str, float] | None]:
    """For each accuracy, the first value at which it is highest, and how high it is there; None without truth."""
    return {name: _highest(table["value"], table[name]) for name in SCORES}


def _highest(values: Sequence[float], scores: Sequence[float | None]) -> dict[str, float] | None:
    found = [(score, -place) for place, score in enumerate(scores) if score is not None]
    if not found:
        return None
    score, place = max(found)
    return {"value": values[-place], "accuracy": score}


def _table(values: Sequence[float], labels: Iterable[np.ndarray], known: Known, present: np.ndarray) -> dict[str, Any]:
    rows = [figures(label, known, present) for label in labels]
    table: dict[str, Any] = {"value": list(values), **{name: [row[name] for row in rows] for name in rows[0]}}
    return {"best": best(table), **table}


def _label_people(pose_3d: np.ndarray, people: Sequence[tuple[float, np.ndarray]], ratio: float, limb_radius: LimbRadius) -> np.ndarray:
    """Labels (N, 8) where each of `people`, (chest depth in mm, rows), has a torso of that depth times `ratio`."""
    label = np.zeros((len(pose_3d), len(LIMB_NAMES)), np.int8)
    for depth, rows in people:
        label[rows] = label_limbs(pose_3d[rows], ratio * depth, limb_radius)
    return label


def _confusion(label: np.ndarray, truth: np.ndarray, clear: np.ndarray) -> dict[str, list[list[int]]]:
    """Per limb, over clear cases: rows are the truth, columns the label, each -1, 0, +1."""
    return dict(zip(LIMB_NAMES, label_confusion(label, truth, clear).tolist(), strict=True))


def _check_part(path: Path, part: Mapping[str, np.ndarray]) -> None:
    """Raise UserError unless the columns of a pack are of poses in 3D, and of labels of all limbs where there are any."""
    shapes = {"pose_3d": (len(H36M_17), 3), **dict.fromkeys(TRUTH, (len(LIMB_NAMES),))}
    for name, shape in shapes.items():
        if name in part and part[name].shape[1:] != shape:
            found = part[name].shape[1:]
            raise UserError(f"{path}: expected {name} of the shape {shape} in each row, found {found}; a sweep needs packs of people in 3D")


def _has_truth(folder: Path, subject: str) -> bool:
    with open_hdf5(pack_path(folder, subject), "a pack", "pack") as file:
        return all(name in file for name in TRUTH)


def _take(known: Known, rows: np.ndarray) -> Known:
    columns = ("pose_3d", "identity", "subject", "sequence", "camera", "frame")
    return replace(known, **{name: getattr(known, name)[rows] for name in columns})


def _hand_row(line: dict[str, str], where: str) -> tuple[tuple[str, str, str, int], list[int]]:
    texts = [line.get(name, "").strip() for name in ("frame", *LIMB_NAMES)]
    if not all(_WHOLE.fullmatch(text) for text in texts):
        wrong = next(text for text in texts if not _WHOLE.fullmatch(text))
        raise UserError(f"{where}: expected whole numbers as `frame` and as the label of each limb, found {shown(wrong)}")
    frame, *label = map(int, texts)
    if not set(label) <= set(LABELS):
        raise UserError(f"{where}: expected labels -1 (occluded), 0 (level) or 1 (in front), found {sorted(set(label) - set(LABELS))}")
    return (line["subject"], line["sequence"], line["camera"], frame), label
