"""Write the tables of the documents that follow from the code or from results.

- docs/parameters.md: every parameter, its value, and what it does, from the typed sections and the files of parameters
- docs/scores.md: the table of the scores of an image, from what they declare
- models/pretrained/README.md: the scores of the weights that come with the project, from those of recipes/full and of the demo's photos

`python -m recipes.tables` writes, `python -m recipes.tables --check` only says which pages are out of date and exits with status 1.

`python -m recipes.tables --results` also writes, in README.md and docs/, every table of scores below a line `<!-- figures of <file> -->`
that names a result; rows and columns are as they stand there. The words around it, and the commits, are written by hand. It is not checked:
another machine may find other last digits.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.config.params import FaceParams, Params, PhotoParams, PoseNetParams
from pipeline.config.section import Section
from pipeline.evaluation.scores.declared import ALL_SCORES, scores_table
from pipeline.utils.files import read_json, write_text
from pipeline.utils.params_file import read_params
from recipes.graph import ROOT

PARAMETERS, SCORES = ROOT / "docs" / "parameters.md", ROOT / "docs" / "scores.md"
WITH_FIGURES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
CARD, FULL, DEMO = (ROOT / name for name in ("models/pretrained/README.md", "recipes/full/metrics/test.json", "models/pretrained/scores.json"))
FIGURES = re.compile(r"(<!-- figures of (\S+) -->\n\n)((?:\|.*\n)+)")  # where a result is, and a table of its images' scores
ORDER = "order accuracy"
COLUMNS = {score.title: score.name for score in ALL_SCORES}
DIGITS = {"psnr": 2} | dict.fromkeys(("sharpness", "head_sharpness", "head_ssim", "pck", "order_accuracy"), 3)  # of all others 4
IMAGES = {
    "source": "source (do nothing)",
    "by_part": "painted by part (no network)",
    "coarse": "coarse (G1)",
    "refined": "refined (G1 + G2)",
    "ceiling": "ceiling (told the truth where the source shows it)",
}
BLOCK = re.compile(r"(<!-- Written by `python -m recipes.tables` [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
OTHERS: tuple[tuple[str, str, str, type[Section]], ...] = (  # title, page that explains, recipe, kind
    ("Faces", "faces.md", "faces", FaceParams),
    ("Photos", "photos.md", "deepfashion", PhotoParams),
    ("The pose estimator", "pose_estimation.md", "pose", PoseNetParams),
)

BEGINNING = """# What a parameter does

<!-- Written by `python -m recipes.tables` from pipeline/config/ and the files of parameters: edit those. -->

`dvc exp run -S section.name=value` overrides any of them; the values stand in [`params.yaml`](../params.yaml).
`validate` refuses, before any work, every value that cannot work: a wrong name, numbers out of range, sections that do not go together,
files that are not there, and networks or batches that need more than twice this machine's memory.
`true` and `"10"` are no numbers; seeds are below 2^63.
What is `null` and says so follows `data.image_size`: with larger images G1 has more blocks, and discs are larger.

## The main graph
"""

ANOTHER = """
## {title}

What differs from the main graph ([`recipes/{recipe}/params.yaml`](../recipes/{recipe}/params.yaml); [what the recipe is for]({page})).
"""


def expected_pages() -> dict[Path, str]:
    """Every page with such tables as it should be: path to text."""
    return {
        PARAMETERS: parameters_page(),
        SCORES: with_table(SCORES.read_text(encoding="utf-8"), scores_table()),
        CARD: with_table(CARD.read_text(encoding="utf-8"), card_table(read_json(FULL), read_json(DEMO) if DEMO.is_file() else None)),
    }


def with_table(page: str, table: str) -> str:
    """A page with a table between the two comments that mark its place."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", page)


def card_table(full: Mapping[str, Any], demo: Mapping[str, Any] | None) -> str:
    """The scores of a model card: `full` is the content of metrics/test.json, `demo` that of scores.json, if it is there."""
    lines = ["| image | pairs | SSIM | L1 | PCKh | twins | order accuracy |", f"|{' --- |' * 7}"]
    if "pose_net" in full:
        lines.append(f"| the true images |  | 1 | 0 | {full['pose_net']['truth_pck']:.3f} |  | 1 |")
    for image, title in ((image, title) for image, title in IMAGES.items() if image in full):
        lines.append(_card_row(title, full["pairs"], full[image], full["depth"]["order_cases"], full["depth"]["order_by_image"][image]))
    if demo is not None:
        lines.append(_card_row("refined, half precision, photos of the demo", demo["pairs"], demo, demo["order_cases"], demo))
    return "\n".join(lines)


def with_figures(page: str, read: Callable[[str], Mapping[str, Any]]) -> str:
    """A page whose marked tables show what results have now; read : the content of a result by its name, relative to the root."""
    return FIGURES.sub(lambda found: found[1] + _figures_table(found[3], read(found[2])), page)


def _figures_table(old: str, run: Mapping[str, Any]) -> str:
    """A table with the columns and the rows of the old one, and the figures of a run."""
    heading, rule, *rows = old.splitlines()
    names = _cells(heading)
    lines = [heading, rule]
    for title, *cells in map(_cells, rows):
        sources = cells[names.index("sources") - 1] if "sources" in names else "1"
        found = _scores_of(run, _image_of(title), sources)
        values = (sources if name == "sources" else _with_interval(found, "order_accuracy" if name == ORDER else COLUMNS[name]) for name in names[1:])
        lines.append(f"| {' | '.join([title, *values])} |")
    return "".join(f"{line}\n" for line in lines)


def _cells(line: str) -> list[str]:
    return line.strip("| ").split(" | ")


def _scores_of(run: Mapping[str, Any], image: str, sources: str) -> Mapping[str, float]:
    """The scores of an image, and its order accuracy, painted from so many sources."""
    if sources != "1":
        return dict(run["sources"][sources][image])
    return dict(run[image]) | run.get("depth", {}).get("order_by_image", {}).get(image, {})


def _with_interval(scores: Mapping[str, float], name: str) -> str:
    """A score, and the 95 % interval over people where it has one; a dash where it was not measured."""
    if name not in scores:
        return "–"
    below = {"order_accuracy": "order"}.get(name, name)
    value, *ends = (scores.get(key) for key in (name, f"{below}_low", f"{below}_high"))
    digits = DIGITS.get(name, 4)
    return f"{value:.{digits}f}" + ("" if None in ends else " ({:.{digits}f} to {:.{digits}f})".format(*ends, digits=digits))


def _image_of(title: str) -> str:
    """The image that a row is about, by the word that its title begins with, of a link or not."""
    words = {name.partition(" (")[0]: image for image, name in IMAGES.items()}
    return words[title.lstrip("[").partition("]")[0].partition(" (")[0]]


def _card_row(title: str, pairs: int, scores: Mapping[str, float], twins: int, order: Mapping[str, float]) -> str:
    values = (_with_interval(scores, name) for name in ("ssim", "l1", "pck"))
    return f"| {title} | {pairs} | {' | '.join(values)} | {twins} | {_with_interval(order, 'order_accuracy')} |"


def parameters_page() -> str:
    """The page of parameters, Markdown."""
    parts = [BEGINNING, table(rows(Params, read_params(ROOT / "params.yaml")))]
    known = set(descriptions(Params))
    for title, page, recipe, kind in OTHERS:
        own = [name for name in descriptions(kind) if name not in known]
        parts += [
            ANOTHER.format(title=title, page=page, recipe=recipe),
            table(rows(kind, read_params(ROOT / "recipes" / recipe / "params.yaml"), own)),
        ]
    return "\n".join(parts)


def descriptions(kind: type[Section], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(full name, what it does) of every parameter of a section and of those in it."""
    for name, field in kind.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from descriptions(field.annotation, f"{key}.")
        else:
            yield key, field.description or ""


def rows(kind: type[Section], values: Mapping[str, Any], only: list[tuple[str, str]] | None = None) -> list[str]:
    """A row for each parameter of a kind of file, or for those in `only`, with its value in `values`."""
    return [f"| `{key}` | {value_of(values, key)} | {what} |" for key, what in only or descriptions(kind)]


def value_of(values: Mapping[str, Any], key: str) -> str:
    """The value of a parameter, as the table shows it; a list of sections is counted."""
    value: Any = values
    for part in key.split("."):
        value = value[part]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{len(value)} entries"
    words = value if isinstance(value, list) else [value]
    return ", ".join(f"`{_as_yaml(word)}`" for word in words) or "none"


def _as_yaml(value: object) -> str:
    return {"True": "true", "False": "false", "None": "null"}.get(str(value), str(value))


def table(lines: list[str]) -> str:
    """A Markdown table of parameters."""
    return "\n".join(["| parameter | value | what it does |", "| --- | --- | --- |", *lines, ""])


def main() -> None:
    """Write the pages that are out of date, or with --check say which are; with --results also the figures of the committed runs."""
    pages = expected_pages()
    if "--results" in sys.argv[1:]:
        pages |= {page: with_figures(page.read_text(encoding="utf-8"), lambda name: read_json(ROOT / name)) for page in WITH_FIGURES}
    stale = [(path, page) for path, page in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != page]
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"{', '.join(str(path.relative_to(ROOT)) for path, _ in stale)}: out of date; run `python -m recipes.tables`")
    for path, page in stale:
        write_text(path, page)


if __name__ == "__main__":
    main()
