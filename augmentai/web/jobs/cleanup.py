"""Deletes uploads and results once they have expired, including files that Gradio does not track."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_MAX_INTERVAL_SECONDS = 600.0
# Only what Gradio and this app create: GRADIO_TEMP_DIR may name a folder that has other files too.
_OUR_NAMES = re.compile(r"^([0-9a-f]{64}|tmp[a-z0-9_]{8}.*|augmentai-jobs)$")
JOBS_FOLDER = "augmentai-jobs"  # has one folder per job


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


def postpone_expiry(files: Iterable[str], folder: Path) -> None:
    """Restart the time until these uploads expire, since a job is about to read them."""
    for file in files:
        if Path(file).is_relative_to(folder):  # bundled examples are elsewhere
            with suppress(OSError):
                os.utime(file)


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
    for path in [*paths, *_entries(folder / JOBS_FOLDER)]:
        with suppress(OSError):  # a job or another sweep deleted it first
            if _last_write(path) >= oldest:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            deleted += 1
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


class Janitor:
    """Sweeps at intervals, in the background, until `stop`."""

    def __init__(self, folder: Path, keep_hours: float) -> None:
        self._folder, self._keep_hours = folder, keep_hours
        self._stopped = threading.Event()
        self._interval = min(_MAX_INTERVAL_SECONDS, keep_hours * 3600 / 4)

    def start(self) -> Janitor:
        threading.Thread(target=self._work, name="janitor", daemon=True).start()
        return self

    def stop(self) -> None:
        self._stopped.set()

    def _work(self) -> None:
        while True:
            sweep(self._folder, self._keep_hours)
            if self._stopped.wait(self._interval):
                return
