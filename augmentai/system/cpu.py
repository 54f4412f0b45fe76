"""How many cores this process may keep busy: in a container that is less than the machine has."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path

_V2 = "sys/fs/cgroup/cpu.max"  # "quota period" in microseconds, or "max period"
_V1 = ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "sys/fs/cgroup/cpu/cpu.cfs_period_us")  # a quota of -1 is none


@cache
def usable_cores(root: Path = Path("/")) -> int:
    """At least 1. The machine's cores, those this process may run on, or what its control group grants: the least.

    More threads than that do not share the time better: Linux stops all of them for the rest of each tenth of a second.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    granted = _granted(root)
    return max(1, cores if granted is None else min(cores, math.ceil(granted)))


def _granted(root: Path) -> float | None:
    try:
        if (root / _V2).is_file():
            quota, period = (root / _V2).read_text().split()
        else:
            quota, period = ((root / name).read_text().strip() for name in _V1)
        return int(quota) / int(period) if quota.isdigit() and int(period) > 0 else None
    except (OSError, ValueError):
        return None
