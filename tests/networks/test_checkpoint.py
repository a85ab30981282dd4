"""Weights on disk: what is saved is what is rebuilt, and a file that does not fit says so."""

import json
import math
import re
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from pipeline.config.pose import MapConfig
from pipeline.inference.generator import load_generator
from pipeline.networks.checkpoint import load_network, load_with_maps, save_in_half, save_network, trained_with
from pipeline.networks.discriminator import D
from pipeline.networks.unet import G1, G2
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.conditioning import WARP_LAYERS, Condition
from pipeline.utils.errors import UserError

SIZE = (32, 16)
POSE = MapConfig(depth=True, maps=("limbs", "rgb"), appearance=False, lift=False, source=False, background="none", head=False, heatmap_radius=2.5)


def make_networks() -> list[G1 | G2 | D]:
    torch.manual_seed(1)
    networks = [
        G1(13, (), SIZE, 4, 3, "fc", "bilinear"),
        G2(SIZE, 4, 1, "transposed"),
        D(SIZE, "triplet", 2),
        G1(13, WARP_LAYERS, SIZE, 4, 3, "conv", "nearest"),
    ]
    for network in networks:
        for weight in network.parameters():
            nn.init.normal_(weight, std=0.1)
    return networks


def save_pair(folder: Path, size: tuple[int, int] = SIZE, pose: MapConfig = POSE) -> tuple[Path, Path]:
    paths = folder / "g1.safetensors", folder / "g2.safetensors"
    save_network(paths[0], G1(13, (), SIZE, 4, 3, "conv", "nearest"), POSE)
    save_network(paths[1], G2(size, 4, 1, "nearest"), pose)
    return paths


@pytest.mark.parametrize("number", range(4))
def test_what_is_saved_is_rebuilt(tmp_path: Path, number: int) -> None:
    network = make_networks()[number].eval()
    save_network(tmp_path / "a.safetensors", network, POSE)
    rebuilt, pose = load_with_maps(tmp_path / "a.safetensors", type(network))
    assert pose == POSE
    assert rebuilt.config == network.config
    assert not rebuilt.training
    images = torch.randn(2, 3, *SIZE), torch.randn(2, 13 if isinstance(network, G1) else 3, *SIZE)
    torch.testing.assert_close(rebuilt(*images), network(*images), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("number", range(4))
def test_half_precision_is_half_as_large_and_computes_in_single_precision(tmp_path: Path, number: int) -> None:
    network, whole, half = make_networks()[number].eval(), tmp_path / "whole", tmp_path / "half"
    save_network(whole, network, POSE, "32-true")
    for _ in range(2):  # once more in half precision changes nothing
        save_in_half(half, whole)
        whole = half
    rebuilt, pose = load_with_maps(half, type(network))
    assert (pose, trained_with(half)) == (POSE, "32-true")
    for name, value in network.state_dict().items():
        assert rebuilt.state_dict()[name].dtype == value.dtype
        assert torch.equal(rebuilt.state_dict()[name], value.half().float())
    assert half.stat().st_size < 0.6 * (tmp_path / "whole").stat().st_size


def test_half_precision_is_checked_as_strictly(tmp_path: Path) -> None:
    network = make_networks()[1]
    weights = {name: value.half() for name, value in network.state_dict().items()}
    header = {"network": "G2", "config": network.config, "dtype": "float16"}
    path, name = tmp_path / "g2.safetensors", next(iter(weights))

    def write(description: object, **changes: torch.Tensor) -> None:
        save_file({**weights, **changes}, path, metadata={"pose25d": json.dumps(description)})

    write(header)
    load_network(path, G2)
    for dtype in ("float32", "float64", 16, ["float16"], {}):
        write(header | {"dtype": dtype})
        with pytest.raises(UserError, match="expected a description of its network in the header"):
            load_network(path, G2)
    write(header, **{name: weights[name].float()})
    with pytest.raises(UserError, match=rf"{name} would be torch\.float16 .*, and is torch\.float32"):
        load_network(path, G2)
    write(header, **{name: weights[name][1:]})
    with pytest.raises(UserError, match=f"{name} would be"):
        load_network(path, G2)
    write(header, another=torch.zeros(1, dtype=torch.float16))
    with pytest.raises(UserError, match="it has other tensors, such as another"):
        load_network(path, G2)
    write(header, **{name: torch.full_like(weights[name], math.inf)})
    with pytest.raises(UserError, match=f"expected finite numbers in the tensor {name}, found inf"):
        load_network(path, G2)


@pytest.mark.parametrize("number", [65520.0, -1e30, math.nan])
def test_a_weight_that_half_precision_cannot_hold_is_one_line(tmp_path: Path, number: float) -> None:
    network = make_networks()[1]
    name, weight = next(iter(network.named_parameters()))
    with torch.no_grad():
        weight.view(-1)[3] = number
    save_network(tmp_path / "g2.safetensors", network, POSE)
    with pytest.raises(UserError, match=rf"g2\.safetensors: expected weights of at most 65504, .*, found {re.escape(f'{number:g}')} in {name}"):
        save_in_half(tmp_path / "half.safetensors", tmp_path / "g2.safetensors")
    assert not (tmp_path / "half.safetensors").exists()


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
    network = G1(13, (), SIZE, 4, 3, "conv", "nearest")
    network.config["filters"] = 8
    save_network(tmp_path / "g1", network, POSE)
    with pytest.raises(UserError, match=r"the weights do not fit .*would be torch.float32 .*, and is torch.float32") as error:
        load_network(tmp_path / "g1", G1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path, number: float) -> None:
    network = make_networks()[1]
    name, weight = next(iter(network.named_parameters()))
    with torch.no_grad():
        weight.view(-1)[3] = number
    save_network(tmp_path / "g2.safetensors", network, POSE)
    with pytest.raises(UserError, match=rf"g2\.safetensors: expected finite numbers in the tensor {name}, found {number}; train it again"):
        load_network(tmp_path / "g2.safetensors", G2)


def test_weights_of_another_number_format_are_an_error(tmp_path: Path) -> None:
    network = make_networks()[1]
    save_network(tmp_path / "g2.safetensors", network.half(), POSE)
    with pytest.raises(UserError, match=r"do not fit .*would be torch\.float32 .*, and is torch\.float16"):
        load_network(tmp_path / "g2.safetensors", G2)


@pytest.mark.parametrize(
    "header",
    [
        [],
        1,
        {},
        {"network": "G2", "config": 1},
        {"network": "G2", "config": {}},
        *({"network": "G2", "config": {"image_size": size, "filters": 4, "blocks": 1, "upsampling": "nearest"}} for size in ([0, 0], [3], "x", None)),
        *({"network": "G2", "config": {"image_size": [32, 16], "filters": n, "blocks": 1, "upsampling": "nearest"}} for n in (0, -1, "x", 10**12)),
        *({"network": "G2", "config": {"image_size": [32, 16], "filters": 4, "blocks": n, "upsampling": "x"}} for n in (0, -1, 1)),
    ],
)
def test_a_description_that_makes_no_network_is_one_line(tmp_path: Path, header: object) -> None:
    save_file({"weight": torch.zeros(1)}, tmp_path / "g2.safetensors", metadata={"pose25d": json.dumps(header)})
    with pytest.raises(UserError, match=r"^[^\n]*g2\.safetensors: [^\n]*train it again$"):
        load_network(tmp_path / "g2.safetensors", G2)


def test_a_folder_of_weights_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected weights"):
        load_network(tmp_path, G1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_weights_that_are_cut_off_are_one_line(tmp_path: Path, data: st.DataObject) -> None:
    save_network(tmp_path / "g2.safetensors", make_networks()[1], POSE)
    content = (tmp_path / "g2.safetensors").read_bytes()
    (tmp_path / "g2.safetensors").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(UserError, match=r"^[^\n]*g2\.safetensors: [^\n]*train it again$"):
        load_network(tmp_path / "g2.safetensors", G2)


def test_what_is_painted_is_finite_or_refused(tmp_path: Path) -> None:
    """Finite weights may grow so large that what they paint is not."""
    g1, g2, *_ = make_networks()
    with torch.no_grad():
        for weight in g2.parameters():
            weight.fill_(1e30)
    save_network(tmp_path / "g1", g1, POSE)
    save_network(tmp_path / "g2", g2, POSE)
    generator = load_generator(tmp_path / "g1", tmp_path / "g2")
    source = torch.randn(2, 3, *SIZE)
    with pytest.raises(UserError, match="the weights paint what is not finite"):
        generator.paint(source, Condition(source, torch.randn(2, 13, *SIZE)))


def test_the_painter_adds_what_g2_paints_and_stays_in_range(tmp_path: Path) -> None:
    g1, g2, *_ = make_networks()
    save_network(tmp_path / "g1", g1, POSE)
    save_network(tmp_path / "g2", g2, POSE)
    generator = load_generator(tmp_path / "g1", tmp_path / "g2")
    assert (generator.conditioning, generator.image_size) == (BodyConditioning(POSE, None), SIZE)
    source, maps = torch.randn(2, 3, *SIZE), torch.randn(2, 13, *SIZE)
    coarse, refined = generator.paint(source, Condition(source, maps))
    with torch.no_grad():
        raw = g1(source, maps)
        torch.testing.assert_close(coarse, raw.clamp(-1, 1))
        torch.testing.assert_close(refined, (raw + g2(raw, source)).clamp(-1, 1))
    with pytest.raises(UserError, match=r"images of \[32, 16\], found \[16, 16\]"):
        generator.paint(source[:, :, :16], Condition(source, maps[:, :, :16]))


def test_weights_of_before_heads_were_seen_larger_paint_without(tmp_path: Path) -> None:
    """Their header says nothing of heads, neither of what is seen nor of the network."""
    paths = save_pair(tmp_path)
    for path in paths:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["pose25d"])
        del header["pose"]["head"]
        header["config"].pop("told", None)
        save_file(load_file(path), path, {"pose25d": json.dumps(header)})
    assert load_generator(*paths).conditioning.told == 0


def test_generators_of_two_trainings_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected the image size of .*g1.safetensors"):
        load_generator(*save_pair(tmp_path, size=(64, 32)))
    with pytest.raises(UserError, match="expected the pose of"):
        load_generator(*save_pair(tmp_path, pose=POSE.model_copy(update={"depth": False})))
