"""Results as files: what was measured, table, plot, page and figures, and the table at its place in the documents."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from experiments.differences import find_differences, kept_differences
from experiments.marks import Marks, make_marks
from experiments.page import page
from experiments.pictures import sample_pictures, stacked
from experiments.plot import plot
from experiments.recipe import Recipe
from experiments.results import Result, to_json
from experiments.runs import RunList
from experiments.table import table
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, write_json, write_text
from recipes.commits import git
from recipes.graph import ROOT


def write_results(recipe: Recipe, listed: RunList, results: Sequence[Result], commit: str, out: Path) -> None:
    """Write what was measured, table, plot, page and figures below `out`, and table and plot where a document has a place for them."""
    if all(one.state == "not run" for one in results):
        raise UserError(f"no experiment of commit {commit[:7]} belongs to the list; `python -m experiments run` makes them")
    compared = find_differences(recipe, listed, results, kept_differences(out / "results.json", results))
    marks = make_marks(listed, results, compared)
    text = table(results, listed.images, listed.scores, marks)
    write_json(out / "results.json", to_json(results) | {"compared": [one.model_dump(mode="json") for one in compared]})
    write_text(out / "table.md", text)
    with atomic_file(out / "plot.png") as partial:
        plot(results).savefig(partial, dpi=120)
    write_pictures(recipe, listed, results, marks, out)
    write_into_documents(recipe.title, text, out / "plot.png")
    click.echo(text)


def write_pictures(recipe: Recipe, listed: RunList, results: Sequence[Result], marks: Marks, out: Path) -> None:
    """Write the page and the figures of a list that has such; a figure stays as it is where no run of it is in this clone."""
    pictures = dict(sample_pictures(recipe, results)) if listed.images or listed.figures else {}
    if listed.images:
        write_text(out / "page.html", page(listed, results, pictures, marks))
    for name, runs in listed.figures.items():
        content = stacked(pictures, runs)
        if content is not None:
            with atomic_file(out / f"{name}.jpg") as partial:
                partial.write_bytes(content)


def write_into_documents(title: str, text: str, picture: Path) -> None:
    """Write a table and its plot where a Markdown file has a place of this title."""
    for document in documents_with(title):
        before = document.read_text(encoding="utf-8")
        after = with_block(before, title, f"{text}\n![the runs against their SSIM]({os.path.relpath(picture, document.parent)})\n")
        if after != before:
            write_text(document, after)


def documents_with(marker: str) -> list[Path]:
    """The project's Markdown files that have a place `<!-- marker -->`."""
    files = (ROOT / name for name in git("ls-files", "-z", "*.md").split("\0") if name)
    return [file for file in files if file.is_file() and f"<!-- {marker} -->\n" in file.read_text(encoding="utf-8")]


def with_block(text: str, marker: str, block: str) -> str:
    """`text` with what stands between `<!-- marker -->` and `<!-- /marker -->` replaced; as it is where they are missing."""
    start, end = f"<!-- {marker} -->\n", f"<!-- /{marker} -->"
    before, opened, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    return f"{before}{start}\n{block}\n{end}{after}" if opened and closed else text
