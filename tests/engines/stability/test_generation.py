"""Endpoints for class folders: an image whose style is lent, and generations whose image is fetched later."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from augmentai.annotations import Labels, Shape
from augmentai.dataset.manifest import MANIFEST, PAID_ANSWERS
from augmentai.engines.stability import StabilityEngine
from augmentai.engines.stability.client import Response
from augmentai.engines.stability.generation import Generation, generation_in
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import run_job, settings_for, some_sources
from tests.support.known_labels import KnownLabels
from tests.support.paid_runs import (
    RunCounts,
    all_counts,
    answers_in,
    cat_photos,
    in_manifest,
    job_over,
    kill,
    on_card,
    run,
    start,
)

RECIPE = Recipe(engine="stability", seed=5, filters=False, geometry="none")
PRICE = 8.0


@pytest.fixture
def relight(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(
        emulator,
        stability_endpoint="relight",
        stability_poll_seconds=0.05,
        credits_per_day=1000,
        state=tmp_path / "state",
    )


@pytest.fixture
def transfer(emulator: Emulator) -> Settings:
    return settings_for(emulator, stability_endpoint="style-transfer")


def alone(settings: Settings) -> list[Any]:
    return [StabilityEngine(settings)]


def test_another_image_of_the_class_lends_its_style(emulator: Emulator, transfer: Settings) -> None:
    sources = [*some_sources(2), *some_sources(2, label="dogs")]
    ran = run_job(transfer, sources, replace(RECIPE, strength=0.05), alone(transfer))
    assert ran.engines == {"stability": 4}
    by_path = {source.path: source for source in sources}
    for outcome in ran.outcomes:
        assert outcome.variation is not None
        assert outcome.variation.image.size == (48, 32)
        path, sha256 = outcome.variation.details["donor"].split(" ")
        assert by_path[path].label == outcome.source.label
        assert by_path[path].sha256[:12] == sha256 != outcome.source.sha256[:12]
    for request in emulator.stats()["requests"]:
        assert request["path"].endswith("control/style-transfer")
        assert set(request["files"]) == {"init_image", "style_image"}
        assert set(request["fields"]) == {"change_strength", "seed", "output_format"}
        assert request["fields"]["change_strength"] == "0.1", "less is not accepted"
    again = run_job(transfer, sources[::-1], replace(RECIPE, strength=0.05), alone(transfer))
    donors = [{(o.source.path, o.index): o.variation.details["donor"] for o in r.outcomes} for r in (ran, again)]  # type: ignore[union-attr]
    assert donors[0] == donors[1], "whatever the order of the files"
    assert StabilityEngine(transfer).estimate(RECIPE, 3).credits == 24  # type: ignore[union-attr]
    assert StabilityEngine(transfer).borrows_from_other_sources


def test_a_prompt_is_sent_if_there_is_one(emulator: Emulator, transfer: Settings) -> None:
    run_job(transfer, some_sources(2), replace(RECIPE, prompt="a {label} in snow"), alone(transfer))
    assert {form["prompt"] for form in emulator.forms()} == {"a cats in snow"}


def test_without_another_image_it_is_not_asked_for(emulator: Emulator, transfer: Settings) -> None:
    ran = run_job(transfer, some_sources(1), RECIPE, alone(transfer))
    assert "no other image of its class can lend its style" in ran.reasons
    assert not emulator.stats()["requests"]


@pytest.mark.parametrize("endpoint", ["relight", "style-transfer"])
def test_labelled_images_are_not_asked_for(emulator: Emulator, endpoint: str) -> None:
    settings = settings_for(emulator, stability_endpoint=endpoint)
    labels = KnownLabels(Labels((Shape("cat", (4, 4, 20, 20)),)))
    sources: list[Source] = [replace(source, labels=labels) for source in some_sources(2)]
    ran = run_job(settings, sources, RECIPE, alone(settings))
    assert f"{endpoint} leaves no labelled object in its place; use --repaint background" in ran.reasons
    assert not emulator.stats()["requests"]


def test_the_form_of_another_background(emulator: Emulator, relight: Settings) -> None:
    with_light = relight.model_copy(update={"stability_fields": {"light_source_direction": "above"}})
    recipe = replace(RECIPE, prompt="at {time}", negative_prompt="text")
    ran = run_job(with_light, some_sources(1), recipe, alone(with_light))
    variation = ran.outcomes[0].variation
    assert variation is not None, ran.reasons
    (request,) = emulator.stats()["requests"]
    assert request["fields"] == {
        "background_prompt": variation.prompt,
        "negative_prompt": "text",
        "preserve_original_subject": "1",
        "light_source_direction": "above",
        "seed": str(ran.outcomes[0].seed),
        "output_format": "png",
    }
    assert set(request["files"]) == {"subject_image"}
    assert variation.image.size == (48, 32)
    assert variation.details["endpoint"] == "edit/replace-background-and-relight"
    assert variation.details["credits"] == ran.report.credits == emulator.stats()["charged"] == PRICE


@pytest.mark.parametrize(
    ("fault", "made", "charged", "says"),
    [
        ("result-500", 4, 4, ""),  # the next request finds it
        ("result-gone", 3, 4, "the hosted API has no image for this generation any more (8 credits were charged)"),
        ("result-filtered", 3, 4, "CONTENT_FILTERED"),
        ("403", 3, 3, "content_moderation"),  # refused when it was asked for
        ("500", 4, 4, ""),  # asked for again
    ],
)
def test_what_goes_wrong_with_one_generation(
    emulator: Emulator, relight: Settings, fault: str, made: int, charged: int, says: str
) -> None:
    emulator.fault(fault)
    ran = run_job(relight, some_sources(4), RECIPE, alone(relight))
    assert ran.engines.get("stability", 0) == made, ran.reasons
    assert says in ran.reasons
    assert emulator.stats()["charged"] == ran.report.credits == charged * PRICE


def test_what_is_paid_for_is_fetched_by_the_run_that_resumes(
    emulator: Emulator, relight: Settings, tmp_path: Path
) -> None:
    """A run that ends while images are in progress has their numbers on disk, and asks for none of them again."""
    photos, out = cat_photos(tmp_path / "photos", 3), tmp_path / "out"
    emulator.control(latency=2)
    job = job_over(photos, relight, RECIPE)
    outcomes = run_to_disk(job, out, [photos])
    reader = threading.Thread(target=lambda: next(outcomes, None), daemon=True)
    reader.start()
    end = time.monotonic() + 30
    while answers_in(out) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    numbers = [path.read_bytes() for path in (out / PAID_ANSWERS).glob("*") if path.suffix != ".part"]
    assert all(json.loads(head.partition(b"\n")[0])["pending"] for head in numbers)
    job.stop.set()
    reader.join(30)
    outcomes.close()
    report = run(photos, out, relight, RECIPE)
    assert report["variations"] == 3, report["failures"]
    assert emulator.stats()["charged"] == 3 * PRICE
    assert all_counts(out, report, relight) == {3 * PRICE}
    assert RunCounts.of(out).charged == 3 * PRICE
    assert not (out / PAID_ANSWERS).exists()
    assert {json.loads(line)["status"] for line in (out / MANIFEST).read_text().splitlines()} == {"ok"}


def test_the_limit_of_a_job_holds(emulator: Emulator, relight: Settings) -> None:
    limited = relight.model_copy(update={"credits_per_job": 20.0, "credits_on_cap": "stop"})
    ran = run_job(limited, some_sources(4), RECIPE, alone(limited))
    assert (ran.engines, emulator.stats()["charged"]) == ({"stability": 2}, 16)


@pytest.mark.parametrize(
    ("status", "body", "number"),
    [
        (200, b'{"id": "0123456789abcdef"}', "0123456789abcdef"),
        (202, b'{"id": "0123456789abcdef", "status": "in-progress"}', "0123456789abcdef"),
        (200, b'{"id": "../v1/user/account"}', ""),  # would send the key elsewhere
        (200, b'{"id": 7}', ""),
        (200, b"[]", ""),
        (200, b"\x89PNG", ""),
        (400, b'{"id": "0123456789abcdef", "errors": ["no"]}', ""),
    ],
)
def test_numbers_of_generations(status: int, body: bytes, number: str) -> None:
    assert generation_in(Response(status, {}, body, 0.0)) == (Generation(number) if number else None)


def test_a_killed_run_buys_nothing_twice(emulator: Emulator, relight: Settings, tmp_path: Path) -> None:
    """What was paid for and in progress when the process was killed is fetched by its number."""
    photos, out = cat_photos(tmp_path / "photos", 3), tmp_path / "out"
    emulator.control(latency=3)
    words = ("--no-filters", "--geometry", "none")
    command = start(photos, out, emulator, *words, connections=3, ENDPOINT="relight", POLL_SECONDS="0.1")
    kill(command, lambda: answers_in(out) == 3)
    assert emulator.stats()["charged"] == RunCounts.of(out).committed == 3 * PRICE
    emulator.control(latency=0)
    report = run(photos, out, relight, RECIPE)
    assert report["variations"] == 3, report["failures"]
    assert emulator.stats()["charged"] == 3 * PRICE
    assert {report["credits"], in_manifest(out), on_card(out)} == {3 * PRICE}
    assert not (out / PAID_ANSWERS).exists()
