"""Who starts the processes of a training: this project, torchrun or srun; right, or refused in one line."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fake_slurm
import pytest
import torch
from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment
from people_3d import pose_config
from ruamel.yaml import YAML
from safetensors.torch import load_file
from test_generators import DATA, LIFTER, ROOT, arguments, g1_config, parallel_config, run_stage, write_pack, write_pairs, write_params
from test_generators import _settings_end_with_the_test as _settled
from test_lifter_training import train_config

from pipeline.config.data import DataConfig
from pipeline.networks.checkpoint import save_network
from pipeline.training.launch import RENDEZVOUS, choose_launch
from pipeline.training.lifter import LifterTraining
from pipeline.training.loop import make_fabric, precision_of
from pipeline.training.resume import STATE, read_state
from pipeline.utils.errors import UserError

settings_end_with_the_test = _settled  # a fixture

# What Slurm sets for the script of a batch job with two tasks on its machine; the script itself is one process.
BATCH = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "train",
    "SLURM_NODELIST": "127.0.0.1",
    "SLURM_NNODES": "1",
    "SLURM_NTASKS": "2",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
}
STEPS = 40
SETTINGS = {"lr": 0.001, "half_size": 0.2}
STALLING = {"OMP_THREAD_LIMIT": "1", "OMP_DYNAMIC": "true"}  # as some sites set them; training would spin for ever
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}


def step(tasks: int, per_node: str) -> dict[str, str]:
    """What srun sets beside, for a step of so many tasks."""
    return {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": str(tasks), "SLURM_STEP_TASKS_PER_NODE": per_node}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Without any launcher's variables; what is set or removed in the test is undone after it."""
    for name in (*(name for name in os.environ if name.startswith("SLURM_")), *TORCHRUN, *RENDEZVOUS, "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    yield monkeypatch
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize(
    "inherited",
    [
        {},
        BATCH,
        {**BATCH, "SLURM_NTASKS": "1", "SLURM_NTASKS_PER_NODE": "1"},
        {**BATCH, **step(1, "1")},
        {"MASTER_ADDR": "node7", "MASTER_PORT": "29500", "WORLD_SIZE": "8", "NODE_RANK": "3"},
    ],
)
def test_one_process_starts_the_others_whatever_slurm_or_a_script_says(environment: pytest.MonkeyPatch, inherited: dict[str, str]) -> None:
    for name, value in inherited.items():
        environment.setenv(name, value)
    launch = choose_launch(parallel_config(devices=2))
    assert type(launch) is LightningEnvironment
    assert not launch.creates_processes_externally
    assert (launch.main_address, launch.node_rank()) == ("127.0.0.1", 0)


def test_a_process_that_was_started_so_starts_no_others(environment: pytest.MonkeyPatch) -> None:
    for name, value in {**BATCH, "LOCAL_RANK": "1", "WORLD_SIZE": "2", "NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "12345"}.items():
        environment.setenv(name, value)
    launch = choose_launch(parallel_config(devices=2))
    assert (type(launch), launch.creates_processes_externally, launch.local_rank(), launch.main_port) == (LightningEnvironment, True, 1, 12345)


def test_one_device_is_one_process_whatever_rank_was_inherited(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOCAL_RANK", "3")
    assert make_fabric(parallel_config(strategy="ddp"), g1_config()).world_size == 1


def test_what_fabric_would_take_instead_of_the_parameters_is_forgotten(environment: pytest.MonkeyPatch) -> None:
    for name, value in {"LT_DEVICES": "2", "LT_NUM_NODES": "2", "LT_STRATEGY": "ddp", "LT_PRECISION": "bf16-mixed", "LT_ACCELERATOR": "gpu"}.items():
        environment.setenv(name, value)
    fabric = make_fabric(parallel_config(), g1_config())
    assert (fabric.world_size, fabric.device.type, precision_of(fabric)) == (1, "cpu", "32-true")


def test_the_lifter_is_trained_by_one_process_in_any_job(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fabric refuses a job with --ntasks=2 that does not say how many of them a machine gets."""
    for name, value in {"SLURM_NTASKS": "2", "SLURM_JOB_NAME": "train", "DVC_ROOT": str(tmp_path)}.items():
        environment.setenv(name, value)
    write_pack(tmp_path / "packed" / "S1.h5")
    with LifterTraining.open(tmp_path / "packed", DataConfig.model_validate(DATA), pose_config(), train_config()) as run:
        assert run.fabric.world_size == 1


def test_torchrun_and_srun_are_believed_where_they_started_one_process_per_device(environment: pytest.MonkeyPatch) -> None:
    for name, value in {**BATCH, **step(4, "2(x2)"), "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "1"}.items():
        environment.setenv(name, value)
    launch = choose_launch(parallel_config(devices=2, nodes=2))
    assert (type(launch), launch.world_size(), launch.global_rank(), launch.node_rank()) == (SLURMEnvironment, 4, 3, 1)
    launch.validate_settings(num_devices=2, num_nodes=2)  # Fabric's own check
    for name, value in TORCHRUN.items():  # torchrun in a step of srun, one on each machine
        environment.setenv(name, value)
    launch = choose_launch(parallel_config(devices=2))
    assert (type(launch), launch.world_size()) == (TorchElasticEnvironment, 2)


@pytest.mark.parametrize(
    ("inherited", "parallel", "line"),
    [
        ({}, {"nodes": 2}, "parallel.nodes = 2: found one process on one machine; start one per device of all machines with srun or torchrun"),
        (BATCH, {"nodes": 2}, "parallel.nodes = 2: found one process"),
        (step(4, "4"), {"devices": 2}, "expected 2 processes, 2 per machine, found 4 of srun, 4 per machine"),
        (step(4, "3,1"), {"devices": 2, "nodes": 2}, r"expected 4 processes, 2\(x2\) per machine, found 4 of srun, 3,1 per machine"),
        (TORCHRUN, {"devices": 1}, "expected 1 processes, 1 per machine, found 2 of torchrun, 2 per machine"),
        (TORCHRUN, {"devices": 1, "nodes": 2}, "expected 2 processes, 1 per machine, found 2 of torchrun, 2 per machine"),
        ({"LOCAL_RANK": "0"}, {"devices": 2}, "LOCAL_RANK = 0: is set as by a launcher, but WORLD_SIZE is not parallel.devices = 2; unset it"),
        ({**step(2, "2"), "DVC_STAGE": "train_g1", "SLURM_TASK_PID": "1"}, {"devices": 2}, "srun runs DVC in 2 tasks, which would all make the same"),
    ],
)
def test_other_processes_than_devices_are_refused(
    environment: pytest.MonkeyPatch, inherited: dict[str, str], parallel: dict[str, int], line: str
) -> None:
    for name, value in inherited.items():
        environment.setenv(name, value)
    with pytest.raises(UserError, match=line) as error:
        make_fabric(parallel_config(strategy="ddp", **parallel), g1_config())
    assert "\n" not in str(error.value)
    assert "docs/clusters.md shows how" in str(error.value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.Tensor, float]:
    """A project in which two devices shall train; the weights that one of them ends with, and how far they came from the first step."""
    folder = tmp_path_factory.mktemp("project")
    write_pack(folder / "packed" / "S1.h5")
    write_pairs(folder / "pairs" / "train.csv")
    save_network(folder / "lifter.safetensors", LIFTER)
    found = []
    for steps in (1, STEPS):
        write_params(folder / "params.yaml", train_g1={**SETTINGS, "steps": steps})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DVC_ROOT", str(folder))
            run_stage(folder, "train_g1", f"{steps} steps")
        found.append(weights(folder / f"{steps} steps"))
    write_params(folder / "params.yaml", train_g1={**SETTINGS, "steps": STEPS}, parallel={"devices": 2})
    return folder, found[1], (found[1] - found[0]).norm().item()


def weights(out: Path) -> torch.Tensor:
    """All weights of G1 in one row."""
    return torch.cat([value.flatten() for value in load_file(out / "g1.safetensors").values()])


def start(folder: Path, out: str, launcher: str) -> subprocess.Popen[str]:
    """The training of G1 in a batch job, with what such a job may set."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if launcher == "torchrun" else []
    command = [sys.executable, *torchrun, "-m", "stages.train_g1", *arguments(folder, "train_g1", out)]
    inherited = os.environ | BATCH | STALLING | {"DVC_ROOT": str(folder)}
    return subprocess.Popen(command, cwd=ROOT, env=inherited, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_two_processes_killed_and_resumed_end_with_the_weights_of_one(trained: tuple[Path, torch.Tensor, float]) -> None:
    """To rounding: each gets half of every batch, and sums are made in another order. Started by itself first, by torchrun when it goes on."""
    folder, one, way = trained
    killed = start(folder, "out", "itself")
    deadline = time.monotonic() + 120
    while not list(folder.glob(f".scratch/train_g1/*/{STATE}")) and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.002)
    holder = next(folder.glob(".scratch/train_g1/*.pid")).read_text(encoding="utf-8")
    os.kill(int(holder.partition(" ")[0]), signal.SIGKILL)  # the first process; the other ends with it
    killed.communicate(timeout=120)
    state = read_state(next(folder.glob(f".scratch/train_g1/*/{STATE}")).parent)
    assert state is not None
    assert 0 < state["step"] < STEPS
    assert not (folder / "out").exists()

    resumed = start(folder, "out", "torchrun")
    said = resumed.communicate(timeout=300)[1]
    assert resumed.returncode == 0, said
    assert f"train_g1: step {state['step']} of {STEPS}" in said
    assert (weights(folder / "out") - one).norm() < 1e-3 * way


def test_the_job_for_several_machines_trains_through_one_dvc(trained: tuple[Path, torch.Tensor, float], tmp_path: Path) -> None:
    """Two machines with a device each, which are both this one."""
    folder, one, way = trained
    project = tmp_path / "project"
    shutil.copytree(folder, project, ignore=shutil.ignore_patterns("out", "* steps", ".scratch"))
    shutil.copytree(ROOT / "examples" / "cluster", project / "examples" / "cluster")
    write_params(project / "params.yaml", train_g1={**SETTINGS, "steps": STEPS})
    places = "packed pairs models/g1.safetensors curves --lifter lifter.safetensors --params params.yaml"
    stage = {"cmd": f"python -m stages.train_g1 {places}", "deps": ["packed"], "params": ["train_g1"], "outs": ["models/g1.safetensors", "curves"]}
    YAML().dump({"stages": {"train_g1": stage}}, project / "dvc.yaml")
    (tmp_path / "bin").mkdir()
    environment = fake_slurm.install(tmp_path / "bin") | STALLING | {"PYTHONPATH": str(ROOT), "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    for command in (
        "git init -q",
        "dvc init -q",
        "git add -A",
        "git -c user.name=a -c user.email=a@b.c commit -qm one",
        "sbatch --wait --nodes=2 --ntasks-per-node=1 --output=log.txt examples/cluster/train_nodes.sbatch",
    ):
        subprocess.run(command.split(), cwd=project, env=environment, check=True, timeout=300)
    said = (project / "log.txt").read_text(encoding="utf-8")
    assert "All distributed processes registered. Starting with 2 processes" in said
    assert (weights(project / "models") - one).norm() < 1e-3 * way
    assert "models/g1.safetensors" in (project / "dvc.lock").read_text(encoding="utf-8")
