"""Train G1, the generator of the coarse image."""

from pathlib import Path

import click

from pipeline.config.kinds import load_data, load_map_config
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.config.train import TrainG1Config
from pipeline.networks.checkpoint import save_network
from pipeline.networks.coarse import conditioning_of
from pipeline.networks.kinds import load_lifter
from pipeline.training.generators import GeneratorTraining, train_g1
from pipeline.training.loop import make_fabric, precision_of
from pipeline.training.objectives import make_objective
from stages.command import existing, output, stage


@stage
@click.argument("packed", type=existing)
@click.argument("pairs", type=existing)
@click.argument("g1", type=output)
@click.argument("curves", type=output)
@click.option("--lifter", type=existing, help="Weights of the lifter, for pose.lift.")
def main(packed: Path, pairs: Path, g1: Path, curves: Path, lifter: Path | None, params: Path) -> None:
    """Train on the pairs of PAIRS/train.csv among the packs in PACKED; write G1, and curves and samples to CURVES."""
    data, model = load_data(params), load_config(ModelConfig, params, "model")
    pose, config = load_map_config(params), load_config(TrainG1Config, params, "train_g1")
    fabric = make_fabric(load_config(ParallelConfig, params, "parallel"), config)
    conditioning, objective = conditioning_of(model, pose, load_lifter(lifter, pose)), make_objective(model, config)
    if fabric.is_global_zero:
        click.echo(f"train_g1: {model.generator}, {objective.loss}, {precision_of(fabric)}")
    inputs = *([] if conditioning.lifter is None or lifter is None else [lifter]), *objective.inputs
    with GeneratorTraining.open("train_g1", fabric, packed, pairs / "train.csv", data, conditioning, model, config, *inputs) as run:
        network = train_g1(run, model, config, objective)
        if fabric.is_global_zero:
            save_network(g1, network, conditioning.config, precision_of(fabric))
            run.publish_curves(curves)


if __name__ == "__main__":
    main()
