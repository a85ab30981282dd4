"""The coarse generators, of which `model.generator` chooses one: what they have in common, and what they see.

A new one is a module with the network, and here what makes it and its line in `GENERATORS`; docs/extend.md says what else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from pipeline.config.model import GeneratorName, ModelConfig
from pipeline.networks.checkpoint import load_with_maps, network_name
from pipeline.networks.kinds import make_conditioning
from pipeline.networks.unet import G1, G2
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

    def __call__(self, *seen: Any) -> Tensor:
        """What `Condition.seen` gives -> the image (B, 3, H, W)."""

    def to(self, device: torch.device) -> Any:
        """Move to a device."""


CoarseNetwork = G1 | VUNet


@dataclass(frozen=True)
class CoarseKind:
    """A kind of coarse generator.

    network : its class
    make : an untrained one, from what is seen, height and width of the images, px, the section `model`, what it is trained with, in words, and the
        lifter's `config`
    appearance_input : what it sees of the source's person
    sees_source : whether it sees the source's pose and the warped source. One that learns from single images does not: there source and target pose
        are the same, and a source that is warped to where it was taken from would be the answer itself. It knows the source by the appearance
        input alone
    """

    network: type[CoarseNetwork]
    make: "Callable[[Conditioning, tuple[int, int], ModelConfig, str, Mapping[str, Any] | None], CoarseNetwork]"
    appearance_input: Callable[[ModelConfig], AppearanceInput] = lambda _model: "image"
    sees_source: bool = True


def _make_pg2(seen: Conditioning, image_size: tuple[int, int], model: ModelConfig, _loss: str, lifter: Mapping[str, Any] | None) -> G1:
    size = image_size, model.filters, model.blocks, model.bottleneck, model.upsampling
    return G1(seen.channels, seen.layers, *size, lifter, model.shrink, model.decoder, seen.told)


def _make_vunet(seen: Conditioning, image_size: tuple[int, int], model: ModelConfig, loss: str, lifter: Mapping[str, Any] | None) -> VUNet:
    own, appearance = model.vunet, (seen.appearance_input, seen.appearance_size(image_size))
    return VUNet(seen.channels, *appearance, image_size, own.filters, own.max_filters, own.levels, own.dropout, loss, lifter)


GENERATORS: dict[GeneratorName, CoarseKind] = {
    "pg2": CoarseKind(G1, _make_pg2),
    "vunet": CoarseKind(VUNet, _make_vunet, lambda model: model.vunet.appearance_input, sees_source=False),
}


def generator_name(network: object) -> GeneratorName:
    """What `model.generator` calls the kind of a coarse generator."""
    return next(name for name, kind in GENERATORS.items() if isinstance(network, kind.network))


def conditioning_of(model: ModelConfig, pose: "AnyMapConfig", lifter: "Lifter | None") -> Conditioning:
    """What the chosen generator sees; lifter : for `pose.lift`."""
    return make_conditioning(map_config_of(model, pose), lifter, appearance_input_of(model))


def appearance_input_of(model: ModelConfig) -> AppearanceInput:
    """What the chosen generator sees of the source's person."""
    return GENERATORS[model.generator].appearance_input(model)


def map_config_of(model: ModelConfig, pose: "AnyMapConfig") -> "AnyMapConfig":
    """What the chosen generator sees of the section `pose`."""
    return pose if GENERATORS[model.generator].sees_source else pose.of_the_target


def make_coarse(conditioning: Conditioning, image_size: tuple[int, int], model: ModelConfig, loss: str = "untrained") -> CoarseNetwork:
    """An untrained coarse generator for what is seen, with its lifter; loss : what it is trained with, in words."""
    lifter = None if conditioning.lifter is None else conditioning.lifter.config
    network = GENERATORS[model.generator].make(conditioning, image_size, model, loss, lifter)
    if network.lifter is not None and conditioning.lifter is not None:
        network.lifter.load_state_dict(conditioning.lifter.state_dict())
    return network


def make_g2(image_size: tuple[int, int], model: ModelConfig) -> G2:
    """An untrained G2."""
    return G2(image_size, model.filters, model.blocks - 2, model.upsampling, model.shrink, model.decoder)


def load_coarse(path: Path) -> tuple[CoarseNetwork, Conditioning]:
    """A trained coarse generator and what it sees; raise UserError where the file is not fit."""
    name, kinds = network_name(path), {kind.network.__name__: kind.network for kind in GENERATORS.values()}
    if name not in kinds:
        raise UserError(f"{path}: expected the weights of {' or '.join(kinds)}, found those of {name}; give the file that `train_g1` writes")
    network, pose = load_with_maps(path, kinds[name])
    appearance_input: AppearanceInput = network.config.get("appearance_input", "image")
    try:
        return network, make_conditioning(pose, network.lifter, appearance_input)
    except ValueError as error:
        raise UserError(f"{path}: the weights do not fit the pose that the header describes ({error}); train it again") from None
