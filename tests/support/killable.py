"""Command lines in processes that can be killed at any time: `python -m tests.support.killable`.

Reads command lines as JSON from its input, one a line, and starts each in a child; "pid 17" is printed for it, and
"ended 0" with its exit status, or -9. The heavy libraries are loaded once, before the first child, and not yet used.
"""

from __future__ import annotations

import json
import os
import sys

import torch  # noqa: F401 (what takes long; its threads only start with the first sum)

from augmentai.cli import app as cli


def main() -> None:
    for line in sys.stdin:
        words = json.loads(line)
        child = os.fork()
        if child == 0:
            sys.argv = ["augmentai", *words]
            try:
                cli.main()
            except SystemExit as leave:
                sys.stdout.flush()
                os._exit(int(leave.code or 0))
        print(f"pid {child}", flush=True)
        print(f"ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}", flush=True)


if __name__ == "__main__":
    main()
