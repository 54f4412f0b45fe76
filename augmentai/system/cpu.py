"""How many cores this process may use: in a container that can be fewer than the machine has."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path

_V2 = "sys/fs/cgroup/cpu.max"  # "quota period" in microseconds, or "max period"
_V1 = ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "sys/fs/cgroup/cpu/cpu.cfs_period_us")  # a quota of -1 means no limit


@cache
def usable_cores(root: Path = Path("/")) -> int:
    """Count the cores this process can keep busy.

    More threads than that do not share the time better: Linux suspends all of them for the rest of each 100 ms period.

    Args:
        root: Where the file system is mounted; for tests.

    Returns:
        At least 1: the smallest of the machine's cores, the process's CPU affinity and its control group's quota
        (cgroup v1 or v2), rounded up.

    Example:
        >>> 1 <= usable_cores() <= os.cpu_count()
        True
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    quota = _quota_cores(root)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


@cache
def has_bfloat16(root: Path = Path("/")) -> bool:
    """Whether the processor computes in bfloat16 itself (AVX-512 BF16 or AMX); False where that cannot be told.

    Args:
        root: Where the file system is mounted; for tests.
    """
    try:
        with (root / "proc/cpuinfo").open(encoding="ascii", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags.split())


def busy_seconds(pid: int, root: Path = Path("/")) -> float:
    """How long a process has kept processors busy; 0.0 where that cannot be told.

    Args:
        pid: of the process.
        root: Where the file system is mounted; for tests.

    Example:
        >>> busy_seconds(os.getpid()) >= 0
        True
    """
    try:
        fields = (root / f"proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def _quota_cores(root: Path) -> float | None:
    """The control group's CPU quota in cores; None if there is no limit."""
    try:
        if (root / _V2).is_file():
            quota, period = (root / _V2).read_text().split()
        else:
            quota, period = ((root / name).read_text().strip() for name in _V1)
        return int(quota) / int(period) if quota.isdigit() and int(period) > 0 else None
    except (OSError, ValueError):
        return None
