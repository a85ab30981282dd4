"""Which weights paint: those that are given, those of a training in the folder `models`, or those that come with the project."""

from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.config.kinds import load_data
from pipeline.inference.generator import Generator, load_generator
from pipeline.inference.published import weights_file
from pipeline.utils.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
PRETRAINED = ROOT / "models" / "pretrained"
OWN = Path("models")


@dataclass(frozen=True)
class Weights:
    """Files of weights, the parameters that they were trained with, and what to call them."""

    g1: Path
    g2: Path
    params: Path
    name: str

    def load(self) -> Generator:
        """The generator; raises UserError where a file is missing or damaged."""
        return load_generator(self.g1, self.g2)

    @property
    def margin(self) -> float | None:
        """`data.margin` of their training, None for a model of photos (`inference.transfer`)."""
        data = load_data(self.params)
        return data.margin if data.kind == "recordings" else None


def pretrained() -> Weights:
    """Those that come with the project; raise UserError where they are not there."""
    files = pretrained_file("g1"), pretrained_file("g2")
    return Weights(*files, ROOT / "recipes" / "full" / "params.yaml", "of models/pretrained, which know invented people alone")


def pretrained_file(name: str) -> Path:
    """The file of one network that comes with the project, "g1", "g2" or "lifter"; raise UserError where it is not there."""
    path = weights_file(PRETRAINED, name)
    if not path.is_file():
        how = "work in a clone of the project, `git checkout -- models/pretrained` there, or train them with `make full`"
        raise UserError(f"{path}: not found; expected the weights that come with the project: {how}")
    return path


def given(g1: Path | None, g2: Path | None, params: Path) -> Weights | None:
    """Those of the options --g1 and --g2, None where neither is given; raise UserError where one of them is."""
    if g1 is None and g2 is None:
        return None
    if g1 is None or g2 is None:
        raise UserError("expected --g1 and --g2 together, found one of them")
    return Weights(g1, g2, params, " and ".join(map(click.format_filename, (g1, g2))))


def trained_here(params: Path) -> Weights | None:
    """Those of a training of the main graph below the working folder, None where there are none; raise UserError where one of two is there."""
    files = [weights_file(OWN, name) for name in ("g1", "g2")]
    missing = [path for path in files if not path.is_file()]
    if len(missing) == 1:
        (there,) = set(files) - set(missing)
        raise UserError(f"{missing[0]}: not found, but {there} is there; train both (`dvc repro train_g2`), or give --g1 and --g2")
    return None if missing else given(files[0], files[1], params)


def choose_weights(g1: Path | None, g2: Path | None, params: Path) -> Weights:
    """Those that are given, else those that were trained here, else those that come with the project; raises as these do."""
    return given(g1, g2, params) or trained_here(params) or pretrained()
