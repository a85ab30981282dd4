"""Which files a module's work depends on."""

from pathlib import Path

import pytest

from pipeline.utils.code import imported_code

MODULES = {
    "stages/a": "from pipeline import b\n\ndef f():\n    import pipeline.c\n",
    "pipeline/b": "import typing\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pipeline.d import x\nelse:\n    import pipeline.g\n"
    "if typing.TYPE_CHECKING:\n    import pipeline.d\n",
    "pipeline/c": "from pipeline.e.f import y\n",
    "pipeline/d": "",
    "pipeline/e/f": "import numpy\nfrom . import h\nfrom ..i import z\n",
    "pipeline/e/h": "import other.j\n",
    "pipeline/g": "import pipeline.b\n",
    "pipeline/i": "",
    "other/j": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_imports_inside_functions_count_and_imports_for_types_do_not(root: Path) -> None:
    found = imported_code(root / "stages" / "a.py", root, ("pipeline", "stages"))
    assert found == [*(f"pipeline/{name}.py" for name in ("b", "c", "e/f", "e/h", "g", "i")), "stages/a.py"]


def test_foreign_modules_count_where_they_are_imported_at_the_top_alone(root: Path) -> None:
    start, packages = root / "stages" / "a.py", ("pipeline", "stages")
    assert imported_code(start, root, packages, ["pipeline/c.py"]) == ["pipeline/b.py", "pipeline/g.py", "stages/a.py"]
    assert imported_code(start, root, packages, ["pipeline/e", "pipeline/b.py"]) == imported_code(start, root, packages)


def test_modules_of_other_packages_are_not_followed(root: Path) -> None:
    assert imported_code(root / "pipeline" / "e" / "h.py", root, ["pipeline"]) == ["pipeline/e/h.py"]
    assert imported_code(root / "pipeline" / "e" / "h.py", root, ["pipeline", "other"]) == ["other/j.py", "pipeline/e/h.py"]


def test_what_a_package_itself_says_is_nothing() -> None:
    """It would be left out."""
    root = Path(__file__).resolve().parents[2]
    assert [str(file) for file in (root / "pipeline").rglob("__init__.py") if file.read_bytes().strip()] == []
