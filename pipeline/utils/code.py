"""Which source files a module's work depends on: the one place that follows imports.

The graphs' dependencies, what a killed training goes on from, and what the result of an experiment was made of all come from here.
"""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeGuard


def imported_code(file: Path, root: Path, packages: Collection[str], foreign: Collection[str] = ()) -> list[str]:
    """`file` and every module of `packages` that it imports, directly or not: sorted paths relative to `root`, with slashes.

    root : the folder that the packages lie in
    foreign : files and folders, relative to `root`, that imports inside of functions never reach in the case at hand; those at the top always run
    An import inside of a function counts otherwise, one for types alone does not. The `__init__.py` of a package is left out: those of `pipeline` are
    empty.
    """
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported_files(file, root, packages, foreign)
    return sorted(file.relative_to(root).as_posix() for file in found)


def _imported_files(file: Path, root: Path, packages: Collection[str], foreign: Collection[str]) -> Iterator[Path]:
    parents = file.relative_to(root).parts[:-1]
    for name, inside in _imported_names(ast.parse(file.read_text(encoding="utf-8")), parents):
        target = root.joinpath(*name.split(".")).with_suffix(".py")
        if name.split(".")[0] in packages and target.is_file() and not (inside and belongs(target.relative_to(root).as_posix(), foreign)):
            yield target


def belongs(file: str, places: Collection[str]) -> bool:
    """Whether a file is one of `places`, or lies in one of them; all relative to one folder, with slashes."""
    return any(file == place or file.startswith(f"{place}/") for place in places)


def _imported_names(node: ast.AST, parents: tuple[str, ...], inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Every module that is imported anywhere below `node`, in a module of the package `parents`, and whether inside of a function.

    `from a import b` may mean a.b, too.
    """
    if isinstance(node, ast.Import):
        yield from ((alias.name, inside) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = parents[: len(parents) + 1 - node.level] if node.level else ()
        module = ".".join([*above, *filter(None, [node.module])])
        yield module, inside
        yield from ((f"{module}.{alias.name}", inside) for alias in node.names)
    inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in node.orelse if _is_for_types(node) else ast.iter_child_nodes(node):
        yield from _imported_names(child, parents, inside)


def _is_for_types(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether `node` is `if TYPE_CHECKING:`, the body of which never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
