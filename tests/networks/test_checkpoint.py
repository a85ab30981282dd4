"""Weights on disk: what is saved is what is rebuilt, and a file that does not fit says so."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipeline.config.pose import MapConfig
from pipeline.errors import UserError
from pipeline.networks.checkpoint import load_generator, load_network, save_network
from pipeline.networks.discriminator import D
from pipeline.networks.generator import load_painter
from pipeline.networks.unet import G1, G2
from pipeline.sight import BodySight, Seen

SIZE = (32, 16)
POSE = MapConfig(depth=True, maps=("limbs", "rgb"), appearance=False, lift=False, source=False, heatmap_radius=2.5)


def make_networks() -> list[G1 | G2 | D]:
    torch.manual_seed(1)
    networks = [
        G1(13, False, SIZE, 4, 3, "fc", "bilinear"),
        G2(SIZE, 4, 1, "transposed"),
        D(SIZE, "triplet", 2),
        G1(13, True, SIZE, 4, 3, "conv", "nearest"),
    ]
    for network in networks:
        for weight in network.parameters():
            nn.init.normal_(weight, std=0.1)
    return networks


def save_pair(folder: Path, size: tuple[int, int] = SIZE, pose: MapConfig = POSE) -> tuple[Path, Path]:
    paths = folder / "g1.safetensors", folder / "g2.safetensors"
    save_network(paths[0], G1(13, False, SIZE, 4, 3, "conv", "nearest"), POSE)
    save_network(paths[1], G2(size, 4, 1, "nearest"), pose)
    return paths


@pytest.mark.parametrize("number", range(4))
def test_what_is_saved_is_rebuilt(tmp_path: Path, number: int) -> None:
    network = make_networks()[number].eval()
    save_network(tmp_path / "a.safetensors", network, POSE)
    rebuilt, pose = load_generator(tmp_path / "a.safetensors", type(network))
    assert pose == POSE
    assert rebuilt.config == network.config
    assert not rebuilt.training
    images = torch.randn(2, 3, *SIZE), torch.randn(2, 13 if isinstance(network, G1) else 3, *SIZE)
    torch.testing.assert_close(rebuilt(*images), network(*images), rtol=1e-3, atol=1e-4)


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_network(tmp_path / name, make_networks()[0], POSE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_files_that_are_no_weights_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "g1.safetensors"
    with pytest.raises(UserError, match=r"g1.safetensors: not found"):
        load_network(path, G1)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="expected weights in the safetensors format"):
        load_network(path, G1)
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="expected a description of its network in the header"):
        load_network(path, G1)


def test_weights_of_another_network_are_an_error(tmp_path: Path) -> None:
    g1, _ = save_pair(tmp_path)
    with pytest.raises(UserError, match="expected the weights of G2, found those of G1"):
        load_network(g1, G2)


def test_weights_that_do_not_fit_their_description_are_an_error(tmp_path: Path) -> None:
    network = G1(13, False, SIZE, 4, 3, "conv", "nearest")
    network.config["filters"] = 8
    save_network(tmp_path / "g1", network, POSE)
    with pytest.raises(UserError, match=r"the weights do not fit .*size mismatch") as error:
        load_network(tmp_path / "g1", G1)
    assert "\n" not in str(error.value)


def test_the_painter_adds_what_g2_paints_and_stays_in_range(tmp_path: Path) -> None:
    g1, g2, *_ = make_networks()
    save_network(tmp_path / "g1", g1, POSE)
    save_network(tmp_path / "g2", g2, POSE)
    painter = load_painter(tmp_path / "g1", tmp_path / "g2")
    assert (painter.sight, painter.image_size) == (BodySight(POSE, None), SIZE)
    source, maps = torch.randn(2, 3, *SIZE), torch.randn(2, 13, *SIZE)
    coarse, refined = painter.paint(source, Seen(source, maps))
    with torch.no_grad():
        raw = g1(source, maps)
        torch.testing.assert_close(coarse, raw.clamp(-1, 1))
        torch.testing.assert_close(refined, (raw + g2(raw, source)).clamp(-1, 1))
    with pytest.raises(UserError, match=r"images of \[32, 16\], found \[16, 16\]"):
        painter.paint(source[:, :, :16], Seen(source, maps[:, :, :16]))


def test_generators_of_two_trainings_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected the image size of .*g1.safetensors"):
        load_painter(*save_pair(tmp_path, size=(64, 32)))
    with pytest.raises(UserError, match="expected the pose of"):
        load_painter(*save_pair(tmp_path, pose=POSE.model_copy(update={"depth": False})))
