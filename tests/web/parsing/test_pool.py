"""Functions in processes that can be stopped. `time.sleep` and `bytes` stand for files that take too much."""

from __future__ import annotations

import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.recipe_file import load_recipe
from augmentai.recipe import RecipeError
from augmentai.web.parsing import pool as pool_module
from augmentai.web.parsing.pool import ParsingError, ParsingPool
from tests.support import loaded, slow_files


@pytest.fixture(scope="module")
def pool() -> Iterator[ParsingPool]:
    pool = ParsingPool(1, 200)
    yield pool
    pool.close()


def test_the_result_comes_back_from_another_process(pool: ParsingPool) -> None:
    first, second = (pool.run("a", os.getpid) for _ in range(2))
    assert first == second != os.getpid(), "one process is kept ready"


@pytest.mark.parametrize("package", ["gradio", "torch", "diffusers"])
def test_the_process_loads_nothing_heavy_for_what_it_reads(pool: ParsingPool, package: str) -> None:
    assert pool.run("a", loaded.is_loaded, "augmentai.web.jobs.cutouts"), "so that no call waits for it"
    assert not pool.run("a", loaded.is_loaded, package)


def test_errors_come_back_as_they_are(pool: ParsingPool, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("strength: much")
    with pytest.raises(RecipeError, match="strength"):
        pool.run("a", load_recipe, tmp_path / "recipe.yaml")


def test_faults_are_in_the_log_without_inputs(pool: ParsingPool, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="sk-secret"):
        pool.run("a", int, "sk-secret")
    pool.run("a", slow_files.log_faults, "sk-secret")
    logged = [record.getMessage() for record in caplog.records]
    assert logged[0].startswith("reading files failed: ValueError\n")
    assert len(logged) == 1 + 3, "each image of a set may have the same fault"
    assert all(one.startswith("augmentai.dataset: KeyError\n") for one in logged[1:])
    assert "slow_files.py" in logged[1]
    assert not any("sk-secret" in one for one in logged)


def test_a_process_that_does_not_start_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "PIL.py").write_text("raise ImportError('no pixels')")
    monkeypatch.syspath_prepend(str(tmp_path))
    pool = ParsingPool(30, 200)
    with pytest.raises(ParsingError, match="did not start; the server's log says why"):
        pool.run("a", len, "next")
    pool.close()
    assert "no pixels" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("function", "argument", "words"),
    [
        (time.sleep, 60, r"takes longer to read than the server allows \(1 seconds\); make it smaller or leave it out"),
        (bytes, 1 << 30, r"needs more memory than the server allows \(200 MB\); make it smaller or leave it out"),
        (os._exit, 1, r"needs more memory than the server allows"),  # killed from outside
    ],
)
def test_limits(pool: ParsingPool, function: Callable[..., Any], argument: Any, words: str) -> None:
    with pytest.raises(ParsingError, match=f"^{words}"):
        pool.run("a", function, argument)
    assert pool.run("a", len, "next") == 4


def test_what_a_job_reads_twice_may_take_half_of_the_time(tmp_path: Path) -> None:
    """Of a processor's time, so that nothing is refused because others are at work."""
    half = ParsingPool(1, 200)
    with pytest.raises(ParsingError, match=r"takes longer to read than the server allows \(0\.1 seconds\)"):
        half.run("a", slow_files.read_busily, of_processor=0.1)
    assert half.run("a", slow_files.read_slowly, of_processor=0.1) == "read"
    half.close()


def test_the_file_that_takes_too_much_is_named(pool: ParsingPool, tmp_path: Path) -> None:
    (tmp_path / "plain.xml").write_text("x")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("labels/data.yaml", "x")
    with pytest.raises(ParsingError, match=r"^plain\.xml: takes longer") as plain:
        pool.run("a", slow_files.read_plain, tmp_path / "plain.xml")
    assert plain.value.file == str(tmp_path / "plain.xml")
    with pytest.raises(ParsingError, match=r"^set\.zip: labels/data\.yaml: takes longer") as zipped:
        pool.run("a", slow_files.read_zipped, tmp_path / "set.zip")
    assert zipped.value.file == str(tmp_path / "set.zip")


def test_a_stopped_call_ends() -> None:
    pool, stop = ParsingPool(60, 200), threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(ParsingError, match="the job was stopped"):
        pool.run("a", time.sleep, 60, stop=stop)
    pool.close()


def test_a_short_call_does_not_wait_for_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_SHORT_SECONDS", 0.5)
    pool, stop, began = ParsingPool(60, 200), threading.Event(), threading.Barrier(5)

    def slow(visitor: int) -> None:
        began.wait()
        with pytest.raises(ParsingError, match="stopped"):
            pool.run(str(visitor), time.sleep, 60, stop=stop)

    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(slow, number) for number in range(4)]
        began.wait()
        assert pool.run("another", len, "short") == 5
        stop.set()
        for call in calls:
            call.result()
    pool.close()


def test_secrets_stay_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STABILITY_API_KEY", "sk-secret")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pool = ParsingPool(30, 200)
    assert pool.run("a", os.getenv, "PATH")
    assert pool.run("a", os.getenv, "STABILITY_API_KEY") is None
    assert pool.run("a", os.getenv, "HF_TOKEN") is None
    pool.close()


def test_photos_do_not_wait_for_label_files() -> None:
    pool, stop, began = ParsingPool(1.5, 200), threading.Event(), threading.Barrier(5)

    def slow(visitor: int) -> None:
        began.wait()
        with pytest.raises(ParsingError):
            pool.run(str(visitor), time.sleep, 60, stop=stop)

    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(slow, number) for number in range(4)]
        began.wait()
        assert pool.run("another", len, "photo", light=True) == 5
        assert not all(call.done() for call in calls)
        stop.set()
        for call in calls:
            call.result()
    pool.close()
