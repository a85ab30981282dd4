"""The examples for Slurm: what they ask for is known, and they start what they say. Slurm's own commands are stand-ins."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fake_slurm
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "cluster"
JOBS = sorted(EXAMPLES.glob("*.sbatch"))
TRAININGS = {"train_g1", "train_g2", "train_pose"}  # those that more than one device can share
# One writing for each line: several tasks write to one file at a time.
NOTE = (
    "import json, os, sys; said = [sys.argv[1:], {n: v for n, v in os.environ.items() if n.startswith('SLURM_')}]; "
    "os.write(1, (json.dumps(said) + os.linesep).encode())"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the examples, in which jobs are submitted."""
    shutil.copytree(EXAMPLES, tmp_path / "project" / "examples" / "cluster")
    return tmp_path / "project"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where `sbatch` and `srun` are found, and where `dvc` and `python` say how they were called."""
    (tmp_path / "bin").mkdir()
    environment = fake_slurm.install(tmp_path / "bin")
    for name in ("dvc", "python"):
        command = tmp_path / "bin" / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{NOTE}" {name} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    return environment


def submit(project: Path, environment: dict[str, str], job: str, *arguments: str) -> str:
    """What a job writes."""
    before = set(project.iterdir())
    command = ["sbatch", "--wait", f"examples/cluster/{job}.sbatch", *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60, check=False)
    written = "".join(path.read_text(encoding="utf-8") for path in set(project.iterdir()) - before)
    assert done.returncode == 0, done.stderr + written
    return written


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.stem)
def test_a_job_asks_for_what_slurm_knows(job: Path) -> None:
    text = job.read_text(encoding="utf-8")
    asked = fake_slurm.job_options().parse_args(fake_slurm.directives(text))
    assert len(fake_slurm.directives(text)) == text.count("#SBATCH ")  # one word each, and none below a command
    assert re.fullmatch(r"\d\d:00:00", asked.time)
    assert asked.nodes
    subprocess.run(["bash", "-n", job], check=True)


def test_there_is_a_job_for_each_way() -> None:
    assert [job.stem for job in JOBS] == ["data", "train", "train_nodes"]


@pytest.mark.parametrize(("arguments", "folder"), [((), ""), (("full",), "recipes/full/")])
def test_one_task_trains_on_the_devices_of_a_machine(project: Path, environment: dict[str, str], arguments: tuple[str, ...], folder: str) -> None:
    called, variables = json.loads(submit(project, environment, "train", *arguments))
    assert called == ["dvc", "exp", "run", "-S", f"{folder}params.yaml:parallel.devices=4", f"{folder}dvc.yaml"]
    assert variables["SLURM_NTASKS"] == "1"


def test_one_dvc_trains_on_the_devices_of_several_machines(project: Path, environment: dict[str, str]) -> None:
    called, _ = json.loads(submit(project, environment, "train_nodes"))
    devices = ["-S", "params.yaml:parallel.nodes=2", "-S", "params.yaml:parallel.devices=4"]
    assert called == ["dvc", "exp", "run", *devices, "dvc.yaml"]


@pytest.mark.parametrize(("stage", "tasks"), [("train_g1", 8), ("train_g2", 8), ("train_pose", 8), ("train_lifter", 1), ("evaluate", 1)])
def test_trainings_are_tasks_of_srun_and_other_stages_are_not(project: Path, environment: dict[str, str], stage: str, tasks: int) -> None:
    (Path(environment["PATH"].partition(os.pathsep)[0]) / "dvc").write_text(f"#!/bin/sh\nexec python -m stages.{stage} a 'b c'\n", encoding="utf-8")
    calls = [json.loads(line) for line in submit(project, environment, "train_nodes").splitlines()]
    assert [called for called, _ in calls] == [["python", "-m", f"stages.{stage}", "a", "b c"]] * tasks
    assert sorted(int(variables["SLURM_PROCID"]) for _, variables in calls) == list(range(tasks))


def test_every_training_that_devices_share_is_started_so() -> None:
    """Those stages whose programs ask for devices."""
    sharing = {path.stem for path in (ROOT / "stages").glob("*.py") if "make_fabric(" in path.read_text(encoding="utf-8")}
    assert sharing == TRAININGS
    line = next(line for line in (EXAMPLES / "nodes" / "python").read_text(encoding="utf-8").splitlines() if line.startswith("stages."))
    assert set(re.findall(r"stages\.(\w+)", line)) == TRAININGS


def test_the_job_of_the_data_stages_starts_their_script(project: Path, environment: dict[str, str]) -> None:
    assert json.loads(submit(project, environment, "data", "full"))[0] == ["python", "examples/cluster/data.py", "full"]


WORK = f"""#!{sys.executable}
import operator, sys
from functools import partial
from pathlib import Path
from pipeline.config.parallel import ParallelConfig
from pipeline.parallel import run_parallel
params, _, scheduler = sys.argv[4].partition(":parallel.scheduler=")
Path(params).write_text(scheduler)
config = ParallelConfig(workers=1, scheduler=scheduler, accelerator="cpu", devices=1, nodes=1, strategy="auto")
print(sys.argv[1:4], sys.argv[5:], run_parallel(partial(operator.pow, 2), [1, 2, 3], config, "powers"))
"""


def test_the_workers_of_dask_jobqueue_do_the_work(project: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("dask_jobqueue")
    commands = Path(environment["PATH"].partition(os.pathsep)[0])
    (commands / "python").unlink()
    (commands / "dvc").write_text(WORK, encoding="utf-8")  # stands for a data stage
    script = project / "examples" / "cluster" / "data.py"
    script.write_text(
        script.read_text(encoding="utf-8").replace('"cores": 8, "processes": 8', '"cores": 1, "processes": 1').replace("JOBS = 8", "JOBS = 1")
    )
    params = project / "recipes" / "full" / "params.yaml"
    params.parent.mkdir(parents=True)
    params.write_text("before", encoding="utf-8")
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    written = submit(project, environment, "data", "full")
    assert "['exp', 'run', '-S'] ['recipes/full/dvc.yaml:pair'] [2, 4, 8]" in written
    assert params.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize("recipe", ["", "full"])
def test_the_data_stages_end_where_training_begins(recipe: str) -> None:
    last = re.search(r'^LAST = "(\w+)"', (EXAMPLES / "data.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert last is not None
    stages = list(YAML(typ="safe").load(ROOT / ("recipes" if recipe else "") / recipe / "dvc.yaml")["stages"])
    assert stages[stages.index(last[1]) + 1].startswith("train_")
