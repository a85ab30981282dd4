"""Which source files a module's work depends on: the one place that follows imports.

The graphs' dependencies, what a killed training goes on from, and what the result of an experiment was made of all come from here.
"""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeGuard


def imported_code(file: Path, root: Path, packages: Collection[str]) -> list[str]:
    """`file` and every module of `packages` that it imports, directly or not: sorted paths relative to `root`, with slashes.

    root : the folder that the packages lie in
    An import inside of a function counts, one for types alone does not. `import a.b` of a package counts for every module in it: who imports it
    looks for them there. Its `__init__.py` is left out: those of `pipeline` are empty.
    """
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported_files(file, root, packages)
    return sorted(file.relative_to(root).as_posix() for file in found)


def _imported_files(file: Path, root: Path, packages: Collection[str]) -> Iterator[Path]:
    parents = file.relative_to(root).parts[:-1]
    for name in _imported_names(ast.parse(file.read_text(encoding="utf-8")), parents):
        if name.split(".")[0] in packages:
            yield from (target for target in root.glob(f"{name.replace('.', '/')}.py") if target.name != "__init__.py")


def _imported_names(node: ast.AST, parents: tuple[str, ...]) -> Iterator[str]:
    """Every module that is imported anywhere below `node`, in a module of the package `parents`; `from a import b` may mean a.b, too.

    Of `import a.b` also `a.b.*`, in case that it is a package.
    """
    if isinstance(node, ast.Import):
        yield from (name for alias in node.names for name in (alias.name, f"{alias.name}.*"))
    elif isinstance(node, ast.ImportFrom):
        above = parents[: len(parents) + 1 - node.level] if node.level else ()
        module = ".".join([*above, *filter(None, [node.module])])
        yield module
        yield from (f"{module}.{alias.name}" for alias in node.names)
    for child in node.orelse if _is_for_types(node) else ast.iter_child_nodes(node):
        yield from _imported_names(child, parents)


def _is_for_types(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether `node` is `if TYPE_CHECKING:`, the body of which never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
