"""What belongs to one kind of pose alone, for networks of any kind. It is loaded only where needed: no network for faces depends on bodies' code."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.pose.conditioning import Conditioning, Look
from pipeline.utils.errors import UserError

if TYPE_CHECKING:
    from pipeline.config.kinds import AnyMapConfig
    from pipeline.networks.lifter import Lifter


def make_conditioning(config: "AnyMapConfig", lifter: "Lifter | None", look: Look) -> Conditioning:
    """How poses of the kind that `config` is for become what networks see; lifter : for `pose.lift`."""
    if config.kind == "faces":
        from pipeline.pose.faces.conditioning import FaceConditioning

        return FaceConditioning(config, look)
    from pipeline.pose.bodies.conditioning import BodyConditioning

    return BodyConditioning(config, lifter, look)


def rebuild_lifter(config: Mapping[str, Any] | None) -> "Lifter | None":
    """The lifter with this `config`, if there is any, untrained and never to be trained."""
    if config is None:
        return None
    from pipeline.networks.lifter import Lifter

    return Lifter(**config).requires_grad_(False)


def load_lifter(path: Path | None, config: "AnyMapConfig") -> "Lifter | None":
    """The trained lifter, where `config` asks for it.

    Raises UserError where there is no path, or where it was trained with labels and `config` has none, or the reverse.
    """
    if not config.lift:
        return None
    from pipeline.networks.checkpoint import load_network
    from pipeline.networks.lifter import Lifter

    if path is None:
        raise UserError("pose.lift = true: expected the weights of the lifter, found none; give --lifter models/lifter.safetensors")
    lifter = load_network(path, Lifter)
    if (lifter.config["rule"] is not None) != config.depth:
        raise UserError(f"{path}: expected a lifter for pose.depth = {config.depth}, found another; run the stage `train_lifter` again")
    return lifter
