"""The process that reads visitors' files: `python -m augmentai.web.parsing.process`, started by `pool`.

It says (READY, None), reads (function, arguments, memory limit in bytes, niceness) from its standard input, pickled,
and answers each with any number of (READING, (file, name in it if it is a ZIP)) and at last one (DONE, result) or
(FAILED, exception). It ends with its input.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from collections.abc import Iterator
from typing import IO, Any

from augmentai.dataset.archive import MEMBER_OPENED

READY, READING, DONE, FAILED = "ready", "reading", "done", "failed"
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
        _send(answers, (READY, None))
        while True:
            try:
                function, arguments, limit_bytes, niceness = pickle.load(requests)
            except EOFError:
                return
            _limit_memory(limit_bytes)
            if hasattr(os, "nice"):
                os.nice(niceness)
            reports.roots = tuple(_paths(arguments))
            try:
                answer = (DONE, function(*arguments))
            except Exception as error:  # MemoryError included
                answer = (FAILED, _plain(error))
            reports.roots = ()
            _send(answers, answer)


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
    pickle.dump(answer, answers)
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
