"""Forked processes: what they tell, how they end, and that they do not outlive the one that forked them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread

from augmentai.settings import ROOT
from augmentai.system.forks import can_fork, fork


def waits(pipe: Connection, stop: Event) -> None:
    pipe.send("at work")
    pipe.send("stopped" if stop.wait(60) else "too late")


def test_it_stops_when_it_is_asked_to_and_ignores_the_terminal() -> None:
    one = fork(waits)
    assert one.pipe.recv() == "at work"
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(one.pid, number)
    one.stop()
    assert one.pipe.recv() == "stopped"
    assert one.ended() == ""
    one.stop()  # nobody is there, and nothing happens
    one.close()


def test_how_it_ended_is_said_in_words() -> None:
    killed = fork(waits)
    assert killed.pipe.recv() == "at work"
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.ended() == "it was ended by SIGKILL"
    killed.close()
    failing = fork(lambda pipe, stop: int("no number"))  # type: ignore[arg-type,return-value]
    assert failing.ended() == "it ended with status 1"
    failing.close()


def test_it_ends_when_it_is_let_go_of_whatever_was_forked_after_it() -> None:
    first = fork(waits)
    second = fork(waits, [first])
    assert (first.pipe.recv(), second.pipe.recv()) == ("at work", "at work")
    first.close()
    assert first.ended() == "it ended with status 1"
    second.close()
    assert second.ended() == "it ended with status 1"


def test_it_ends_with_a_process_that_is_killed() -> None:
    script = (
        "import time\n"
        "from augmentai.system.forks import fork\n"
        "def work(pipe, stop):\n"
        "    stop.wait(120)\n"
        "one = fork(work)\n"
        "two = fork(work, [one])\n"
        "print(one.pid, two.pid, flush=True)\n"
        "time.sleep(120)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    deadline = time.monotonic() + 20
    while (alive := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(pids) == 2
    assert not alive


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_only_the_main_thread_forks() -> None:
    found: list[bool] = []
    thread = Thread(target=lambda: found.append(can_fork()))
    thread.start()
    thread.join()
    assert found == [False]
    assert can_fork() == (sys.platform == "linux")
