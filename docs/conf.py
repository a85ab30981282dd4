"""Sphinx: the pages of this folder, and the reference of the code out of its docstrings. `make docs` builds it strictly."""

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

project = "pose25d"
author = "the authors of pose25d"
version = release = installed_version("pose25d")

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_click"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"pose25d {release}"
html_static_path = ["static"]
html_css_files = ["wide.css"]

# Docstrings are plain text: `name` is code.
default_role = "code"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
numpydoc_show_class_members = False
autosummary_generate = False  # numpydoc loads it; there is no list of names here that it would make pages for
python_use_unqualified_type_names = True

# Every reference to a name of the project has to lead somewhere. Those to other projects' pages would need the internet; type variables have no page.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!pipeline\.).*"), ("py:.*", r"pipeline\.[\w.]+\.([A-Z]|Item|Result|Function)")]

# What a docstring says of a name: `name : shape, dtype, unit`, at the beginning of a line or after a semicolon.
_FIELD = re.compile(r"(?:^|(?<=; ))(\w+(?:, \w+)*) : ", re.MULTILINE)
_OTHER = re.compile(r"^(?=Raises )", re.MULTILINE)  # a sentence that no longer belongs to the line above it


def with_sections(docstring: str) -> str:
    """The docstring with what it says of single names as numpydoc's sections Parameters and Returns, which stand behind all else."""
    texts: list[str] = []
    parameters: list[str] = []
    returns: list[str] = []
    for paragraph in re.split(r"\n\s*\n", docstring):
        fields, *others = _OTHER.split(paragraph)
        text, *named = _FIELD.split(fields)
        texts += [part.strip().rstrip(";") for part in (text, *others) if part.strip()]
        for names, what in zip(named[::2], named[1::2], strict=True):
            line = " ".join(what.split()).rstrip(";")
            (returns if names == "returns" else parameters).append(line if names == "returns" else f"{names}\n    {line}")
    sections = [("Parameters", parameters), ("Returns", returns)]
    return "\n\n".join(texts + ["\n".join([title, "-" * len(title), *lines]) for title, lines in sections if lines])


def escaped(docstring: str) -> str:
    """The docstring with what is plain text there, but marks something in reStructuredText, escaped: stars and bars outside of `code`."""
    return re.sub(r"(`[^`]*`)|([*|])", lambda found: found[1] or "\\" + found[2], docstring)


def _shape_docstring(_app: Sphinx, what: str, _name: str, obj: Any, _options: Any, lines: list[str]) -> None:
    ours = getattr(obj, "__name__" if what == "module" else "__module__", None) or ""
    if ours.startswith("pipeline."):
        text = escaped("\n".join(lines))
        lines[:] = [*(text if what == "module" else with_sections(text)).splitlines(), ""]


def _skip_fields(_app: Sphinx, inside: str, _name: str, obj: Any, _skip: bool, _options: Any) -> bool | None:
    """The docstring of a class says what its fields are; parameters.md lists those of a section."""
    return True if inside == "class" and not callable(obj) and not isinstance(obj, property | classmethod | staticmethod) else None


def _shorten_signature(_app: Sphinx, _what: str, _name: str, obj: Any, _options: Any, _signature: Any, _returns: Any) -> tuple[str, None] | None:
    """Nobody writes out the fields of a section as arguments."""
    return ("", None) if isinstance(obj, type) and issubclass(obj, BaseModel) else None


def room_pages() -> dict[str, str]:
    """File below api/ -> its text: a page for each room of the library with the modules in it, and the list of those pages."""
    pages: dict[str, str] = {}
    for folder in sorted({file.parent for file in (ROOT / "pipeline").rglob("*.py")}):
        modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sorted(folder.glob("[!_]*.py"))]
        if modules:
            room = ".".join(folder.relative_to(ROOT).parts)
            sections = [f"{_heading(module, '-')}.. automodule:: {module}\n" for module in modules]
            pages[f"{room}.rst"] = "\n".join([_heading(room, "="), *sections])
    tree = "\n".join([".. toctree::", "", *(f"   {Path(page).stem}" for page in pages), ""])
    return pages | {"index.rst": f"{_heading('The code', '=')}A page for each room of the library (:doc:`/architecture`).\n\n{tree}"}


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n\n"


def _write_room_pages(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    pages = room_pages()
    for file in folder.glob("*.rst"):
        if file.name not in pages:
            file.unlink()
    for name, text in pages.items():
        file = folder / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Write the pages of the code; say what is done with each docstring, before numpydoc reads it, and with each signature."""
    app.connect("builder-inited", _write_room_pages)
    app.connect("autodoc-process-docstring", _shape_docstring, priority=400)
    app.connect("autodoc-skip-member", _skip_fields)
    app.connect("autodoc-process-signature", _shorten_signature)
