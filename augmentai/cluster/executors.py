"""datatrove's executors, set up for a plan: where its workers run, and with which resources."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.step import MakeShards

if TYPE_CHECKING:
    from datatrove.executor.base import PipelineExecutor

Where = Literal["local", "ray", "slurm", "hf-jobs"]
_JOBS_POLL_S = 15
PLACES: tuple[Where, ...] = ("local", "slurm", "ray", "hf-jobs")


@dataclass(frozen=True)
class Resources:
    """What each worker gets.

    Attributes:
        workers: how many run at a time.
        tasks: how many slices the shards are cut into; 0 for one per worker, which loads a model once per worker.
        cpus, gpus, memory_gb: of each worker, as Ray and Slurm reserve them.
        time: the limit of one worker: of Slurm ("24:00:00") and HF Jobs ("6h").
        partition: of Slurm.
        flavor: the hardware of HF Jobs.
        image: the container of HF Jobs; "" for datatrove's.
        install: what HF Jobs install for AugmentAI, as pip takes it.
        secret: the names of variables of this environment that HF Jobs get as secrets, beside the token of the Hub.
    """

    workers: int = 1
    tasks: int = 0
    cpus: int = 1
    gpus: int = 0
    memory_gb: float = 2.0
    time: str = ""
    partition: str = ""
    flavor: str = "cpu-basic"
    image: str = ""
    install: str = ""
    secret: Sequence[str] = ()

    def tasks_for(self, shards: int) -> int:
        """How many tasks there are for so many shards."""
        return max(1, min(shards, self.tasks or self.workers))


def executor_for(where: Where, url: str, shards: Sequence[int], resources: Resources, logs: str) -> PipelineExecutor:
    """An executor that makes shards.

    Args:
        where: where its workers run; "local" is one worker in this process.
        url: the plan's folder.
        shards: those to make.
        resources: what each worker gets.
        logs: a folder for the executor's own files, new for each launch.

    Raises:
        ClusterError: something is missing that these workers need.
    """
    quieter()
    tasks = resources.tasks_for(len(shards))
    step = MakeShards(url, tuple(shards), ends_its_parent=where == "ray")
    # Shards know by their own files what is complete; the executor need not.
    common: dict[str, Any] = {"pipeline": [step], "tasks": tasks, "logging_dir": logs, "skip_completed": False}
    if where == "ray":
        return _ray(common, resources)
    if where == "slurm":
        return _slurm(common, resources)
    if where == "hf-jobs":
        return _hf_jobs(common, resources)
    from datatrove.executor import LocalPipelineExecutor

    return LocalPipelineExecutor(workers=1, **common)


def _ray(common: dict[str, Any], resources: Resources) -> PipelineExecutor:
    try:
        import ray
    except ImportError as error:
        raise ClusterError("ray is not installed; run pip install 'ray>=2.55,<3'") from error
    from datatrove.executor.ray import RayPipelineExecutor

    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = os.environ.get("RAY_ADDRESS") or None  # without it, a cluster on this machine
        ray.init(address=address, include_dashboard=False, log_to_driver=False)
    reserved = {"cpus_per_task": resources.cpus, "gpus_per_task": resources.gpus}
    memory = {"mem_per_cpu_gb": resources.memory_gb / resources.cpus}
    return RayPipelineExecutor(workers=resources.workers, **reserved, **memory, **common)


def _slurm(common: dict[str, Any], resources: Resources) -> PipelineExecutor:
    from datatrove.executor import SlurmPipelineExecutor

    if not resources.partition or not resources.time:
        raise ClusterError("Slurm needs a partition and a time limit; add --partition NAME --time 24:00:00")
    if shutil.which("sbatch") is None:
        raise ClusterError("sbatch is not in PATH; run this on a machine that submits jobs to Slurm")
    reserved = {"cpus_per_task": resources.cpus, "gpus_per_task": resources.gpus}
    memory = {"mem_per_cpu_gb": max(1, round(resources.memory_gb / resources.cpus))}
    return SlurmPipelineExecutor(
        workers=resources.workers,
        time=resources.time,
        partition=resources.partition,
        job_name="augmentai",
        env_command=f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH",
        **reserved,
        **memory,
        **common,
    )


def _hf_jobs(common: dict[str, Any], resources: Resources) -> PipelineExecutor:
    if not resources.install:
        what = "a wheel's URL or 'augmentai[cluster] @ git+https://...'"
        raise ClusterError(f"HF Jobs have to install AugmentAI; add --install with {what}")
    from augmentai.cluster.hf_jobs import HubJobs, secrets_named

    return HubJobs(
        workers=resources.workers,
        flavor=resources.flavor,
        image=resources.image or None,
        timeout=resources.time or None,
        dependencies=["datatrove[io]", resources.install],
        secrets=secrets_named(resources.secret),
        poll_interval=_JOBS_POLL_S,
        job_name="augmentai",
        **common,
    )


def quieter() -> None:
    """Keep datatrove's account of each rank off the terminal; what became of a shard is in the plan's folder."""
    from loguru import logger

    logger.disable("datatrove")
