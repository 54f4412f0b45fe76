"""Jobs on the hosted API: what is sent, in what order, how much at once, and how they stop."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from augmentai.engines.base import JobView, Made, Refused, Task
from augmentai.engines.stability import StabilityEngine
from augmentai.images import decode
from augmentai.recipe import Recipe
from augmentai.types import variation_seed
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, run_job, settings_for, some_sources


def test_the_form_has_what_the_call_knows_and_nothing_else(emulator: Emulator) -> None:  # noqa: F811
    recipe = Recipe(
        engine="stability", strength=0.3, prompt="a {label} in snow", negative_prompt="text", seed=9, filters=False
    )
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
    run_job(
        settings_for(emulator), some_sources(1), Recipe(engine="stability", strength=strength, seed=1, filters=False)
    )
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
    recipe = Recipe(
        engine="stability", prompt="a {label} in snow\n\nat night, {label}", variations=3, seed=1, filters=False
    )
    ran = run_job(settings_for(emulator), some_sources(2), recipe)
    found = sorted((o.source.path, o.index, o.variation.prompt) for o in ran.outcomes if o.variation)
    in_turn = ["a cats in snow", "at night, cats", "a cats in snow"]
    assert found == [(f"cats/{i}.jpg", k + 1, in_turn[k]) for i in range(2) for k in range(3)]


def test_an_empty_prompt_is_never_sent(emulator: Emulator) -> None:  # noqa: F811
    run_job(settings_for(emulator), some_sources(1, label=None), Recipe(engine="stability", seed=1, filters=False))
    assert emulator.forms()[0]["prompt"] == "a realistic photograph of the subject, natural light"
    assert "negative_prompt" not in emulator.forms()[0]


def test_same_pixels_whatever_the_order_and_the_number_in_flight(emulator: Emulator) -> None:  # noqa: F811
    recipe = Recipe(engine="stability", variations=2, seed=11, filters=False)
    sources = some_sources(4)

    def pixels(sources: list[Any], connections: int) -> dict[Any, bytes]:
        ran = run_job(settings_for(emulator, stability_concurrency=connections), sources, recipe)
        return {(o.source.path, o.index): o.variation.image.tobytes() for o in ran.outcomes if o.variation}

    first = pixels(sources, 1)
    assert len(set(first.values())) == 8
    assert pixels(sources[::-1], 5) == first
    emulator.fault("500", times=2)
    assert pixels(sources[1:] + sources[:1], 3) == first


def test_in_flight_and_connections(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.1)
    ran = run_job(
        settings_for(emulator, stability_concurrency=5), some_sources(4), Recipe(variations=6, seed=1, filters=False)
    )
    assert ran.engines == {"stability": 24}
    stats = emulator.stats()
    assert stats["in_flight_most"] == 5
    assert stats["connections"] <= 5 + 2  # and those of the test itself


@pytest.mark.parametrize(("sources", "variations", "most"), [(4, 1, 2), (1, 4, 4)])
def test_large_photos_wait_few_at_a_time(emulator: Emulator, sources: int, variations: int, most: int) -> None:  # noqa: F811
    """As many sources as fit into the memory of images; the variations of one share its pixels."""
    emulator.control(latency=0.3)
    settings = settings_for(emulator, stability_concurrency=5, images_mb=2.5 * 4 * 200 * 150 / 1e6)
    given = some_sources(sources, (200, 150))
    ran = run_job(settings, given, Recipe(variations=variations, seed=1, filters=False))
    assert ran.engines == {"stability": 4}
    assert emulator.stats()["in_flight_most"] == most


def test_one_slow_request_holds_up_nobody(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(faults=[{"name": "slow", "seconds": 1.5, "prompt": "slow"}])
    sources = [replace(source, label="slow" if i == 0 else "fast") for i, source in enumerate(some_sources(6))]
    ran = run_job(settings_for(emulator), sources, Recipe(prompt="a {label}", seed=1, filters=False))
    assert ran.engines == {"stability": 6}
    assert ran.outcomes[-1].source.label == "slow"


def test_all_wait_out_a_lock_together(emulator: Emulator) -> None:  # noqa: F811
    """More than the service allows, with a lock-out: nobody asks while it lasts, and all is made in the end."""
    emulator.control(rate=[6, 60, 0.8])
    ran = run_job(settings_for(emulator, stability_concurrency=3, stability_lock_seconds=1), some_sources(10))
    assert ran.engines == {"stability": 10}
    turned_away = [request for request in emulator.stats()["requests"] if request["status"] == 429]
    assert 1 <= len(turned_away) <= 3


def test_what_is_in_flight_when_the_credits_end_is_kept(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(latency=0.4, credits=3 * PRICE)
    ran = run_job(settings_for(emulator, stability_concurrency=6), some_sources(8))
    assert ran.engines == {"stability": 3, "gan": 5}
    assert emulator.stats()["charged"] == ran.report.credits == 3 * PRICE


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
    started = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 8, "it did not wait for what never answers"
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


def test_after_a_refusal_fewer_requests_are_in_flight(emulator: Emulator) -> None:  # noqa: F811
    emulator.control(faults=[{"name": "429", "retry_after": 0}], latency=0.05)
    settings = settings_for(emulator, stability_concurrency=4)
    engine = StabilityEngine(settings)
    ran = run_job(settings, some_sources(6), engines=[engine])
    assert ran.engines == {"stability": 6}
    assert engine.service.connections.limit == 3
    emulator.control(reset=True)
    emulator.control(latency=0.1)
    run_job(settings, some_sources(6), Recipe(seed=8, filters=False), engines=[engine])
    assert emulator.stats()["in_flight_most"] == 3


def test_what_a_model_does_not_read_is_not_sent(emulator: Emulator) -> None:  # noqa: F811
    recipe = Recipe(engine="stability", negative_prompt="text", seed=9, filters=False)
    settings = settings_for(emulator, stability_endpoint="sd3", stability_model="sd3.5-flash")
    ran = run_job(settings, some_sources(1), recipe)
    assert "negative_prompt" not in emulator.forms()[0]
    assert ran.outcomes[0].variation is not None
    assert "negative_prompt" not in ran.outcomes[0].variation.details
    says = "sd3.5-flash does not read a negative prompt: it is not sent"
    assert StabilityEngine(settings).unused_settings(recipe) == (says,)
    assert StabilityEngine(settings).unused_settings(replace(recipe, negative_prompt="")) == ()
    assert StabilityEngine(settings_for(emulator)).unused_settings(recipe) == ()
