"""The process that reads visitors' files: `python -m augmentai.web.parsing.process`, started by `pool`.

It says (READY, None), reads (function, arguments, memory limit in bytes, niceness) from its standard input, pickled,
and answers each with any number of (READING, (file, name in it if it is a ZIP)) and (LOGGED, text for the server's
log), and at last one (DONE, result) or (FAILED, exception). It ends with its input.

What goes wrong before it is ready is in its standard error, which is the server's; what is printed afterwards is lost,
since it could hold inputs.
"""

from __future__ import annotations

import importlib
import logging
import os
import pickle
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

from augmentai.dataset.archive import MEMBER_OPENED
from augmentai.web.access.error_log import without_inputs

READY, READING, LOGGED, DONE, FAILED = "ready", "reading", "logged", "done", "failed"
_MOST_LOGGED = 3  # of one call: each image of a set may have the same fault
_lock = threading.Lock()  # an answer is written as a whole, whichever thread has it
# So that no call waits for them.
_LOADED_BEFORE = (
    "augmentai.web.jobs.cutouts",
    "augmentai.web.jobs.small_copies",
    "augmentai.web.jobs.uploads",
    "augmentai.web.parsing.labels",
)


def main() -> None:
    """Answer until the input ends."""
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
        for module in _LOADED_BEFORE:
            importlib.import_module(module)
        importlib.import_module("augmentai.web.jobs.upload_check").load_all()
        reports = _Reports(answers)
        sys.addaudithook(reports.hear)
        log = _Log(answers)
        logging.getLogger("augmentai").addHandler(log)
        logging.getLogger("augmentai").setLevel(logging.INFO)
        _send(answers, (READY, None))
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stderr.fileno())
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        while True:
            try:
                function, arguments, limit_bytes, niceness = pickle.load(requests)
            except EOFError:
                return
            _limit_memory(limit_bytes)
            if hasattr(os, "nice"):
                os.nice(niceness)
            reports.roots, log.count = tuple(_paths(arguments)), 0
            try:
                answer = (DONE, function(*arguments))
            except Exception as error:  # MemoryError included
                if not (isinstance(error, MemoryError) or type(error).__module__.startswith("augmentai.")):
                    log.say(f"reading files failed: {without_inputs(error)}")
                answer = (FAILED, _plain(error))
            reports.roots = ()
            _send(answers, answer)


class _Log(logging.Handler):
    """Hands on what this program logs, without inputs: of an error where it happened, of any other line its pattern.

    Attributes:
        count: of what was handed on for the call that is at work.
    """

    def __init__(self, answers: IO[bytes]) -> None:
        super().__init__()
        self.count = 0
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self.say(f"{record.name}: {without_inputs(error)}")
        elif record.levelno >= logging.WARNING:
            self.say(f"{record.name}: {record.msg}")

    def say(self, text: str) -> None:
        self.count += 1
        if self.count <= _MOST_LOGGED:
            _send(self._answers, (LOGGED, text))


class _Reports:
    """Says which file is opened, so that the one that is too much can be named.

    Python announces every file that it opens; `dataset.archive` those in ZIPs.

    Attributes:
        roots: the files and folders that were handed over; none while nothing is read.
    """

    def __init__(self, answers: IO[bytes]) -> None:
        self.roots: tuple[str, ...] = ()
        self._answers = answers

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.roots or event not in ("open", MEMBER_OPENED):
            return
        path, member = (arguments[0], "") if event == "open" else arguments
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.roots):
            _send(self._answers, (READING, (os.fspath(path), member)))


def _paths(arguments: Any) -> Iterator[str]:
    """Every absolute path in arguments."""
    if isinstance(arguments, tuple | list):
        for argument in arguments:
            yield from _paths(argument)
    elif isinstance(arguments, str | os.PathLike) and os.path.isabs(arguments):
        yield os.fspath(arguments)


def _send(answers: IO[bytes], answer: tuple[str, Any]) -> None:
    data = pickle.dumps(answer)
    with _lock:
        answers.write(data)
        answers.flush()


def _plain(error: Exception) -> Exception:
    """The error without what hangs on it; one that cannot be sent, by its name."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(type(error).__name__)
    return error


def _limit_memory(limit_bytes: int) -> None:
    """Bound the address space to what is used now and this much more, on Linux; elsewhere there is no such limit."""
    try:
        import resource

        with open("/proc/self/statm", "rb") as sizes:
            used = int(sizes.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + limit_bytes, hard))


if __name__ == "__main__":
    main()
