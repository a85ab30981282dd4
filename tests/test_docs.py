"""What the documents say of the repository is there: files, headings, figures, parameters."""

import ast
import importlib.util
import io
import json
import re
import subprocess
import tokenize
from collections import defaultdict
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest
from ruamel.yaml import YAML

from pipeline.evaluation.scores.declared import scores_table
from recipes.tables import expected_pages, with_figures, with_table

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE_FOLDERS = "benchmarks|docs|examples|experiments|pipeline|pose25d|recipes|stages|tests"
PATH = re.compile(rf"(?<![\w./<>~-])(?:(?:{CODE_FOLDERS})/[\w./*-]*+|[\w./-]+\.md\b)(?!<)")


@cache
def tracked() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return frozenset(name for name in listed.split("\0") if name and (ROOT / name).is_file())


@cache
def known() -> frozenset[str]:
    """Every file of the repository, and the folders that they are in."""
    return tracked() | {str(folder) for file in tracked() for folder in PurePosixPath(file).parents}


@cache
def made() -> frozenset[str]:
    """What the stages and `make docs` write, files and folders, relative to the root."""
    found = {"docs/_build", "docs/api"}
    for graph in (name for name in tracked() if PurePosixPath(name).name == "dvc.yaml"):
        for stage in YAML(typ="safe").load(ROOT / graph)["stages"].values():
            folder = (ROOT / graph).parent / stage.get("wdir", ".")
            outs = (*stage.get("outs", ()), *stage.get("metrics", ()), *stage.get("plots", ()))
            names = [(out if isinstance(out, str) else next(iter(out))).partition("${")[0] for out in outs]
            found |= {relative(folder / name) for name in names if name}
    return frozenset(found)


def relative(path: Path) -> str:
    """A path below the root, from there on; as it is where it leads out."""
    path = path.resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def documents() -> list[str]:
    return sorted(name for name in tracked() if name.endswith(".md"))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def headings(name: str) -> set[str]:
    """The anchors of a Markdown file, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text_of(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def words_of(name: str) -> str:
    """What a file says to people: the whole text, of Python its docstrings and comments."""
    text = text_of(name)
    if not name.endswith(".py"):
        return text
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    said = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, holders)]
    comments = [token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT]
    return "\n".join(said + comments)


def is_there(path: str, name: str) -> bool:
    """Whether a path that the file `name` speaks of is one of the repository: from the root on, from that file on, or by its end alone."""
    whole = {str(PurePosixPath(path)), relative((ROOT / name).parent / path)}
    if whole & known() or any(PurePosixPath(one).match(path) for one in known()):
        return True
    return any(PurePosixPath(one).is_relative_to(out) or PurePosixPath(out).is_relative_to(one) for one in whole for out in made())


@pytest.mark.parametrize("name", documents())
def test_every_link_leads_to_a_file_and_a_heading_of_the_repository(name: str) -> None:
    for link in LINK.findall(text_of(name)):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = relative((ROOT / name).parent / path) if path else name
        assert target in tracked(), f"{name}: {link}"
        assert not anchor or anchor in headings(target), f"{name}: {link}"


@pytest.mark.parametrize("folder", [".", *CODE_FOLDERS.split("|")])
def test_every_path_that_is_spoken_of_is_in_the_repository(folder: str) -> None:
    speaking = (".py", ".md", ".yaml", ".cfg", ".toml", "Makefile", "run", ".html")
    names = [
        name
        for name in tracked()
        if name.endswith(speaking) and (str(PurePosixPath(name).parent) == "." if folder == "." else name.startswith(f"{folder}/"))
    ]
    missing = [f"{name}: {path}" for name in names for path in map(clean, PATH.findall(words_of(name))) if not is_there(path, name)]
    assert missing == []


def clean(path: str) -> str:
    """A path without the punctuation of the sentence around it."""
    return path.rstrip("./-")


def test_a_path_that_is_not_there_is_found() -> None:
    assert [clean(path) for path in PATH.findall("see DESIGN.md 5, `pipeline/nosuch.py`, or recipes/<name>/, recipes/*/dvc.yaml.")] == [
        "DESIGN.md",
        "pipeline/nosuch.py",
        "recipes/*/dvc.yaml",
    ]
    assert not is_there("DESIGN.md", "README.md")
    assert not is_there("pipeline/nosuch.py", "README.md")
    assert is_there("recipes/*/dvc.yaml", "README.md")


def test_the_readme_is_read_in_three_minutes() -> None:
    assert len(text_of("README.md").splitlines()) <= 150


def test_figures_of_the_readme_are_those_of_the_results() -> None:
    def figures(text: str) -> dict[str, set[str]]:
        lines = (line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| [^|]*\| \d+\.\d+ \(", line))
        found: dict[str, set[str]] = defaultdict(set)
        for image, *cells in lines:
            found[image.strip().replace("(docs/", "(")] |= {cell.strip() for cell in cells}
        return found

    default = text_of("docs/results.md").partition("## The full run")[0]
    shown, known_figures = figures(text_of("README.md")), figures(default)
    assert len(shown) == 5
    for image, row in shown.items():
        assert row <= known_figures[image], image


@pytest.mark.parametrize(("path", "page"), expected_pages().items(), ids=str)
def test_the_tables_that_follow_from_the_code_are_up_to_date(path: Path, page: str) -> None:
    assert path.read_text(encoding="utf-8") == page


def test_the_table_of_scores_has_its_place() -> None:
    assert with_table(text_of("docs/scores.md").replace("| `clean_fid` |", "| `old` |"), scores_table()) == text_of("docs/scores.md")


def test_marked_tables_show_a_result_with_its_intervals_and_a_dash_where_nothing_was_scored() -> None:
    run = json.loads((ROOT / "metrics/test.json").read_text(encoding="utf-8"))
    for number, image in enumerate(("source", "by_part", "coarse", "refined")):
        run[image] |= {"ssim": 0.1 + number / 10, "ssim_low": 0.05, "ssim_high": 0.95, "pck": 0.9 + number / 100}
    shown = with_figures(text_of("README.md"), {"metrics/test.json": run}.__getitem__)
    for title, ssim, pck in (("source (do nothing)", "0.1000", "0.900"), ("refined (G1 + G2)", "0.4000", "0.930")):
        row = next(line for line in shown.splitlines() if line.startswith(f"| {title} |"))
        assert re.fullmatch(rf"\| .* \| {ssim} \(0\.0500 to 0\.9500\) \|.* \| {pck} \([^|]*\) \| \d\.\d+ \([^|]*\) \|", row)
    assert with_figures(shown, {"metrics/test.json": run}.__getitem__) == shown
    for image in ("source", "by_part", "coarse", "refined"):
        del run[image]["pck"], run[image]["ssim_low"]
    assert re.search(r"\| refined \(G1 \+ G2\) \| 0\.4000 \|.* \| – \| ", with_figures(shown, {"metrics/test.json": run}.__getitem__))


def test_a_marked_table_has_a_row_for_each_number_of_sources() -> None:
    run = {"refined": {"ssim": 0.7}, "sources": {"4": {"refined": {"ssim": 0.8, "order_accuracy": 0.9, "order_low": 0.85, "order_high": 0.95}}}}
    rows = "".join(f"| refined (G1 + G2) | {count} | 0 | 0 |\n" for count in (1, 4))
    page = f"<!-- figures of a.json -->\n\n| image | sources | SSIM | order accuracy |\n| --- | --- | --- | --- |\n{rows}\nAnd so on.\n"
    shown = with_figures(page, {"a.json": run}.__getitem__).splitlines()
    assert shown[4:6] == ["| refined (G1 + G2) | 1 | 0.7000 | – |", "| refined (G1 + G2) | 4 | 0.8000 | 0.900 (0.850 to 0.950) |"]


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conf", ROOT / "docs" / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_a_docstring_says_of_names_becomes_sections(conf: ModuleType) -> None:
    fields = "pose : (N, 17, 3), mm,\n    camera frame\nlow, high : px; size : of it\nreturns : (N, 8) int8"
    docstring = f"Label limbs.\n\n{fields}\nRaises UserError: at once.\n\nMore of it."
    sections = "Parameters\n----------\npose\n    (N, 17, 3), mm, camera frame\nlow, high\n    px\nsize\n    of it\n\nReturns\n-------\n(N, 8) int8"
    assert conf.with_sections(docstring) == f"Label limbs.\n\nRaises UserError: at once.\n\nMore of it.\n\n{sections}"


def test_marks_are_plain_text_outside_of_code(conf: ModuleType) -> None:
    assert conf.escaped("`a * b` is |a| * b") == r"`a * b` is \|a\| \* b"
