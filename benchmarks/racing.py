"""What benchmarks of training steps share: steps that take turns, and what one along a gradient is."""

import time
from collections.abc import Callable

import torch
from torch import nn
from torch.optim import Adam

Step = Callable[[], None]


def learner(network: nn.Module) -> Callable[[torch.Tensor], None]:
    """One optimiser step along a loss' gradient."""
    optimiser = Adam(network.parameters(), 1e-4, fused=True)

    def learn(loss: torch.Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return learn


def race(steps: list[Step], rounds: int) -> list[float]:
    """Shortest time of each step in s over some rounds, after one to warm up; they take turns, so that other work disturbs all of them alike."""
    best = [float("inf")] * len(steps)
    for attempt in range(rounds + 1):
        for number, step in enumerate(steps):
            start = time.perf_counter()
            step()
            if attempt:
                best[number] = min(best[number], time.perf_counter() - start)
    return best
