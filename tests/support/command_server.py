"""Command lines in children of a process that has loaded what takes long: `python -m tests.support.command_server`.

Reads orders as JSON from its input, one a line, and starts each in a child of its own. "pid 17" is printed for it, and
"ended 0" with its exit status, or -9. To the command line nothing is different, but that it begins at once.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from augmentai.settings import ROOT

_SECONDS = 120
_LOADED_BEFORE = (
    *("augmentai.__main__", "augmentai.cli.inspect", "augmentai.cli.lift", "augmentai.cli.replay", "augmentai.cli.run"),
    *("augmentai.pipeline.stages", "augmentai.gan.runtime.network", "onnxruntime"),
)


class CommandServer:
    """Starts command lines, one after the other.

    Example:
        >>> server = CommandServer(dict(os.environ))
        >>> server.run(["--version"], os.environ).stdout.split()[0]
        'augmentai'
        >>> server.close()
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """environment: what is read while modules are loaded, such as the path that they are imported from."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.command_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What a command line has printed, and its exit status. It is ended after two minutes."""
        assert self._process.stdin
        with TemporaryDirectory() as folder:
            files = [f"{folder}/out", f"{folder}/err"]
            order = {"words": words, "environment": dict(environment), "cwd": str(cwd or Path.cwd()), "files": files}
            print(json.dumps(order), file=self._process.stdin, flush=True)
            limit = threading.Timer(_SECONDS, os.kill, (self._word("pid"), 9))
            limit.start()
            status = self._word("ended")
            limit.cancel()
            out, err = (Path(file).read_text() for file in files)
        return subprocess.CompletedProcess(list(words), status, out, err)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)

    def _word(self, what: str) -> int:
        assert self._process.stdout
        word, _, value = self._process.stdout.readline().partition(" ")
        assert word == what, f"it ended without {what}"
        return int(value)


def main() -> None:
    """What runs in the process."""
    for module in _LOADED_BEFORE:
        import_module(module)
    gc.freeze()  # or each child would copy what it collects
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(order)
        print(f"pid {child}", flush=True)
        print(f"ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}", flush=True)


def _run(order: Mapping[str, Any]) -> None:
    """Be the command line, to the end of the process."""
    from augmentai.__main__ import main as command

    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    sys.argv = ["augmentai", *order["words"]]
    for stream, file in enumerate((os.devnull, *order["files"])):
        opened = os.open(file, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, stream)
        os.close(opened)
    status = 1
    try:
        command()
        status = 0
    except SystemExit as leave:
        status = _status(leave.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    _end(status)


def _status(code: object) -> int:
    """As Python takes it."""
    if code is None or isinstance(code, int):
        return int(code or 0)
    print(code, file=sys.stderr)
    return 1


def _end(status: int) -> None:
    threading._shutdown()  # type: ignore[attr-defined] # waits for threads, as at the end of any process
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
