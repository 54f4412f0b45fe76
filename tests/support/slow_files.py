"""Functions for processes that read files: they open one and never come to its end, or log faults."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from augmentai.dataset.archive import contents, open_archive


def log_faults(text: str) -> None:
    """What readers log of values that they did not expect."""
    for _ in range(5):
        try:
            {}[text]
        except KeyError:
            logging.getLogger("augmentai.dataset").info("reading %s", text, exc_info=True)


def read_busily() -> None:
    """What keeps a processor busy."""
    while True:
        pass


def read_slowly() -> str:
    """What waits for others."""
    time.sleep(0.3)
    return "read"


def read_plain(path: Path) -> None:
    """A file on disk."""
    with path.open("rb"):
        time.sleep(600)


def read_zipped(path: Path) -> None:
    """The first file of a ZIP."""
    for _, member in contents(open_archive(path)).files:
        with member.open():
            time.sleep(600)
