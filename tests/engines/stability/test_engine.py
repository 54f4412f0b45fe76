"""The hosted engine as the router sees it: readiness, outages, keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai.engines import with_key
from augmentai.engines.base import Engine, JobView, Made, Readiness, Refused, Task
from augmentai.engines.stability import StabilityEngine
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, accounted, run_job, settings_for, some_sources


def test_breaker_opens_and_the_job_comes_back(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.05, faults=[{"name": "500", "times": 6}])
    settings = settings_for(
        emulator, stability_concurrency=1, stability_faults=3, stability_rest_seconds=0.3, stability_retry_seconds=0.01
    )
    ran = run_job(settings, some_sources(40), engines=[StabilityEngine(settings), Steady(settings)])
    assert [outcome.ok for outcome in ran.outcomes] == [True] * 40
    assert ran.engines["gan"] >= 3
    assert ran.engines["stability"] >= 10
    assert "is paused until" in ran.reasons
    assert "last error: the hosted API answered 500" in ran.reasons
    assert ran.outcomes[-1].variation is not None
    assert ran.outcomes[-1].variation.engine == "stability"


class Steady(Engine):
    """A local engine of known speed, so that the outage ends well before the job."""

    name = "gan"
    auto_rank = 0

    def readiness(self) -> Readiness:
        return Readiness(True)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            time.sleep(0.03)
            yield Made(task, self.name, task.photo.rgb.point(lambda v: 255 - v), "steady", 0.03)


def test_breaker_outlives_the_job(emulator: Emulator) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_faults=1)
    engine = StabilityEngine(settings)
    emulator.fault("503", times=-1)
    run_job(settings, some_sources(2), Recipe(engine="stability", seed=1), [engine])
    ready = engine.readiness()
    assert (ready.ready, ready.for_good, ready.configured) == (False, False, True)
    emulator.control(reset=True)
    ran = run_job(settings, some_sources(2), Recipe(engine="stability", seed=1), [engine])
    assert "is paused until" in ran.reasons
    assert not emulator.stats()["requests"]


@pytest.mark.parametrize("fault", ["401", "402", "429-balance"])
def test_a_new_job_asks_again_with_the_same_engine(emulator: Emulator, fault: str) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_concurrency=1)
    engine = StabilityEngine(settings)
    emulator.fault(fault)
    recipe = Recipe(engine="stability", seed=1)
    assert run_job(settings, some_sources(3), recipe, [engine]).engines == {}
    assert run_job(settings, some_sources(3), recipe, [engine]).engines == {"stability": 3}


@pytest.mark.parametrize("key", ["", "  \n"])
def test_no_key(key: str) -> None:
    readiness = StabilityEngine(Settings(stability_api_key=key)).readiness()
    assert (readiness.reason, readiness.configured) == ("STABILITY_API_KEY is not set", False)


def test_a_visitors_key_spends_the_visitors_credits(emulator: Emulator, tmp_path: Path) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_api_key="sk-bad", credits_per_day=1, state=tmp_path)
    owner = StabilityEngine(settings)
    (visitor,) = with_key([owner], f" {KEY}\n")
    assert run_job(settings, some_sources(2), engines=[visitor]).engines == {"stability": 2}
    assert not list(tmp_path.iterdir())
    assert KEY not in repr(visitor) + repr(vars(visitor))
    assert with_key([owner], " \n") == [owner]


def test_bad_fields_of_the_settings_are_reported_before_anything_is_sent(emulator: Emulator) -> None:  # noqa: F811
    ran = run_job(settings_for(emulator, stability_endpoint="sd3", stability_fields={"cfg_scale": 50}))
    accounted(ran, 0, "AUGMENTAI_STABILITY_FIELDS: cfg_scale is 50; expected a number from 1 to 10")
    assert not emulator.stats()["requests"]


def test_without_a_key_it_is_passed_over_in_silence(emulator: Emulator) -> None:  # noqa: F811
    ran = run_job(Settings(stability_api_base=emulator.url))
    assert ran.engines == {"gan": 4}
    assert ran.report.skipped_engines == {"stability": "STABILITY_API_KEY is not set"}
    assert not any(outcome.fallbacks for outcome in ran.outcomes)


def test_named_alone_it_does_not_switch(emulator: Emulator) -> None:  # noqa: F811
    emulator.fault("402", after=1, times=-1)
    ran = run_job(settings_for(emulator, stability_concurrency=1), recipe=Recipe(engine="stability", seed=7))
    assert ran.engines == {"stability": 1}
    assert [outcome.ok for outcome in ran.outcomes].count(False) == 3
    assert all("402: payment_required" in outcome.reason for outcome in ran.outcomes if not outcome.ok)
