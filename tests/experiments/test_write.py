"""Results as files: the page, the place in a document, and what is committed."""

import base64
import re
from pathlib import Path

import pytest
from some_runs import METRICS, a_run

from experiments.differences import kept_differences
from experiments.marks import Marks, make_marks
from experiments.page import page
from experiments.recipe import Recipe
from experiments.results import Result, from_entry
from experiments.runs import Run, RunList, read_list
from experiments.table import table
from experiments.write import documents_with, with_block
from pipeline.utils.files import read_json

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_holds_table_and_pictures_and_needs_nothing_from_outside() -> None:
    results = [Result(a_run("good"), "done", metrics=METRICS, commit="abcdef0123"), Result(a_run("bad"), "failed", "a < b")]
    text = page(
        RunList(runs=(a_run("good"),), images=("refined",), heading="Two systems"),
        results,
        {"good": b"picture"},
        Marks({("good", "refined", "ssim"): "*"}, ["What a `mark` says."]),
    )
    assert text.count("<tr>") == 1 + 2 + 1 + 1
    assert "<td>0.551 (0.530 to 0.570)</td>" in text
    assert "<td>0.6610 ± 0.050*</td>" in text
    assert "<p>What a mark says.</p>" in text
    assert "bad failed: a &lt; b." in text
    assert text.count("<img") == 1
    assert f'src="data:image/jpeg;base64,{base64.b64encode(b"picture").decode()}"' in text
    assert not re.search(r"https?:|url\(|<script", text)


def test_the_block_is_replaced_and_a_text_without_one_stays() -> None:
    text = "# A\n<!-- ablation -->\nold\n<!-- /ablation -->\nend\n"
    once = with_block(text, "ablation", "new\n")
    assert once == "# A\n<!-- ablation -->\n\nnew\n\n<!-- /ablation -->\nend\n"
    assert with_block(once, "ablation", "new\n") == once
    assert with_block("# A\n<!-- ablation -->\nold\n", "ablation", "new") == "# A\n<!-- ablation -->\nold\n"


@pytest.mark.parametrize(
    ("file", "recipe"),
    [("ablation.yaml", None), ("ablation.yaml", "full"), ("choices.yaml", None), ("comparison.yaml", None), ("faces.yaml", "faces")],
)
def test_the_committed_table_is_made_of_the_committed_results(file: str, recipe: str | None) -> None:
    listed = read_list(ROOT / "experiments" / file)
    folder = ROOT / Recipe(recipe).folder / "metrics" / listed.title
    results = [
        from_entry(entry, Run(name=entry["name"], about=entry["about"], overrides=entry["set"]))
        for entry in read_json(folder / "results.json")["runs"]
    ]
    marks = make_marks(listed, results, kept_differences(folder / "results.json", results))
    assert table(results, listed.images, listed.scores, marks) == (folder / "table.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("title", ["ablation", "ablation faces", "choices", "comparison"])
def test_every_list_has_a_place_for_its_table_in_one_document(title: str) -> None:
    (document,) = documents_with(title)
    assert "NEW" in with_block(document.read_text(encoding="utf-8"), title, "NEW")
