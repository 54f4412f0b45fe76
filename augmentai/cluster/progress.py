"""How far a plan is, from its files alone: whoever can read the folder can ask, whether a driver runs or not."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.heartbeat import EVERY_S
from augmentai.cluster.plan_folder import FAILED, MADE, RUNNING, PlanFolder
from augmentai.cluster.shard_files import ShardStats, read_stats
from augmentai.storage import MissingFileError, Store

_LOST_AFTER_S = 6 * EVERY_S
_RATE_OF = 600.0  # seconds: the rate of today's workers, not of those of last week
_READERS = 16


@dataclass(frozen=True)
class Status:
    """The state of a plan.

    Attributes:
        shards: how many there are.
        done: how many of them are complete.
        running: how many a worker is making now.
        lost: how many a worker had begun that does not answer any more.
        failed: {shard: why it could not be made}.
        variations: made in complete shards, and in those that are being made.
        total: variations of all shards, if nothing goes wrong.
        incomplete: lines that say why something was not made, in complete shards.
        credits: what complete shards cost.
        per_second: variations; None if nothing is known yet.
        seconds_left: None if nothing is known yet.
    """

    shards: int
    done: int
    running: int
    lost: int
    failed: Mapping[int, str]
    variations: int
    total: int
    incomplete: int
    credits: float
    per_second: float | None
    seconds_left: float | None

    @property
    def is_complete(self) -> bool:
        """Whether every shard is complete."""
        return self.done == self.shards

    @property
    def words(self) -> str:
        """The state in one line.

        Example:
            >>> Status(8, 3, 2, 0, {}, 310, 800, 1, 0.0, 12.0, 40.0).words
            '3 of 8 shards done, 2 running; 310 of 800 variations, 12.0 per second, about 40 s left; 1 not made'
        """
        shards = [f"{self.done} of {self.shards} shards done"]
        shards += [f"{self.running} running"] if self.running else []
        shards += [f"{self.lost} lost"] if self.lost else []
        shards += [f"{len(self.failed)} failed"] if self.failed else []
        work = [f"{self.variations:,} of {self.total:,} variations"]
        if not self.is_complete and self.per_second is not None and self.seconds_left is not None:
            work += [f"{self.per_second:.1f} per second", f"about {_duration(self.seconds_left)} left"]
        more = [f"{self.incomplete:,} not made"] if self.incomplete else []
        more += [f"{self.credits:g} credits"] if self.credits else []
        return "; ".join([", ".join(shards), ", ".join(work), *more])

    def as_dict(self) -> dict[str, Any]:
        """The state as JSON holds it."""
        return {**self.__dict__, "failed": {str(shard): why for shard, why in self.failed.items()}}


def made_shards(folder: PlanFolder) -> frozenset[int]:
    """The shards that are complete, by their stats files; nothing else is read."""
    names = (file.path.rpartition("/")[2] for file in folder.store.list(MADE))
    known = range(len(folder.list.shards))
    found = (name.removesuffix("_stats.json") for name in names if name.endswith("_stats.json"))
    return frozenset(int(name) for name in found if name.isdigit() and int(name) in known)


def stats_of(folder: PlanFolder) -> dict[int, ShardStats]:
    """The stats of every complete shard.

    Args:
        folder: the plan.

    Raises:
        ClusterError: there is no complete plan, or shards of another one.
    """
    with ThreadPoolExecutor(_READERS, "status") as pool:
        shards = sorted(made_shards(folder))
        every = list(pool.map(lambda shard: read_stats(folder.store, shard), shards))
    stats = {shard: one for shard, one in zip(shards, every, strict=True) if one is not None}
    if strange := [shard for shard, one in stats.items() if one.plan != folder.list.sha256]:
        what = f"shard {strange[0]} in {folder.store.url} was made by another plan"
        raise ClusterError(f"{what}; delete the folder {MADE}, or plan in a new folder")
    return stats


def status_of(folder: PlanFolder) -> Status:
    """Read the state of a plan.

    Args:
        folder: the plan.

    Raises:
        ClusterError: there is no complete plan, or shards of another one.
    """
    stats = stats_of(folder)
    begun = {shard: one for shard, one in notes(folder.store, RUNNING).items() if shard not in stats}
    now = time.time()
    running = {shard: one for shard, one in begun.items() if now - one["seen"] < _LOST_AFTER_S}
    failed = {
        shard: str(one["reason"])
        for shard, one in notes(folder.store, FAILED).items()
        if shard not in stats and shard not in running
    }
    made = sum(one.variations for one in stats.values())
    finished = sum(one.variations + one.failed for one in stats.values())
    rate = _rate(list(stats.values()), list(running.values()), now)
    left = max(0, folder.list.total - finished - sum(one["made"] for one in running.values()))
    return Status(
        len(folder.list.shards),
        len(stats),
        len(running),
        len(begun) - len(running),
        failed,
        made + sum(one["made"] for one in running.values()),
        folder.list.total,
        sum(one.failed for one in stats.values()),
        round(sum(one.credits for one in stats.values()), 6),
        rate,
        left / rate if rate else None,
    )


def notes(store: Store, kind: str) -> dict[int, dict[str, Any]]:
    """The small files of one kind, by shard.

    Args:
        store: the plan's folder.
        kind: `RUNNING` or `FAILED`.
    """
    found = {}
    for file in store.list(kind):
        name = file.path.rpartition("/")[2].removesuffix(".json")
        with suppress(MissingFileError, ValueError):  # gone, or half written by a store that allows it
            found[int(name)] = json.loads(store.read(file.path))
    return found


def _rate(stats: list[ShardStats], running: list[dict[str, Any]], now: float) -> float | None:
    """Variations per second over the last minutes of work."""
    spans = [(one.started, one.ended, one.variations) for one in stats]
    spans += [(one["started"], one["seen"], one["made"]) for one in running]
    end = now if running else max((end for _, end, _ in spans), default=now)
    start = max(min((start for start, _, _ in spans), default=end), end - _RATE_OF)
    done = sum(
        count * (end_of - max(start_of, start)) / max(end_of - start_of, 1e-9)
        for start_of, end_of, count in spans
        if end_of > start
    )
    return done / (end - start) if end > start and done else None


def _duration(seconds: float) -> str:
    """
    Example:
        >>> [_duration(seconds) for seconds in (40, 600, 9000, 400_000)]
        ['40 s', '10 min', '2.5 h', '4.6 days']
    """
    for least, name in ((172_800, "days"), (5_400, "h"), (120, "min")):
        if seconds >= least:
            per = {"days": 86_400, "h": 3_600, "min": 60}[name]
            return f"{seconds / per:.0f} min" if name == "min" else f"{seconds / per:.1f} {name}"
    return f"{seconds:.0f} s"
