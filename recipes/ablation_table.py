"""What the runs of a list are, and how their results are shown: no DVC here, values in and text out."""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from pydantic import Field

from pipeline.config.section import Section, parse, read_params
from pipeline.pose.drawing import data_uri
from pipeline.utils.errors import UserError

# Column -> where its figure stands in metrics/test.json; the order accuracy has a column of its own.
COLUMNS = {
    "SSIM": ("refined", "ssim"),
    "mask SSIM": ("refined", "mask_ssim"),
    "L1": ("refined", "l1"),
    "sharpness": ("refined", "sharpness"),
    "label accuracy": ("depth", "label_accuracy"),
}
ORDER = ("order_accuracy", "order_low", "order_high")
IMAGE_NAMES = {"coarse": "coarse (G1)", "refined": "refined (+ G2)"}
IMAGE_SCORES = {
    "SSIM": "ssim",
    "SSIM (7x7 RGB)": "ssim_pg2",
    "SSIM (grey)": "ssim_gray",
    "mask SSIM": "mask_ssim",
    "L1": "l1",
    "sharpness": "sharpness",
    "Inception score": "inception_score",
    "FID": "fid",
}
USUAL_SCORES = ("SSIM", "mask SSIM", "L1", "sharpness", "Inception score", "FID")
ORDER_COLUMN = "order accuracy"
MARKERS = "os^D"  # of the plot: the next one after every ten colours
BASELINES = {"source": "the source image itself", "by_part": "painted by part, without a network"}
TRUE_SCORES = {"ssim": 1.0, "ssim_pg2": 1.0, "ssim_gray": 1.0, "mask_ssim": 1.0, "l1": 0.0, "sharpness": 1.0, "fid": 0.0}
MISSING = "–"
KEPT = ("state", "reason", "experiment", "edited", "metrics", "commit", "origin")  # of a result, in `results.json`


class Run(Section):
    """One run of the list: its name, what it is, and the parameters that differ from the file of parameters."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    about: str = Field(min_length=1)
    overrides: dict[str, Any] = Field(alias="set")


class RunList(Section):
    """The file of runs; `shared` holds what several runs have in common, as YAML anchors.

    title : what experiments, results and the block in docs/ are named after; images : those that have a row each in the table, of all
    runs, beside the true images and the baselines; without any the table has a row per run, its refined image; heading : of the page that
    such a list gets; scores : columns of its table, as far as they are known; figures : pictures of several runs one below the other, by name
    """

    title: str = Field(default="ablation", pattern=r"^[a-z]+$")
    heading: str = "The same pairs"
    images: tuple[Literal["coarse", "refined"], ...] = ()
    scores: tuple[str, ...] = USUAL_SCORES
    figures: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    shared: dict[str, Any] = Field(default_factory=dict)
    runs: tuple[Run, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Result:
    """What became of a run: `done`, `failed`, `running` or `not run`, and its figures if it is done."""

    run: Run
    state: str
    reason: str = ""
    experiment: str | None = None  # the commit that holds code, parameters and figures
    edited: bool = False  # made with code or parameters that the commit below it does not have
    metrics: Mapping[str, Any] | None = None
    commit: str = ""  # the one below the experiment
    origin: str = ""  # a hash of that commit's code and the run's parameters


def read_list(path: Path) -> RunList:
    """Read a list of runs; raise UserError where it is not one, or where a name stands twice."""
    found = parse(RunList, read_params(path), str(path), hint="see the comment at the top of recipes/ablation.yaml")
    twice = [name for name, count in Counter(run.name for run in found.runs).items() if count > 1]
    if twice:
        raise UserError(f"{path}: expected every run's name once, found several runs named {', '.join(twice)}")
    unknown = [name for name in found.scores if name not in IMAGE_SCORES]
    if unknown:
        raise UserError(f"{path}: scores: {', '.join(unknown)}: unknown; there are {', '.join(IMAGE_SCORES)}")
    for name, runs in found.figures.items():
        if not runs:
            raise UserError(f"{path}: figures.{name}: expected names of runs, found none")
        choose(found.runs, " ".join(runs))
    return found


def choose(runs: Sequence[Run], names: str) -> list[Run]:
    """The runs that `names` lists, separated by spaces or commas; all of them where it is empty."""
    wanted = names.replace(",", " ").split()
    unknown = [name for name in wanted if name not in {run.name for run in runs}]
    if unknown:
        raise UserError(f"no run is named {', '.join(unknown)}; there are: {', '.join(run.name for run in runs)}")
    return [run for run in runs if not wanted or run.name in wanted]


def kept(document: Mapping[str, Any], run: Run, origin: str) -> Result | None:
    """The result of a run in an earlier `results.json`, if it was made of the same code and parameters; None where there is none."""
    for entry in document.get("runs", []):
        if entry["state"] == "done" and not entry["edited"] and (entry["name"], entry["origin"]) == (run.name, origin):
            return Result(run, **{name: entry[name] for name in KEPT})
    return None


def with_overrides(params: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`params` with each `section.key` of `overrides` replaced; raises UserError where there is no such parameter."""
    changed = copy.deepcopy(dict(params))
    for name, value in overrides.items():
        *path, key = name.split(".")
        section: Any = changed
        for part in path:
            section = section.get(part) if isinstance(section, dict) else None
        if not isinstance(section, dict) or key not in section:
            raise UserError(f"there is no parameter {name}")
        section[key] = value
    return changed


def is_made_of(params: Mapping[str, Any], base: Mapping[str, Any], overrides: Mapping[str, Any]) -> bool:
    """Whether `params` are those of `base` with `overrides`."""
    try:
        return with_overrides(base, overrides) == params
    except UserError:
        return False


def figure_at(metrics: Mapping[str, Any], *keys: str) -> float | None:
    """The figure below `keys`; None where it, or anything on the way, is missing."""
    value: Any = metrics
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _figure_text(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4f}"


def order_text(metrics: Mapping[str, Any], image: str = "refined") -> str:
    """The order accuracy of an image, with its confidence interval if the metrics have one."""
    value, low, high = _order(metrics, image)
    if value is None:
        return MISSING
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _order(metrics: Mapping[str, Any], image: str) -> tuple[float | None, ...]:
    return tuple(figure_at(metrics, "depth", "order_by_image", image, key) for key in ORDER)


def _cells(result: Result) -> list[str]:
    if result.metrics is None:
        return [f"**{result.state}**", *[""] * len(COLUMNS)]
    return [*(_figure_text(figure_at(result.metrics, *keys)) for keys in COLUMNS.values()), order_text(result.metrics)]


def table(results: Sequence[Result], images: Sequence[str] = (), scores: Sequence[str] = USUAL_SCORES) -> str:
    """Markdown: rows for each run that is done or failed, and below them what a reader must know about the others.

    images, scores : see `RunList`
    """
    if images:
        heading, *rows = image_rows(results, images, scores)
        named = ([f"`{name}`" if name else "", *cells] for name, *cells in rows)
        return _markdown([heading, *named], image_notes(results))
    shown = [result for result in results if result.state in ("done", "failed")]
    heading = ["run", "what it is", *COLUMNS, "order accuracy"]
    rows = [heading, *([f"`{result.run.name}`", result.run.about, *_cells(result)] for result in shown)]
    return _markdown(rows, [f"Scores of the refined image on the test pairs{_commits(results)}.", *_notes(results)])


def image_rows(results: Sequence[Result], images: Sequence[str], scores: Sequence[str] = USUAL_SCORES) -> list[list[str]]:
    """Titles, then the true images, the baselines without a network, and every image of every run that is done or failed."""
    done = [result.metrics for result in results if result.state == "done" and result.metrics]
    names = [name for name in scores if any(figure_at(metrics, "refined", IMAGE_SCORES[name]) is not None for metrics in done)]
    if _has_order(results):
        names.append(ORDER_COLUMN)
    rows = [["run", "what it is", "image", *names]]
    if done:
        truth = {**TRUE_SCORES, "inception_score": figure_at(done[0], "inception", "truth_score")}
        true = ("1.000" if name == ORDER_COLUMN else _figure_text(truth[IMAGE_SCORES[name]]) for name in names)
        rows.append(["", "", "the true images", *true])
        rows += [["", "", words, *_image_cells(done[0], image, names)] for image, words in BASELINES.items() if image in done[0]]
    for result in results:
        if result.state == "failed":
            rows.append([result.run.name, result.run.about, "failed", *[""] * len(names)])
        elif result.state == "done":
            label = [result.run.name, result.run.about]
            rows += [[*label, IMAGE_NAMES[image], *_image_cells(result.metrics or {}, image, names)] for image in images]
    return rows


def image_notes(results: Sequence[Result]) -> list[str]:
    """What a reader of `image_rows` must know, as sentences."""
    said = f"Mean and standard deviation over the same test pairs{_commits(results)}."
    return [said + " The order accuracy of the true images is 1 by construction." * _has_order(results), *_notes(results)]


def _has_order(results: Sequence[Result]) -> bool:
    """Whether any run was judged by the order of limbs."""
    return any(_order(result.metrics or {}, "refined")[0] is not None for result in results)


def page(listed: RunList, results: Sequence[Result], pictures: Mapping[str, bytes]) -> str:
    """A page of its own, complete in itself: the rows and notes, and a picture (JPEG) of each run by its name."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    heading, *rows = image_rows(results, listed.images, listed.scores)
    abouts = {result.run.name: result.run.about for result in results}
    shown = [(name, abouts[name], data_uri(content, "image/jpeg")) for name, content in pictures.items()]
    notes = [note.replace("`", "") for note in image_notes(results)]
    return environment.get_template("comparison.html").render(title=listed.heading, heading=heading, rows=rows, notes=notes, pictures=shown)


def _image_cells(metrics: Mapping[str, Any], image: str, names: Sequence[str]) -> list[str]:
    cells = []
    for name in names:
        if name == ORDER_COLUMN:
            cells.append(order_text(metrics, image))
            continue
        score = IMAGE_SCORES[name]
        spread = figure_at(metrics, image, f"{score}_std") if name == "SSIM" else None
        cells.append(_figure_text(figure_at(metrics, image, score)) + ("" if spread is None else f" ± {spread:.3f}"))
    return cells


def _markdown(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    lines.insert(1, f"| {' | '.join(['---'] * len(rows[0]))} |")
    return "\n".join([*lines, "", *notes]) + "\n"


def _commits(results: Sequence[Result]) -> str:
    commits = [f"`{commit[:7]}`" for commit in dict.fromkeys(result.commit for result in results if result.state == "done")]
    return f"; experiments of commit{'s' * (len(commits) > 1)} {', '.join(commits)}" if commits else ""


def _notes(results: Sequence[Result]) -> list[str]:
    """Sentences below the table, one per line."""
    notes = [f"`{result.run.name}` failed: {result.reason}." for result in results if result.state == "failed"]
    for text, names in (
        ("Made with edits that the commit does not have", [result.run.name for result in results if result.edited]),
        ("Still running", [result.run.name for result in results if result.state == "running"]),
        ("Not run", [result.run.name for result in results if result.state == "not run"]),
    ):
        if names:
            notes.append(f"{text}: {', '.join(f'`{name}`' for name in names)}.")
    return notes


def to_json(results: Sequence[Result]) -> dict[str, Any]:
    """Everything the table is made from: every run with its overrides, what it was made of, and all its metrics."""
    return {
        "runs": [
            {"name": result.run.name, "about": result.run.about, "set": result.run.overrides, **{name: getattr(result, name) for name in KEPT}}
            for result in results
        ]
    }


def plot(results: Sequence[Result]) -> Figure:
    """Order accuracy against SSIM, a point per run that has both, with the interval where there is one; sharpness where no run has an order.

    Names stand beside the axes, the highest first: runs that differ in a seed alone lie so close that names at their points would cover each other.
    """
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.add_subplot()
    ordered = _has_order(results) or not any(result.metrics for result in results)
    points: list[tuple[float, ErrorbarContainer]] = []
    for result in results:
        metrics = result.metrics or {}
        sharp = figure_at(metrics, "refined", "sharpness")
        ssim, (height, low, high) = figure_at(metrics, "refined", "ssim"), _order(metrics, "refined") if ordered else (sharp, None, None)
        if ssim is not None and height is not None:
            interval = None if low is None or high is None else [[max(height - low, 0)], [max(high - height, 0)]]
            look = f"{MARKERS[len(points) // 10 % len(MARKERS)]}C{len(points) % 10}"
            point = axes.errorbar(ssim, height, yerr=interval, fmt=look, label=result.run.name, markersize=5, capsize=3, linewidth=1)
            points.append((height, point))
    axes.axhline(0.5 if ordered else 1.0, color="#9aa0a6", linewidth=1, linestyle="--")
    if points:
        figure.legend(handles=[point for _, point in sorted(points, key=lambda pair: -pair[0])], loc="outside right upper", frameon=False)
    axes.margins(x=0.1)
    axes.set_xlabel("SSIM of the refined image")
    axes.set_ylabel("order accuracy (0.5: blind to depth)" if ordered else "sharpness (1: as sharp as the truth)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def with_block(text: str, marker: str, block: str) -> str:
    """`text` with what stands between `<!-- marker -->` and `<!-- /marker -->` replaced; as it is where they are missing."""
    start, end = f"<!-- {marker} -->\n", f"<!-- /{marker} -->"
    before, opened, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    return f"{before}{start}\n{block}\n{end}{after}" if opened and closed else text
