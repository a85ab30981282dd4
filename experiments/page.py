"""The table and a picture of each run on one page, complete in itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from experiments.marks import Marks
from experiments.results import Result
from experiments.runs import RunList
from experiments.table import image_notes, image_rows
from pipeline.utils.images import data_uri


def page(listed: RunList, results: Sequence[Result], pictures: Mapping[str, bytes], marks: Marks) -> str:
    """A page of its own, complete in itself: the rows and notes, and a picture (JPEG) of each run by its name."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    heading, *rows = image_rows(results, listed.images, listed.scores, marks)
    abouts = {result.run.name: result.run.about for result in results}
    named = [(name, abouts[name], data_uri(content, "image/jpeg")) for name, content in pictures.items()]
    notes = [note.replace("`", "") for note in image_notes(results, marks)]
    return environment.get_template("page.html").render(title=listed.heading, heading=heading, rows=rows, notes=notes, pictures=named)
