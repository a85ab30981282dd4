"""Run the data stages of a recipe on workers that dask-jobqueue asks Slurm for: `python examples/cluster/data.py [recipe]`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dask_jobqueue import SLURMCluster

JOBS = 8  # of the size below; each waits in Slurm's queue for itself, as long as that takes, and work begins with the first
WORKERS = {"cores": 8, "processes": 8, "memory": "32GB", "walltime": "08:00:00", "job_name": "pose25d-worker"}
LAST = "pair"  # the last of the data stages


def main(recipe: str = "") -> int:
    """Exit status of DVC, which makes the stage `LAST` and all that it needs."""
    folder = Path("recipes", recipe) if recipe else Path()
    with SLURMCluster(**WORKERS) as cluster, kept(folder / "params.yaml") as params:
        cluster.scale(jobs=JOBS)
        cluster.wait_for_workers(1)  # a stage by itself waits for some minutes only
        scheduler = f"{params}:parallel.scheduler={cluster.scheduler_address}"
        return subprocess.run(["dvc", "exp", "run", "-S", scheduler, f"{folder / 'dvc.yaml'}:{LAST}"], check=False).returncode


@contextmanager
def kept(params: Path) -> Iterator[Path]:
    """After the block the file is as before: the scheduler whose address DVC writes there is gone then."""
    before = params.read_bytes()
    try:
        yield params
    finally:
        params.write_bytes(before)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
