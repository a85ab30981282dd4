"""All sections together: what `validate` checks, and where the README's table of parameters comes from."""

from pathlib import Path

from pipeline.config.data import DataConfig, PairsConfig
from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.faces import FaceParams
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotoParams
from pipeline.config.pose import PoseConfig
from pipeline.config.pose_net import PoseNetParams
from pipeline.config.section import Section, parse, read_params
from pipeline.config.synthetic import SyntheticConfig
from pipeline.config.train import TrainG1Config, TrainG2Config, TrainLifterConfig


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
