"""Work in threads, or in the one that hands it over."""

from __future__ import annotations

import threading

import pytest

from augmentai.system import threads
from augmentai.system.threads import AtOnce, executor, in_order


def test_a_process_that_works_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_alone", [])
    with executor(2, "example") as pool:
        assert pool.submit(threading.get_ident).result() != threading.get_ident()
    threads.use_one_thread()
    with executor(2, "example") as pool:
        assert pool.submit(threading.get_ident).result() == threading.get_ident()
    assert set(in_order(lambda _: threading.get_ident(), range(20), "example")) == {threading.get_ident()}


def test_an_exception_is_the_result_of_its_work() -> None:
    done = AtOnce().submit(int, "no number")
    assert done.done()
    with pytest.raises(ValueError, match="no number"):
        done.result()
