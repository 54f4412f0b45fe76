"""One worker of this machine, as a process of its own: `python -m augmentai.cluster.worker ORDER`, in JSON."""

from __future__ import annotations

import json
import os
import sys
from threading import Thread

from augmentai.cluster.executors import Resources, executor_for
from augmentai.cluster.orphans import children_end_with_it


def main(order: str) -> None:
    """Make the shards that an order names, with datatrove's local executor.

    Args:
        order: {"url": the plan's folder, "shards": their numbers, "logs": a folder for the executor}, as JSON.
    """
    Thread(target=_end_with_driver, daemon=True).start()
    content = json.loads(order)
    with children_end_with_it():
        executor_for("local", content["url"], content["shards"], Resources(), content["logs"]).run()


def _end_with_driver() -> None:
    """The driver holds the other end of standard input. Not read through `sys.stdin`, whose lock a fork would copy."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
