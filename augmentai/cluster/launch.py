"""Running a plan: which shards are left, who makes them, and again what a lost worker left behind."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from augmentai.cluster.errors import ClusterError, check_installed
from augmentai.cluster.executors import Resources, Where, executor_for
from augmentai.cluster.orphans import children_end_with_it
from augmentai.cluster.plan_folder import FAILED, LOGS, PlanFolder, remove_left_parts
from augmentai.cluster.progress import Status, made_shards, notes, stats_of, status_of
from augmentai.cluster.shard_files import stats_name
from augmentai.cluster.step import was_stopped
from augmentai.engines import available
from augmentai.pipeline.paid_folder import may_charge
from augmentai.settings import Settings, load_settings
from augmentai.storage import open_store

_POLL_S = 0.05
_FAILED_ROUNDS = 2  # one after another in which every shard that was left failed, before the run ends
_LOST_ROUNDS = 12  # in which none was made, and workers were lost on the way: one may end whoever makes it


@dataclass(frozen=True)
class Launched:
    """What a launch came to.

    Attributes:
        status: of the plan, when the executor returned.
        waits: whether the executor has only submitted its jobs.
    """

    status: Status
    waits: bool


def run_plan(
    url: str, where: Where = "local", resources: Resources | None = None, settings: Settings | None = None
) -> Launched:
    """Make the shards of a plan that are not complete.

    Args:
        url: the plan's folder.
        where: "local" (processes of this machine), "slurm", "ray" or "hf-jobs".
        resources: what each worker gets.
        settings: of this process, to know whether engines charge; workers read their own from the environment.

    Raises:
        ClusterError: the plan was changed, something is missing, or engines that charge would run in several workers.
        StorageError: the plan's folder cannot be read.
    """
    check_installed()
    resources = resources or Resources()
    folder = PlanFolder(open_store(url))
    folder.check()
    _check_money(folder, where, resources, settings or load_settings())
    _check_reach(folder, where, resources)
    _remove_damaged(folder)
    remove_left_parts(folder)
    made, barren = made_shards(folder), 0
    while left := [shard for shard in range(len(folder.list.shards)) if shard not in made]:
        known = notes(folder.store, FAILED)
        logs = folder.store.url_of(f"{LOGS}/{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
        _launch(folder, where, left, resources, logs)
        if was_stopped(folder.store.url):
            break
        if where == "slurm":
            return Launched(status_of(folder), waits=True)
        before, made = made, made_shards(folder)
        barren = 0 if made > before else barren + 1
        now = notes(folder.store, FAILED)
        have_failed = all(shard in now and now[shard] != known.get(shard) for shard in left if shard not in made)
        if barren >= (_FAILED_ROUNDS if have_failed else _LOST_ROUNDS):
            break
    return Launched(status_of(folder), waits=False)


def _remove_damaged(folder: PlanFolder) -> None:
    """Stats that cannot be read do not say that a shard is complete; it is made again."""
    for shard in made_shards(folder) - stats_of(folder).keys():
        folder.store.delete(stats_name(shard))


def _launch(folder: PlanFolder, where: Where, shards: Sequence[int], resources: Resources, logs: str) -> None:
    """Have some shards made, and wait for it unless the executor only submits."""
    if where == "local" and resources.workers > 1:
        _in_processes(folder.store.url, shards, resources, logs)
    else:
        with children_end_with_it():
            executor_for(where, folder.store.url, shards, resources, logs).run()


def _in_processes(url: str, shards: Sequence[int], resources: Resources, logs: str) -> None:
    """A process per worker, each with an executor over its own shards: a pool of processes waits forever for the
    result of one that was killed."""
    count = resources.tasks_for(len(shards))
    orders = [{"url": url, "shards": shards[rank::count], "logs": f"{logs}/{rank:05}"} for rank in range(count)]
    command = [sys.executable, "-m", "augmentai.cluster.worker"]
    waiting, running = deque(orders), list[subprocess.Popen[bytes]]()
    try:
        while waiting or running:
            while waiting and len(running) < resources.workers:
                # A worker ends with this process, however that ends: its end of the pipe closes. In a session of its
                # own it does not get the Ctrl-C that this process passes on.
                order = json.dumps(waiting.popleft())
                running.append(subprocess.Popen([*command, order], stdin=subprocess.PIPE, start_new_session=True))
            time.sleep(_POLL_S)
            running = [process for process in running if process.poll() is None]
    except BaseException:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        raise


def _check_money(folder: PlanFolder, where: Where, resources: Resources, settings: Settings) -> None:
    """One worker at a time spends: the budget, the rate and the answers that are paid for are in one folder."""
    if not may_charge(available(settings), folder.record.recipe):
        return
    if resources.workers > 1 or resources.tasks > 1:
        raise ClusterError(
            f"{resources.workers} workers, and the engine charges credits: the limit of the account holds for all of "
            "them together, so more would not be faster. Use --workers 1"
        )
    if where in {"hf-jobs", "ray"} or not folder.store.is_local:
        raise ClusterError(
            "the engine charges credits, and what is paid for has to be on a disk before anything else happens; plan "
            "into a folder of this machine or of a shared disk, and run with --on local or slurm"
        )


def _check_reach(folder: PlanFolder, where: Where, resources: Resources) -> None:
    """Whether workers can read the plan."""
    scheme = urlsplit(folder.store.url).scheme
    if scheme == "memory" and (where != "local" or resources.workers > 1):
        raise ClusterError("memory:// is the memory of this process, which no other worker can read; use --workers 1")
    if where == "hf-jobs" and folder.store.is_local:
        raise ClusterError("HF Jobs cannot read this machine's disk; plan into hf://buckets/USER/NAME or s3://BUCKET")
