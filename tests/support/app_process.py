"""`python app.py` as a process of its own, for tests and benchmarks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from augmentai.settings import ROOT

_START_SECONDS = 90
_END_SECONDS = 30


@dataclass
class Running:
    """A server that answers. `log` grows while it lives; `status` is set when it has ended."""

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def end(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_END_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def app_process(
    folder: Path, *arguments: str, root: Path = ROOT, program: Sequence[str] = (), **environment: str
) -> Iterator[Running]:
    """Starts app.py of `root` and waits until it is healthy. `folder` takes its uploads and its log.

    program: what to start in place of app.py.

    The environment is this process's without anything that would set AugmentAI up, and `environment`.
    """
    port = int(environment.pop("GRADIO_SERVER_PORT", 0)) or free_port()
    log_file = folder / "app.log"
    kept_out = ("GRADIO_", "AUGMENTAI_", "PROXY_PREFIX", "SPACE_", "PYTHONPATH")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(kept_out)}
    own = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "gradio"), "PYTHONUNBUFFERED": "1"}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*(program or (sys.executable, str(root / "app.py"))), *arguments],
            cwd=root,
            env=clean | own | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    running = Running(f"http://127.0.0.1:{port}/", process, log_file)
    try:
        _wait_until_healthy(running)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_healthy(running: Running) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        if running.process.poll() is not None:
            raise RuntimeError(f"app.py ended by itself ({running.process.returncode}):\n{running.log}")
        try:
            if requests.get(running.url + "gradio_api/app_id", timeout=5).ok:
                return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"app.py does not answer:\n{running.log}") from None
            time.sleep(0.05)
