"""Publish the weights of a model in half precision."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.section import load_config
from pipeline.evaluation.photo_scores import score_photos
from pipeline.inference.generator import load_generator
from pipeline.inference.published import publish_weights, weights_file
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.files import write_json
from stages.command import existing, output, stage

THREADS = 1


@stage
@click.argument("models", type=existing)
@click.argument("photos", type=existing)
@click.argument("published", type=click.Path(path_type=Path))
@click.argument("scores", type=output)
def main(models: Path, photos: Path, published: Path, scores: Path, params: Path) -> None:
    """Write the weights in the folder MODELS to the folder PUBLISHED in half precision, and their SCORES on the demo's PHOTOS."""
    fix_arithmetic(THREADS)
    publish_weights(models, published)
    generator = load_generator(weights_file(published, "g1"), weights_file(published, "g2"))
    write_json(scores, score_photos(generator, photos, load_config(DataConfig, params, "data").margin))


if __name__ == "__main__":
    main()
