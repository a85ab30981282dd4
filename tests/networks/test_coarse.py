"""The coarse generators, by one parameter: what they see, and that a file gives back what was saved."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import torch
from model_section import VUNET, model_config
from standing import RULE

from pipeline.config.estimate import coarse
from pipeline.config.model import GeneratorName
from pipeline.config.pose import MapConfig
from pipeline.networks.checkpoint import save_network
from pipeline.networks.coarse import conditioning_of, generator_name, load_coarse, make_coarse
from pipeline.networks.discriminator import D
from pipeline.networks.lifter import Lifter
from pipeline.networks.unet import G1
from pipeline.networks.vunet import VUNet
from pipeline.pose.bodies.parts import N_PARTS
from pipeline.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
SIZE = (32, 16)
MAPS = N_PARTS + 2  # channels of one pose: its parts, and two of its depth
POSE = MapConfig(depth=True, maps=("limbs",), appearance=True, lift=True, source=True, background="none", head=False, heatmap_radius=2)


@pytest.mark.parametrize(
    ("generator", "appearance", "kind", "size", "maps"),
    [
        ("pg2", "warped", G1, (3, *SIZE), 8 + 2 * MAPS),
        ("vunet", "warped", VUNet, (8, 8, 4), MAPS),
        ("vunet", "parts", VUNet, (3 * N_PARTS, 8, 4), MAPS),
        ("vunet", "image", VUNet, (3, *SIZE), MAPS),
    ],
)
def test_what_is_chosen_is_made_saved_and_loaded(
    tmp_path: Path, generator: str, appearance: str, kind: type, size: tuple[int, int, int], maps: int
) -> None:
    chosen, lifter = model_config(generator=generator, vunet={**VUNET, "appearance_input": appearance}), Lifter(16, 1, RULE)
    conditioning = conditioning_of(chosen, POSE, lifter)
    assert (conditioning.appearance_size(SIZE), conditioning.channels) == (size, maps)
    network = make_coarse(conditioning, SIZE, chosen, "a loss").eval()
    assert isinstance(network, kind)
    save_network(tmp_path / "g1.safetensors", network, conditioning.config)
    loaded, conditioning_of_it = load_coarse(tmp_path / "g1.safetensors")
    assert (conditioning_of_it.config, conditioning_of_it.appearance_input) == (conditioning.config, conditioning.appearance_input)
    assert conditioning_of_it.lifter is loaded.lifter
    inputs = torch.randn(2, *size), torch.randn(2, maps, *SIZE)
    with torch.no_grad():
        torch.testing.assert_close(loaded(*inputs), network(*inputs), rtol=1e-3, atol=1e-4)
        for name, value in lifter.state_dict().items():
            assert loaded.lifter is not None
            assert torch.equal(loaded.lifter.state_dict()[name], value)


@pytest.mark.parametrize("generator", get_args(GeneratorName))
def test_every_generator_is_found_by_its_name_paints_and_needs_no_less_than_is_estimated(tmp_path: Path, generator: GeneratorName) -> None:
    chosen = model_config(generator=generator)
    conditioning = conditioning_of(chosen, POSE.model_copy(update={"lift": False}), None)
    network = make_coarse(conditioning, SIZE, chosen)
    estimate = coarse(SIZE, chosen).network
    assert 0 < estimate.weights <= sum(weight.numel() for weight in network.parameters())
    save_network(tmp_path / "g1.safetensors", network, conditioning.config)
    loaded, _ = load_coarse(tmp_path / "g1.safetensors")
    assert generator_name(loaded) == generator
    appearance, maps = torch.randn(2, *conditioning.appearance_size(SIZE)), torch.randn(2, conditioning.channels, *SIZE)
    assert loaded(appearance, maps).shape == (2, 3, *SIZE)


def test_the_variational_u_net_does_not_see_what_would_be_the_answer() -> None:
    """Of an image that is its own source."""
    seen = conditioning_of(model_config(generator="vunet"), POSE, Lifter(16, 1, RULE)).config
    assert (seen.appearance, seen.source) == (False, False)
    assert seen == POSE.model_copy(update={"appearance": False, "source": False})


LIFTED = """
import sys
import subprocess
import sys
from pathlib import Path
import torch
from pipeline.networks.coarse import load_coarse
from pipeline.pose.skeleton import LIMBS
lifter = load_coarse(Path(sys.argv[1]))[0].lifter
print(lifter(torch.rand(2, 17, 2) * 100, torch.zeros(2, len(LIMBS), dtype=torch.int8)).shape)
"""


def test_a_lifter_works_in_a_process_that_loads_its_code_with_the_weights(tmp_path: Path) -> None:
    """Networks are first made without memory; what their modules make when they are loaded has to be real."""
    chosen = model_config(generator="pg2")
    conditioning = conditioning_of(chosen, POSE, Lifter(16, 1, RULE))
    save_network(tmp_path / "g1.safetensors", make_coarse(conditioning, SIZE, chosen, "a loss"), conditioning.config)
    done = subprocess.run([sys.executable, "-c", LIFTED, str(tmp_path / "g1.safetensors")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "torch.Size([2, 17])\n", done.stderr


def test_the_weights_of_another_network_are_one_line(tmp_path: Path) -> None:
    save_network(tmp_path / "d.safetensors", D(SIZE, "pair", 2), POSE)
    with pytest.raises(UserError, match=r"expected the weights of G1 or VUNet.*, found those of D"):
        load_coarse(tmp_path / "d.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="expected weights in the safetensors format"):
        load_coarse(tmp_path / "x.safetensors")
