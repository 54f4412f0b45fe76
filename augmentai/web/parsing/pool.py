"""Calls functions in processes that can be stopped, with limits on time and memory, and turns between visitors."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from augmentai.dataset.file_names import printable
from augmentai.images.file_types import IMAGE_SUFFIXES
from augmentai.web.access.turns import Turns
from augmentai.web.parsing.process import DONE, READING

_AT_ONCE = 2
_WAITING_PER_VISITOR = 3
_WAITING = 16  # each holds one of Gradio's 40 threads
_CHECK_SECONDS = 0.05
_SECRETS = ("STABILITY_", "HF_", "HUGGING", "AUGMENTAI_", "GRADIO_")  # beginnings of variables that are not handed on

R = TypeVar("R")


class ParsingError(Exception):
    """Files could not be read within the limits, or not at once.

    Attributes:
        file: the path of the file that was being read; "" if none was. Images are small beside their labels, which are
            parsed after some images were opened, so the last label file is meant if there was one.
        name: what the visitor calls it: its name, and the name in it if it is a ZIP.
        reason: what happened and what to do, without the name.
    """

    def __init__(self, reason: str, file: str = "", member: str = "") -> None:
        self.reason, self.file = reason, file
        self.name = ": ".join(printable(part) for part in (Path(file).name, member) if part)
        super().__init__(": ".join(part for part in (self.name, reason) if part))


class BusyError(ParsingError):
    """Too many files are being read; the message says when to try again."""


class ParsingPool:
    """A few processes, of which one is kept ready. Thread-safe.

    A visitor's call waits for at most one of each other visitor, and one visitor's calls are done one after the other,
    so that the slow files of one hold up no other.
    """

    def __init__(self, seconds: float, megabytes: float, at_once: int = _AT_ONCE) -> None:
        """seconds, megabytes: the most that one call may take."""
        self.seconds, self.megabytes, self._at_once = seconds, megabytes, at_once
        self._changed = threading.Condition()
        self._turns: Turns[object] = Turns()
        self._visitors: list[str] = []  # whose calls wait or are at work
        self._working: list[str] = []
        self._idle: list[_Process] = []
        self._closed = False

    def run(self, visitor: str, function: Callable[..., R], *arguments: Any, stop: threading.Event | None = None) -> R:
        """Call a function in another process.

        Args:
            visitor: whose call it is.
            function: importable by its name, as are the types of its arguments and of its result.
            arguments: handed over by value.
            stop: set it to end the call early.

        Returns:
            What the function returned.

        Raises:
            BusyError: too many calls wait.
            ParsingError: the limits were reached, or the call was stopped.
            Exception: what the function raised.
        """
        with self._turn(visitor):
            process = self._take()
            try:
                return cast("R", process.call((function, arguments), self.seconds, self.megabytes, stop))
            finally:
                self._put_back(process)

    def warm_up(self) -> None:
        """Start the process that is kept ready, so that the first call does not wait for it."""
        self._put_back(_Process())

    def close(self) -> None:
        """End the processes that are idle; the others end with their calls."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.kill()

    @contextmanager
    def _turn(self, visitor: str) -> Iterator[None]:
        call = object()
        with self._changed:
            if self._visitors.count(visitor) >= _WAITING_PER_VISITOR:
                raise BusyError("Your last files are still being read. Try again in a few seconds.")
            if len(self._visitors) >= _WAITING:
                raise BusyError(f"The server is reading the files of others. Try again in {self.seconds:.0f} seconds.")
            self._visitors.append(visitor)
            self._turns.add(call, visitor)
            try:
                self._changed.wait_for(lambda: self._may_start(call, visitor))
            except BaseException:
                self._leave(call, visitor)
                raise
            self._turns.start(call)
            self._working.append(visitor)
        try:
            yield
        finally:
            with self._changed:
                self._working.remove(visitor)
                self._leave(call, visitor)

    def _may_start(self, call: object, visitor: str) -> bool:
        if len(self._working) >= self._at_once or visitor in self._working:
            return False
        return self._turns.order()[0] is call

    def _leave(self, call: object, visitor: str) -> None:
        self._visitors.remove(visitor)
        self._turns.end(call)
        self._changed.notify_all()

    def _take(self) -> _Process:
        with self._changed:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
        return _Process()

    def _put_back(self, process: _Process) -> None:
        with self._changed:
            if process.alive and not self._idle and not self._closed:
                self._idle.append(process)
                return
        process.kill()


class _Process:
    """One process, for one call at a time."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "augmentai.web.parsing.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # its words could hold inputs
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

    def call(self, what: Any, seconds: float, megabytes: float, stop: threading.Event | None) -> Any:
        """Call a function with these limits. Raises ParsingError, and what the function raises."""
        requests, answers = cast("tuple[IO[bytes], IO[bytes]]", (self._popen.stdin, self._popen.stdout))
        watch = _Watch(self._popen, seconds, stop)
        file, labels = ("", ""), ("", "")
        try:
            pickle.dump((*what, int(megabytes * 1_000_000)), requests)
            requests.flush()
            while True:
                kind, value = pickle.load(answers)
                if kind != READING:
                    break
                file = value
                if Path(file[1] or file[0]).suffix.lower() not in IMAGE_SUFFIXES:
                    labels = file
        except (EOFError, OSError, pickle.UnpicklingError):
            self.kill()
            reason = watch.reason or f"needs more memory than the server allows ({megabytes:g} MB)"
            raise ParsingError(
                f"{reason}; make it smaller or leave it out", *(labels if any(labels) else file)
            ) from None
        finally:
            watch.end()
        if kind == DONE:
            return value
        if isinstance(value, MemoryError):
            reason = f"needs more memory than the server allows ({megabytes:g} MB); make it smaller or leave it out"
            raise ParsingError(reason, *(labels if any(labels) else file))
        raise value


class _Watch:
    """Kills a process that takes too long, or whose answer nobody waits for any more."""

    def __init__(self, popen: subprocess.Popen[bytes], seconds: float, stop: threading.Event | None) -> None:
        self.reason = ""
        self._popen, self._seconds, self._stop = popen, seconds, stop
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="parsing", daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        deadline = time.monotonic() + self._seconds
        while not self._ended.wait(_CHECK_SECONDS):
            if self._stop is not None and self._stop.is_set():
                self.reason = "was not read to its end, since the job was stopped"
            elif time.monotonic() > deadline:
                self.reason = f"takes longer to read than the server allows ({self._seconds:g} seconds)"
            if self.reason:
                self._popen.kill()
                return
