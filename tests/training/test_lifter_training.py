"""Training of the lifter: labels decide which end of a bone is nearer; it repeats itself to the byte, and goes on where it was killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from lightning_fabric import Fabric
from people_3d import in_picture, people, pose_config
from standing import RADIUS, THICKNESS

from pipeline.config.pose import PoseConfig
from pipeline.config.train import TrainLifterConfig
from pipeline.evaluation.scores.depth import lift_figures
from pipeline.networks.checkpoint import load_network
from pipeline.networks.lifter import Lifter
from pipeline.pose.bodies.pose_space import label_limbs, mirror_chain
from pipeline.pose.skeleton import CHAIN_LIMBS, H36M_17
from pipeline.training.lifter import LifterTraining, train_lifter
from pipeline.training.resume import STATE, read_state
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.errors import UserError
from stages import train_lifter as stage

ROOT = Path(__file__).parents[2]
ARM = [H36M_17.index(f"left_{name}") for name in ("elbow", "wrist")]


def train_config(**values: object) -> TrainLifterConfig:
    defaults = {"views": 4000, "steps": 400, "batch_size": 128, "lr": 0.003, "weight_decay": 0.001, "noise": 0.002, "width": 64, "blocks": 1}
    return TrainLifterConfig.model_validate({"seed": 1, "threads": 1, "log_every": 50, "checkpoint_every": 100, **defaults, **values})


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def train(scratch: Path, pose_3d: np.ndarray, pose: PoseConfig, config: TrainLifterConfig) -> Lifter:
    """A lifter that is trained from the start, in a folder of its own below `scratch`."""
    fix_arithmetic(config.threads, training=True)
    folder = scratch / f"{len(list(scratch.iterdir()))}"
    folder.mkdir()
    return train_lifter(LifterTraining(Fabric(accelerator="cpu", devices=1), folder, pose_3d, pose, config))


@pytest.fixture(scope="module")
def lifters(scratch: Path) -> dict[bool, Lifter]:
    """A lifter that sees labels, and one that does not."""
    return {depth: train(scratch, people(), pose_config(depth=depth), train_config()) for depth in (True, False)}


@pytest.fixture(autouse=True)
def _settings_end_with_the_test() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.set_flush_denormal(False)


def figures(lifter: Lifter, observable: bool = False) -> dict[str, float | None]:
    """Figures on other people of whom one arm is mirrored or not; observable : only of those whose labels say which."""
    pose = np.concatenate([people(200, seed=9), mirror_chain(people(200, seed=9), 2)])
    label = label_limbs(pose, THICKNESS, RADIUS)
    if observable:
        rows = (label[:200] != label[200:])[:, CHAIN_LIMBS[2]].any(1)
        pose, label = pose[np.tile(rows, 2)], label[np.tile(rows, 2)]
    with torch.no_grad():
        depth = lifter(torch.from_numpy(in_picture(pose).astype(np.float32)), torch.from_numpy(label)).numpy()
    return lift_figures(depth, in_picture(pose), pose, label)


def test_labels_tell_which_end_of_a_limb_is_nearer(lifters: dict[bool, Lifter]) -> None:
    seeing, blind = figures(lifters[True]), figures(lifters[False])
    assert seeing["lift_sign"] > 0.8
    assert blind["lift_sign"] < 0.6
    assert seeing["lift_error"] < blind["lift_error"]
    where_observable = figures(lifters[True], observable=True)
    assert where_observable["lift_error"] < where_observable["lift_error_flat"]


def test_a_chain_of_which_the_labels_say_nothing_lies_as_it_usually_does(scratch: Path) -> None:
    usual, twin = people(200, seed=9, forward=True), mirror_chain(people(200, seed=9, forward=True), 2)
    label, other = (label_limbs(pose, THICKNESS, RADIUS) for pose in (usual, twin))
    lifter = train(scratch, people(forward=True), pose_config(), train_config())
    seen, observable = torch.from_numpy(in_picture(usual).astype(np.float32)), (label != other)[:, CHAIN_LIMBS[2]].any(1)
    with torch.no_grad():
        left, of_twin = (lifter(seen, torch.from_numpy(each)).numpy()[:, ARM] for each in (label, other))
    true = usual[:, ARM, 2] - usual[:, :1, 2]
    assert 20 < observable.sum() < 180
    assert ((left < 0) == (true < 0))[np.abs(true) > 100].mean() > 0.95
    assert ((of_twin < 0) == (true < 0))[~observable][np.abs(true[~observable]) > 100].mean() > 0.9
    assert ((of_twin > 0) == (true < 0))[observable][np.abs(true[observable]) > 100].mean() > 0.8


def test_the_same_seed_gives_the_same_weights(lifters: dict[bool, Lifter], scratch: Path) -> None:
    again = train(scratch, people(), pose_config(), train_config()).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in lifters[True].state_dict().items())
    other = train(scratch, people(), pose_config(), train_config(seed=2, steps=2)).state_dict()
    assert not torch.equal(other["prior.first.weight"], again["prior.first.weight"])


def test_without_poses_or_with_a_loss_that_is_not_finite_there_is_no_lifter(scratch: Path) -> None:
    with pytest.raises(UserError, match="no poses to train on"):
        train(scratch, people()[:0], pose_config(), train_config())
    with pytest.raises(UserError, match=r"expected poses more than 500 mm before the camera, found none"):
        train(scratch, people() - (0, 0, 3900), pose_config(), train_config())
    with pytest.raises(UserError, match=r"step \d+: expected a finite loss, found prior = (nan|inf); lower the learning rate"):
        train(scratch, people(), pose_config(), train_config(lr=1e30, steps=20))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the packs of one person to train on and one to test on."""
    (tmp_path / "packed").mkdir()
    for subject, poses in (("S1", people(40)), ("S9", np.full((4, 17, 3), np.nan))):
        with h5py.File(tmp_path / "packed" / f"{subject}.h5", "w") as file:
            file.attrs["subject"] = subject
            file["image"] = np.zeros((len(poses), 8, 4, 3), np.uint8)
            file["pose_3d"] = poses.astype(np.float32)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


def write_params(folder: Path, **values: object) -> None:
    data = "{kind: recordings, root: x, subjects: [S1, S9], test_subjects: [S9], cameras: all, fps: 10, frame_height: 9, image_size: [8, 4], "
    data += "margin: 0.1, skip_bad: false, exclude: []}"
    pose, config = pose_config().model_dump(mode="json"), train_config(**values).model_dump(mode="json")
    (folder / "params.yaml").write_text(f"data: {data}\npose: {pose}\ntrain_lifter: {config}\n", encoding="utf-8")


def arguments(folder: Path, out: str) -> list[str]:
    return [*(str(folder / name) for name in ("packed", f"{out}/lifter.safetensors", f"{out}/curves")), "--params", str(folder / "params.yaml")]


def run_stage(folder: Path, out: str) -> dict[str, bytes]:
    """Run the stage in this process; returns its outputs: path below the folder `out` -> content."""
    result = CliRunner().invoke(stage.main, arguments(folder, out), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return {path.relative_to(folder / out).as_posix(): path.read_bytes() for path in sorted((folder / out).rglob("*")) if path.is_file()}


def curve(folder: Path, out: str, name: str) -> np.ndarray:
    return np.loadtxt(folder / out / "curves" / "plots" / "metrics" / f"{name}.tsv", skiprows=1)


def test_the_stage_trains_on_the_training_people_alone_and_writes_a_curve_per_network(folder: Path) -> None:
    write_params(folder, steps=10, log_every=4)
    first = run_stage(folder, "one")
    assert run_stage(folder, "two") == first
    lifter = load_network(folder / "one" / "lifter.safetensors", Lifter)
    assert lifter.config == {"width": 64, "blocks": 1, "rule": pose_config().rule}
    assert all(value.isfinite().all() for value in lifter.state_dict().values())
    assert sorted(first) == ["curves/plots/metrics/flip.tsv", "curves/plots/metrics/prior.tsv", "lifter.safetensors"]
    assert [curve(folder, "one", name)[:, 0].tolist() for name in ("prior", "flip")] == [[4, 8, 10], [12, 16, 20]]
    assert {path.suffix for path in (folder / ".scratch").rglob("*.*")} <= {".lock"}


def test_both_losses_fall(folder: Path) -> None:
    write_params(folder)
    run_stage(folder, "out")
    for name in ("prior", "flip"):
        losses = curve(folder, "out", name)[:, 1]
        assert losses[-1] < 0.8 * losses[0], (name, losses)


@pytest.mark.parametrize("phase", ["prior", "flip"])
def test_a_killed_training_ends_like_an_unbroken_one(folder: Path, phase: str) -> None:
    write_params(folder, steps=600, log_every=7, checkpoint_every=10)
    unbroken = run_stage(folder, "unbroken")

    command = [sys.executable, "-m", "stages.train_lifter", *arguments(folder, "killed")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(folder.glob(f".scratch/train_lifter/*/{phase}/{STATE}")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = read_state(next(folder.glob(f".scratch/train_lifter/*/{phase}/{STATE}")).parent)
    assert state is not None
    assert 0 < state["step"] < 600
    assert not (folder / "killed").exists()

    assert run_stage(folder, "killed") == unbroken
    assert {path.suffix for path in (folder / ".scratch").rglob("*.*")} <= {".lock"}
