"""How processes end: asked once they finish what they have begun, asked twice they end at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from augmentai.settings import ROOT

WAITING = """
import time
from augmentai.system.ending import on_first_signal
on_first_signal(lambda: print("asked", flush=True))
print("ready", flush=True)
while True:
    time.sleep(60)
"""
# Not a byte of Python runs while C code adds these up.
BUSY = "import signal; from augmentai.system.ending import end_after; {}; sum(range(10**13))"
# What starts the page or the command, ended at its first heavy import.
STARTING = """
import os, signal, sys

class Ends:
    def find_spec(self, name, path=None, target=None):
        if name in {"gradio", "torch"}:
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Ends())
"""
PAGE = f"{STARTING}from augmentai.web.launch import main; main(['--port', '0'])"
COMMAND = f"{STARTING}sys.argv = ['augmentai', 'web']; from augmentai.cli.app import main; main()"
SECONDS = 60


def ended(script: str, *before: str) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=SECONDS, check=False)


@contextmanager
def running(script: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_first_asks_and_the_second_ends(number: int) -> None:
    with running(WAITING) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "asked\n"
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(SECONDS) == -number


@pytest.mark.parametrize(
    ("before", "status"),
    [
        ("signal.signal(signal.SIGALRM, signal.SIG_DFL); signal.alarm(1)", -signal.SIGALRM),
        ("end_after(0.2)", 1),
    ],
    ids=["as a check, by the system", "by itself"],
)
def test_a_limit_on_the_end_holds_whatever_runs(before: str, status: int) -> None:
    done = ended(BUSY.format(before))
    assert (done.returncode, done.stderr) == (status, "")


def test_what_was_printed_is_there() -> None:
    done = ended("import sys; from augmentai.system.ending import leave; print('done', end=''); leave(3)")
    assert (done.returncode, done.stdout) == (3, "done")


@pytest.mark.parametrize("script", [PAGE, COMMAND], ids=["the page", "the command"])
@pytest.mark.parametrize("first", [False, True], ids=["a process", "the first process of a container"])
def test_a_program_that_is_still_starting_ends_at_once(script: str, first: bool) -> None:
    before: tuple[str, ...] = ()
    if first:
        before = ("unshare", "--pid", "--fork", "--kill-child")
        if not shutil.which("unshare") or subprocess.run([*before, "true"], capture_output=True).returncode:
            pytest.skip("this user may start no container")
    done = ended(script, *before)
    assert done.returncode == (128 + signal.SIGTERM if first else -signal.SIGTERM)
    assert "Traceback" not in done.stderr
