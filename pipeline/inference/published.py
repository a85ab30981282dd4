"""The weights that come with the project: those of a whole model in half precision, together small enough for a repository."""

import shutil
import tempfile
from pathlib import Path

from pipeline.inference.generator import load_generator
from pipeline.networks.checkpoint import load_network, save_in_half
from pipeline.networks.lifter import Lifter
from pipeline.networks.openpose import PoseNet
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file

NAMES = ("g1", "g2", "lifter")
MOST_BYTES = 13_000_000  # of all files together
MOST_POSE_BYTES = 4_000_000  # of the pose estimator beside them


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


def publish_pose_net(net: Path, published: Path) -> None:
    """Write the weights of a pose estimator to the file `published` in half precision.

    Raises UserError where `net` is missing, damaged or another network, where half precision cannot hold a weight, or where the file would be larger
    than `MOST_POSE_BYTES`; nothing is written then.
    """
    with tempfile.TemporaryDirectory() as folder:
        half = Path(folder) / published.name
        save_in_half(half, net)
        load_network(half, PoseNet)
        size = half.stat().st_size
        if size > MOST_POSE_BYTES:
            how = "train a smaller network (pose_net.width, pose_net.stages)"
            raise UserError(f"{net}: expected weights of at most {MOST_POSE_BYTES} bytes in half precision, found {size}; {how}")
        with atomic_file(published) as partial:
            shutil.copyfile(half, partial)
