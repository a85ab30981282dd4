"""Section `model`: the networks and the weights of their losses."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Literal

from pydantic import Field, field_validator

from pipeline.config.section import MOST_SIDE, Number, Section, Share, Text, Weight, Whole, refuse

LEAST_SEEN = 8  # px that D needs of the shorter side
GeneratorName = Literal["pg2", "vunet"]


class VUNetConfig(Section):
    """Section `model.vunet`: the coarse generator of the thesis."""

    appearance_input: Literal["warped", "parts", "image"] = Field(
        description="what the appearance is encoded from: the source, `warped` part by part to where the target pose shows the parts; upright "
        "crops of the ten body `parts`, as published; or the whole `image`"
    )
    filters: Whole = Field(ge=1, le=4096, description="filters at full size; they double with every halving")
    max_filters: Whole = Field(ge=1, le=4096, description="most filters at any size, and the channels of the latents")
    levels: Whole = Field(
        ge=4, le=12, description="sizes of the U-Net, each half the last; there are latents at the two smallest; null: as many as can be"
    )
    dropout: Number = Field(ge=0, lt=1, description="share of the channels that are left out at random in each residual block")
    kl: Weight = Field(description="final weight of the Kullback-Leibler divergence between posterior and prior, per image")
    anneal: tuple[Share, Share] = Field(description="shares of the steps between which that weight rises from 0")

    @field_validator("anneal")
    @classmethod
    def _rises(cls, anneal: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= anneal[0] < anneal[1] <= 1:
            raise ValueError(f"expected two shares of the steps, the first below the second, found {list(anneal)}")
        return anneal


class ModelConfig(Section):
    """Section `model` of params.yaml."""

    generator: GeneratorName = Field(
        description="what paints the coarse image: `pg2`, G1 of Ma et al. 2017, or `vunet`, the variational U-Net of Esser et al. 2018 and the thesis"
    )
    lambda_: Weight = Field(alias="lambda", description="weight of the masked L1 in the loss of G2")
    filters: Whole = Field(ge=1, le=4096, description="filters of the first block; block i has i times as many")
    blocks: Whole = Field(ge=3, le=12, description="blocks of G1, which halve an image one time fewer; G2 has two fewer; null: until 8 rows are left")
    bottleneck: Literal["fc", "conv"] = Field(description="middle of G1: fully connected, or convolutional")
    upsampling: Literal["nearest", "bilinear", "transposed"] = Field(description="how the decoder grows: interpolation or transposed convolution")
    shrink: Literal[1, 2, 4] = Field(
        description="the U-Nets of G1 and G2 work on images this many times smaller, whose pixels are gathered into channels and spread again; 1: as "
        "published"
    )
    decoder: Literal["joined", "light"] = Field(description="blocks of the decoder: as wide as what they join, as published, or as the encoder's")
    border: Whole = Field(ge=0, le=MOST_SIDE, description="px cut off on every side before D looks; null: 1/32 of the height")
    discriminator: Literal["pair", "triplet"] = Field(
        description="`pair`: D sees source and image, as in PG2's paper; `triplet`: one image, the source among the fakes, as in its code"
    )
    vunet: VUNetConfig
    perceptual_weights: Text | None = Field(
        description="torchvision's file of VGG-19 weights for the loss of `vunet`, or null: the same formula on a pyramid of the images"
    )

    def check_size(self, image_size: tuple[int, int]) -> None:
        """Raise a fault for validators where images of this height and width, px, do not go through the networks.

        The networks say the same when they are made, which is after the data have been.
        """
        factor, what = self._factor()
        if any(side % factor for side in image_size):
            raise refuse("data.image_size", f"{list(image_size)}: expected multiples of {factor}, by {what}; change one of them")
        left = min(image_size) - 2 * self.border
        if left < LEAST_SEEN:
            expected = f"expected at least {LEAST_SEEN} px of an image of {list(image_size)} to be left for D"
            raise refuse("model.border", f"{self.border}: {expected}, found {left}; lower it")

    def check_half_size(self, section: str, image_size: tuple[int, int]) -> None:
        """Raise a fault for validators where the networks cannot learn from images half of this height and width, px."""
        key = f"{section}.half_size"
        if self.generator == "pg2" and self.bottleneck == "fc":
            raise refuse(key, "with model.bottleneck = fc the networks know one size only; expected 0")
        factor, what = self._factor()
        if any(side % (2 * factor) for side in image_size):
            raise refuse(key, f"halves of data.image_size = {list(image_size)} are no multiples of {factor}, by {what}; expected 0")
        if min(image_size) // 2 - 2 * self.border < LEAST_SEEN:
            raise refuse(key, f"model.border = {self.border} leaves less than {LEAST_SEEN} px of images half of {list(image_size)}; expected 0")

    def _factor(self) -> tuple[int, str]:
        """By what both sides of an image have to be divisible, and the parameters that say so."""
        return max(self._factors(), key=itemgetter(0))

    def _factors(self) -> Iterator[tuple[int, str]]:
        """By what the networks divide the sides of images, and the parameters that say so."""
        keys = "model.blocks" if self.shrink == 1 else "model.blocks and model.shrink"
        yield self.shrink * 2 ** max(self.blocks - 3, 0), keys  # G2, which has two blocks fewer than G1
        if self.generator == "pg2":
            yield self.shrink * 2 ** (self.blocks - 1), keys
        if self.generator == "vunet":
            yield 2**self.vunet.levels, "model.vunet.levels"
