"""Train G2, which refines the coarse image, against D."""

from pathlib import Path

import click

from pipeline.config.kinds import load_data, load_map_config
from pipeline.config.model import ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.config.train import TrainG2Config
from pipeline.networks.checkpoint import save_network
from pipeline.training.generators import GeneratorTraining, load_g1, train_g2
from pipeline.training.loop import make_fabric, precision_of
from stages.command import existing, output, stage


@stage
@click.argument("packed", type=existing)
@click.argument("pairs", type=existing)
@click.argument("g1", type=existing)
@click.argument("g2", type=output)
@click.argument("d", type=output)
@click.argument("curves", type=output)
def main(packed: Path, pairs: Path, g1: Path, g2: Path, d: Path, curves: Path, params: Path) -> None:
    """Train on the pairs of PAIRS/train.csv among the packs in PACKED with the weights G1; write G2 and D, and curves and samples to CURVES."""
    data, model = load_data(params), load_config(ModelConfig, params, "model")
    pose, config = load_map_config(params), load_config(TrainG2Config, params, "train_g2")
    fabric = make_fabric(load_config(ParallelConfig, params, "parallel"), config)
    coarse, conditioning = load_g1(g1, data.image_size, model, pose)
    with GeneratorTraining.open("train_g2", fabric, packed, pairs / "train.csv", data, conditioning, model, config, g1) as run:
        networks = train_g2(run, coarse, model, config)
        if fabric.is_global_zero:
            save_network(g2, networks[0], conditioning.config, precision_of(fabric))
            save_network(d, networks[1], conditioning.config, precision_of(fabric))
            run.publish_curves(curves)


if __name__ == "__main__":
    main()
