"""How long networks are trained, how fast, how exactly: sections `train_lifter`, `train_g1`, `train_g2`."""

from typing import Literal

from pydantic import Field

from pipeline.config.section import BatchSize, Flag, Number, Rate, Section, Seed, Share, Steps, StepsOrNone, Threads, Weight, Whole


class TrainLifterConfig(Section):
    """Section `train_lifter` of params.yaml: the network that infers depth from 2D joints and labels."""

    views: Whole = Field(
        ge=1, le=10**8, description="poses to train on: those of the training people, turned, tilted, with arms and legs mirrored in depth"
    )
    steps: Steps = Field(description="optimiser steps of each of its two networks")
    batch_size: BatchSize = Field(description="poses per step")
    lr: Rate = Field(description="learning rate of AdamW at its highest; it rises, then falls along a cosine")
    weight_decay: Number = Field(ge=0, le=10, description="weight decay of AdamW")
    noise: Share = Field(description="by how much joints are moved at random, shares of the body's extent")
    width: Whole = Field(ge=1, le=2**16, description="width of each layer")
    blocks: Whole = Field(ge=1, le=100, description="residual blocks of two layers each")
    seed: Seed = Field(description="seed of poses, weights and batches")
    threads: Threads = Field(description="CPU threads; fixed, because the number changes the last bits of the weights")
    log_every: Steps = Field(description="steps between two points of the loss curves")
    checkpoint_every: Steps = Field(description="steps between two savings of the state that a killed run goes on from")


class LoopConfig(Section):
    """What every training loop has."""

    steps: Steps = Field(description="optimiser steps")
    batch_size: BatchSize = Field(description="pairs or images per step, over all devices together")
    lr: Rate = Field(description="learning rate of Adam at its highest")
    clip: Number = Field(ge=1e-6, le=1e9, description="longest gradient (Euclidean norm over all weights); a longer one is shortened to it")
    warmup: StepsOrNone = Field(description="steps over which the learning rate rises; afterwards it falls along a cosine")
    ema: Number = Field(ge=0, lt=1, description="decay of the moving average of the weights; 0 keeps the last weights")
    seed: Seed = Field(description="seed of weights and batches")
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = Field(
        description="number format, as Lightning Fabric names it; `auto` is `bf16-mixed` where the device computes with it, else `32-true`"
    )
    threads: Threads = Field(description="CPU threads; fixed, because the number changes the last bits of the weights")
    log_every: Steps = Field(description="steps between two points of the loss curves")
    sample_every: Steps = Field(description="steps between two grids of sample images")
    checkpoint_every: Steps = Field(description="steps between two savings of the state that a killed run goes on from")


class TrainConfig(LoopConfig):
    """What the training of G1 and that of G2 share."""

    flip: Flag = Field(description="mirror half of the pairs left to right")
    twins: Flag = Field(description="paint a twin of the target half of the time, where the data has twins")
    order_weight: Weight = Field(description="weight of the loss that asks an image to be nearer to its truth than to its twin, against L1's 1")
    edge_weight: Weight = Field(description="weight of the loss that asks for edges as strong as the truth's, against L1's 1; 0: none, as published")
    half_size: Share = Field(
        description="share of the steps, the first ones, on images half as high and wide, a third of the work: there networks learn what goes "
        "where, in the steps after them what is sharp; 0: none, as published"
    )

    @property
    def half_size_steps(self) -> int:
        """How many of the steps these are."""
        return round(self.half_size * self.steps)


class TrainG1Config(TrainConfig):
    """Section `train_g1` of params.yaml."""

    ssim_weight: Weight = Field(description="weight of 1 - SSIM in PG2's loss, against L1's 1; 0: L1 alone, as published")


class TrainG2Config(TrainConfig):
    """Section `train_g2` of params.yaml."""

    pretrain_d: StepsOrNone = Field(description="first steps in which D alone is trained (they come on top of `steps`)")
    d_lr: Rate = Field(description="learning rate of D")
