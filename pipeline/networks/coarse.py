"""The two coarse generators, of which `model.generator` chooses one: what they have in common, and what they see."""

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from pipeline.config.faces import FaceMapConfig
from pipeline.config.model import ModelConfig
from pipeline.config.pose import MapConfig
from pipeline.networks.checkpoint import load_generator, network_name
from pipeline.networks.lifter import Lifter
from pipeline.networks.unet import G1
from pipeline.networks.vunet import VUNet
from pipeline.pose.bodies.conditioning import BodySight
from pipeline.pose.conditioning import Look, Sight
from pipeline.pose.faces.conditioning import FaceSight
from pipeline.utils.errors import UserError


class Coarse(Protocol):
    """A coarse generator; `config` rebuilds it, `lifter` gave the maps their depth."""

    config: dict[str, Any]
    lifter: Lifter | None

    def __call__(self, look: Tensor, maps: Tensor) -> Tensor:
        """A look at the source's person and the maps of the poses, as `Sight` gives them -> the image (B, 3, H, W)."""

    def to(self, device: torch.device) -> Any:
        """Move to a device."""


KINDS: dict[str, type[G1] | type[VUNet]] = {"pg2": G1, "vunet": VUNet}


def sight_of(model: ModelConfig, pose: MapConfig | FaceMapConfig, lifter: Lifter | None) -> Sight:
    """What the chosen generator sees; lifter : for `pose.lift`."""
    return _sight(seen_by(model, pose), lifter, look_of(model))


def _sight(seen: MapConfig | FaceMapConfig, lifter: Lifter | None, look: Look) -> Sight:
    return FaceSight(seen, look) if isinstance(seen, FaceMapConfig) else BodySight(seen, lifter, look)


def look_of(model: ModelConfig) -> Look:
    """How the chosen generator looks at the source's person."""
    return "image" if model.generator == "pg2" else model.vunet.look


def seen_by(model: ModelConfig, pose: MapConfig | FaceMapConfig) -> MapConfig | FaceMapConfig:
    """What the chosen generator sees of the section `pose`.

    The variational U-Net learns from single images: colours that are placed where they were taken from would be the answer itself, and source
    and target pose are the same. So it has the target's maps, and knows the source by its look at it alone.
    """
    if model.generator == "pg2":
        return pose
    return pose.model_copy(update={"source": False} | ({"appearance": False} if isinstance(pose, MapConfig) else {}))


def make_coarse(sight: Sight, image_size: tuple[int, int], model: ModelConfig, loss: str = "untrained") -> G1 | VUNet:
    """An untrained coarse generator for what is seen, with its lifter; loss : what a `vunet` is trained with, in words."""
    lifter = None if sight.lifter is None else sight.lifter.config
    network: G1 | VUNet
    if model.generator == "pg2":
        network = G1(sight.channels, sight.placed, image_size, model.filters, model.blocks, model.bottleneck, model.upsampling, lifter)
    else:
        own, look = model.vunet, sight.look_size(image_size)
        network = VUNet(sight.channels, sight.look, look, image_size, own.filters, own.max_filters, own.levels, own.dropout, loss, lifter)
    if network.lifter is not None and sight.lifter is not None:
        network.lifter.load_state_dict(sight.lifter.state_dict())
    return network


def load_coarse(path: Path) -> tuple[G1 | VUNet, Sight]:
    """A trained coarse generator and what it sees; raise UserError where the file is not fit."""
    name, kinds = network_name(path), {kind.__name__: kind for kind in KINDS.values()}
    if name not in kinds:
        raise UserError(f"{path}: expected the weights of {' or '.join(kinds)}, found those of {name}; give the file that `train_g1` writes")
    network, pose = load_generator(path, kinds[name])
    look: Look = network.config.get("look", "image")
    try:
        return network, _sight(pose, network.lifter, look)
    except ValueError as error:
        raise UserError(f"{path}: the weights do not fit the pose that the header describes ({error}); train it again") from None
