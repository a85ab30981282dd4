"""What is null in a file of parameters follows the size of its images."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.config.data import PairsConfig
from pipeline.config.model import ModelConfig
from pipeline.config.params import check_params
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.networks.coarse import make_coarse, make_g2
from pipeline.networks.discriminator import D
from pipeline.networks.kinds import make_conditioning
from pipeline.utils.errors import UserError
from pipeline.utils.params_file import read_params

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path, size: list[Any], **model: Any) -> Path:
    """params.yaml with images of another size, and other values in section `model`."""
    values = read_params(ROOT / "params.yaml")
    values["data"]["image_size"] = size
    values["model"] |= model
    YAML().dump(values, path)
    return path


@pytest.mark.parametrize(
    ("size", "shrink", "blocks", "levels"),
    [((64, 32), 2, 3, 5), ((128, 64), 2, 4, 6), ((128, 64), 1, 5, 6), ((256, 128), 2, 5, 7), ((256, 256), 2, 5, 8), ((128.0, 64.0), 2, 4, 6)],
)
def test_numbers_grow_with_the_size_of_the_images(tmp_path: Path, size: tuple[float, float], shrink: int, blocks: int, levels: int) -> None:
    """128 x 64 px have those of the published systems: discs of 4 px, 4 px that D does not see, 5 blocks where G1 sees all pixels."""
    path = write(tmp_path / "params.yaml", list(size), shrink=shrink)
    model, height = load_config(ModelConfig, path, "model"), size[0]
    assert (model.blocks, model.vunet.levels, model.border) == (blocks, levels, height / 32)
    assert load_config(PoseConfig, path, "pose").heatmap_radius == height / 32
    assert load_config(PairsConfig, path, "pairs").min_distance == height / 32
    found = check_params(path)
    assert (found.model, found.data.image_size) == (model, tuple(size))  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(64, 32), (128, 64), (128, 88), (176, 256), (256, 128), (256, 256)])
@pytest.mark.parametrize("generator", ["pg2", "vunet"])
def test_networks_of_any_size_can_be_made_by_the_rule(tmp_path: Path, size: tuple[int, int], generator: str) -> None:
    """Of sides that can be halved often enough; of 88 and 176 px, which cannot, the variational U-Net says so."""
    path = write(tmp_path / "params.yaml", list(size), generator=generator, filters=4, shrink=1)
    model, pose = load_config(ModelConfig, path, "model"), load_config(PoseConfig, path, "pose").map_config
    conditioning = make_conditioning(pose.model_copy(update={"lift": False}), None, "warped" if generator == "vunet" else "image")
    assert make_g2(size, model).config["blocks"] == model.blocks - 2
    D(size, model.discriminator, model.border)
    if generator == "vunet" and any(side % 16 for side in size):
        with pytest.raises(UserError, match=r"lower model\.vunet\.levels"):
            make_coarse(conditioning, size, model)
    else:
        assert make_coarse(conditioning, size, model).config["image_size"] == list(size)


def test_what_is_written_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "params.yaml", [256, 128], blocks=3, border=0)
    model = load_config(ModelConfig, path, "model")
    assert (model.blocks, model.border, model.vunet.levels) == (3, 0, 7)


@pytest.mark.parametrize("size", [None, [128], [128, "64"], [0, 64], [128, -64], [10**400, 64], [float("nan"), 64], {"height": 128}, "large"])
def test_a_size_that_is_none_is_what_is_complained_of(tmp_path: Path, size: Any) -> None:
    path = tmp_path / "params.yaml"
    values = read_params(ROOT / "params.yaml")
    values["data"]["image_size"] = size
    YAML().dump(values, path)
    with pytest.raises(UserError, match=r"data\.image_size"):
        check_params(path)
