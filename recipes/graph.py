"""Write what can be derived into the graphs: code dependencies of every stage, and the recipes' graphs from the root's.

`python -m recipes.graph` writes, `python -m recipes.graph --check` only says what is out of date and exits with status 1.
"""

import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.config.kinds import kind_of
from pipeline.utils.code import belongs, imported_code
from pipeline.utils.files import write_text
from pipeline.utils.params_file import read_params

ROOT = Path(__file__).resolve().parent.parent
GRAPHS = ("dvc.yaml", "data/dvc.yaml")
RECIPES = ("tiny", "full", "large")
PRETRAINED = "models/pretrained/dvc.yaml"
OWN_GRAPHS = (  # those of all other recipes, and of what comes with the project, written by hand but for code dependencies
    *(
        f"recipes/{folder.name}/{graph}"
        for folder in sorted((ROOT / "recipes").iterdir())
        for graph in GRAPHS
        if folder.name not in RECIPES and (folder / graph).is_file()
    ),
    PRETRAINED,
)
PACKAGES = ("pipeline", "stages")
CODE = re.compile(r"    - (pipeline|stages)/")  # a line of a stage's dependencies
PLACES = {  # what recipes of some kinds alone run; the others import it inside of functions that they never call
    "pipeline/config/faces.py": ["faces"],
    "pipeline/config/photos.py": ["photos"],
    "pipeline/datasets/fei": ["faces"],
    "pipeline/datasets/photos": ["photos", "keypoints"],
    "pipeline/networks/lifter.py": ["recordings", "photos", "keypoints"],
    "pipeline/pose/bodies": ["recordings", "photos", "keypoints"],
    "pipeline/pose/faces": ["faces"],
    "pipeline/training/lifter.py": ["recordings"],
    "pipeline/training/views.py": ["recordings"],
}


def code_deps(stage: str, kind: str, root: Path = ROOT) -> list[str]:
    """Files of the project that `python -m stages.<stage>` can import in a recipe of this kind (`data.kind`), sorted, relative to `root`."""
    return imported_code(root / "stages" / f"{stage}.py", root, PACKAGES, foreign_to(kind))


def foreign_to(kind: str) -> list[str]:
    """The places of which recipes of this kind run nothing."""
    return [place for place, kinds in PLACES.items() if kind not in kinds]


def rooms(files: Sequence[str], foreign: Collection[str] = (), root: Path = ROOT) -> list[str]:
    """`files` as a stage names them in its graph: a folder stands for its modules where a third of them or more are among `files`.

    A folder stands only where the stage uses something of every folder in it, and where nothing else in it is `foreign`, so that faces are no concern
    of bodies; and `config` only where all of it is used: a field of another section must not make a result stale. `utils` always stands. A stage is
    stale too often where a module changes that it does not use, and never too seldom.
    """
    used = set(files)
    named: set[str] = set()
    for file in files:
        folders = [str(folder) for folder in reversed(Path(file).parents) if folder.parts[1:]]
        named.add(next((folder for folder in folders if _stands(folder, used, foreign, root)), file))
    return sorted(named)


def _stands(folder: str, used: set[str], foreign: Collection[str], root: Path) -> bool:
    """Whether a folder can stand for the modules in it that are `used`."""
    if folder == "pipeline/utils":
        return True
    modules = {str(path.relative_to(root)) for path in (root / folder).rglob("*.py") if path.name != "__init__.py"}
    if folder == "pipeline/config":
        return modules <= used
    if any(belongs(module, foreign) for module in modules - used):
        return False
    parts = {str(Path(module).parent) for module in modules}
    return 3 * len(modules & used) >= len(modules) > 1 and all(any(str(Path(module).parent) == part for module in modules & used) for part in parts)


def kind_of_graph(graph: str, root: Path = ROOT) -> str:
    """`data.kind` of the parameters that a graph, relative to `root`, is for; the weights of bodies that come with the project meet photos."""
    if graph == PRETRAINED:
        return "photos"
    folder = Path(graph).parent
    params = root / (folder.parent if folder.name == "data" else folder) / "params.yaml"
    return kind_of(params, read_params(params))


def with_code_deps(text: str, kind: str) -> str:
    """`text` of a graph for recipes of a kind with the code dependencies of every stage as they are now, before its other dependencies."""
    lines: list[str] = []
    stage = ""
    for line in text.splitlines():
        if found := re.match(r" +cmd: .*-m stages\.(\w+)", line):
            stage = found[1]
        if not CODE.match(line):
            lines.append(line)
        if line == "    deps:":
            lines += [f"    - {place}" for place in rooms(code_deps(stage, kind), foreign_to(kind))]
    return "\n".join(lines) + "\n"


def recipe_graph(text: str, recipe: str, up: str) -> str:
    """The root's graph `text` with every output, and the file of parameters, below recipes/<recipe>; `up` leads back to the root.

    The weights that come with the project are the same for all.
    """
    folder = f"recipes/{recipe}"
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n"
    stages, heading, plots = text.partition("\nplots:\n")  # plots are relative to the graph's own folder
    stages = re.sub(r"(?<![\w/.])(data|models|metrics)/(?!pretrained/)", rf"{folder}/\1/", stages)
    stages = re.sub(r"(?<![\w/.])params\.yaml", f"{folder}/params.yaml", stages)
    stages = "".join(line for line in stages.splitlines(keepends=True) if not line.startswith("    wdir:"))
    stages = re.sub(r"(?m)^(  \w+:)$", rf"\1\n    wdir: {up}", stages)
    return f"# Written by `make graph` from the graph at the root, with the values of {folder}/params.yaml.\n{stages}{heading}{plots}"


def expected_graphs() -> dict[Path, str]:
    """Every graph as it should be: path to text."""
    graphs = {}
    for name in GRAPHS:
        text = with_code_deps((ROOT / name).read_text(encoding="utf-8"), kind_of_graph(name))
        graphs[ROOT / name] = text
        for recipe in RECIPES:
            path = ROOT / "recipes" / recipe / name
            graphs[path] = recipe_graph(text, recipe, up="/".join([".."] * (2 + name.count("/"))))
    return graphs | {ROOT / name: with_code_deps((ROOT / name).read_text(encoding="utf-8"), kind_of_graph(name)) for name in OWN_GRAPHS}


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
