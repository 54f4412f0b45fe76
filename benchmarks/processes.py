"""A command as a benchmark measures it: time, processor time, and the memory of all its processes."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_WAIT_S, _SAMPLED_S = 0.02, 0.3  # reading the memory takes milliseconds, which the command would miss


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes:
        seconds: by the clock.
        cpu_s: of processors, by all its processes.
        peak_mb: of memory at a time, by all its processes; what several of them share is counted once.
        status: with which it ended.
        errors: the end of what it wrote to its standard error.
    """

    seconds: float
    cpu_s: float
    peak_mb: float
    status: int
    errors: str


def measured(command: Sequence[str], folder: Path, environment: dict[str, str], cores: int | None = None) -> Measured:
    """Run a command to its end.

    Args:
        command: its words.
        folder: where it runs.
        environment: all of its variables.
        cores: on how many of this process's cores; None for all of them.
    """
    pinned = sorted(os.sched_getaffinity(0))[:cores]
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, pinned),
        )
        peak, sampled = 0.0, started
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            time.sleep(_WAIT_S)
            if time.perf_counter() - sampled > _SAMPLED_S:
                peak, sampled = max(peak, memory_mb(process.pid)), time.perf_counter()
        seconds = time.perf_counter() - started
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        words = errors.read().decode(errors="replace")[-2000:]
    peak = max(peak, usage.ru_maxrss / 1024)  # of the largest process, between samples too
    return Measured(seconds, usage.ru_utime + usage.ru_stime, peak, process.returncode, words)


def memory_mb(session: int) -> float:
    """The memory of all processes of a session; what several of them share is counted once."""
    kilobytes = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024
