"""What a coarse generator is trained for: one call per step, from a batch to the loss and the curves of its parts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pipeline.config.model import ModelConfig
from pipeline.config.train import TrainG1Config
from pipeline.networks.perceptual import WEIGHT, make_features, perceptual_loss
from pipeline.networks.vunet import start
from pipeline.packs.batches import Batch
from pipeline.training.losses import edge_loss, masked_l1, order_loss, ssim_loss

FLOOR = 1e-3  # share of the divergence's final weight from the first step on; without any, latents grow so far that its rise kills them
PG2_BETAS, VUNET_BETAS = (0.5, 0.999), (0.5, 0.9)  # of Adam
FIRST_BATCHES = 4  # that set the scales of weight-normalised convolutions, as published


class Objective(Protocol):
    """An aim of the training.

    self_reconstruction : whether it takes single images, which are their own source; loss : what it is, in words; features : networks that it looks
    through; inputs : the files that it depends on; betas : of Adam, as published
    """

    self_reconstruction: bool
    loss: str
    features: nn.Module | None
    inputs: tuple[Path, ...]
    betas: tuple[float, float]

    def begin(self, network: nn.Module, batches: Callable[[int], list[Batch]]) -> None:
        """Prepare an untrained network; batches : gives as many of the first batches as are wanted."""

    def __call__(self, g1: Any, batch: Batch, step: int, /) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch at step `step` (from 0), and its parts by name, without their weights."""


class PG2Objective:
    """The target from the source: L1 in which errors on the body count twice, structure, edges, and the order of the limbs."""

    self_reconstruction = False
    features: nn.Module | None = None
    inputs: tuple[Path, ...] = ()
    betas = PG2_BETAS

    def __init__(self, config: TrainG1Config) -> None:
        self.order_weight, self.edge_weight, self.ssim_weight = config.order_weight, config.edge_weight, config.ssim_weight
        self.loss = "masked L1" + " and SSIM" * (self.ssim_weight > 0) + " and edges" * (self.edge_weight > 0)

    def begin(self, network: nn.Module, batches: Callable[[int], list[Batch]]) -> None:
        """Nothing to prepare."""

    def __call__(self, g1: Any, batch: Batch, _step: int, /) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective` says."""
        coarse = g1(*batch.seen)
        l1, order = masked_l1(coarse, batch.target, batch.mask), order_loss(coarse, batch.target, batch.negative)
        loss, terms = l1 + self.order_weight * order, {"l1": l1, "order": order}
        for name, weight, function in (("edges", self.edge_weight, edge_loss), ("ssim", self.ssim_weight, ssim_loss)):
            if weight:
                terms[name] = function(coarse, batch.target)
                loss = loss + weight * terms[name]
        return loss, terms


class VUNetObjective:
    """Each image from itself: the perceptual loss, the divergence of the latents, whose weight rises late, and the order of the limbs."""

    self_reconstruction = True
    betas = VUNET_BETAS

    def __init__(self, model: ModelConfig, config: TrainG1Config) -> None:
        self.order_weight, self.model, self.steps = config.order_weight, model.vunet, config.steps
        features = make_features(model.perceptual_weights)
        self.features: nn.Module | None = features
        self.loss = f"Kullback-Leibler divergence and perceptual loss ({features.loss})"
        self.inputs: tuple[Path, ...] = () if model.perceptual_weights is None else (Path(model.perceptual_weights),)

    def begin(self, network: nn.Module, batches: Callable[[int], list[Batch]]) -> None:
        """Set the scales of the convolutions by the first batches."""
        first = batches(FIRST_BATCHES)
        start(network, torch.cat([one.appearance for one in first]), torch.cat([one.maps for one in first]))  # type: ignore[arg-type]

    def __call__(self, g1: Any, batch: Batch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """As `Objective` says; `l1` is for comparison alone."""
        coarse, kl = g1(batch.appearance, batch.maps, learn=True)
        assert self.features is not None
        perceptual = perceptual_loss(self.features, coarse, batch.target)
        order = order_loss(coarse, batch.target, batch.negative)
        loss = perceptual + self.kl_weight(step) * kl + WEIGHT * self.order_weight * order  # the image itself has the weight WEIGHT, too
        with torch.no_grad():
            l1 = masked_l1(coarse, batch.target, batch.mask)
        return loss, {"l1": l1, "order": order, "perceptual": perceptual, "kl": kl}

    def kl_weight(self, step: int) -> float:
        """Weight of the divergence at a step (from 0): next to nothing at first, then rising evenly."""
        first, last = (share * self.steps for share in self.model.anneal)
        return self.model.kl * min(max((step - first) / (last - first), FLOOR), 1.0)


def make_objective(model: ModelConfig, config: TrainG1Config) -> Objective:
    """What `model.generator` is trained for: PG2's objective, or one of its own.

    Raises UserError where the perceptual loss's weights are not what they should be.
    """
    return VUNetObjective(model, config) if model.generator == "vunet" else PG2Objective(config)
