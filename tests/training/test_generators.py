"""Training: it learns, it repeats itself to the byte, it goes on where it was killed, and it stops where it must."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from model_section import MODEL, VUNET, model_config
from ruamel.yaml import YAML
from safetensors.torch import load_file
from standing import RULE
from torch import nn

from pipeline.config.model import GeneratorName, ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import MapConfig
from pipeline.config.train import TrainG1Config, TrainG2Config
from pipeline.networks.checkpoint import load_with_maps, save_network
from pipeline.networks.coarse import conditioning_of, generator_name, load_coarse, make_coarse
from pipeline.networks.lifter import Lifter
from pipeline.networks.unet import G1, G2
from pipeline.networks.vunet import VUNet
from pipeline.packs.batches import batch_indices, make_batch
from pipeline.packs.pack import read_packs
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.skeleton import LIMB_RADIUS, LIMBS
from pipeline.training.generators import GeneratorTraining, load_g1, train_g1, train_g2
from pipeline.training.loop import Average, make_fabric, optimiser_step, precision_of, schedule, setup
from pipeline.training.objectives import PG2_BETAS, VUNetObjective, make_objective
from pipeline.training.resume import STATE, read_state
from pipeline.utils.devices import choose_precision
from pipeline.utils.errors import UserError
from stages import train_g1 as stage_g1
from stages import train_g2 as stage_g2

ROOT = Path(__file__).parents[2]
SIZE = (32, 16)
ROWS = 8
POSE = {
    "torso_thickness": 240,
    "limb_radius": LIMB_RADIUS,
    "depth": True,
    "maps": ["limbs"],
    "appearance": True,
    "lift": True,
    "source": True,
    "background": "source",
    "head": True,
    "heatmap_radius": 2,
}
TRAIN = {
    "steps": 12,
    "batch_size": 4,
    "lr": 0.002,
    "clip": 1.0,
    "warmup": 2,
    "ema": 0.9,
    "flip": True,
    "twins": True,
    "edge_weight": 0.5,
    "order_weight": 1.0,
    "half_size": 0,
    "seed": 1,
    "precision": "32-true",
    "threads": 1,
    "log_every": 5,
    "sample_every": 8,
    "checkpoint_every": 4,
}
PARALLEL = {"workers": 1, "scheduler": None, "accelerator": "cpu", "devices": 1, "nodes": 1, "strategy": "auto"}
DATA = {
    "kind": "recordings",
    "root": "raw",
    "subjects": ["S1", "S9"],
    "test_subjects": ["S9"],
    "cameras": "all",
    "fps": 10,
    "frame_height": 64,
    "image_size": list(SIZE),
    "margin": 0.1,
    "skip_bad": False,
    "exclude": [],
}


def g1_config(**values: Any) -> TrainG1Config:
    return TrainG1Config.model_validate({**TRAIN, "ssim_weight": 0.1, **values})


def g2_config(**values: Any) -> TrainG2Config:
    return TrainG2Config.model_validate({**TRAIN, "pretrain_d": 3, "d_lr": 0.001, **values})


def parallel_config(**values: Any) -> ParallelConfig:
    return ParallelConfig.model_validate({**PARALLEL, **values})


MAPS = MapConfig.model_validate({name: POSE[name] for name in MapConfig.model_fields})
torch.manual_seed(0)
LIFTER = Lifter(16, 1, RULE).requires_grad_(False)
CONDITIONING = BodyConditioning(MAPS, LIFTER)


def write_pack(path: Path) -> None:
    """A pack of bright rectangles about where the joints are."""
    rng = np.random.default_rng(0)
    pose_2d = (rng.random((ROWS, 17, 2)) * (SIZE[1] - 4, SIZE[0] - 4) + 2).astype(np.float32)
    image = np.full((ROWS, *SIZE, 3), 60, np.uint8)
    for row in range(ROWS):
        for x, y in pose_2d[row].astype(int):
            image[row, y - 2 : y + 3, x - 1 : x + 2] = rng.integers(100, 256, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["subject"] = path.stem
        file["image"], file["pose_2d"] = image, pose_2d
        file["label"] = rng.integers(-1, 2, (ROWS, len(LIMBS)), dtype=np.int8)
        file["pose_3d"] = np.zeros((ROWS, 17, 3), np.float32)
        file["frame"] = np.arange(ROWS, dtype=np.int32)
        for name in ("sequence", "identity", "action", "camera"):
            file[name] = np.array(["a"] * ROWS, dtype=h5py.string_dtype())
        twins = {
            "image": ((0, *SIZE, 3), "u1"),
            "row": ((0,), "i4"),
            "chain": ((0,), "i1"),
            "label": ((0, len(LIMBS)), "i1"),
            "pose_3d": ((0, 17, 3), "f4"),
        }
        for name, (shape, kind) in twins.items():
            file.create_dataset(f"twins/{name}", shape, kind)


def write_pairs(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"S1,a,{i},{j}" for i in range(ROWS) for j in range(ROWS) if i != j]
    path.write_text("\n".join(["subject,identity,source,target", *rows]) + "\n", encoding="utf-8")


def write_params(path: Path, **sections: dict[str, Any]) -> None:
    known = {
        "data": DATA,
        "pose": POSE,
        "model": MODEL,
        "train_g1": {**TRAIN, "ssim_weight": 0.1},
        "train_g2": {**TRAIN, "pretrain_d": 3, "d_lr": 0.001},
        "parallel": PARALLEL,
    }
    YAML().dump({name: {**values, **sections.get(name, {})} for name, values in known.items()}, path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with packs, pairs and parameters, in which DVC would run a stage."""
    write_pack(tmp_path / "packed" / "S1.h5")
    write_pairs(tmp_path / "pairs" / "train.csv")
    write_params(tmp_path / "params.yaml")
    save_network(tmp_path / "lifter.safetensors", LIFTER)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> GeneratorTraining:
    return make_run(folder, g1_config())


@pytest.fixture(autouse=True)
def _settings_end_with_the_test() -> Iterator[None]:
    """Training fixes what holds for the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.set_flush_denormal(False)


def make_run(
    folder: Path, config: TrainG1Config | TrainG2Config, scratch: str = "scratch", pairs: int | None = None, model: ModelConfig | None = None
) -> GeneratorTraining:
    (folder / scratch).mkdir(exist_ok=True)
    pack = read_packs(folder / "packed", ["S1"])
    every = np.array([(i, j) for i in range(ROWS) for j in range(ROWS) if i != j])
    conditioning = conditioning_of(model or model_config(), MAPS, LIFTER)
    small = pack.halved() if config.half_size_steps else None
    return GeneratorTraining(make_fabric(parallel_config(), config), folder / scratch, pack, small, every[:pairs], conditioning, config)


def arguments(folder: Path, stage: str, out: str) -> list[str]:
    weights = {
        "train_g1": [f"{out}/g1.safetensors"],
        "train_g2": ["g1.safetensors", f"{out}/g2.safetensors", f"{out}/d.safetensors"],
    }[stage]
    lifter = ["--lifter", str(folder / "lifter.safetensors")] if stage == "train_g1" else []
    return [*(str(folder / name) for name in ("packed", "pairs", *weights, f"{out}/curves")), *lifter, "--params", str(folder / "params.yaml")]


def run_stage(folder: Path, stage: str, out: str) -> dict[str, bytes]:
    """Run a stage in this process; returns its outputs: path below the folder `out` -> content."""
    main = {"train_g1": stage_g1.main, "train_g2": stage_g2.main}[stage]
    result = CliRunner().invoke(main, arguments(folder, stage, out), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return read_outputs(folder / out)


def read_outputs(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def start_stage(folder: Path, stage: str, out: str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"stages.{stage}", *arguments(folder, stage, out)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)


def curve(folder: Path, name: str) -> np.ndarray:
    return np.loadtxt(folder / "plots" / "metrics" / f"{name}.tsv", skiprows=1, ndmin=2)


def test_the_learning_rate_rises_and_then_falls() -> None:
    rates = [schedule(step, steps=100, warmup=9) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == 1
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[54] == pytest.approx(0.5, abs=0.02)
    assert 0 < rates[-1] < 0.001
    assert schedule(0, steps=1, warmup=0) == 1
    assert all(math.isfinite(schedule(step, steps=3, warmup=10)) for step in range(3))


def test_the_average_follows_the_weights() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    average, last = Average(network, 0.9), Average(network, 0.0)
    nn.init.constant_(network.weight, 2.0)
    for step, expected in ((0, 1 + 1 / 2), (1, 1 + 2 / 3), (1000, None)):
        before = average.network.weight.item()
        average.update(network, step)
        assert average.network.weight.item() == pytest.approx(expected or 0.9 * before + 0.1 * 2)
    last.update(network, 1000)
    assert last.network.weight.item() == 2


def test_the_batch_of_a_step_is_the_same_wherever_the_training_begins_and_of_half_the_size_at_first(folder: Path) -> None:
    run = make_run(folder, g1_config(half_size=0.5))
    batches = list(run.batches(0, 12))
    assert [tuple(batch.source.shape) for batch in batches] == [(4, 3, 16, 8)] * 6 + [(4, 3, *SIZE)] * 6
    assert [batch.maps.shape[2:] == batch.mask.shape[2:] == batch.source.shape[2:] for batch in batches] == [True] * 12
    for start in (3, 5, 6, 9):
        for batch, whole in zip(run.batches(start, 12), batches[start:], strict=True):
            for name in ("source", "target", "appearance", "maps", "mask", "negative", "index"):
                assert torch.equal(getattr(batch, name), getattr(whole, name)), (start, name)
            assert all(map(torch.equal, batch.head, whole.head)), start
    for step, batch in enumerate(batches):  # made a few at a time; alone it is the same
        pairs, flip = batch_indices(1, step, run.pairs, 4, flip=True)
        pack = run.pack if step >= 6 else run.small
        assert pack is not None
        alone = make_batch(pack, pairs, flip, run.conditioning)
        assert torch.equal(batch.source, alone.source)
        torch.testing.assert_close(batch.maps, alone.maps)
        torch.testing.assert_close(batch.head, alone.head)


def test_g1_learns_a_batch(folder: Path) -> None:
    config = g1_config(steps=60, lr=0.005, flip=False, ema=0)
    model = model_config(filters=16)
    network = train_g1(make_run(folder, config, pairs=4), model, config, make_objective(model, config))
    losses = curve(folder / "scratch" / "curves", "l1")
    assert losses[:, 0].tolist() == list(range(5, 61, 5))
    assert losses[-1, 1] < 0.6 * losses[0, 1], losses
    assert isinstance(network, G1)


def test_the_variational_u_net_learns_images_and_uses_its_latents(folder: Path) -> None:
    config, model = g1_config(steps=80, lr=0.005, flip=False, ema=0), model_config(generator="vunet", vunet={**VUNET, "kl": 1e-4})
    run = make_run(folder, config, model=model)
    network = train_g1(run, model, config, make_objective(model, config))
    losses = {name: curve(folder / "scratch" / "curves", name)[:, 1] for name in ("kl", "l1", "perceptual")}
    assert losses["perceptual"][-1] < 0.6 * losses["perceptual"][0], losses["perceptual"]
    assert (losses["kl"] > 1).all()
    assert isinstance(network, VUNet)
    batch = run.samples()
    images = [network(appearance, batch.maps) for appearance in (batch.appearance, batch.appearance.roll(1, 0))]
    assert (images[0] - images[1]).abs().mean() > 0.02  # another person, the same pose


def test_the_weight_of_the_divergence_rises_between_two_shares_of_the_steps() -> None:
    model = model_config(generator="vunet")
    objective = make_objective(model, g1_config(steps=80))
    assert isinstance(objective, VUNetObjective)
    assert [objective.kl_weight(step) for step in (0, 20, 30, 40, 79)] == pytest.approx([5e-5, 5e-5, 0.025, 0.05, 0.05])


@pytest.mark.parametrize("discriminator", ["pair", "triplet"])
def test_g2_learns_what_d_and_the_truth_say(folder: Path, discriminator: str) -> None:
    config, model = g2_config(steps=60, lr=0.005, flip=False), model_config(discriminator=discriminator, filters=16, blocks=4)
    run = make_run(folder, config, pairs=4)
    g1 = make_coarse(CONDITIONING, SIZE, model_config())
    before = {name: value.clone() for name, value in g1.state_dict().items()}
    g2, _ = train_g2(run, g1, model, config)
    losses = {name: curve(folder / "scratch" / "curves", name)[:, 1] for name in ("d", "g", "l1")}
    assert all(np.isfinite(values).all() for values in losses.values())
    assert losses["l1"][-1] < 0.8 * losses["l1"][0], losses["l1"]
    assert all(torch.equal(value, before[name]) for name, value in g1.state_dict().items())
    assert g2.unet.out.weight.abs().sum() > 0


def test_d_learns_alone_at_first(folder: Path) -> None:
    """One step of G2 with a rate of nothing shows how far D had come before: the longer alone, the lower its loss."""
    g1, last = make_coarse(CONDITIONING, SIZE, model_config()), []
    for self_reconstruction in (2, 30):
        config = g2_config(steps=1, pretrain_d=self_reconstruction, lr=1e-30, warmup=0, log_every=1)
        g2, _ = train_g2(make_run(folder, config, str(self_reconstruction)), g1, model_config(), config)
        assert g2.unet.out.weight.abs().max() < 1e-20
        last.append(curve(folder / str(self_reconstruction) / "curves", "d")[-1, 1])
    assert last[1] < last[0]


def test_a_loss_that_is_not_finite_stops_the_training(folder: Path) -> None:
    config = g1_config(lr=1e30, warmup=0, checkpoint_every=100, log_every=10)
    with pytest.raises(UserError, match=r"step \d+: expected a finite loss, found (l1|edges|ssim) = (nan|inf); lower the learning rate"):
        train_g1(make_run(folder, config), model_config(), config, make_objective(model_config(), config))
    assert not (folder / "scratch" / STATE).exists()


def test_a_stage_that_fails_leaves_no_output(folder: Path) -> None:
    write_params(folder / "params.yaml", train_g1={"lr": 1e30, "warmup": 0})
    result = CliRunner().invoke(stage_g1.main, arguments(folder, "train_g1", "out"))
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: step ")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(("capabilities", "expected"), [({"amx_bf16": True}, "bf16-mixed"), ({"avx512_bf16": True}, "bf16-mixed"), ({}, "32-true")])
def test_the_number_format_follows_what_the_processor_computes_with(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision("auto", torch.device("cpu")) == expected
    assert choose_precision("auto", torch.device("mps")) == "32-true"
    assert choose_precision("16-mixed", torch.device("cuda")) == "16-mixed"
    assert precision_of(make_fabric(parallel_config(), g1_config(precision="auto"))) == expected


def test_what_the_machine_cannot_do_is_an_error() -> None:
    with pytest.raises(UserError, match="precision = 16-mixed: a CPU cannot train with it"):
        make_fabric(parallel_config(), g1_config(precision="16-mixed"))
    with pytest.raises(UserError, match=r"section parallel: .*strategy"):
        make_fabric(parallel_config(strategy="teleport"), g1_config())
    with pytest.raises(UserError, match="batch_size = 5: expected a multiple of the 2 devices"):
        make_fabric(parallel_config(devices=2, strategy="ddp"), g1_config(batch_size=5))


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has the device")
def test_a_device_that_is_missing_is_an_error() -> None:
    with pytest.raises(UserError, match=r"parallel\.accelerator = cuda: not on this machine"):
        make_fabric(parallel_config(accelerator="cuda"), g1_config())


def test_images_that_cannot_be_halved_are_an_error(run: GeneratorTraining) -> None:
    with pytest.raises(UserError, match="expected multiples of 32"):
        train_g1(run, model_config(blocks=6), g1_config(), make_objective(model_config(), g1_config()))


def test_a_coarse_generator_of_another_training_is_an_error(folder: Path) -> None:
    path, model = folder / "g1.safetensors", model_config()
    save_network(path, make_coarse(CONDITIONING, SIZE, model), MAPS)
    g1, conditioning = load_g1(path, SIZE, model, MAPS)
    assert (type(g1), conditioning) == (G1, BodyConditioning(MAPS, g1.lifter))
    with pytest.raises(UserError, match=r"expected weights for model.generator = VUNet, found G1"):
        load_g1(path, SIZE, model_config(generator="vunet"), MAPS)
    save_network(path, make_coarse(CONDITIONING, SIZE, model), MAPS.model_copy(update={"depth": False}))
    with pytest.raises(UserError, match="expected weights for the section pose"):
        load_g1(path, SIZE, model, MAPS)
    save_network(path, make_coarse(CONDITIONING, (64, 32), model), MAPS)
    with pytest.raises(UserError, match=r"expected weights for data.image_size = \[32, 16\], found \[64, 32\]"):
        load_g1(path, SIZE, model, MAPS)


@pytest.mark.parametrize("generator", get_args(GeneratorName))
def test_both_stages_repeat_themselves_to_the_byte(folder: Path, generator: str) -> None:
    write_params(folder / "params.yaml", model={"generator": generator})
    first = run_stage(folder, "train_g1", "one")
    curves = ["kl", "l1", "order", "perceptual"] if generator == "vunet" else ["edges", "l1", "order", "ssim"]
    files = [*(f"plots/metrics/{name}.tsv" for name in curves), "samples/000008.jpg", "samples/000012.jpg"]
    assert sorted(first) == [*(f"curves/{name}" for name in files), "g1.safetensors"]
    assert run_stage(folder, "train_g1", "two") == first
    (folder / "g1.safetensors").write_bytes(first["g1.safetensors"])
    second = run_stage(folder, "train_g2", "three")
    assert {"g2.safetensors", "d.safetensors", "curves/samples/000015.jpg"} < set(second)
    assert run_stage(folder, "train_g2", "four") == second
    assert {path.suffix for path in (folder / ".scratch").rglob("*.*")} <= {".lock"}
    network, conditioning = load_coarse(folder / "g1.safetensors")
    assert generator_name(network) == generator
    assert conditioning == conditioning_of(model_config(generator=generator), MAPS, network.lifter)
    assert load_with_maps(folder / "three" / "g2.safetensors", G2)[1] == conditioning.config


def test_another_seed_gives_other_weights(folder: Path) -> None:
    first = run_stage(folder, "train_g1", "one")
    write_params(folder / "params.yaml", train_g1={"seed": 2})
    assert run_stage(folder, "train_g1", "two")["g1.safetensors"] != first["g1.safetensors"]


@pytest.mark.parametrize(("stage", "generator"), [("train_g1", "pg2"), ("train_g1", "vunet"), ("train_g2", "pg2"), ("train_g2", "vunet")])
def test_a_killed_training_ends_like_an_unbroken_one(folder: Path, stage: str, generator: str) -> None:
    write_params(folder / "params.yaml", model={"generator": generator})
    (folder / "g1.safetensors").write_bytes(run_stage(folder, "train_g1", "coarse")["g1.safetensors"])
    half = 0 if generator == "vunet" else 0.15
    changed = {"steps": 300, "half_size": half, "log_every": 7, "sample_every": 120}
    write_params(folder / "params.yaml", model={"generator": generator}, **{stage: changed})
    unbroken = run_stage(folder, stage, "unbroken")

    process = start_stage(folder, stage, "killed")
    deadline = time.monotonic() + 120
    while not list(folder.glob(f".scratch/{stage}/*/{STATE}")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    state = read_state(next(folder.glob(f".scratch/{stage}/*/{STATE}")).parent)
    assert state is not None
    assert 0 < state["step"] < 300
    assert not (folder / "killed").exists()

    assert run_stage(folder, stage, "killed") == unbroken
    assert {path.suffix for path in (folder / ".scratch").rglob("*.*")} <= {".lock"}


@pytest.mark.parametrize("most", [500, 20_000, 200_000])
def test_a_disk_that_is_full_is_one_line_wherever_it_happens(folder: Path, most: int) -> None:
    """A limit on the size of files stands for the full disk: it hits the curves or an image grid of samples, the state, or the weights."""
    limit = f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))"
    code = f"import runpy; {limit}; runpy.run_module('stages.train_g1', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", code, *arguments(folder, "train_g1", "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "train_g1: step" not in line]
    assert len(errors) == 1, done.stderr
    assert "files may not grow so large here" in errors[0]
    assert not [path for path in folder.rglob("*") if path.name.startswith(".partial-") or path.name == "g1.safetensors"]


def test_two_devices_share_a_batch(folder: Path) -> None:
    """Twice half the batch is the whole batch, to rounding; the first process alone writes."""
    run_stage(folder, "train_g1", "coarse")
    (folder / "g1.safetensors").write_bytes((folder / "coarse" / "g1.safetensors").read_bytes())
    settings = {"steps": 4, "pretrain_d": 2, "lr": 1e-4, "d_lr": 1e-4}
    write_params(folder / "params.yaml", train_g2=settings)
    run_stage(folder, "train_g2", "one")
    write_params(folder / "params.yaml", train_g2=settings, parallel={"devices": 2, "strategy": "ddp"})
    process = start_stage(folder, "train_g2", "two", env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.communicate(timeout=180)[1] is not None
    assert process.returncode == 0
    for name in ("g2.safetensors", "d.safetensors"):
        one, two = (load_file(folder / out / name) for out in ("one", "two"))
        for key, value in one.items():
            torch.testing.assert_close(two[key], value, atol=1e-4, rtol=0)
    np.testing.assert_allclose(curve(folder / "two" / "curves", "d"), curve(folder / "one" / "curves", "d"), atol=1e-4)


def test_a_steep_loss_is_clipped() -> None:
    fabric = make_fabric(parallel_config(), g1_config())
    network, optimiser = setup(fabric, nn.Linear(3, 1), 0.1, PG2_BETAS)
    optimiser_step(fabric, network, optimiser, 1e4 * network(torch.ones(1, 3)).sum(), 0.1, clip=0.5)
    norms = [parameter.grad.norm() for parameter in network.parameters()]
    assert torch.stack(norms).norm().item() == pytest.approx(0.5, rel=1e-4)
    optimiser_step(fabric, network, optimiser, 0.01 * network(torch.ones(1, 3)).sum(), 0.1, clip=0.5)
    assert torch.stack([parameter.grad.norm() for parameter in network.parameters()]).norm().item() == pytest.approx(0.02)
