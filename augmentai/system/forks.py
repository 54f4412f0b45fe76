"""Processes forked from this one: they begin with all that it has in memory, and end with it, however it ends."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Event, Thread, current_thread, main_thread

Work = Callable[[Connection, Event], None]


def can_fork() -> bool:
    """Whether this process can be forked without harm: on Linux, from its main thread."""
    return sys.platform == "linux" and current_thread() is main_thread()


@dataclass(frozen=True)
class Fork:
    """A process that was forked from this one.

    Attributes:
        pid: its number.
        pipe: to exchange messages with it.
    """

    pid: int
    pipe: Connection
    _orders: Connection

    def stop(self) -> None:
        """Set the event that it was given."""
        with suppress(OSError):  # it has ended
            self._orders.send_bytes(b"stop")

    def close(self) -> None:
        """Let go of it; a process that is still at work then ends itself at once."""
        self.pipe.close()
        self._orders.close()

    def ended(self) -> str:
        """Wait for its end. Returns how it ended, in words; "" if all was well."""
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            with suppress(ValueError):
                return f"it was ended by {signal.Signals(-code).name}"
        return f"it ended with status {code}" if code else ""


def fork(work: Work, others: Iterable[Fork] = ()) -> Fork:
    """Fork a process that does some work and ends.

    It ignores SIGINT and SIGTERM, which a terminal or a service manager sends to all processes at once: this one asks
    it to stop instead. It ends as soon as this process is gone.

    Args:
        work: called there with a pipe to this process, and an event that is set when it should stop.
        others: those that this process has forked before, whose pipes the new one must not keep open.

    Example:
        >>> one = fork(lambda pipe, stop: pipe.send(6 * 7))
        >>> one.pipe.recv(), one.ended()
        (42, '')
        >>> one.close()
    """
    ours, theirs = Pipe()
    heard, orders = Pipe(duplex=False)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # or both would write what it holds
    with warnings.catch_warnings():
        # Python 3.12 warns of other threads: here they draw a progress bar, and the new process uses nothing of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        theirs.close()
        heard.close()
        return Fork(pid, ours, orders)
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for connection in (ours, orders):
            connection.close()
        for other in others:
            other.close()
        stop = Event()
        Thread(target=_listen, args=(heard, stop), daemon=True).start()
        work(theirs, stop)
        status = 0
    finally:
        os._exit(status)  # neither what the parent has open nor what it does at its end is this process's


def _listen(orders: Connection, stop: Event) -> None:
    try:
        while orders.recv_bytes():
            stop.set()
    except (EOFError, OSError):
        os._exit(1)  # the parent has let go, or is no more
