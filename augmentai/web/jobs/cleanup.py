"""Deletes uploads and results when their time is over, also what Gradio does not keep track of."""

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

_LONGEST_PAUSE_SECONDS = 600.0
# What Gradio and this app make there, and nothing else: somebody may have named a folder that holds other things too.
_OURS = re.compile(r"^([0-9a-f]{64}|tmp[a-z0-9_]{8}.*|augmentai-jobs)$")
JOBS = "augmentai-jobs"  # below it, one folder a job


def own_folder() -> Path:
    """The folder for uploads and results, closed to other users of the machine, unless GRADIO_TEMP_DIR names one.

    Gradio's own choice is one folder for every app and every user of the machine. Called before the page is built.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / f"augmentai-{user}"))
    from gradio.utils import get_upload_folder

    folder = Path(get_upload_folder())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def still_needed(files: Iterable[str], folder: Path) -> None:
    """A job is about to read these uploads: their time begins anew."""
    for file in files:
        if Path(file).is_relative_to(folder):  # the examples lie elsewhere
            with suppress(OSError):
                os.utime(file)


def sweep(folder: Path, keep_hours: float) -> int:
    """Delete what is older than that in `folder`: uploads, job folders, stubs, what broken uploads left.

    Returns how many entries went. Never follows a link.
    """
    oldest = time.time() - keep_hours * 3600
    gone = 0
    places = [place for place in _entries(folder) if _OURS.match(place.name) and place.name != JOBS]
    for place in [*places, *_entries(folder / JOBS)]:
        with suppress(OSError):  # a job or another sweep was faster
            if _newest(place) >= oldest:
                continue
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink()
            gone += 1
    return gone


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _newest(place: Path) -> float:
    """When something in it was last written: a job may work for longer than its folder's own time tells."""
    times = [place.lstat().st_mtime]
    if place.is_dir() and not place.is_symlink():
        for file in place.rglob("*"):
            with suppress(OSError):
                times.append(file.lstat().st_mtime)
    return max(times)


class Janitor:
    """Sweeps now and then, in the background, until `stop`."""

    def __init__(self, folder: Path, keep_hours: float) -> None:
        self._folder, self._keep_hours = folder, keep_hours
        self._ended = threading.Event()
        self._pause = min(_LONGEST_PAUSE_SECONDS, keep_hours * 3600 / 4)

    def start(self) -> Janitor:
        threading.Thread(target=self._work, name="janitor", daemon=True).start()
        return self

    def stop(self) -> None:
        self._ended.set()

    def _work(self) -> None:
        while True:
            sweep(self._folder, self._keep_hours)
            if self._ended.wait(self._pause):
                return
