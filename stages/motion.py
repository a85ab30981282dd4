"""Score how steady a model paints motions."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.config.synthetic import SyntheticConfig
from pipeline.evaluation.motions import FilmConfig, score_motions
from pipeline.inference.generator import load_generator
from pipeline.inference.published import weights_file
from pipeline.networks.checkpoint import load_network
from pipeline.networks.lifter import Lifter
from pipeline.networks.openpose import PoseNet
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.files import write_json
from stages.command import existing, output, stage

THREADS = 1


@stage
@click.argument("models", type=existing)
@click.argument("motion", type=output)
@click.option("--takes", type=click.IntRange(1, 30), required=True, help="Takes of each test subject, each with another invented person.")
@click.option("--seconds", type=click.FloatRange(0.5, 60), required=True, help="Length of a take, s.")
@click.option("--fps", type=click.IntRange(1, 100), required=True, help="Frames per second, all of which are painted.")
@click.option("--pose-net", type=existing, help="Weights of a pose estimator (recipes/pose), for the score `joint_jitter`.")
def main(models: Path, motion: Path, takes: int, seconds: float, fps: int, pose_net: Path | None, params: Path) -> None:
    """Paint held-out people of the built-in data with the weights in the folder MODELS in their own motions; write the scores MOTION."""
    fix_arithmetic(THREADS)
    data, synthetic = load_config(DataConfig, params, "data"), load_config(SyntheticConfig, params, "synthetic")
    generator = load_generator(weights_file(models, "g1"), weights_file(models, "g2"))
    lifter = load_network(weights_file(models, "lifter"), Lifter)
    estimator = None if pose_net is None else load_network(pose_net, PoseNet)
    config = FilmConfig(synthetic.seed, data.test_subjects, takes, seconds, fps, synthetic.video_size, data.margin)
    write_json(motion, score_motions(generator, lifter, load_config(PoseConfig, params, "pose"), config, estimator))


if __name__ == "__main__":
    main()
