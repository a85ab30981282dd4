"""The scores of runs as a table in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.marks import Marks
from experiments.results import Result, has_order
from experiments.scores import COLUMNS, DEFAULT_SCORES, IMAGE_SCORES, OPTIONAL_COLUMNS, TRUE_PLACES, TRUE_SCORES, order_of, value_at
from pipeline.comparison.compare import ORDER

IMAGE_NAMES = {"coarse": "coarse (G1)", "refined": "refined (+ G2)"}
ORDER_COLUMN = "order accuracy"
MINUTES = "minutes"
BASELINES = {
    "ceiling": "the ceiling: the true image as far as the source shows the person",
    "source": "the source image itself",
    "by_part": "painted by part, without a network",
}  # also what can be known at all
MISSING = "–"
TIMED = (
    "Minutes are those of the trainings until an image can be painted, without the lifter's, where a run made them; other work beside them counts in."
)


def _value_text(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4f}"


def _with_interval(metrics: Mapping[str, Any], image: str, score: str) -> str:
    """A score of an image; of the SSIM the 95 % interval over people, too, where it is known."""
    value, low, high = (value_at(metrics, image, f"{score}{end}") for end in ("", "_low", "_high"))
    return _value_text(value) + (f" ({low:.3f} to {high:.3f})" if score == "ssim" and low is not None and high is not None else "")


def order_text(metrics: Mapping[str, Any], image: str = "refined") -> str:
    """The order accuracy of an image, with its confidence interval if the metrics have one."""
    value, low, high = order_of(metrics, image)
    if value is None:
        return MISSING
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _columns(results: Sequence[Result]) -> dict[str, tuple[str, str]]:
    """Column -> where its value stands, of a table with a row per run."""
    known = {name: keys for name, keys in OPTIONAL_COLUMNS.items() if any(value_at(result.metrics or {}, *keys) is not None for result in results)}
    return COLUMNS | known


def _known(rows: list[list[str]], results: Sequence[Result]) -> list[list[str]]:
    """Rows that end in minutes; without them where it is known of no run how long its trainings took."""
    return rows if _timed(results) else [row[:-1] for row in rows]


def _timed(results: Sequence[Result]) -> bool:
    return any(result.minutes for result in results)


def _minutes_text(result: Result, image: str) -> str:
    minutes = result.minutes.get(image)
    return MISSING if minutes is None else f"{minutes:.1f}"


def _cells(result: Result, columns: Mapping[str, tuple[str, str]], marks: Marks) -> list[str]:
    if result.metrics is None:
        return [f"**{result.state}**", *[""] * (len(columns) + 1)]
    values = (_with_interval(result.metrics, *keys) + marks.of(result.run.name, *keys) for keys in columns.values())
    return [*values, order_text(result.metrics) + marks.of(result.run.name, "refined", ORDER), _minutes_text(result, "refined")]


def table(results: Sequence[Result], images: Sequence[str] = (), scores: Sequence[str] = DEFAULT_SCORES, marks: Marks | None = None) -> str:
    """Markdown: rows for each run that is done or failed, and below them what a reader must know about the others.

    images, scores : see `RunList`; marks : see `make_marks`
    """
    marks = marks or Marks()
    if images:
        heading, *rows = image_rows(results, images, scores, marks)
        named = ([f"`{name}`" if name else "", *cells] for name, *cells in rows)
        return _markdown([heading, *named], image_notes(results, marks))
    shown = [result for result in results if result.state in ("done", "failed")]
    columns = _columns(shown)
    heading = ["run", "what it is", *columns, ORDER_COLUMN, MINUTES]
    rows = [heading, *([f"`{result.run.name}`", result.run.about, *_cells(result, columns, marks)] for result in shown)]
    return _markdown(_known(rows, results), [f"Scores of the refined image on the test pairs{_commits(results)}.", *marks.notes, *_notes(results)])


def image_rows(results: Sequence[Result], images: Sequence[str], scores: Sequence[str], marks: Marks) -> list[list[str]]:
    """Titles, then the true images, the baselines without a network, and every image of every run that is done or failed."""
    done = [result.metrics for result in results if result.state == "done" and result.metrics]
    names = [name for name in scores if any(value_at(metrics, "refined", IMAGE_SCORES[name]) is not None for metrics in done)]
    if has_order(results):
        names.append(ORDER_COLUMN)
    rows = [["run", "what it is", "image", *names, MINUTES]]
    if done:
        truth = TRUE_SCORES | {name: value_at(done[0], *keys) for name, keys in TRUE_PLACES.items()}
        true = ("1.000" if name == ORDER_COLUMN else _value_text(truth[IMAGE_SCORES[name]]) for name in names)
        rows.append(["", "", "the true images", *true, ""])
        rows += [["", "", words, *_image_cells(done[0], image, names, "", marks), ""] for image, words in BASELINES.items() if image in done[0]]
    for result in results:
        if result.state == "failed":
            rows.append([result.run.name, result.run.about, "failed", *[""] * (len(names) + 1)])
        elif result.state == "done":
            label = [result.run.name, result.run.about]
            for image in images:
                cells = _image_cells(result.metrics or {}, image, names, result.run.name, marks)
                rows.append([*label, IMAGE_NAMES[image], *cells, _minutes_text(result, image)])
    return _known(rows, results)


def image_notes(results: Sequence[Result], marks: Marks) -> list[str]:
    """What a reader of `image_rows` must know, as sentences."""
    known = any(value_at(result.metrics or {}, "refined", "ssim_low") is not None for result in results)
    what = "Means" if known else "Mean and standard deviation"
    said = f"{what} over the same test pairs{', in brackets 95 % intervals over people' * known}{_commits(results)}."
    return [said + " The order accuracy of the true images is 1 by construction." * has_order(results), *marks.notes, *_notes(results)]


def _image_cells(metrics: Mapping[str, Any], image: str, names: Sequence[str], run: str, marks: Marks) -> list[str]:
    """The cells of one image; run : whose it is, empty of a baseline."""
    cells = []
    for name in names:
        if name == ORDER_COLUMN:
            cells.append(order_text(metrics, image) + marks.of(run, image, ORDER))
            continue
        score = IMAGE_SCORES[name]
        spread = value_at(metrics, image, "ssim_std") if score == "ssim" and value_at(metrics, image, "ssim_low") is None else None
        cells.append(_with_interval(metrics, image, score) + ("" if spread is None else f" ± {spread:.3f}") + marks.of(run, image, score))
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
    if _timed(results):
        notes.append(TIMED)
    for text, names in (
        ("Made with edits that the commit does not have", [result.run.name for result in results if result.edited]),
        ("Still running", [result.run.name for result in results if result.state == "running"]),
        ("Not run", [result.run.name for result in results if result.state == "not run"]),
    ):
        if names:
            notes.append(f"{text}: {', '.join(f'`{name}`' for name in names)}.")
    return notes
