"""A trained generator as one thing: from a source image and pose maps to the coarse and the refined image."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pipeline.networks.checkpoint import load_with_maps, trained_with
from pipeline.networks.coarse import Coarse, load_coarse
from pipeline.networks.unet import G2
from pipeline.pose.conditioning import Condition, Conditioning
from pipeline.utils.errors import UserError, shown

MOST_SIDE = 8192  # px of an image


@dataclass(frozen=True)
class Generator:
    """The coarse generator and G2, what they see of the source and of a pose, and the size of their images (height, width).

    precision : the number formats that the two were trained with, where their files say so
    """

    g1: Coarse
    g2: G2
    conditioning: Conditioning
    image_size: tuple[int, int]
    precision: tuple[str | None, str | None] = (None, None)

    @property
    def sees_several(self) -> bool:
        """Whether the networks see more of a person where there is more than one source: the parts in their places in the target, or the head."""
        config = self.conditioning.config
        return config.kind == "bodies" and (config.appearance or config.head or self.conditioning.appearance_input == "warped")

    @torch.inference_mode()
    def paint(self, source: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """Coarse and refined images (B, 3, H, W) float32 in [-1, 1].

        source : (B, 3, H, W) float32 in [-1, 1]; condition : as `conditioning` gives it
        Raises UserError where they have another size than the images of the training, or where the weights paint what is not finite.
        """
        if source.shape[2:] != self.image_size:
            raise UserError(f"the weights are for images of {list(self.image_size)}, found {list(source.shape[2:])}; train them for data.image_size")
        coarse = self.g1(*condition.seen)
        refined = coarse + self.g2(coarse, source)
        if not refined.isfinite().all():  # it would count as black
            raise UserError("the weights paint what is not finite, from finite images and poses; train them again, with a lower learning rate")
        return coarse.clamp(-1, 1), refined.clamp(-1, 1)


def load_generator(g1_path: Path, g2_path: Path) -> Generator:
    """Rebuild the coarse generator and G2 from their weights; raise UserError where a file is not fit, or where the two were not trained together."""
    g1, conditioning = load_coarse(g1_path)
    g2, g2_pose = load_with_maps(g2_path, G2)
    for what, first, second in (("image size", g1.config["image_size"], g2.config["image_size"]), ("pose", conditioning.config, g2_pose)):
        if first != second:
            raise UserError(f"{g2_path}: expected the {what} of {g1_path} ({first}), found {second}; give weights of one training")
    size = g1.config["image_size"]
    if len(size) != 2 or not all(isinstance(side, int) and 0 < side <= MOST_SIDE for side in size):
        raise UserError(f"{g1_path}: expected images of a height and a width of 1 to {MOST_SIDE} px, found {shown(size)}; train it again")
    height, width = size
    return Generator(g1, g2, conditioning, (height, width), (trained_with(g1_path), trained_with(g2_path)))
