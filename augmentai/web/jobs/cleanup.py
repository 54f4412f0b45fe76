"""Deletes uploads and results once they have expired, including files that Gradio does not track."""

from __future__ import annotations

import math
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from augmentai.dataset.atomic_files import OutputError
from augmentai.system.free_space import is_nearly_full

_MAX_INTERVAL_SECONDS = 600.0
# Only what Gradio and this app create: GRADIO_TEMP_DIR may name a folder that has other files too.
_OUR_NAMES = re.compile(r"^([0-9a-f]{64}|tmp[a-z0-9_]{8}.*|augmentai-jobs)$")
JOBS_FOLDER = "augmentai-jobs"  # has one folder per job
PAID_JOBS = "augmentai-paid"  # has a folder per visitor, with one per job in it


def private_folder() -> Path:
    """Create the folder for uploads and results, closed to other users of the machine unless GRADIO_TEMP_DIR names one.

    Gradio's default is one folder for every app and every user of the machine. Call this before the page is built.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / f"augmentai-{user}"))
    from gradio.utils import get_upload_folder

    folder = Path(get_upload_folder())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def create_job_folder(folder: Path) -> None:
    """Create the folder of a job. Raises OutputError if that is not possible or there is too little room for a job."""
    try:
        folder.mkdir(parents=True)
        nearly_full = is_nearly_full(folder)
    except OSError as error:
        raise OutputError(f"the server cannot write to its results folder ({error.strerror or error})") from error
    if nearly_full:
        raise OutputError("the server's disk is nearly full; try again later or with fewer files")


class Lease:
    """Keeps what a job needs from expiring while it works, for every server that shares the folder.

    Args:
        folder: the folder for uploads and results.
        keep_hours: age at which an entry expires.
        paths: files and folders that are needed; those elsewhere, such as bundled examples, are not touched.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "photo.jpg")
        ...     _ = file.write_bytes(b"pixels")
        ...     os.utime(file, (0, 0))
        ...     Lease(Path(folder), 1, [file]).renew()
        ...     file.stat().st_mtime > 0
        True
    """

    def __init__(self, folder: Path, keep_hours: float, paths: Iterable[str | Path]) -> None:
        self._paths = [path for path in map(Path, paths) if path.is_relative_to(folder)]
        self._interval = min(_MAX_INTERVAL_SECONDS, keep_hours * 3600 / 8)
        self._renewed = -math.inf

    def renew(self, *more: Path) -> None:
        """To be called every now and then; restarts the time until they expire, if the last time is long enough ago.

        Args:
            more: what is needed in addition.
        """
        now = time.monotonic()
        if now - self._renewed < self._interval:
            return
        self._renewed = now
        for path in [*self._paths, *more]:
            with suppress(OSError):  # not there yet, or not any more
                os.utime(path)


def sweep(folder: Path, keep_hours: float) -> int:
    """Delete expired uploads, job folders, stubs and the remains of interrupted uploads. Never follows a link.

    Args:
        folder: the folder for uploads and results.
        keep_hours: age at which an entry expires.

    Returns:
        How many entries were deleted.
    """
    oldest = time.time() - keep_hours * 3600
    deleted = 0
    paths = [path for path in _entries(folder) if _OUR_NAMES.match(path.name) and path.name != JOBS_FOLDER]
    paid = [path for visitor in _entries(folder / PAID_JOBS) for path in _entries(visitor)]
    for path in [*paths, *_entries(folder / JOBS_FOLDER), *paid]:
        with suppress(OSError):  # a job or another sweep deleted it first
            if _last_write(path) >= oldest:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            deleted += 1
            if path in paid:
                path.parent.rmdir()  # refused as long as the visitor has other jobs
    return deleted


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _last_write(path: Path) -> float:
    """When anything in it was last written; the time of the folder itself does not change while a job works."""
    times = [path.lstat().st_mtime]
    if path.is_dir() and not path.is_symlink():
        for file in path.rglob("*"):
            with suppress(OSError):
                times.append(file.lstat().st_mtime)
    return max(times)


def waiting_files(page: Any) -> list[str]:
    """The files named by calls that wait in the page's queues, or are at work: a job that has just left its queue holds
    no lease yet. Gradio has no public function for this."""
    queues = list(page._queue.event_queue_per_concurrency_id.values())
    events = [event for queue in queues for event in list(queue.queue)]
    events += [event for at_work in list(page._queue.active_jobs) for event in at_work or ()]
    return [text for event in events if event.data is not None for text in _texts_in(event.data.data)]


def _texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(one)


class Janitor:
    """Sweeps at intervals, in the background, until `stop`.

    Args:
        folder: the folder for uploads and results.
        keep_hours: age at which an entry expires.
        waiting: returns what calls in the queue, and those at work, need; it is kept.
    """

    def __init__(self, folder: Path, keep_hours: float, waiting: Callable[[], Iterable[str]] = lambda: ()) -> None:
        self._folder, self._keep_hours, self._waiting = folder, keep_hours, waiting
        self._stopped = threading.Event()
        self._interval = min(_MAX_INTERVAL_SECONDS, keep_hours * 3600 / 4)

    def start(self) -> Janitor:
        threading.Thread(target=self._work, name="janitor", daemon=True).start()
        return self

    def stop(self) -> None:
        self._stopped.set()

    def _work(self) -> None:
        while True:
            Lease(self._folder, self._keep_hours, self._waiting()).renew()
            sweep(self._folder, self._keep_hours)
            if self._stopped.wait(self._interval):
                return
