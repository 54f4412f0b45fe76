"""Calls functions in processes that can be stopped, with limits on time and memory, and turns between visitors."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from augmentai.dataset.file_names import printable
from augmentai.images.file_types import IMAGE_SUFFIXES
from augmentai.system.cpu import busy_seconds
from augmentai.web.parsing.lanes import Lane
from augmentai.web.parsing.process import FAILED, LOGGED, READING

_SHORT_SECONDS = 2.0
_SHORT_AT_ONCE = 2
_LIGHT_AT_ONCE = 1
_LONG_AT_ONCE = 1
_KEPT_READY = 2  # processes; starting one takes longer than most calls
_LAST_WORDS_SECONDS = 10.0
_LONG_NICENESS = 10  # the page and short calls come first
_CHECK_SECONDS = 0.05
# How the names of the environment variables begin that are passed on: no keys.
_ENVIRONMENT: tuple[str, ...] = (
    *("PATH", "PYTHON", "VIRTUAL_ENV", "LD_", "DYLD_", "OMP_", "OPENBLAS_", "MKL_", "HOME", "USER", "TMP", "TEMP"),
    *("TZ", "LANG", "LC_", "SYSTEMROOT", "WINDIR", "COMSPEC", "REMBG_HOME", "U2NET_HOME", "XDG_DATA_HOME"),
)

R = TypeVar("R")
_log = logging.getLogger(__name__)


class ParsingError(Exception):
    """Files could not be read within the limits.

    Attributes:
        file: the path of the file that was being read; "" if none was.
        name: what the visitor calls it: its name, and the name in it if it is a ZIP.
        reason: what happened and what to do, without the name.
    """

    def __init__(self, reason: str, file: str = "", member: str = "") -> None:
        self.reason, self.file = reason, file
        self.name = ": ".join(printable(part) for part in (Path(file).name, member) if part)
        super().__init__(": ".join(part for part in (self.name, reason) if part))


class TookLongError(ParsingError):
    """Files could not be read in time."""


class ParsingPool:
    """A few processes, of which some are kept ready. Thread-safe.

    A call that takes long is ended, and begun again in a lane of its own, so that short calls wait for short ones only.
    Photos alone, which are quickly read, wait for photos alone.
    """

    def __init__(self, seconds: float, megabytes: float) -> None:
        """seconds, megabytes: the most that one call may take."""
        self._seconds, self._megabytes = seconds, megabytes
        self._light, self._short, self._long = Lane(_LIGHT_AT_ONCE), Lane(_SHORT_AT_ONCE), Lane(_LONG_AT_ONCE)
        self._idle: list[_Process] = []
        self._lock = threading.Lock()
        self._closed = False

    def run(
        self,
        visitor: str,
        function: Callable[..., R],
        *arguments: Any,
        stop: threading.Event | None = None,
        light: bool = False,
        more_seconds: float = 0.0,
        of_processor: float = 1.0,
    ) -> R:
        """Call a function in another process.

        Args:
            visitor: whose call it is.
            function: importable by its name, as are the types of its arguments and of its result.
            arguments: handed over by value.
            stop: set it to end the call early.
            light: it hardly ever takes long, so it waits for such calls alone.
            more_seconds: what it may take beyond the pool's limit.
            of_processor: how much of the limit it may keep a processor busy, where that can be told.

        Returns:
            What the function returned.

        Raises:
            BusyError: too many calls wait.
            ParsingError: the limits were reached, or the call was stopped.
            Exception: what the function raised.
        """
        call = (function, arguments, int(self._megabytes * 1_000_000))
        most_seconds = self._seconds + more_seconds
        at_work = of_processor * most_seconds
        seconds = min(most_seconds, _SHORT_SECONDS)
        lane = self._light if light else self._short
        with suppress(*([TookLongError] if seconds < most_seconds else [])), lane.turn(visitor):
            process = self._take()
            try:
                return cast("R", process.call((*call, 0), seconds, at_work, stop))
            finally:
                self._put_back(process)
        with self._long.turn(visitor):
            process = self._take()
            try:
                return cast("R", process.call((*call, _LONG_NICENESS), most_seconds, at_work, stop))
            finally:
                process.kill()  # its niceness cannot be taken back
                self._replace()

    def warm_up(self) -> None:
        """Start a process and keep it ready, so that the next call does not wait for it."""
        self._put_back(_Process())

    def close(self) -> None:
        """End the processes that are idle; the others end with their calls."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.kill()

    def _take(self) -> _Process:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
        return _Process()

    def _put_back(self, process: _Process) -> None:
        with self._lock:
            alive = process.alive
            keep = alive and len(self._idle) < _KEPT_READY and not self._closed
            if keep:
                self._idle.append(process)
        if not keep:
            process.kill()
        if not alive:
            self._replace()

    def _replace(self) -> None:
        """Start another process in place of one that was ended, if none is ready; nobody waits for it."""
        with self._lock:
            if len(self._idle) >= _KEPT_READY or self._closed:
                return
            self._idle.append(_Process())


class _Process:
    """One process, for one call at a time."""

    def __init__(self) -> None:
        self._ready = False
        environment = {name: value for name, value in os.environ.items() if name.upper().startswith(_ENVIRONMENT)}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "augmentai.web.parsing.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def call(self, request: tuple[Any, ...], seconds: float, at_work: float, stop: threading.Event | None) -> Any:
        """Have a request answered within these times; raise ParsingError, or what the function raises."""
        requests, answers = cast("tuple[IO[bytes], IO[bytes]]", (self._popen.stdin, self._popen.stdout))
        opened = _Opened()
        if not self._ready:
            try:
                pickle.load(answers)
            except (EOFError, OSError, pickle.UnpicklingError):
                with suppress(subprocess.TimeoutExpired):
                    self._popen.wait(_LAST_WORDS_SECONDS)  # it ends by itself, once it has said why
                self.kill()
                raise ParsingError("the process that reads files did not start; the server's log says why") from None
            self._ready = True
        watch = _Watch(self._popen, seconds, at_work, stop)
        try:
            pickle.dump(request, requests)
            requests.flush()
            while (answer := pickle.load(answers))[0] in (READING, LOGGED):
                if answer[0] == READING:
                    opened.add(*answer[1])
                else:
                    _log.warning("%s", answer[1])
        except (EOFError, OSError, pickle.UnpicklingError):
            self.kill()
            answer = (FAILED, watch.error(*opened.blamed) or MemoryError())  # else the system killed it
        finally:
            watch.end()
        kind, value = answer
        if isinstance(value, MemoryError):
            megabytes = request[2] / 1e6
            reason = f"needs more memory than the server allows ({megabytes:g} MB); make it smaller or leave it out"
            raise ParsingError(reason, *opened.blamed)
        if kind == FAILED:
            raise value
        return value


class _Opened:
    """The files that were opened last. Labels are parsed after some images were opened, whose headers are small."""

    def __init__(self) -> None:
        self._last = self._labels = ("", "")

    def add(self, file: str, member: str) -> None:
        self._last = (file, member)
        if Path(member or file).suffix.lower() not in IMAGE_SUFFIXES:
            self._labels = self._last

    @property
    def blamed(self) -> tuple[str, str]:
        """The path of a file, and the name in it if it is a ZIP."""
        return self._labels if any(self._labels) else self._last


class _Watch:
    """Kills a process that takes too long, or whose answer nobody waits for any more."""

    def __init__(
        self, popen: subprocess.Popen[bytes], seconds: float, at_work: float, stop: threading.Event | None
    ) -> None:
        self._popen, self._seconds, self._at_work, self._stop = popen, seconds, at_work, stop
        self._late = self._stopped = False
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="parsing", daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def error(self, file: str, member: str) -> ParsingError | None:
        """Why the process was killed, if this killed it."""
        if self._stopped:
            return ParsingError("was not read completely, since the job was stopped", file, member)
        if self._late:
            reason = f"takes longer to read than the server allows ({self._seconds:g} seconds)"
            return TookLongError(f"{reason}; make it smaller or leave it out", file, member)
        return None

    def _run(self) -> None:
        deadline, most_busy = time.monotonic() + self._seconds, busy_seconds(self._popen.pid) + self._at_work
        while not self._ended.wait(_CHECK_SECONDS):
            self._stopped = self._stop is not None and self._stop.is_set()
            if busy_seconds(self._popen.pid) > most_busy:
                self._late, self._seconds = True, self._at_work
            self._late = self._late or time.monotonic() > deadline
            if self._stopped or self._late:
                self._popen.kill()
                return
