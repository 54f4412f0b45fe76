"""Command lines in processes that can be killed at any time: `python -m tests.support.killable`.

Reads command lines as JSON from its input, one a line, and starts each in a child; "pid 17" is printed for it, and
"ended 0" with its exit status, or -9. The heavy libraries are loaded once, before the first child, and not yet used.

A child ends by itself, with status 9, before the change with the number `at` to the files whose paths begin with
`below`; if it lives to its end, "changes 40" is printed with their number.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DIED = 9
_CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")


class Killable:
    """Starts command lines in children of a process of its own."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killable"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
            env=os.environ | environment,
        )

    def start(self, *words: str | Path, below: Path | str = "", at: int = 0, **environment: str) -> int:
        """The process of a command line that has just begun."""
        assert self.process.stdin
        order = {"words": [str(word) for word in words], "below": str(below), "at": at, "environment": environment}
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return int(self.read_word("pid"))

    def read_word(self, what: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:  # the command line prints there as well
            if line.startswith(what + " "):
                return line.split()[1]
        raise AssertionError(f"it ended without {what}")

    def run(self, *words: str | Path, **how: Any) -> int:
        """The exit status."""
        self.start(*words, **how)
        return int(self.read_word("ended"))

    def changes(self, *words: str | Path, below: Path) -> int:
        """How many changes a command line makes to files."""
        self.start(*words, below=below)
        return int(self.read_word("changes"))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


def main() -> None:
    """What runs in the process."""
    import s3fs  # noqa: F401 (what takes long, as the next)
    import torch  # noqa: F401 (its threads only start with the first sum)

    import augmentai.cli.replay
    import augmentai.cli.run  # noqa: F401
    from augmentai.dataset.formats.detect import usable_formats
    from augmentai.pipeline import stages  # noqa: F401

    usable_formats()
    gc.freeze()  # or each child would copy what it collects
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(order)
        print(f"pid {child}", flush=True)
        print(f"ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}", flush=True)


def _run(order: Mapping[str, Any]) -> None:
    from augmentai.cli import app as cli

    os.environ.update(order["environment"])
    sys.argv = ["augmentai", *order["words"]]
    changes = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        is_change = event in _CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if is_change and any(str(one).startswith(order["below"]) for one in arguments[:2]):
            changes += 1
            if changes == order["at"]:
                os._exit(DIED)

    status = 0
    if order["below"]:
        sys.addaudithook(count)
    try:
        cli.main()
    except SystemExit as leave:
        status = int(leave.code or 0)
    print(f"changes {changes}")
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
