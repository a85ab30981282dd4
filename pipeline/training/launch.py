"""Who starts the processes of a training, one per device: this project by itself, or `torchrun`, or Slurm's `srun`.

Lightning Fabric takes whatever Slurm's variables say for a launch of its own: of a batch job with one task and four GPUs it would use one GPU, and
in a job with two tasks the one process that DVC starts would wait for another that never comes. Therefore it is decided here.
"""

import os
from collections.abc import Sequence

from lightning_fabric.plugins.environments import ClusterEnvironment, LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment

from pipeline.config.parallel import ParallelConfig
from pipeline.utils.errors import UserError

# How processes find each other; a process that starts the others chooses this itself, whatever a shell or a job's script has set.
RENDEZVOUS = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "GROUP_RANK", "NODE_RANK", "LOCAL_RANK")
FABRICS_OWN = ("LT_CLI_USED", "LT_ACCELERATOR", "LT_DEVICES", "LT_NUM_NODES", "LT_PRECISION", "LT_STRATEGY")  # what it takes instead of arguments
HELP = "docs/clusters.md shows how"


def choose_launch(parallel: ParallelConfig) -> ClusterEnvironment:
    """What Fabric has to go by: the variables of `torchrun`, else those of a step of `srun` with several tasks, else none.

    Raises UserError where other processes were started than `parallel.devices` on each of `parallel.nodes` machines.
    """
    _forget(FABRICS_OWN)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        _check_started("torchrun", _number("WORLD_SIZE"), os.environ.get("LOCAL_WORLD_SIZE", ""), str(parallel.devices), parallel)
        return TorchElasticEnvironment()
    tasks = _number("SLURM_STEP_NUM_TASKS")  # of a step, which srun alone sets; SLURM_NTASKS is what the job has asked for
    return _tasks_of_srun(tasks, parallel) if tasks > 1 else _started_here(parallel)


def one_process() -> ClusterEnvironment:
    """What Fabric has to go by for work that one process does alone."""
    _forget((*FABRICS_OWN, *RENDEZVOUS))
    return LightningEnvironment()


def _tasks_of_srun(tasks: int, parallel: ParallelConfig) -> ClusterEnvironment:
    if "DVC_STAGE" in os.environ and os.environ.get("SLURM_TASK_PID", "") not in ("", str(os.getpid())):
        raise UserError(f"srun runs DVC in {tasks} tasks, which would all make the same: run it without srun, or with --ntasks=1; {HELP}")
    expected = str(parallel.devices) if parallel.nodes == 1 else f"{parallel.devices}(x{parallel.nodes})"
    _check_started("srun", tasks, os.environ.get("SLURM_STEP_TASKS_PER_NODE", expected), expected, parallel)
    os.environ["SLURM_NTASKS"] = str(tasks)  # Fabric reads what the job has asked for, which srun need not repeat
    os.environ["SLURM_NTASKS_PER_NODE"] = str(parallel.devices)
    os.environ["SLURM_NNODES"] = str(parallel.nodes)
    return SLURMEnvironment()


def _started_here(parallel: ParallelConfig) -> ClusterEnvironment:
    """For a process that has yet to start the others, and for those, to which it gives `LOCAL_RANK` and `WORLD_SIZE`."""
    if parallel.nodes > 1:
        raise UserError(
            f"parallel.nodes = {parallel.nodes}: found one process on one machine; start one per device of all machines with srun or torchrun, "
            f"or set it to 1; {HELP}"
        )
    if parallel.devices == 1 or "LOCAL_RANK" not in os.environ:
        return one_process()
    if _number("WORLD_SIZE") != parallel.devices:
        raise UserError(
            f"LOCAL_RANK = {os.environ['LOCAL_RANK']}: is set as by a launcher, but WORLD_SIZE is not parallel.devices = {parallel.devices}; "
            f"unset it, or start the processes with torchrun; {HELP}"
        )
    return LightningEnvironment()


def _check_started(launcher: str, processes: int, per_node: str, expected: str, parallel: ParallelConfig) -> None:
    """Raise UserError where the launcher has started other processes; per_node, expected : on each machine, as the launcher writes it."""
    asked = parallel.devices * parallel.nodes
    if processes != asked or per_node != expected:
        raise UserError(
            f"parallel.devices = {parallel.devices}, parallel.nodes = {parallel.nodes}: expected {asked} processes, {expected} per machine, "
            f"found {processes} of {launcher}, {per_node} per machine; change the parameters or the launch; {HELP}"
        )


def _forget(names: Sequence[str]) -> None:
    for name in names:
        os.environ.pop(name, None)


def _number(name: str) -> int:
    """The number that a variable holds, 0 where it holds none."""
    value = os.environ.get(name, "")
    return int(value) if value.isdecimal() else 0
