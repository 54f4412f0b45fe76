"""The hosted engine at work: what it sends, in what order, how fast, and what it leaves behind."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from augmentai.engines import with_key
from augmentai.engines.base import Engine, JobView, Made, Readiness, Refused, Task
from augmentai.engines.stability import StabilityEngine
from augmentai.engines.stability.api_key import redacted
from augmentai.engines.stability.rate_limit import CircuitBreaker, RateLimiter
from augmentai.images import decode
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import variation_seed
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, PRICE, run_job, settings_for, some_sources
from tests.support.image_files import jpeg

ROOT = Path(__file__).parents[3]


# What is sent.


def test_the_form_has_what_the_call_knows_and_nothing_else(emulator: Emulator) -> None:  # noqa: F811
    recipe = Recipe(engine="stability", strength=0.3, prompt="a {label} in snow", negative_prompt="text", seed=9)
    source = some_sources(1, label="golden_retriever")[0]
    seed = str(variation_seed(9, source.sha256, 1))
    common = {"prompt": "a golden retriever in snow", "negative_prompt": "text", "seed": seed, "output_format": "png"}
    forms = {
        "sd3": {"mode": "image-to-image", "model": "sd3.5-medium", "strength": "0.3"},
        "ultra": {"strength": "0.3", "style_preset": "photographic"},
        "structure": {"control_strength": "0.7"},
    }
    for endpoint, own in forms.items():
        fields = {"style_preset": "photographic"} if endpoint == "ultra" else {}
        settings = settings_for(emulator, stability_endpoint=endpoint, stability_fields=fields)
        ran = run_job(settings, [source], recipe)
        assert emulator.forms()[-1] == common | own
        assert ran.outcomes[0].variation is not None
        assert ran.outcomes[0].variation.prompt == common["prompt"]
        assert ran.outcomes[0].variation.details["service_seed"] == seed
    paths = [request["path"].rpartition("stable-image/")[2] for request in emulator.stats()["requests"]]
    assert paths == ["generate/sd3", "generate/ultra", "control/structure"]


@pytest.mark.parametrize(
    ("strength", "sent"), [(1, "0"), (0.25, "0.75"), (0.1, "0.9"), (1 / 3, "0.6667"), (0.00001, "1")]
)
def test_strength_of_structure_runs_the_other_way(emulator: Emulator, strength: float, sent: str) -> None:  # noqa: F811
    run_job(settings_for(emulator), some_sources(1), Recipe(engine="stability", strength=strength, seed=1))
    assert emulator.forms()[0]["control_strength"] == sent


def test_strength_0_is_the_source_and_costs_nothing(emulator: Emulator) -> None:  # noqa: F811
    ran = run_job(settings_for(emulator), some_sources(2), Recipe(engine="stability", strength=0, seed=1))
    for outcome in ran.outcomes:
        assert outcome.variation is not None
        source = decode(outcome.source.read(), outcome.source.path, 10**6)
        assert outcome.variation.image.tobytes() == source.rgb.tobytes()
    assert not emulator.stats()["requests"]
    assert ran.report.credits == 0


def test_several_prompts_take_turns(emulator: Emulator) -> None:  # noqa: F811
    recipe = Recipe(engine="stability", prompt="a {label} in snow\n\nat night, {label}", variations=3, seed=1)
    ran = run_job(settings_for(emulator), some_sources(2), recipe)
    told = sorted((o.source.path, o.index, o.variation.prompt) for o in ran.outcomes if o.variation)
    in_turn = ["a cats in snow", "at night, cats", "a cats in snow"]
    assert told == [(f"cats/{i}.jpg", k + 1, in_turn[k]) for i in range(2) for k in range(3)]


def test_an_empty_prompt_is_never_sent(emulator: Emulator) -> None:  # noqa: F811
    run_job(settings_for(emulator), some_sources(1, label=None), Recipe(engine="stability", seed=1))
    assert emulator.forms()[0]["prompt"] == "a realistic photograph of the subject, natural light"
    assert "negative_prompt" not in emulator.forms()[0]


def test_the_address_may_have_a_path_of_its_own(emulator: Emulator) -> None:  # noqa: F811
    ran = run_job(settings_for(f"{emulator.url}/proxy/stability/"), some_sources(1))
    assert ran.engines == {"stability": 1}
    assert emulator.stats()["requests"][0]["path"] == "/proxy/stability/v2beta/stable-image/control/structure"


# The same again.


def test_same_pixels_whatever_the_order_and_the_number_in_flight(emulator: Emulator) -> None:  # noqa: F811
    recipe = Recipe(engine="stability", variations=2, seed=11)
    sources = some_sources(4)

    def pixels(sources: list[Any], connections: int) -> dict[Any, bytes]:
        ran = run_job(settings_for(emulator, stability_concurrency=connections), sources, recipe)
        return {(o.source.path, o.index): o.variation.image.tobytes() for o in ran.outcomes if o.variation}

    first = pixels(sources, 1)
    assert len(set(first.values())) == 8
    assert pixels(sources[::-1], 5) == first
    emulator.fault("500", times=2)
    assert pixels(sources[1:] + sources[:1], 3) == first


# Several at once.


def test_in_flight_and_connections(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.1)
    ran = run_job(settings_for(emulator, stability_concurrency=5), some_sources(4), Recipe(variations=6, seed=1))
    assert ran.engines == {"stability": 24}
    stats = emulator.stats()
    assert stats["in_flight_most"] == 5
    assert stats["connections"] <= 5 + 2  # and those of the test itself
    assert ran.seconds < 24 * 0.1 + 5


def test_one_slow_request_holds_up_nobody(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(faults=[{"name": "slow", "seconds": 1.5, "prompt": "slow"}])
    sources = [replace(source, label="slow" if i == 0 else "fast") for i, source in enumerate(some_sources(6))]
    ran = run_job(settings_for(emulator), sources, Recipe(prompt="a {label}", seed=1))
    assert ran.engines == {"stability": 6}
    assert ran.outcomes[-1].source.label == "slow"


def test_all_wait_out_a_lock_together(emulator: Emulator) -> None:  # noqa: F811
    """More than the service allows, with a lock-out: nobody asks while it lasts, and all is made in the end."""
    emulator.control(rate=[6, 60, 0.8])
    ran = run_job(settings_for(emulator, stability_concurrency=3, stability_lock_seconds=1), some_sources(10))
    assert ran.engines == {"stability": 10}
    turned_away = [request for request in emulator.stats()["requests"] if request["status"] == 429]
    assert 1 <= len(turned_away) <= 3


def test_the_rate_is_never_exceeded() -> None:
    limiter = RateLimiter(requests=5, seconds=0.5)
    times: list[float] = []

    def work() -> None:
        for _ in range(4):
            limiter.wait_turn(lambda: False)
            times.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    assert all(later - earlier > 0.45 for earlier, later in zip(times, times[5:], strict=False))


# Outages.


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


def test_one_trial_after_the_cool_down() -> None:
    breaker = CircuitBreaker(faults=2, cool_down_seconds=0.1)
    breaker.fault("a")
    assert not breaker.open_reason
    breaker.fault("b")
    assert "last error: b" in breaker.open_reason
    breaker.fault("straggler")
    time.sleep(0.12)
    assert breaker.on_trial
    assert not breaker.open_reason
    breaker.fault("c")  # the trial failed: the cool-down is twice as long
    time.sleep(0.12)
    assert breaker.open_reason
    time.sleep(0.12)
    assert breaker.on_trial
    breaker.success()
    assert not breaker.on_trial
    assert not breaker.open_reason


@pytest.mark.parametrize("fault", ["401", "402", "429-balance"])
def test_a_new_job_asks_again_with_the_same_engine(emulator: Emulator, fault: str) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_concurrency=1)
    engine = StabilityEngine(settings)
    emulator.fault(fault)
    recipe = Recipe(engine="stability", seed=1)
    assert run_job(settings, some_sources(3), recipe, [engine]).engines == {}
    assert run_job(settings, some_sources(3), recipe, [engine]).engines == {"stability": 3}


def test_what_is_in_flight_when_the_credits_end_is_kept(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.4, credits=3 * PRICE)
    ran = run_job(settings_for(emulator, stability_concurrency=6), some_sources(8))
    assert ran.engines == {"stability": 3, "gan": 5}
    assert emulator.stats()["charged"] == ran.report.credits == 3 * PRICE


# Stopping.


def tasks_of(count: int, recipe: Recipe) -> list[Task]:
    made = []
    for source in some_sources(count):
        photo = decode(source.read(), source.path, 10**6)
        made.append(Task(source, photo, 1, variation_seed(recipe.seed, source.sha256, 1), recipe))
    return made


def test_closing_drops_what_is_in_flight_at_once(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(faults=[{"name": "never", "seconds": 8, "after": 1, "times": -1}])
    recipe = Recipe(seed=3)
    taken: list[Task] = []
    results = StabilityEngine(settings_for(emulator, stability_concurrency=3)).make(
        (taken.append(task) or task for task in tasks_of(40, recipe)),  # type: ignore[func-returns-value]
        JobView((), recipe, 10**6),
    )
    assert isinstance(next(results), Made)
    begun = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 3
    assert len(taken) <= 7  # no more were taken than could soon be sent
    time.sleep(0.5)
    sent = len(emulator.stats()["requests"])
    time.sleep(0.5)
    assert len(emulator.stats()["requests"]) == sent


def test_stop_ends_soon_and_keeps_what_is_nearly_done(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.5)
    recipe = Recipe(seed=3)
    job = JobView((), recipe, 10**6)
    results = StabilityEngine(settings_for(emulator, stability_concurrency=3)).make(iter(tasks_of(30, recipe)), job)
    made: list[Made | Refused] = [next(results)]
    job.stop.set()
    made += results
    assert len(made) == len(emulator.stats()["requests"]) <= 6  # each that was paid for


# Keys.


@pytest.mark.parametrize("key", [f"  {KEY}\n", f"Bearer {KEY}", f'"{KEY}"', f"\t'{KEY}' "])
def test_a_key_is_used_however_it_was_pasted(emulator: Emulator, key: str) -> None:  # noqa: F811
    settings = settings_for(emulator, stability_api_key=key)
    assert run_job(settings, some_sources(1)).engines == {"stability": 1}


@pytest.mark.parametrize("key", ["sk-two words", "sk-line\nbreak", "sk-ключ", "sk-\x00"])
def test_a_key_that_cannot_be_one_is_told_without_showing_it(emulator: Emulator, key: str) -> None:  # noqa: F811
    readiness = StabilityEngine(settings_for(emulator, stability_api_key=key)).readiness()
    assert (readiness.ready, readiness.configured) == (False, True)
    assert key[3:] not in readiness.reason
    ran = run_job(settings_for(emulator, stability_api_key=key), some_sources(1))
    assert ran.engines == {"gan": 1}


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


def test_netrc_does_not_take_the_keys_place(
    emulator: Emulator,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert run_job(settings_for(emulator), some_sources(1)).engines == {"stability": 1}


def test_through_a_proxy_it_is_known_as_well_how_far_a_request_got(
    emulator: Emulator,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", emulator.url)
    monkeypatch.setenv("http_proxy", emulator.url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    emulator.fault("never", seconds=6)
    settings = settings_for("http://hosted.invalid", stability_read_seconds=1)
    ran = run_job(settings, some_sources(3))
    assert ran.engines == {"stability": 2, "gan": 1}
    assert "hosted.invalid did not answer in 1 s (5 credits may have been charged)" in ran.reasons


def test_redaction() -> None:
    assert redacted(f"no {KEY} here", KEY) == "no [key] here"
    assert redacted(f"cut {KEY[:12]}... and {KEY[-9:]}", KEY) == "cut [key]... and [key]"
    assert redacted("sk-abcd****wxyz", KEY) == "[key]"
    assert redacted("sk-other1234", "") == "[key]"
    assert redacted("a\n  b\t c", KEY) == "a b c"
    assert len(redacted("x" * 5000, KEY)) == 300


def test_the_key_is_in_nothing_that_a_run_leaves_behind(
    emulator: Emulator,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Through the command line, in a process of its own, with a server that echoes the key in its error."""
    photos = tmp_path / "photos" / "cats"
    photos.mkdir(parents=True)
    for i in range(4):
        (photos / f"{i}.jpg").write_bytes(jpeg(seed=i))
    emulator.control(faults=[{"name": "403", "times": 1}, {"name": "401-echo", "times": -1, "after": 2}])
    own = {
        "STABILITY_API_KEY": KEY,
        "STABILITY_API_BASE": emulator.url,
        "AUGMENTAI_STABILITY_ENDPOINT": "structure",
        "AUGMENTAI_STABILITY_CONCURRENCY": "1",
        "AUGMENTAI_STABILITY_CREDITS_PER_DAY": "100",
        "AUGMENTAI_STATE": str(tmp_path / "state"),
        "PYTHONASYNCIODEBUG": "1",
    }
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "augmentai", str(tmp_path / "photos"), "-o", str(tmp_path / "out")],
        env=os.environ | own,
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    left = done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        left += path.read_bytes() if path.is_file() else b""
        left += str(path).encode()
    assert b'"engine": "stability"' in left
    assert b"401: unauthorized" in left
    assert KEY.encode() not in left
    assert KEY[3:15].encode() not in left
    with caplog.at_level(logging.DEBUG):
        settings = settings_for(emulator)
        engine = StabilityEngine(settings)
        run_job(settings, some_sources(2), Recipe(engine="stability", seed=1), [engine])
    shown = [
        caplog.text,
        repr(settings),
        str(settings),
        repr(engine),
        repr(engine.service.client()),
        repr(vars(engine)),
    ]
    shown += [settings.model_dump_json(), repr(engine.service.client()._session.headers), str(engine.readiness())]
    assert KEY not in "\n".join(shown)


def test_an_exception_of_the_http_library_does_not_carry_the_key_out(emulator: Emulator) -> None:  # noqa: F811
    """Error reporters print the locals of every frame; the request, key and all, must be in none that is kept."""
    emulator.fault("reset-headers", times=-1)
    client = StabilityEngine(settings_for(emulator)).service.client()
    broken = client.post("/v2beta/stable-image/control/structure", {"prompt": "x"}, b"x", "image/png", lambda _: None)
    assert KEY not in repr(broken)
    assert not isinstance(broken, BaseException)
