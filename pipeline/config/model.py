"""Section `model`: the networks and the weights of their losses."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator

from pipeline.config.section import Section


class VUNetConfig(Section):
    """Section `model.vunet`: the coarse generator of the thesis."""

    look: Literal["placed", "parts", "image"] = Field(
        description="what the appearance is encoded from: the source's colours, `placed` part by part where the target pose shows the parts; upright "
        "crops of the ten body `parts`, as published; or the whole `image`"
    )
    filters: PositiveInt = Field(description="filters at full size; they double with every halving")
    max_filters: PositiveInt = Field(description="most filters at any size, and the channels of the latents")
    levels: int = Field(ge=4, description="sizes of the U-Net, each half the last; there are latents at the two smallest")
    dropout: float = Field(ge=0, lt=1, description="share of the channels that are left out at random in each residual block")
    kl: NonNegativeFloat = Field(description="final weight of the Kullback-Leibler divergence between posterior and prior, per image")
    anneal: tuple[float, float] = Field(description="shares of the steps between which that weight rises from 0")

    @field_validator("anneal")
    @classmethod
    def _rises(cls, anneal: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= anneal[0] < anneal[1] <= 1:
            raise ValueError(f"expected two shares of the steps, the first below the second, found {list(anneal)}")
        return anneal


class ModelConfig(Section):
    """Section `model` of params.yaml."""

    generator: Literal["pg2", "vunet"] = Field(
        description="what paints the coarse image: `pg2`, G1 of Ma et al. 2017, or `vunet`, the variational U-Net of Esser et al. 2018 and the thesis"
    )
    lambda_: float = Field(alias="lambda", ge=0, description="weight of the masked L1 in the loss of G2")
    filters: PositiveInt = Field(description="filters of the first block; block i has i times as many")
    blocks: int = Field(ge=3, description="blocks of G1; G2 has two fewer")
    bottleneck: Literal["fc", "conv"] = Field(description="middle of G1: fully connected, or convolutional")
    upsampling: Literal["nearest", "bilinear", "transposed"] = Field(description="how the decoder grows: interpolation or transposed convolution")
    border: NonNegativeInt = Field(description="px cut off on every side before D looks")
    discriminator: Literal["pair", "triplet"] = Field(
        description="`pair`: D sees source and image, as in PG2's paper; `triplet`: one image, the source among the fakes, as in its code"
    )
    vunet: VUNetConfig
    perceptual_weights: str | None = Field(
        description="torchvision's file of VGG-19 weights for the loss of `vunet`, or null: the same formula on a pyramid of the images"
    )
