"""All sections together: what `validate` checks, and where the README's table of parameters comes from."""

from pathlib import Path

from pydantic import model_validator

from pipeline.config.data import DataConfig, PairsConfig
from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.faces import FaceParams
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotoParams
from pipeline.config.pose import PoseConfig
from pipeline.config.pose_net import PoseNetParams
from pipeline.config.rules import check_painting, check_rate
from pipeline.config.section import Section, parse, read_params, refuse
from pipeline.config.synthetic import SyntheticConfig
from pipeline.config.train import TrainG1Config, TrainG2Config, TrainLifterConfig

BUILT_IN = "data/synthetic"  # how the folder of the built-in data ends


class Params(Section):
    """The whole of params.yaml."""

    data: DataConfig
    synthetic: SyntheticConfig
    pose: PoseConfig
    pairs: PairsConfig
    model: ModelConfig
    train_lifter: TrainLifterConfig
    train_g1: TrainG1Config
    train_g2: TrainG2Config
    evaluate: EvaluateConfig
    parallel: ParallelConfig

    @model_validator(mode="after")
    def _fit(self) -> "Params":
        built_in = self.data.root.rstrip("/").endswith(BUILT_IN)
        for name in self.data.subjects:
            if built_in and name not in self.synthetic.subjects:
                there = ", ".join(self.synthetic.subjects)
                raise refuse("data.subjects", f"{name} is not one of synthetic.subjects ({there}), of whom the built-in data is")
        check_rate("train_lifter.lr", self.train_lifter.lr)
        check_painting(self.data.image_size, self.pose.heatmap_radius, self.pairs, self.model, self.train_g1, self.train_g2, self.parallel)
        return self


KINDS: dict[str, type[Section]] = {
    "faces": FaceParams,
    "photos": PhotoParams,
    "pose_net": PoseNetParams,
}  # by the section that only such a recipe has


def check_params(params: Path) -> Section:
    """Validate every section of `params`, and what must hold between sections; raise UserError with a line per fault."""
    values = read_params(params)
    return parse(next((kind for name, kind in KINDS.items() if name in values), Params), values, str(params))


def parameter_table() -> str:
    """A Markdown table of every parameter of the graph at the root and what it does, from the typed parameters."""
    return _table(_rows("", Params))


def own_parameters(kind: type[Section]) -> str:
    """The same of another kind of recipe: those that the graph at the root does not have, or has otherwise."""
    known = set(_rows("", Params))
    return _table([row for row in _rows("", kind) if row not in known])


def _table(rows: list[str]) -> str:
    return "\n".join(["| parameter | what it does |", "| --- | --- |", *rows]) + "\n"


def _rows(prefix: str, section: type[Section]) -> list[str]:
    rows: list[str] = []
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            rows += _rows(f"{key}.", field.annotation)
        else:
            rows.append(f"| `{key}` | {field.description} |")
    return rows
