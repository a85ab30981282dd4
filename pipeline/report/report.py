"""One offline page about a run, and the pictures that `dvc plots` shows."""

import csv
import io
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import h5py
import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from pydantic import BaseModel, FiniteFloat

from pipeline.config.section import parse
from pipeline.evaluation.examples.cases import Appearances, Cases, Demonstrations, Examples, Steps, TwinExamples
from pipeline.evaluation.scores.declared import SCORES
from pipeline.inference.images import IMAGES, WITHOUT_LIMBS
from pipeline.packs.frame_store import FrameStore, store_path, views_in
from pipeline.pose.drawing import data_uri, difference_map, draw_over, draw_pose, encode, enlarge, image_grid, scaled_pose
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.files import machine_faults, read_json
from pipeline.utils.hdf5 import NUMBER, WHOLE, check_range, open_hdf5, read_dataset
from pipeline.utils.numbers import MOST_PX

COLUMNS = ("source", "source pose", "target pose", "truth", "by part", "coarse", "difference", "refined")  # `by part` of bodies alone
TWIN_COLUMNS = ("source", "pose", "painted", "truth", "twin's pose", "painted", "twin's truth")
DEMONSTRATION_COLUMNS = ("source", "limb in front", "painted", "truth", "limb behind", "painted", "truth")
STEP_COLUMNS = ("source", "pose", "relief", "placed colours", "beneath", "painted", "truth")
BETWEEN_COLUMNS = ("own look", "", "half and half", "", "the other's")
PAINTED = [column for column, name in enumerate(DEMONSTRATION_COLUMNS) if name == "painted"]
TILE = 220  # height of a contact sheet's tile, px
ROW = 192  # height of an image in the other sheets, px
COLOURS = {"source": "#9aa0a6", "by_part": "#3f9c6d", "coarse": "#e8a33d", "refined": "#2f5cd6"}
NAMES = {"source": "doing nothing", "by_part": "painted by part", "coarse": "coarse (G1)", "refined": "refined (G1 + G2)"}
RIGHT, WRONG, UNDECIDED = (26, 127, 55), (198, 40, 40), (150, 155, 165)  # frames around painted images

# Score -> what it says in plain words, and which direction is better: +1 higher, -1 lower, 0 nearer to 1.
MEANING = {
    "ssim": ("Structural similarity to the truth (Wang et al. 2004); 1 is equal", 1),
    "ssim_pg2": ("The same as PG2's code computes it, window 7×7", 1),
    "ssim_gray": ("The same over the whole grey image at once, as the face report defines it", 1),
    "ssim_patn": ("The same as PATN's code computes it for DeepFashion, with white margins that always agree", 1),
    "l1": ("Mean colour error, 0 to 1", -1),
    "psnr": ("Peak signal-to-noise ratio, dB", 1),
    "mask_ssim": ("Structural similarity with everything but the body set to black", 1),
    "mask_l1": ("Mean colour error on the body", -1),
    "overlap_l1": ("Mean colour error where limbs overlap the torso or each other", -1),
    "sharpness": ("Strength of edges compared with the truth; 1 is as sharp", 0),
    "pck": ("Share of the joints that a pose estimator finds within half a head of where they should be (PCKh@0.5)", 1),
    "inception_score": ("Inception score: clear and varied images score higher", 1),
    "fid": ("Fréchet Inception distance to the true images", -1),
}


def read_series(folder: Path) -> dict[str, np.ndarray]:
    """The series that training logged below `folder`/plots/metrics: name -> (n, 2) float64, step and value, sorted by name.

    Raises UserError where a file is no table of steps and values.
    """
    base = folder / "plots" / "metrics"
    series = {}
    for path in sorted(base.rglob("*.tsv")):
        name = path.relative_to(base).with_suffix("").as_posix()
        try:
            with machine_faults(path), path.open(encoding="utf-8", newline="") as file:
                table = csv.DictReader(file, delimiter="\t")
                points = [(float(row["step"]), float(row[path.stem])) for row in table]
            if not {"step", path.stem} <= set(table.fieldnames or ()) or not np.isfinite(points).all():
                raise ValueError
        except (OSError, KeyError, TypeError, ValueError, csv.Error):
            raise UserError(f"{path}: expected a table with the columns step and {path.stem}; run the training stage again") from None
        series[name] = np.array(points).reshape(-1, 2)
    return series


class _Depth(BaseModel):
    """What is known of depth, as far as the page shows it."""

    order_accuracy: FiniteFloat | None
    order_cases: int
    order_left_out: FiniteFloat
    order_by_chain: dict[str, dict[str, FiniteFloat | int | None]]
    order_by_image: dict[str, dict[str, FiniteFloat | None]]
    label_accuracy: FiniteFloat | None
    label_accuracy_all: FiniteFloat | None
    label_accuracy_balanced: FiniteFloat | None
    lift_error: FiniteFloat | None
    lift_error_flat: FiniteFloat | None
    lift_sign: FiniteFloat | None
    response: FiniteFloat | None
    response_alone: FiniteFloat | None


_Means = dict[str, FiniteFloat | None]


class _Figures(BaseModel):
    """The content of metrics/test.json, as far as the page shows it."""

    pairs: int
    source: _Means
    by_part: _Means = {}
    coarse: _Means
    refined: _Means
    latent: _Means
    depth: _Depth | None = None
    by: dict[Literal["action", "view", "distance"], dict[str, dict[str, int | _Means]]]


def read_figures(path: Path) -> dict[str, Any]:
    """The content of metrics/test.json; raise UserError where it is not what the stage evaluate writes."""
    values = read_json(path)
    parse(_Figures, values, str(path), hint="run the stage evaluate again")
    for image in (image for image in IMAGES if image in values):
        for name in SCORES:
            if name not in values[image]:
                raise UserError(f"{path}: {image}.{name}: missing; run the stage evaluate again")
    return values


def draw_curves(series: dict[str, np.ndarray]) -> bytes:
    """One small chart per series, as SVG."""
    columns = min(3, len(series))
    rows = -(-len(series) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.4 * rows), layout="constrained")
    for number, (name, points) in enumerate(series.items()):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.plot(*points.T, color=COLOURS["refined"], linewidth=1.2)
        _tidy(axes, name.replace("_", " "), "step")
    return _svg(figure)


def draw_distributions(cases: Cases) -> bytes:
    """How SSIM and the body's colour error spread over the pairs, as SVG."""
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    for number, name in enumerate(("ssim", "mask_l1")):
        axes = figure.add_subplot(1, 2, number + 1)
        values = cases.pairs.scores[:, SCORES.index(name)]
        bins = np.histogram_bin_edges(values[np.isfinite(values)], 40).tolist()
        for image, one in zip(IMAGES if len(values) == len(IMAGES) else WITHOUT_LIMBS, values, strict=True):
            axes.hist(one[np.isfinite(one)], bins, histtype="stepfilled", alpha=0.45, color=COLOURS[image], label=NAMES[image])
        _tidy(axes, name.replace("_", " "), "")
        axes.set_ylabel("pairs", fontsize=8)
    axes.legend(fontsize=8, frameon=False)
    return _svg(figure)


def contact_sheet(frames: Path, poses: Path, subjects: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """One extracted frame per subject and camera, cut around the person, with the projected skeleton: subject -> camera -> image.

    It is the middle frame of the subject's middle sequence. Raises UserError where a file of frames or poses is missing or damaged.
    """
    return {subject: dict(_subject_tiles(frames / subject, poses / f"{subject}.h5")) for subject in subjects}


def pair_columns(shown: Examples) -> tuple[str, ...]:
    """Titles of the columns of `pair_rows`."""
    return tuple(name for name in COLUMNS if name != "by part" or len(shown.by_part))


def pair_rows(shown: Examples) -> list[list[np.ndarray]]:
    """The images of each pair in the order of `pair_columns`."""
    size = shown.source.shape[1:3]
    return [
        [
            shown.source[i],
            draw_pose(shown.source_pose[i], shown.source_label[i], size),
            draw_pose(shown.target_pose[i], shown.target_label[i], size),
            shown.truth[i],
            *shown.by_part[i : i + 1],
            shown.coarse[i],
            difference_map(shown.refined[i], shown.coarse[i]),
            shown.refined[i],
        ]
        for i in range(len(shown.source))
    ]


def twin_rows(twins: TwinExamples) -> list[list[np.ndarray]]:
    """The images of each twin in the order of `TWIN_COLUMNS` (of `DEMONSTRATION_COLUMNS`)."""
    size = twins.source.shape[1:3]
    return [
        [
            twins.source[i],
            draw_pose(twins.pose[i], twins.label[i], size),
            twins.painted[i],
            twins.truth[i],
            draw_pose(twins.pose[i], twins.twin_label[i], size),
            twins.painted_twin[i],
            twins.twin[i],
        ]
        for i in range(len(twins.source))
    ]


def step_rows(steps: Steps) -> list[list[np.ndarray]]:
    """The images of each row in the order of `STEP_COLUMNS`."""
    size = steps.source.shape[1:3]
    return [
        [
            steps.source[i],
            draw_pose(steps.pose[i], steps.label[i], size),
            steps.relief[i],
            steps.placed[i],
            steps.beneath[i],
            steps.refined[i],
            steps.truth[i],
        ]
        for i in range(len(steps.source))
    ]


def appearance_columns(appearances: Appearances) -> tuple[str, ...]:
    """Titles of the columns of `appearance_rows`."""
    return ("source", "pose", *BETWEEN_COLUMNS, "another person", *["drawn"] * appearances.sampled.shape[1])


def appearance_rows(appearances: Appearances) -> list[list[np.ndarray]]:
    """The images of each row in the order of `appearance_columns`."""
    size = appearances.source.shape[1:3]
    return [
        [
            appearances.source[i],
            draw_pose(appearances.pose[i], appearances.label[i], size),
            *appearances.between[i],
            appearances.other[i],
            *appearances.sampled[i],
        ]
        for i in range(len(appearances.source))
    ]


def draw_demonstrations(shown: Demonstrations) -> np.ndarray:
    """One picture of the demonstrations: what each shows, then as in `DEMONSTRATION_COLUMNS`; returns (H, W, 3) uint8.

    A painted image has a green frame where its order is right, a red one where it is wrong.
    """
    rows = []
    for kind, right, row in zip(shown.kind, shown.right, twin_rows(shown), strict=True):
        for column, one in zip(PAINTED, right, strict=True):
            row[column] = _framed(enlarge(row[column], ROW), one)
        rows.append([_words(kind, ROW), *row])
    return image_grid(("", *DEMONSTRATION_COLUMNS), rows, ROW)


PICTURE_FILES = ("*.png", "demonstrations.jpg", "contact_sheet.jpg")


def write_pictures(folder: Path, cases: Cases, contact: dict[str, dict[str, np.ndarray]]) -> None:
    """Sheets of samples, best and worst pairs, twins, steps, appearances (PNG), demonstrations, frames (JPEG); nothing of what is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets: list[tuple[str, Sequence[str], list[list[np.ndarray]]]]
    sheets = [(name, pair_columns(cases.samples), pair_rows(getattr(cases, name))) for name in ("samples", "best", "worst")]
    sheets += [("twins", TWIN_COLUMNS, twin_rows(cases.twins)), ("steps", STEP_COLUMNS, step_rows(cases.steps))]
    sheets += [("appearances", appearance_columns(cases.appearances), appearance_rows(cases.appearances))]
    for name, titles, rows in sheets:
        if rows:
            (folder / f"{name}.png").write_bytes(encode(image_grid(titles, rows, ROW), ".png"))
    if len(cases.demonstrations.kind):
        (folder / "demonstrations.jpg").write_bytes(encode(draw_demonstrations(cases.demonstrations), ".jpg"))
    cameras = sorted({camera for views in contact.values() for camera in views})
    blank = np.full((TILE, TILE, 3), 255, dtype=np.uint8)
    tiles = [[views.get(camera, blank) for camera in cameras] for views in contact.values() if views]
    if tiles:
        (folder / "contact_sheet.jpg").write_bytes(encode(image_grid(cameras, tiles, TILE), ".jpg"))


def render_report(
    cases: Cases,
    figures: dict[str, Any],
    series: dict[str, dict[str, np.ndarray]],
    contact: dict[str, dict[str, np.ndarray]],
    left_out: list[str],
) -> str:
    """The page, complete in itself.

    figures : the content of metrics/test.json; series : stage -> its series; contact : as `contact_sheet` gives it;
    left_out : one line for each thing that the pipeline left out.
    """
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters["number"] = _number
    return page.get_template("report.html").render(
        figures=figures,
        names={image: name for image, name in NAMES.items() if image in figures},
        size=cases.samples.source.shape[1:3],
        headlines=_headlines(figures),
        scores=_score_rows(figures),
        curves={stage: _inline_svg(draw_curves(values)) for stage, values in series.items() if values},
        distributions=_inline_svg(draw_distributions(cases)),
        columns=pair_columns(cases.samples),
        groups=[_pair_group(cases, name) for name in ("samples", "best", "worst")],
        twin_columns=TWIN_COLUMNS,
        twins=_twin_group(cases.twins),
        demonstration_columns=DEMONSTRATION_COLUMNS,
        demonstrations=[row | {"kind": kind} for row, kind in zip(_twin_group(cases.demonstrations), cases.demonstrations.kind, strict=True)],
        step_columns=STEP_COLUMNS,
        steps=[
            {"caption": caption, "images": [_inline(image) for image in row]}
            for caption, row in zip(cases.steps.caption, step_rows(cases.steps), strict=True)
        ],
        appearance_columns=appearance_columns(cases.appearances),
        appearances=[
            {"caption": caption, "images": [_inline(image) for image in row]}
            for caption, row in zip(cases.appearances.caption, appearance_rows(cases.appearances), strict=True)
        ],
        chains={name.replace("_", " "): values for name, values in figures.get("depth", {}).get("order_by_chain", {}).items()},
        confusion=_confusion_tables(cases.labels.confusion),
        contact={subject: {camera: _inline(image, ".jpg") for camera, image in views.items()} for subject, views in contact.items()},
        left_out=left_out,
    )


def read_left_out(manifests: Path, frames: Path, subjects: Sequence[str]) -> list[str]:
    """One line for each thing that was left out, from the manifests of stage index and the reports of stage extract."""
    lines = []
    for subject in subjects:
        for path in (manifests / f"{subject}.videos.json", frames / subject / "report.json"):
            lines += [f"{subject}: {line}" for line in left_out_lines(path)]
    return lines


def left_out_lines(report: Path) -> list[str]:
    """One line for each thing that was left out, from one report or manifest."""
    content = read_json(report)
    items = content.get("left_out") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise UserError(f"{report}: expected a list `left_out`, found other content; run the stage again that writes it")
    return [_line(item) for item in items]


def _line(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    where = ", ".join(str(item[key]) for key in ("sequence", "camera", "picture") if item.get(key))
    return f"{where}: {item.get('reason', '')}" if where else str(item.get("reason", ""))


def _subject_tiles(frames: Path, poses: Path) -> Iterator[tuple[str, np.ndarray]]:
    with open_hdf5(poses, "poses", "project") as file:
        views = [(sequence, camera) for sequence, camera in views_in(frames) if f"{sequence}/{camera}" in file]
        sequences = sorted({sequence for sequence, _ in views})
        for sequence, camera in views:
            if sequence == sequences[len(sequences) // 2]:
                yield camera, _tile(store_path(frames, sequence, camera), file, f"{sequence}/{camera}")


def _tile(path: Path, file: h5py.File, view: str) -> np.ndarray:
    """The view's middle frame with its skeleton, cut around the person."""
    frame = read_dataset(file, f"{view}/frame", (None,), WHOLE)
    pose_2d = read_dataset(file, f"{view}/pose_2d", (len(frame), len(H36M_17), 2), NUMBER)
    label = read_dataset(file, f"{view}/label", (len(frame), len(LIMB_NAMES)), WHOLE)
    check_range(pose_2d, -MOST_PX, MOST_PX, f"{view}/pose_2d")
    check_range(label, -1, 1, f"{view}/label")
    with FrameStore(path) as store:
        middle = len(store) // 2
        row = np.flatnonzero(frame == store.frame[middle : middle + 1])
        if not len(row):
            raise UserError(f"{path}: the middle frame has no pose; run the stages `extract` and `project` again")
        pose = scaled_pose(pose_2d[row[0]], store.stored[0] / store.size[0])
        image = store[middle]
    centre, reach = (pose.max(0) + pose.min(0)) / 2, 0.72 * np.ptp(pose, axis=0).max()
    x0, y0 = np.floor(centre - reach).clip(0).astype(int)
    x1, y1 = np.ceil(centre + reach).clip(0).astype(int)
    cut = np.ascontiguousarray(image[y0:y1, x0:x1])
    if not cut.size:
        raise UserError(f"{path}: the skeleton lies outside the picture; do camera and video belong together?")
    tile = enlarge(cut, TILE)
    return draw_over(tile, scaled_pose(pose - (x0, y0), TILE / cut.shape[0]), label[row[0]], width=3)


def _headlines(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The few figures that matter most: value, name, plain words."""
    source, coarse, refined, depth = figures["source"], figures["coarse"], figures["refined"], figures.get("depth")
    cards = [(_number(refined["ssim"]), "SSIM", f"refined image; doing nothing scores {_number(source['ssim'])}")]
    if refined["mask_l1"] is not None and source["mask_l1"]:
        less = 100 * (1 - refined["mask_l1"] / source["mask_l1"])
        cards.append((f"{less:+.0f} %".replace("+", "−") if less >= 0 else f"+{-less:.0f} %", "body error", "refined image against doing nothing"))
    cards.append((_number(refined["sharpness"]), "sharpness", f"1 is as sharp as the truth; coarse {_number(coarse['sharpness'])}"))
    if depth is None:
        return cards
    if depth["order_accuracy"] is not None:
        by_part = _number(depth["order_by_image"]["by_part"]["order_accuracy"])
        cards.append(
            (_number(depth["order_accuracy"]), "limb order", f"share of images with the order they were told; blind: 0.5, painted by part: {by_part}")
        )
    if depth["label_accuracy"] is not None:
        cards.append((_number(depth["label_accuracy"]), "labels", "share of clear depth labels that agree with the renderer"))
    return cards


def _score_rows(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per score: its figures for each image, which is best, and how refined compares with doing nothing."""
    rows = []
    for name, (meaning, direction) in MEANING.items():
        if name not in figures["refined"]:
            continue
        values = {image: figures[image][name] for image in IMAGES if image in figures}
        if not any(value is not None for value in values.values()):
            continue
        cost = {image: abs(value - 1) if direction == 0 else -direction * value for image, value in values.items() if value is not None}
        best = [image for image in cost if cost[image] == min(cost.values())]
        rows.append(
            {
                "name": name,
                "meaning": meaning,
                "arrow": {1: "↑", -1: "↓", 0: "→ 1"}[direction],
                "values": values,
                "spread": {image: figures[image].get(f"{name}_std") for image in values},
                "best": best if len(best) == 1 else [],
            }
        )
    return rows


def _pair_group(cases: Cases, name: str) -> dict[str, Any]:
    shown: Examples = getattr(cases, name)
    rows = [
        {"caption": caption, "mask_l1": float(error), "images": [_inline(image) for image in row]}
        for caption, error, row in zip(shown.caption, shown.mask_l1, pair_rows(shown), strict=True)
    ]
    return {"name": name, "rows": rows}


def _twin_group(twins: TwinExamples) -> list[dict[str, Any]]:
    return [
        {"caption": caption, "right": right.tolist(), "images": [_inline(image) for image in row]}
        for caption, right, row in zip(twins.caption, twins.right, twin_rows(twins), strict=True)
    ]


def _confusion_tables(confusion: np.ndarray) -> list[dict[str, Any]]:
    """Per limb with any case: the counts and the share of each truth's labels; an empty list without truth."""
    if not confusion.any():
        return []
    tables = []
    for name, counts in [("all limbs", confusion.sum(0)), *zip(LIMB_NAMES, confusion, strict=True)]:
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        accuracy = counts.diagonal().sum() / max(counts.sum(), 1)
        tables.append({"name": name.replace("_", " "), "counts": counts.tolist(), "share": share.tolist(), "accuracy": float(accuracy)})
    return tables


def _number(value: float | None) -> str:
    """Three significant digits behind a leading zero; a dash for what is unknown."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _inline(image: np.ndarray, suffix: str = ".png") -> str:
    return data_uri(encode(image, suffix), {".png": "image/png", ".jpg": "image/jpeg"}[suffix])


def _inline_svg(content: bytes) -> str:
    return data_uri(content, "image/svg+xml")


def _framed(image: np.ndarray, right: float) -> np.ndarray:
    """A copy of the image (H, W, 3) with a frame that says whether its order is right: 1 is, 0 is not, anything between is undecided."""
    colour = {1.0: RIGHT, 0.0: WRONG}.get(float(right), UNDECIDED)
    return cv2.rectangle(image.copy(), (0, 0), (image.shape[1] - 1, image.shape[0] - 1), colour, 7)


def _words(text: str, height: int) -> np.ndarray:
    """The text on white, in short lines: (height, W, 3) uint8."""
    tile, line = np.full((height, 112, 3), 255, dtype=np.uint8), 20
    lines = textwrap.wrap(text, 12)
    for number, words in enumerate(lines):
        below = height // 2 + round((number - len(lines) / 2 + 0.75) * line)
        cv2.putText(tile, words, (4, below), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    return tile


def _tidy(axes: Any, title: str, below: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(below, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _svg(figure: Figure) -> bytes:
    """The figure's bytes, the same for the same figure: no date, no random names."""
    content = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "pose25d"}):
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None, "Creator": None})
    return content.getvalue()
