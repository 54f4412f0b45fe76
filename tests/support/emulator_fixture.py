"""`emulator`: the hosted API in a process of its own, reset before every test.

from tests.support.emulator_fixture import emulator, emulator_process  # noqa: F401
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Emulator:
    """A handle on the running process. url: its address, for STABILITY_API_BASE."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, **commands: Any) -> None:
        """latency (seconds), credits, rate [requests, seconds, lock seconds], retry_after, faults, reset."""
        self._open("/_control", json.dumps(commands).encode())

    def fault(self, name: str, **more: Any) -> None:
        """The next request goes wrong; see `Fault` for times, after and prompt."""
        self.control(faults=[{"name": name, **more}])

    def stats(self) -> dict[str, Any]:
        return json.loads(self._open("/_stats"))

    def forms(self) -> list[dict[str, str]]:
        """The fields of every generation asked for, in the order of their answers."""
        return [request["fields"] for request in self.stats()["requests"] if "fields" in request]

    def wait_until_faults_met(self, seconds: float = 60) -> None:
        """Every fault asked for a number of times has befallen so many requests; raises TimeoutError."""
        end = time.monotonic() + seconds
        while self.stats()["faults_left"]:
            if time.monotonic() > end:
                raise TimeoutError("a fault is still waiting for a request")
            time.sleep(0.05)

    def _open(self, path: str, data: bytes | None = None) -> bytes:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.url + path, data=data), timeout=10) as response:
            return response.read()


def start(*options: str) -> tuple[subprocess.Popen[str], Emulator]:
    """A new process on a free port. End it with `terminate`."""
    command = [sys.executable, "-m", "tests.emulator", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Emulator(process.stdout.readline().strip())


@pytest.fixture(scope="session")
def emulator_process() -> Iterator[Emulator]:
    process, emulator = start("--latency", "0", "--credits", "1000000")
    yield emulator
    process.terminate()
    process.wait(10)


@pytest.fixture
def emulator(emulator_process: Emulator) -> Emulator:
    emulator_process.control(reset=True)
    return emulator_process
