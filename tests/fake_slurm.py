"""Slurm's commands `sbatch`, `srun` and `scancel` as far as the examples use them, on one machine: what they refuse, set and start.

The machines of a job are all this one. As Slurm does, `sbatch` runs a copy of the script elsewhere, in the folder in which it was called.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def install(folder: Path) -> dict[str, str]:
    """Put the commands into a folder; returns the environment in which they are found, without what another Slurm has set."""
    for name in ("sbatch", "srun", "scancel"):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {name} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "DVC_", "GIT_", "PYTEST_"))}
    return {**kept, "PATH": f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}


def job_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sbatch", allow_abbrev=False)
    for names, kind in (
        (("--job-name", "-J"), str),
        (("--nodes", "-N"), int),
        (("--ntasks", "-n"), int),
        (("--ntasks-per-node",), int),
        (("--gpus-per-node",), int),
        (("--cpus-per-task", "-c"), int),
        (("--mem",), str),
        (("--time", "-t"), str),
        (("--output", "-o"), str),
        (("--error", "-e"), str),
    ):
        parser.add_argument(*names, type=kind)
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("script", nargs=argparse.REMAINDER)
    return parser


def directives(script: str) -> list[str]:
    """The words of the lines `#SBATCH ...`; Slurm reads none below the first command."""
    found = []
    for line in script.splitlines():
        if line.startswith("#SBATCH "):
            found += line.removeprefix("#SBATCH ").split()
        elif line.strip() and not line.startswith("#"):
            break
    return found


def sbatch(words: list[str]) -> int:
    given = job_options().parse_args(words)
    script = Path(given.script[0])
    asked = job_options().parse_args([*directives(script.read_text(encoding="utf-8")), *words])
    nodes = asked.nodes or 1
    job = str(os.getpid())
    variables = {
        "SLURM_JOB_ID": job,
        "SLURM_JOB_NAME": asked.job_name or script.name,
        "SLURM_NODELIST": "127.0.0.1",
        "SLURM_NNODES": nodes,
        "SLURM_NTASKS": asked.ntasks or nodes * (asked.ntasks_per_node or 1),
        "SLURM_NTASKS_PER_NODE": asked.ntasks_per_node,
        "SLURM_CPUS_PER_TASK": asked.cpus_per_task,
        "SLURM_GPUS_ON_NODE": asked.gpus_per_node,
        "SLURM_PROCID": 0,
        "SLURM_LOCALID": 0,
        "SLURM_NODEID": 0,
    }
    copy = Path(tempfile.mkdtemp()) / "slurm_script"
    shutil.copy(script, copy)
    copy.chmod(0o700)
    environment = os.environ | {name: str(value) for name, value in variables.items() if value is not None}
    out = (asked.output or "slurm-%j.out").replace("%x", variables["SLURM_JOB_NAME"]).replace("%j", job).replace("%J", job)
    with open(out, "w", encoding="utf-8") as log:
        process = subprocess.Popen([copy, *given.script[1:]], env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    print(f"Submitted batch job {process.pid}", flush=True)
    return process.wait() if asked.wait else 0


def srun(words: list[str]) -> int:
    """Start a command as often as the job has tasks; once one fails, end the others."""
    parser = argparse.ArgumentParser(prog="srun", allow_abbrev=False)
    parser.add_argument("--kill-on-bad-exit", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    command = parser.parse_args(words).command
    tasks, nodes = int(os.environ["SLURM_NTASKS"]), int(os.environ["SLURM_NNODES"])
    per_node = tasks // nodes
    step = {
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": str(tasks),
        "SLURM_STEP_TASKS_PER_NODE": f"{per_node}(x{nodes})" if nodes > 1 else str(per_node),
    }
    running = []
    for task in range(tasks):
        place = {"SLURM_PROCID": str(task), "SLURM_NODEID": str(task // per_node), "SLURM_LOCALID": str(task % per_node)}
        shell = ["/bin/sh", "-c", 'SLURM_TASK_PID=$$ exec "$@"', "sh", *command]
        running.append(subprocess.Popen(shell, env=os.environ | step | place))
    while any(process.poll() is None for process in running):
        time.sleep(0.1)
        if any(process.poll() for process in running):
            for process in running:
                process.kill()
    return max(abs(process.wait()) for process in running)


def scancel(words: list[str]) -> int:
    for job in words:
        os.killpg(int(job), signal.SIGTERM)
    return 0


if __name__ == "__main__":
    sys.exit({"sbatch": sbatch, "srun": srun, "scancel": scancel}[sys.argv[1]](sys.argv[2:]))
