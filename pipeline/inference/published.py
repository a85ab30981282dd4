"""The weights that come with the project: those of a whole model in half precision, together small enough for a repository."""

import shutil
import tempfile
from pathlib import Path

from pipeline.inference.generator import load_generator
from pipeline.networks.checkpoint import load_network, save_in_half
from pipeline.networks.lifter import Lifter
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file

NAMES = ("g1", "g2", "lifter")
MOST_BYTES = 10_000_000  # of all files together


def weights_file(folder: Path, name: str) -> Path:
    """The file of one of the networks `NAMES` in a folder of weights."""
    return folder / f"{name}.safetensors"


def publish_weights(models: Path, published: Path) -> None:
    """Write the weights in the folder `models` to the folder `published` in half precision; other files there stay.

    Raises UserError where a file is missing or damaged, where they are of several trainings, where half precision cannot hold a weight, or where they
    are larger than `MOST_BYTES`; nothing is written then.
    """
    with tempfile.TemporaryDirectory() as folder:
        halves = Path(folder)
        for name in NAMES:
            save_in_half(weights_file(halves, name), weights_file(models, name))
        load_generator(weights_file(halves, "g1"), weights_file(halves, "g2"))
        load_network(weights_file(halves, "lifter"), Lifter)
        size = sum(file.stat().st_size for file in halves.iterdir())
        if size > MOST_BYTES:
            how = "train smaller networks (model.filters, train_lifter.width)"
            raise UserError(f"{models}: expected weights of at most {MOST_BYTES} bytes in half precision, found {size}; {how}")
        for name in NAMES:
            with atomic_file(weights_file(published, name)) as partial:
                shutil.copyfile(weights_file(halves, name), partial)
