"""Section `model`: the networks and the weight of the reconstruction loss."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from pipeline.config.section import Section


class ModelConfig(Section):
    """Section `model` of params.yaml."""

    generator: Literal["pg2"] = Field(description="`pg2`: G1 and G2 after Ma et al. 2017")
    lambda_: float = Field(alias="lambda", ge=0, description="weight of the masked L1 in the loss of G2")
    filters: PositiveInt = Field(description="filters of the first block; block i has i times as many")
    blocks: int = Field(ge=3, description="blocks of G1; G2 has two fewer")
    bottleneck: Literal["fc", "conv"] = Field(description="middle of G1: fully connected, or convolutional")
    upsampling: Literal["nearest", "bilinear", "transposed"] = Field(description="how the decoder grows: interpolation or transposed convolution")
    border: NonNegativeInt = Field(description="px cut off on every side before D looks")
    discriminator: Literal["pair", "triplet"] = Field(
        description="`pair`: D sees source and image, as in PG2's paper; `triplet`: one image, the source among the fakes, as in its code"
    )
