"""Functions that open a file and never come to its end, for processes that read files."""

from __future__ import annotations

import time
from pathlib import Path

from augmentai.dataset.archive import contents, open_archive


def read_plain(path: Path) -> None:
    """A file on disk."""
    with path.open("rb"):
        time.sleep(600)


def read_zipped(path: Path) -> None:
    """The first file of a ZIP."""
    for _, member in contents(open_archive(path)).files:
        with member.open():
            time.sleep(600)
