"""The two coarse generators, of which `model.generator` chooses one: what they have in common, and what they see."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from pipeline.config.model import ModelConfig
from pipeline.networks.checkpoint import load_with_maps, network_name
from pipeline.networks.kinds import make_conditioning
from pipeline.networks.unet import G1
from pipeline.networks.vunet import VUNet
from pipeline.pose.conditioning import AppearanceInput, Conditioning
from pipeline.utils.errors import UserError

if TYPE_CHECKING:
    from pipeline.config.kinds import AnyMapConfig
    from pipeline.networks.lifter import Lifter


class Coarse(Protocol):
    """A coarse generator; `config` rebuilds it, `lifter` gave the maps their depth."""

    config: dict[str, Any]
    lifter: "Lifter | None"

    def __call__(self, appearance: Tensor, maps: Tensor) -> Tensor:
        """The appearance input and the maps of the poses, as `Conditioning` gives them -> the image (B, 3, H, W)."""

    def to(self, device: torch.device) -> Any:
        """Move to a device."""


KINDS: dict[str, type[G1] | type[VUNet]] = {"pg2": G1, "vunet": VUNet}


def conditioning_of(model: ModelConfig, pose: "AnyMapConfig", lifter: "Lifter | None") -> Conditioning:
    """What the chosen generator sees; lifter : for `pose.lift`."""
    return make_conditioning(map_config_of(model, pose), lifter, appearance_input_of(model))


def appearance_input_of(model: ModelConfig) -> AppearanceInput:
    """What the chosen generator sees of the source's person."""
    return "image" if model.generator == "pg2" else model.vunet.appearance_input


def map_config_of(model: ModelConfig, pose: "AnyMapConfig") -> "AnyMapConfig":
    """What the chosen generator sees of the section `pose`.

    The variational U-Net learns from single images: a source that is warped to where it was taken from would be the answer itself, and source
    and target pose are the same. So it has the target's maps, and knows the source by the appearance input alone.
    """
    return pose if model.generator == "pg2" else pose.of_the_target


def make_coarse(conditioning: Conditioning, image_size: tuple[int, int], model: ModelConfig, loss: str = "untrained") -> G1 | VUNet:
    """An untrained coarse generator for what is seen, with its lifter; loss : what a `vunet` is trained with, in words."""
    lifter = None if conditioning.lifter is None else conditioning.lifter.config
    network: G1 | VUNet
    if model.generator == "pg2":
        shape = model.filters, model.blocks, model.bottleneck, model.upsampling
        network = G1(conditioning.channels, conditioning.warped_source, image_size, *shape, lifter)
    else:
        own, appearance = model.vunet, (conditioning.appearance_input, conditioning.appearance_size(image_size))
        network = VUNet(conditioning.channels, *appearance, image_size, own.filters, own.max_filters, own.levels, own.dropout, loss, lifter)
    if network.lifter is not None and conditioning.lifter is not None:
        network.lifter.load_state_dict(conditioning.lifter.state_dict())
    return network


def load_coarse(path: Path) -> tuple[G1 | VUNet, Conditioning]:
    """A trained coarse generator and what it sees; raise UserError where the file is not fit."""
    name, kinds = network_name(path), {kind.__name__: kind for kind in KINDS.values()}
    if name not in kinds:
        raise UserError(f"{path}: expected the weights of {' or '.join(kinds)}, found those of {name}; give the file that `train_g1` writes")
    network, pose = load_with_maps(path, kinds[name])
    appearance_input: AppearanceInput = network.config.get("appearance_input", "image")
    try:
        return network, make_conditioning(pose, network.lifter, appearance_input)
    except ValueError as error:
        raise UserError(f"{path}: the weights do not fit the pose that the header describes ({error}); train it again") from None
