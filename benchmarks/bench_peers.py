"""A training step of published PyTorch codes beside ours, at the same sizes of image and batch.

`python -m benchmarks.bench_peers --pg2 CHECKOUT --vunet CHECKOUT --faces CHECKOUT` runs whatever of the three is given. The networks and losses
come from the checkouts, of which nothing is in this repository; images and maps are noise. Both sides compute with float32 and the same threads,
take turns, and the best of several rounds counts. Beside the speed stand the parameters and multiply-adds of the network that is trained, and
how fast its side computes: codes of the same multiply-adds are compared by their images, others by their operations, too.

--pg2: PG2 at Market's published size, 128x64. Stage 1: equal networks. Stage 2: G1 fixed, G2 against D.

--vunet: the variational U-Net at 256x256 with the 32 filters at full size of its paper, and the other code also with the 64 of its own
configuration; the same perceptual loss for all, the image pyramid.

--faces: PG2 for faces at 128x160, ours with as many filters as come nearest to the other's multiply-adds.
"""

import importlib
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.racing import Step, learner, race
from pipeline.networks.discriminator import D
from pipeline.networks.perceptual import Pyramid, perceptual_loss
from pipeline.networks.unet import G1, G2
from pipeline.networks.vunet import VUNet
from pipeline.training.losses import d_loss, g_loss, masked_l1
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.errors import UserError
from pipeline.utils.memory import keep_memory
from stages.command import existing, one_line

MARKET = (128, 64)  # height and width, px
LAMBDA = 10  # of the masked L1 in PG2's second stage
KL_WEIGHT = 1e-6
FACE_SIZE, FACE_MAPS, FACE_BLOCKS = (128, 160), 136, 6  # the landmarks of source and target, a map each


@dataclass(frozen=True)
class Peer:
    """A published code. files : of it that are used; commit : that this was written against."""

    repository: str
    commit: str
    files: tuple[str, ...]


PG2 = Peer(
    "github.com/budui/Human-Pose-Transfer", "519f555", ("implementations/PG2/model.py", "implementations/PG2/loss.py", "helper/weights_init.py")
)
VUNET = Peer("github.com/theRealSuperMario/pytorch-vunet", "2ab0069", ("src/vunet_org.py", "src/modules.py", "src/losses.py"))
FACES = Peer("github.com/Berndinio/IDV", "79516f3", ("nets/refineGenerator.py", "Utils.py"))


@dataclass(frozen=True)
class Side:
    """One of the two codes: its training step, the network that is trained, and what that takes in a forward pass."""

    name: str
    step: Step
    network: nn.Module
    inputs: tuple[Tensor, ...]


def modules(peer: Peer, checkout: Path) -> list[ModuleType]:
    """The modules of a checkout, in the order of the files. Raises UserError where it is not one, or does not run here."""
    about = f"written against commit {peer.commit} of {peer.repository}"
    for name in peer.files:
        if not (checkout / name).is_file():
            raise UserError(f"{checkout}: expected a checkout ({about}), found no {name}; clone the repository and give its folder")
    found = subprocess.run(["git", "-C", checkout, "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    if found != peer.commit:
        print(f"{checkout}: {about}, found {found or 'no commit'}")
    with _of(peer, checkout):
        return [importlib.import_module(name.removesuffix(".py").replace("/", ".")) for name in peer.files]


@contextmanager
def _of(peer: Peer, checkout: Path) -> Iterator[None]:
    """Inside, the checkout's modules are found, what they print and warn of is left out, and what fails is one line."""
    sys.path.insert(0, str(checkout))
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
            yield
    except (ImportError, AttributeError, TypeError, RuntimeError, SyntaxError) as error:
        raise UserError(
            f"{checkout}: does not run as commit {peer.commit} of {peer.repository} does, which this was written against "
            f"({' '.join(str(error).split())}); check that commit out"
        ) from None
    finally:
        sys.path.remove(str(checkout))


def their_learner(network: nn.Module, betas: tuple[float, float]) -> Callable[[Tensor], None]:
    """One step of Adam as the published codes call it."""
    optimiser = Adam(network.parameters(), 2e-5, betas=betas)

    def learn(loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return learn


def noise(count: int, channels: int, size: tuple[int, int]) -> Tensor:
    """Images or maps in [-1, 1]."""
    return torch.rand(count, channels, *size) * 2 - 1


def ours(network: nn.Module) -> Any:
    """A network of this project as its trainings lay it out in memory."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def pg2_stage1(checkout: Path, count: int) -> list[Side]:
    """Equal networks: 128 filters, 5 blocks, a fully connected bottleneck."""
    model, loss, _ = modules(PG2, checkout)
    source, target, maps, mask = noise(count, 3, MARKET), noise(count, 3, MARKET), noise(count, 18, MARKET), torch.ones(count, 1, *MARKET)
    with _of(PG2, checkout):
        theirs, criterion = model.Generator1(3 + 18, 5, 64, 128, MARKET), loss.MaskL1Loss(1)
    mine = ours(G1(18, (), MARKET, 128, 5, "fc", "nearest"))
    learn_theirs, learn_mine = their_learner(theirs, (0.5, 0.999)), learner(mine)
    return [
        Side("budui", lambda: learn_theirs(criterion(theirs(source, maps), target, mask)), theirs, (source, maps)),
        Side("ours", lambda: learn_mine(masked_l1(mine(source, maps), target, mask)), mine, (source, maps)),
    ]


def pg2_stage2(checkout: Path, count: int) -> list[Side]:
    """G1 is fixed, G2 of 3 blocks is trained against D; ours is built as params.yaml has it, at half the size and with a light decoder."""
    model, loss, _ = modules(PG2, checkout)
    source, target, maps, mask = noise(count, 3, MARKET), noise(count, 3, MARKET), noise(count, 18, MARKET), torch.ones(count, 1, *MARKET)
    with _of(PG2, checkout):
        their_g1, their_g2 = model.Generator1(3 + 18, 5, 64, 128, MARKET), model.Generator2(6, 128, 3, 1, weight_init_way="xavier")
        their_d, criterion = model.Discriminator(weight_init_way="tflib"), loss.MaskL1Loss(1)
    learn_their_g2, learn_their_d = their_learner(their_g2, (0.5, 0.999)), their_learner(their_d, (0.5, 0.999))

    def judged(images: Tensor, real: float) -> Tensor:
        logits = their_d(images)
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, real))

    def their_step() -> None:
        with torch.no_grad():
            coarse = their_g1(source, maps)
        refined = coarse + their_g2(source, coarse)
        learn_their_g2(LAMBDA * criterion(refined, target, mask) + judged(refined, 1.0))
        their_d.zero_grad()
        fakes = [judged(target, 1.0) + judged(fake, 0.0) for fake in (refined.detach(), source)]
        learn_their_d(torch.stack(fakes).sum() / 4)

    g1, g2 = ours(G1(18, (), MARKET, 128, 5, "fc", "nearest")), ours(G2(MARKET, 128, 3, "nearest", shrink=2, decoder="light"))
    d = ours(D(MARKET, "triplet", 0))
    learn_g2, learn_d = learner(g2), learner(d)

    def step() -> None:
        with torch.no_grad():
            coarse = g1(source, maps)
        refined = coarse + g2(coarse, source)
        learn_d(d_loss(d, source, target, refined, triplet=True))
        d.requires_grad_(False)
        learn_g2(g_loss(d, source, refined) + LAMBDA * masked_l1(refined, target, mask))
        d.requires_grad_(True)

    return [Side("budui", their_step, their_g2, (source, target)), Side("ours", step, g2, (source, target))]


def vunet(checkout: Path, count: int) -> list[Side]:
    """Eight body parts of 64x64 as appearance; 32 filters at full size, as in the paper, and at most 128; the other code also with its own 64."""
    network, _, losses = modules(VUNET, checkout)
    size, parts = (256, 256), noise(count, 24, (64, 64))
    image, maps, features = noise(count, 3, size), noise(count, 3, size), Pyramid()

    def theirs(filters: int) -> Side:
        sizes = {"bottleneck_factor": 2, "box_factor": 2, "stages": 3, "latent_stages": 2, "max_channels": 128, "x_channels": 24}
        with _of(VUNET, checkout):
            one = network.VunetOrg(spatial_size=256, conv_layer_type="l2", start_channels=filters, **sizes)
        learn = their_learner(one, (0.9, 0.999))

        def step() -> None:
            painted, posterior, prior, _ = one(parts, maps)
            learn(perceptual_loss(features, painted, image) + KL_WEIGHT * losses.aggregate_kl_loss(prior, posterior))

        return Side(f"pytorch-vunet, {filters}", step, one, (parts, maps))

    mine = ours(VUNet(3, "parts", (24, 64, 64), size, 32, 128, 7, 0.0, "image pyramid"))
    learn_mine = learner(mine)

    def step() -> None:
        painted, kl = mine(parts, maps, learn=True)
        learn_mine(perceptual_loss(features, painted, image) + KL_WEIGHT * kl)

    return [theirs(32), theirs(64), Side("ours, 32", step, mine, (parts, maps))]


def faces(checkout: Path, count: int) -> list[Side]:
    """G1 with 6 blocks that takes an image and the landmarks of source and target."""
    network, _ = modules(FACES, checkout)
    source, target, maps, mask = (noise(count, channels, FACE_SIZE) for channels in (3, 3, FACE_MAPS, 1))
    with _of(FACES, checkout):
        theirs = network.Generator(FACE_BLOCKS, (3 + FACE_MAPS, *FACE_SIZE), "G1", 1, 16, True)
    both = torch.cat((source, maps), dim=1)
    wanted = multiply_adds(theirs, (both,))
    mine = ours(min((_face_generator(filters) for filters in range(16, 160, 8)), key=lambda one: abs(multiply_adds(one, (source, maps)) - wanted)))
    learn_theirs, learn_mine = their_learner(theirs, (0.5, 0.999)), learner(mine)
    return [
        Side("IDV", lambda: learn_theirs(((theirs(both) - target) * (1 + mask)).abs().sum()), theirs, (both,)),
        Side("ours", lambda: learn_mine(masked_l1(mine(source, maps), target, mask)), mine, (source, maps)),
    ]


def _face_generator(filters: int) -> G1:
    return G1(FACE_MAPS, (), FACE_SIZE, filters, FACE_BLOCKS, "fc", "nearest")


@torch.no_grad()
def multiply_adds(network: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Of a forward pass, per image; counted without computing anything."""
    with FlopCounterMode(display=False) as counted:
        network(*(each[:1] for each in inputs))
    return counted.get_total_flops() / 2


def step_operations(side: Side) -> float:
    """Floating-point operations of one training step, of every network in it."""
    with FlopCounterMode(display=False) as counted:
        side.step()
    return counted.get_total_flops()


def compare(title: str, sides: list[Side], count: int, rounds: int) -> None:
    """Print a line per side."""
    print(title)
    operations = [step_operations(side) for side in sides]
    seconds = race([side.step for side in sides], rounds)
    for side, each, work in zip(sides, seconds, operations, strict=True):
        parameters, adds = sum(p.numel() for p in side.network.parameters()) / 1e6, multiply_adds(side.network, side.inputs) / 1e9
        speed = f"{count / each:6.2f} images/s, {seconds[0] / each:.2f} times the first; {work / each / 1e9:5.0f} GFLOP/s"
        print(f"  {side.name:<18} {parameters:6.1f} M parameters  {adds:6.1f} G multiply-adds  {speed}", flush=True)


@click.command(help=__doc__)
@click.option("--pg2", type=existing, help=f"Checkout of {PG2.repository}.")
@click.option("--vunet", "vunet_", type=existing, help=f"Checkout of {VUNET.repository}.")
@click.option("--faces", "faces_", type=existing, help=f"Checkout of {FACES.repository}.")
@click.option("--batch", type=click.IntRange(min=1), default=2, show_default=True, help="Images per step.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Steps of each side that are timed.")
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True, help="Threads of both sides.")
@one_line
def main(pg2: Path | None, vunet_: Path | None, faces_: Path | None, batch: int, rounds: int, threads: int) -> None:
    """Compare with whatever is given."""
    given = [
        (pg2, "PG2, stage 1, 128x64", pg2_stage1),
        (pg2, "PG2, stage 2, 128x64", pg2_stage2),
        (vunet_, "variational U-Net, 256x256", vunet),
        (faces_, "PG2 for faces, stage 1, 128x160", faces),
    ]
    fix_arithmetic(threads)
    keep_memory()
    for checkout, title, make in given:
        if checkout is not None:
            compare(title, make(checkout, batch), batch, rounds)
    if not any((pg2, vunet_, faces_)):
        print("nothing to compare with; clone what you want to compare with, and give its folder:")
        for option, peer in (("--pg2", PG2), ("--vunet", VUNET), ("--faces", FACES)):
            print(f"  {option:<8} https://{peer.repository}, commit {peer.commit}")


if __name__ == "__main__":
    main()
