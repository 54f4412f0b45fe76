"""Calls that hang: neither the end of a run nor anything after it waits for them."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import base64
import threading
import time
from threading import Timer

import pytest

from augmentai.dataset.readers.gather import Gathered
from augmentai.engines import request_threads
from augmentai.engines.huggingface import HuggingFaceEngine
from augmentai.engines.huggingface.session import AbandonedError, within
from augmentai.pipeline.job import Job
from tests.support.provider_emulator import ProviderEmulator
from tests.support.provider_jobs import RECIPE, cat, cats, emulator, ran, served, settings_with  # noqa: F401


def calls() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "huggingface"]


def assert_no_call_is_left(seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while calls():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("fault", ["never", "poll hangs"])
def test_nothing_is_left_of_a_call_whose_time_is_over(emulator: ProviderEmulator, fault: str) -> None:
    emulator.faults.append(fault)
    done = ran(settings_with(huggingface_total_seconds=0.8, huggingface_concurrency=1), cats(1))
    assert "(3 credits may have been charged)" in done.reasons
    assert_no_call_is_left()
    emulator.released.set()


def test_a_stop_ends_what_hangs(emulator: ProviderEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_threads, "AFTER_STOP_SECONDS", 0.5)
    emulator.faults.extend(["never"] * 4)
    settings = settings_with(huggingface_total_seconds=600)
    job = Job(Gathered(tuple(cats(4)), (), ()), RECIPE, settings, [HuggingFaceEngine(settings)])
    Timer(0.5, job.stop.set).start()
    assert not any(outcome.ok for outcome in job.run())
    assert job.report.as_dict()["stopped"]
    assert_no_call_is_left()


def test_other_requests_of_the_session_are_left_alone(emulator: ProviderEmulator) -> None:
    from huggingface_hub.utils import get_session

    abandoned = threading.Event()
    emulator.post({"inputs": base64.b64encode(cat()).decode()}, queued=True)
    url = f"{emulator.url}/queue/0/status"
    with within(time.monotonic() + 30, abandoned):
        assert get_session().get(url).status_code == 200
        abandoned.set()
        with pytest.raises(AbandonedError):
            get_session().get(url)
    assert get_session().get(url).status_code == 200
    with within(time.monotonic() - 1, threading.Event()), pytest.raises(AbandonedError):
        get_session().get(url)
