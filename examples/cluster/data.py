"""Run the data stages of a recipe on workers that dask-jobqueue asks Slurm for: `python examples/cluster/data.py [recipe]`."""

import subprocess
import sys

from dask_jobqueue import SLURMCluster

JOBS = 8  # of the size below; each waits in Slurm's queue for itself, and work begins with the first
WORKER_JOB = {"cores": 8, "processes": 8, "memory": "32GB", "walltime": "08:00:00", "job_name": "pose25d-worker"}
LAST = "pair"  # the last of the data stages


def main(recipe: str = "") -> int:
    """Exit status of DVC, which makes the stage `LAST` and all that it needs."""
    folder = f"recipes/{recipe}/" if recipe else ""
    with SLURMCluster(**WORKER_JOB) as cluster:
        cluster.scale(jobs=JOBS)
        place = f"{folder}params.yaml:parallel.scheduler={cluster.scheduler_address}"
        return subprocess.run(["dvc", "exp", "run", "-S", place, f"{folder}dvc.yaml:{LAST}"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
