"""A measured number in README.md and docs/ stands in a file: a committed result that its section links to, or a table in docs/measured/.

The numbers of a row of a table, or of a clause of a sentence, have to stand together: below one key of a result, or in one row of docs/measured/.
"""

import csv
import io
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from printed_figures import NUMBER, Claim, Figure, claims_of

from recipes.tables import COLUMNS, IMAGES

ROOT = Path(__file__).resolve().parents[1]
LINKS = re.compile(r"\]\(((?:[\w.-]+/)*(?:(?:metrics|models/pretrained)/[\w./-]+\.json|measured/\w+\.tsv))\)")
MEASURED = ROOT / "docs" / "measured"
DERIVED = "docs/measured/derived.tsv"
GENERATED = {"docs/parameters.md"}  # out of params.yaml
SETTINGS = frozenset({"sources", "learning rate", "steps on whole crops"})
NAMES = {column: (name,) for column, name in COLUMNS.items()}
NAMES |= {  # column -> what a result calls it
    "order accuracy": ("order_accuracy", "order_low", "order_high"),
    "label accuracy": ("label_accuracy",),
    "minutes": ("coarse", "refined"),
    "PCKh": ("pck", "truth_pck"),
}
CONFIDENCE, DEFINED = "how wide an interval is, not how it came out", "follows from the definition"
SETTING, OTHERS, VERSION = "a setting or a bound in the code, which nobody measured", "a number of other people's papers or files", "a version"
HELD = "a bound that the test in its row holds"
BOUNDS = re.compile(r"(?<!order)_(std|low|high)$")
APART: dict[str, dict[str, str]] = {  # page -> phrases whose numbers nobody measured here, and why
    "README.md": {
        "Python 3.11, 3.12 or 3.13": VERSION,
        "about 2.8 GB": OTHERS,
        "about 200 MB": OTHERS,
        "is 0.5 for a model": DEFINED,
    },
    "docs/clusters.md": {"after 10 s": SETTING, "for 10 minutes": SETTING, "10.0 min": SETTING, "after 5 minutes": SETTING},
    "docs/command_line.md": {"about 2.8 GB": OTHERS, "about 200 MB": OTHERS},
    "docs/experiments.md": {
        "95 % interval": CONFIDENCE,
        "the true images | 1.0000 | 1.0000 | 0.0000 | 1.0000 |": DEFINED,
        "| 1.000 |  |": DEFINED,
    },
    "docs/faces.md": {"95 % interval": CONFIDENCE, "the true images | 1.0000 | 1.0000 | 1.0000 | 1.0000 | 0.0000 | 1.0000 |": DEFINED},
    "docs/glossary.md": {"0.5 is blind": DEFINED},
    "docs/human36m.md": {"at 10 frames/s": SETTING},
    "docs/method.md": {"575 MB": OTHERS},
    "docs/motions.md": {"the mean of those 0.12 s": SETTING, "2 s at 25 frames": SETTING, "bounds of 95 %": CONFIDENCE},
    "docs/own_data.md": {
        "a confidence of 0.3": SETTING,
        "0.01 mm in the room; 0.1 px in a view": HELD,
        "| 0.1 mm |": HELD,
        "| 0.01 px,": HELD,
    },
    "docs/own_recordings.md": {"1.0 to 2.3 m tall": SETTING, "0.3 to 60 m away": SETTING, "by 0.7 of their way": SETTING},
    "docs/photos.md": {"0.67 about 0.77": OTHERS},
    "docs/pose_estimation.md": {"chapter 3.1": OTHERS, "(chance: 0.5)": DEFINED},
    "docs/protocol.md": {"and has 0.5": DEFINED, "0.67 about 0.77": OTHERS},
    "docs/results.md": {
        "95 % interval": CONFIDENCE,
        "figures 3.14 to 3.16": OTHERS,
        "0.92 could be had for 0.003 SSIM": "guessed between two rows of the table above it",
    },
    "docs/scores.md": {
        "LPIPS 0.1": VERSION,
        "`DISTS-pytorch` 0.1": VERSION,
        "sigma 1.5": SETTING,
        "similarities of .50 to .95": SETTING,
        "the area is 0.53": SETTING,
        "95 % interval": CONFIDENCE,
        "95 % confidence": CONFIDENCE,
        "gets 0.5 by construction": DEFINED,
        "0.1 a tenth more": DEFINED,
    },
}

HOW: dict[str, Callable[[float, float], float]] = {  # how a row of DERIVED makes its figure of two numbers
    "value": lambda begin, _: begin,
    "value, %": lambda begin, _: 100 * begin,
    "to - from": lambda begin, end: end - begin,
    "to - from, points": lambda begin, end: 100 * (end - begin),
    "to / from - 1, %": lambda begin, end: 100 * (end / begin - 1),
}

Value = tuple[tuple[str, ...], float]  # the keys down to a number of a result, or the column of a table; the number


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@cache
def pages() -> tuple[str, ...]:
    return tuple(sorted(set(git("ls-files", "README.md", "docs/*.md").splitlines()) - GENERATED))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def target(page: str, link: str) -> str:
    """Where a link of a page leads, from the root on."""
    return str((ROOT / page).parent.joinpath(link).resolve().relative_to(ROOT))


def claims(page: str, text: str) -> list[Claim]:
    return list(claims_of(text, LINKS, APART.get(page, {}), SETTINGS))


@cache
def states(file: str) -> tuple[Any, ...]:
    """A result as it was committed, and as it is here: another machine may find other last digits, and new ones may not be committed yet."""
    committed = [git("show", f"HEAD:{file}")] if git("ls-tree", "HEAD", file) else []
    here = [text_of(file)] if (ROOT / file).is_file() else []
    return tuple(json.loads(text) for text in dict.fromkeys(committed + here))


@cache
def result(file: str) -> dict[str, list[Value]]:
    """Of each key of a result all numbers below it."""
    found: dict[str, list[Value]] = defaultdict(list)
    for tree in states(file):
        for path, value in numbers(tree):
            for key in path[path.index("by") + 1 if "by" in path else 0 :]:  # scores of a part of the pairs are not those of all
                found[key].append((path, value))
    return found


def numbers(tree: Any, path: tuple[str, ...] = ()) -> Iterator[Value]:
    """All numbers but the points of curves, of which docs/measured/derived.tsv names those that are printed. Runs go by their names."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        if isinstance(child, dict | list):
            yield from numbers(child, (*path, child["name"] if isinstance(child, dict) and "name" in child else str(key)))
        elif isinstance(tree, dict) and isinstance(child, int | float) and not isinstance(child, bool):
            yield (*path, key), child


@cache
def table(file: str) -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(io.StringIO(text_of(file)), delimiter="\t", quoting=csv.QUOTE_NONE))


def measured(file: str, page: str) -> dict[str, list[Value]]:
    """Of each thing that was measured for a page the numbers of its rows."""
    found: dict[str, list[Value]] = defaultdict(list)
    for row in table(file):
        if page in row["page"].split(", "):
            for column in row.keys() - {"page", "commit", "machine", "how", "file", "from", "to"}:
                found[row["what"]] += [((column,), Figure(0, number[0], "", "").value) for number in NUMBER.finditer(row[column])]
    return found


def places(page: str, claim: Claim) -> Iterator[tuple[bool, list[Value]]]:
    """(whether it is a result, numbers that stand together), of the files that the claim's section links to."""
    merged: dict[str, list[Value]] = defaultdict(list)
    for link in sorted(claim.sources):
        file = target(page, link)
        if PurePosixPath(file).suffix == ".tsv":
            yield from ((False, values) for values in measured(file, page).values())
        else:
            for key, values in result(file).items():
                merged[key] += values
    named = set(re.findall(r"`([\w-]+)`", claim.row)) & {key for values in merged.values() for path, _ in values for key in path[:-1]}
    named |= {image for image, title in IMAGES.items() if re.search(rf"\| \[?{title.partition(' (')[0]}\b", claim.row)}
    yield from ((True, [value for value in values if named <= set(value[0])]) for values in merged.values())


def stands_in(figure: Figure, is_result: bool, values: list[Value]) -> bool:
    """Whether a figure is one of these numbers: under the name of its column, where they know it."""
    column = figure.column.partition(" (95 %")[0]
    names = NAMES.get(column) if is_result else (column,) if any(path == (column,) for path, _ in values) else None
    scale = (100.0 if figure.unit == "%" else 1e4 if column.endswith(", 1e-4") else 1.0) if is_result else 1.0
    return any(rounds_to(value * scale, figure) for path, value in values if names is None or re.sub(BOUNDS, "", path[-1]) in names)


def rounds_to(value: float, figure: Figure) -> bool:
    """Whether a value is that figure at the digits that it has; where no sign is printed, whatever its own."""
    return abs((value if figure.text[0] in "+-" else abs(value)) - figure.value) <= 0.5 * 10**-figure.digits + 1e-9


def found_in(page: str, claim: Claim) -> bool:
    return any(all(stands_in(figure, is_result, values) for figure in claim.figures) for is_result, values in places(page, claim))


def untraced(page: str, text: str) -> list[str]:
    """A line for each claim whose figures stand together in no file."""
    return [
        f"{page}:{claim.figures[0].line}: {', '.join(figure.text for figure in claim.figures)}: expected together in a file, found in "
        f"none of {sorted(claim.sources)}, which this section links to; link the result, or add a row to a table of docs/measured/ and link that"
        for claim in claims(page, text)
        if not found_in(page, claim)
    ]


@pytest.mark.parametrize("page", pages())
def test_measured_numbers_stand_in_files(page: str) -> None:
    assert untraced(page, text_of(page)) == []


@pytest.mark.parametrize(
    ("page", "printed", "changed"),
    [
        ("docs/protocol.md", "SSIM 0.936,", "SSIM 0.926,"),  # in a sentence
        ("docs/experiments.md", "| +0.068 |", "| +0.069 |"),  # a difference of two results
        ("docs/results.md", "| 0.942 |", "| 0.943 |"),  # measured by hand
        ("docs/results.md", "| 0.7427 | 0.0385 |", "| 0.7424 | 0.0385 |"),  # the figure of another row
        ("docs/human36m.md", "| 377 |", "| 378 |"),  # a whole number
    ],
)
def test_a_changed_digit_is_found(page: str, printed: str, changed: str) -> None:
    text = text_of(page)
    assert text.count(printed) == 1
    assert len(untraced(page, text.replace(printed, changed))) == 1


def test_a_changed_digit_of_a_committed_result_is_found() -> None:
    """Of the default run, and of one of many runs: what is printed follows from the files, which other runs replace."""
    default = json.loads(text_of("metrics/test.json"))["refined"]
    one = next(run for run in json.loads(text_of("metrics/ablation/results.json"))["runs"] if run["name"] == "no-lift")["metrics"]["refined"]
    for page, scores in (("README.md", default), ("docs/experiments.md", one)):
        ssim, mask_ssim = (round(scores[name], 4) for name in ("ssim", "mask_ssim"))
        (printed,) = re.findall(rf"\| {ssim:.4f} \([^|]*\)\*{{0,2}} \| {mask_ssim:.4f}\b", text_of(page))
        changed = printed.replace(f"{ssim:.4f}", f"{ssim + 0.001:.4f}", 1)
        test_a_changed_digit_is_found(page, printed, changed)
    error = 1e4 * json.loads(text_of("models/pretrained/motion.json"))["steady"]["warping_error"]  # in a unit of its own
    test_a_changed_digit_is_found("docs/motions.md", f"| {error:.2f} |", f"| {error + 0.1:.2f} |")


def test_what_was_measured_for_another_page_does_not_count() -> None:
    row = "| `index` | 66,681 | 2 | 254 | 0.2 |"
    assert row in text_of("docs/human36m.md")
    page = f"[measured](measured/scale.tsv)\n\n| stage | poses | s | memory, MB | disk, MB |\n|---|---|---|---|---|\n{row}\n"
    assert untraced("docs/results.md", f"# Scale\n\n{page}") == [
        "docs/results.md:7: 66,681, 2, 254, 0.2: expected together in a file, found in none of ['measured/scale.tsv'], which this section links to; "
        "link the result, or add a row to a table of docs/measured/ and link that"
    ]


def test_what_is_a_measured_number() -> None:
    page = """# In 12.5 minutes

In 2019 a run on 4 cores took 12.5 minutes and 3 MB, `0.25` [as told](metrics/a.json). It has SSIM .75,
15 to 17 % less at 128x64 px; Python 3.12 or 2.5D.

    0.125 in a block

## Table

[here](measured/b.tsv) and [there](examples/c.json) <!-- 0.5 -->

| run | sources | SSIM | s |
| --- | --- | --- | --- |
| 2 threads, 0.5 | 4 | 0.7000 ± 0.0500 | 1,051 |
| 3 | 2 | 1 of 2 | -2 |
"""
    found = [
        ([figure.text for figure in claim.figures], sorted(claim.sources)) for claim in claims_of(page, LINKS, {"Python 3.12": VERSION}, SETTINGS)
    ]
    assert found == [
        (["12.5", "3"], ["metrics/a.json"]),
        ([".75", "15", "17"], ["metrics/a.json"]),
        (["0.5", "0.7000", "0.0500", "1,051"], ["measured/b.tsv", "metrics/a.json"]),
        (["-2"], ["measured/b.tsv", "metrics/a.json"]),
    ]


@pytest.mark.parametrize("page", APART)
def test_what_nobody_measured_is_still_said(page: str) -> None:
    for phrase in APART[page]:
        assert phrase in text_of(page)
        assert NUMBER.search(phrase)


@pytest.mark.parametrize("file", sorted(path.name for path in MEASURED.glob("*.tsv")))
def test_every_row_that_was_measured_is_printed_where_it_says(file: str) -> None:
    name = str((MEASURED / file).relative_to(ROOT))
    for page in {page for row in table(name) for page in row["page"].split(", ")}:
        citing = [claim for claim in claims(page, text_of(page)) if name in {target(page, link) for link in claim.sources}]
        for what, values in measured(name, page).items():
            assert any(all(stands_in(figure, False, values) for figure in claim.figures) for claim in citing), f"{name}: {what}: not in {page}"


@pytest.mark.parametrize("file", sorted(path.name for path in MEASURED.glob("*.tsv")))
def test_what_an_older_commit_has_is_what_it_says(file: str) -> None:
    for row in table(f"docs/measured/{file}"):
        shown = re.search(r"git show (\w+):([^\s;]+)", row.get("how", ""))
        if shown and is_here(shown[1]):
            old = [value for _, value in numbers(json.loads(git("show", f"{shown[1]}:{shown[2]}")))]
            figures = [Figure(0, found[0], "", "") for column in list(row)[5:] for found in NUMBER.finditer(row[column]) if "." in found[0]]
            assert figures
            assert all(any(rounds_to(value, figure) for value in old) for figure in figures), f"{file}: {row['what']}"


def is_here(commit: str) -> bool:
    """Whether a commit is in this clone, which may be a shallow one."""
    return subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize("row", table(DERIVED), ids=lambda row: f"{row['page']}: {row['what']}, {row['figure']}")
def test_figures_that_follow_from_results_follow_from_them(row: dict[str, str]) -> None:
    sign = "" if row["figure"].startswith("-") else "+"
    figure = Figure(0, sign + row["figure"], "", "")
    assert any(rounds_to(HOW[row["how"]](at(tree, row["from"]), at(tree, row["to"] or row["from"])), figure) for tree in states(row["file"]))


def at(tree: Any, keys: str) -> float:
    """A number of a result, by the keys down to it; a run by its name, another item of a list by its place."""
    tree = {run["name"]: run for run in tree["runs"]} if "runs" in tree else tree
    for key in keys.split("."):
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return float(tree)
