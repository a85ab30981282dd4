"""Training images per second by number format and memory layout, as a ratio to float32 in torch's own layout, in the same run; and those of
the variational U-Net as a ratio to PG2's G1.

`python -m benchmarks.bench_training [params.yaml]` takes the networks' sizes from the parameters. The ways take turns, and the best of
several rounds counts, so that other work on the machine disturbs all of them alike.
"""

import sys
from pathlib import Path

import torch

from benchmarks.racing import Step, learner, race
from benchmarks.untrained import noise
from pipeline.config.data import DataConfig
from pipeline.config.model import ModelConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.config.train import TrainG1Config, TrainLifterConfig
from pipeline.networks.coarse import conditioning_of, make_coarse, make_g2
from pipeline.networks.discriminator import D
from pipeline.networks.lifter import Lifter
from pipeline.networks.perceptual import Pyramid, perceptual_loss
from pipeline.networks.unet import G1
from pipeline.networks.vunet import VUNet
from pipeline.training.losses import d_loss, g_loss, masked_l1
from pipeline.utils.devices import fix_arithmetic

ROUNDS = 5
WAYS = (
    ("32-true, contiguous", torch.float32, torch.contiguous_format),
    ("32-true, channels last", torch.float32, torch.channels_last),
    ("bf16-mixed, channels last", torch.bfloat16, torch.channels_last),
)


def main(params: Path) -> None:
    """Print one line per stage and way."""
    data, model = load_config(DataConfig, params, "data"), load_config(ModelConfig, params, "model")
    config = load_config(TrainG1Config, params, "train_g1")
    fix_arithmetic(config.threads)
    pose = load_config(PoseConfig, params, "pose")
    lifter = load_config(TrainLifterConfig, params, "train_lifter")
    model = model.model_copy(update={"generator": "pg2"})
    depths = Lifter(lifter.width, lifter.blocks, pose.rule) if pose.lift else None
    conditioning = conditioning_of(model, pose, depths)
    count = config.batch_size
    source, target = torch.rand(2, count, 3, *data.image_size) * 2 - 1
    seen = noise(conditioning, count, data.image_size)._replace(appearance=source).seen
    mask = torch.ones(count, 1, *data.image_size)

    def coarse_network() -> G1:
        network = make_coarse(conditioning, data.image_size, model)
        assert isinstance(network, G1)
        return network

    def vunet_step(kind: torch.dtype, layout: torch.memory_format) -> Step:
        other = model.model_copy(update={"generator": "vunet"})
        conditioning = conditioning_of(other, pose, depths)
        network = make_coarse(conditioning, data.image_size, other)
        assert isinstance(network, VUNet)
        network.to(memory_format=layout)  # type: ignore[call-overload]
        learn, features = learner(network), Pyramid()
        own = noise(conditioning, count, data.image_size).seen

        def step() -> None:
            with torch.autocast("cpu", kind, enabled=kind != torch.float32):
                coarse, kl = network(*own, learn=True)
            learn(perceptual_loss(features, coarse, target) + model.vunet.kl * kl)

        return step

    def g1_step(kind: torch.dtype, layout: torch.memory_format) -> Step:
        g1 = coarse_network().to(memory_format=layout)  # type: ignore[call-overload]
        learn = learner(g1)

        def step() -> None:
            with torch.autocast("cpu", kind, enabled=kind != torch.float32):
                coarse = g1(*seen)
            learn(masked_l1(coarse.float(), target, mask))

        return step

    def g2_step(kind: torch.dtype, layout: torch.memory_format) -> Step:
        g1 = coarse_network().to(memory_format=layout)  # type: ignore[call-overload]
        g2 = make_g2(data.image_size, model).to(memory_format=layout)  # type: ignore[call-overload]
        d = D(data.image_size, model.discriminator, model.border).to(memory_format=layout)  # type: ignore[call-overload]
        learn_g2, learn_d = learner(g2), learner(d)

        def step() -> None:
            with torch.autocast("cpu", kind, enabled=kind != torch.float32):
                with torch.no_grad():
                    coarse = g1(*seen).float()
                refined = coarse + g2(coarse, source).float()
                learn_d(d_loss(d, source, target, refined, triplet=model.discriminator == "triplet"))
                d.requires_grad_(False)
                learn_g2(g_loss(d, source, refined) + model.lambda_ * masked_l1(refined, target, mask))
                d.requires_grad_(True)

        return step

    for name, make in (("train_g1", g1_step), ("train_g2", g2_step)):
        seconds = race([make(kind, layout) for _, kind, layout in WAYS], ROUNDS)
        for (way, _, _), each in zip(WAYS, seconds, strict=True):
            print(f"{name}  {way:<26} {count / each:6.1f} images/s, {seconds[0] / each:.2f} times the first")
    _, kind, layout = WAYS[-1]
    seconds = race([g1_step(kind, layout), vunet_step(kind, layout)], ROUNDS)
    for generator, each in zip(("pg2", "vunet"), seconds, strict=True):
        print(f"train_g1  generator {generator:<6} {count / each:6.1f} images/s, {seconds[0] / each:.2f} times pg2's")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "params.yaml"))
