"""The end of a process: the first SIGINT or SIGTERM asks it to end what it has begun, the second ends it at once.

A container is killed ten seconds after its SIGTERM, and its first process ignores signals that it has no handler for.
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

NUMBERS = (signal.SIGINT, signal.SIGTERM)


def end_at_once_on(number: int) -> None:
    """Have a signal end the process, whatever it is doing.

    Args:
        number: of the signal.
    """
    if os.getpid() == 1:
        signal.signal(number, lambda *_: os._exit(128 + number))
    else:
        signal.signal(number, signal.SIG_DFL)  # the system does it, also in the middle of an import


def on_first_signal(ask: Callable[[], None], numbers: tuple[int, ...] = NUMBERS) -> None:
    """Call a function at the first of these signals; the second one of a kind ends the process at once.

    Args:
        ask: called in the main thread.
        numbers: of the signals.
    """

    def asked(number: int, _: object) -> None:
        end_at_once_on(number)
        ask()

    for number in numbers:
        signal.signal(number, asked)


def end_after(seconds: float) -> None:
    """End the process when this time is over, with status 1, even if no Python code can run by then.

    Args:
        seconds: from now.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)  # open for as long as the process lives
    faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)


def end_quickly() -> None:
    """Have this process end without a last collection of garbage, which takes seconds once torch is loaded."""
    atexit.register(gc.freeze)


def leave(status: int) -> NoReturn:
    """End the process now, whatever other threads are doing.

    Args:
        status: its exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)
