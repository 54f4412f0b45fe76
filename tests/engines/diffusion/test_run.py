"""Waiting for the GPU's thread, with an eye on the stop."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from augmentai.engines.diffusion.paint_request import StoppedError
from augmentai.engines.diffusion.run import wait_unless_stopped


def test_the_result_of_the_work() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert wait_unless_stopped(pool.submit(lambda: 7), lambda: False) == 7


def test_a_stop_ends_the_wait_and_not_the_work() -> None:
    gate, stop = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(gate.wait, 60)
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(StoppedError):
            wait_unless_stopped(work, stop.is_set)
        assert work.running()
        gate.set()
        assert work.result()


def test_a_time_out_of_the_work_itself_is_raised() -> None:
    def times_out() -> None:
        raise TimeoutError("the hub did not answer")

    with ThreadPoolExecutor(1) as pool, pytest.raises(TimeoutError, match="the hub did not answer"):
        wait_unless_stopped(pool.submit(times_out), lambda: False)
