"""Write what can be derived into the graphs: code dependencies of every stage, and the recipes' graphs from the root's.

`python -m recipes.graph` writes, `python -m recipes.graph --check` only says what is out of date and exits with status 1.
"""

import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from pipeline.utils.code import imported_code
from pipeline.utils.files import write_text

ROOT = Path(__file__).resolve().parent.parent
GRAPHS = ("dvc.yaml", "data/dvc.yaml")
OWN_GRAPHS = (  # written by hand but for code dependencies
    *(f"recipes/{name}/{graph}" for name in ("faces", "deepfashion") for graph in GRAPHS),
    "recipes/pose/dvc.yaml",
)
RECIPES = ("tiny", "full")
PACKAGES = ("pipeline", "stages")


def code_deps(stage: str, root: Path = ROOT) -> list[str]:
    """Files of the project that `python -m stages.<stage>` can import, sorted, relative to `root`."""
    return imported_code(root / "stages" / f"{stage}.py", root, PACKAGES)


def rooms(files: Sequence[str], root: Path = ROOT) -> list[str]:
    """`files` as a stage names them in its graph: a folder stands for its modules where most of them are among `files`.

    A folder stands only where the stage uses something of every folder in it, so that faces are no concern of bodies, and never for `config`: a field
    of another section must not make a result stale. `utils` always stands. A stage is stale too often where a module changes that it does not use,
    and never too seldom.
    """
    used = set(files)
    named: set[str] = set()
    for file in files:
        folders = [str(folder) for folder in reversed(Path(file).parents) if folder.parts[1:]]
        named.add(next((folder for folder in folders if _stands(folder, used, root)), file))
    return sorted(named)


def _stands(folder: str, used: set[str], root: Path) -> bool:
    """Whether a folder can stand for the modules in it that are `used`."""
    if folder.split("/")[:2] == ["pipeline", "config"]:
        return False
    if folder == "pipeline/utils":
        return True
    modules = {str(path.relative_to(root)) for path in (root / folder).rglob("*.py") if path.name != "__init__.py"}
    parts = {str(Path(module).parent) for module in modules}
    return 2 * len(modules & used) > len(modules) > 1 and all(any(str(Path(module).parent) == part for module in modules & used) for part in parts)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=2, offset=0)
    return yaml


def with_code_deps(text: str) -> str:
    """`text` of a graph with the code dependencies of every stage as they are now, before its other dependencies."""
    yaml = _yaml()
    graph = yaml.load(text)
    for stage in graph["stages"].values():
        name = re.search(r"-m stages\.(\w+)", stage["cmd"])
        assert name, stage["cmd"]
        others = [dep for dep in stage["deps"] if dep.split("/")[0] not in PACKAGES]
        code = CommentedSeq(rooms(code_deps(name[1])))
        stage["deps"] = CommentedSeq(code + others)
    out = io.StringIO()
    yaml.dump(graph, out)
    return out.getvalue()


def recipe_graph(text: str, recipe: str, up: str) -> str:
    """The root's graph `text` with every output, and the file of parameters, below recipes/<recipe>; `up` leads back to the root."""
    folder = f"recipes/{recipe}"
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    stages, heading, plots = text.partition("\nplots:\n")  # plots are relative to the graph's own folder
    stages = re.sub(r"(?<![\w/.])(data|models|metrics)/", rf"{folder}/\1/", stages)
    stages = re.sub(r"(?<![\w/.])params\.yaml", f"{folder}/params.yaml", stages)
    yaml = _yaml()
    graph = yaml.load(stages + heading + plots)
    for stage in graph["stages"].values():
        stage.pop("wdir", None)
        stage.insert(0, "wdir", up)
    out = io.StringIO()
    out.write(f"# Written by `make graph` from the graph at the root, with the values of {folder}/params.yaml.\n")
    yaml.dump(graph, out)
    return out.getvalue()


def expected_graphs() -> dict[Path, str]:
    """Every graph as it should be: path to text."""
    graphs = {}
    for name in GRAPHS:
        text = with_code_deps((ROOT / name).read_text(encoding="utf-8"))
        graphs[ROOT / name] = text
        for recipe in RECIPES:
            path = ROOT / "recipes" / recipe / name
            graphs[path] = recipe_graph(text, recipe, up="/".join([".."] * (2 + name.count("/"))))
    return graphs | {ROOT / name: with_code_deps((ROOT / name).read_text(encoding="utf-8")) for name in OWN_GRAPHS}


def main() -> None:
    """Write the graphs, or say which are out of date."""
    stale = [(path, text) for path, text in expected_graphs().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        print(f"{path.relative_to(ROOT)}: out of date" if "--check" in sys.argv else f"{path.relative_to(ROOT)}: written")
        if "--check" not in sys.argv:
            write_text(path, text)
    if stale and "--check" in sys.argv:
        sys.exit("run `make graph`")


if __name__ == "__main__":
    main()
