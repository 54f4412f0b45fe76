"""Instruction editors of hosted providers: what is sent, what faults mean, what is charged, and what is never sent."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import MANIFEST
from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.engines.canvas import prepare
from augmentai.engines.huggingface import HuggingFaceEngine, run
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import ROOT
from tests.support.jobs import Darker
from tests.support.paid_runs import RunCounts, in_manifest
from tests.support.provider_emulator import MODEL, TOKEN, ProviderEmulator, sent_image
from tests.support.provider_jobs import (  # noqa: F401
    PRICE,
    RECIPE,
    cat,
    cats,
    emulator,
    job_over,
    photos_in,
    ran,
    served,
    settings_with,
)
from tests.support.small_disk import fill, small_disk


def test_an_image_is_sent_with_its_prompt_and_comes_back_in_its_own_size(emulator: ProviderEmulator) -> None:
    (outcome,) = (done := ran(settings_with(), cats(1))).outcomes
    made = outcome.variation
    assert made is not None, outcome.reason
    assert (made.engine, made.prompt, made.image.size) == ("huggingface", "fog", (120, 80))
    assert np.asarray(made.image).mean() < 0.8 * np.asarray(Image.open(io.BytesIO(cat())).convert("RGB")).mean()
    (request,) = emulator.requests
    sent = sent_image(request)
    assert (request["prompt"], request["seed"]) == ("fog", outcome.seed)
    assert request["image_size"] == {"width": sent.width, "height": sent.height}
    assert sent.width % 64 == sent.height % 64 == 0
    assert done.report.as_dict()["credits"] == PRICE


def test_what_is_sent_has_about_a_megapixel() -> None:
    width, height = prepare(Image.open(io.BytesIO(cat())).convert("RGB"), run.CANVAS).sent_wh
    assert 900_000 < width * height < 1_200_000


# What befalls the first of two images, one after the other: how many of them are made, what is charged and what may
# have been, and what is said of it.
MEETS = [
    (["401"], 0, 0, "check HF_TOKEN"),
    (["402"], 0, 0, "Pay-as-you go is not enabled for provider fal-ai yet; buy credits"),
    (["404"], 0, 0, "check AUGMENTAI_HUGGINGFACE_MODEL"),
    (["echo"], 0, 0, "the token [key] is not known"),
    (["422"], 1, PRICE, "the prompt was flagged"),  # this image alone
    (["429"], 2, 2 * PRICE, ""),  # waited out
    (["429"] * 4, 0, 0, "answered 429"),
    (["500"], 2, 2 * PRICE, ""),  # retried
    (["503", "503"], 1, PRICE, "answered 503"),
    (["504"], 1, PRICE, "(3 credits may have been charged)"),
    (["no id"], 1, PRICE, "(3 credits may have been charged)"),
    (["poll 500"], 1, PRICE, "(3 credits may have been charged)"),
    (["no url"], 1, PRICE, "(3 credits may have been charged)"),
    (["page"], 1, PRICE, "something that is not an image (3 credits may have been charged)"),
    (["cut off"], 1, 2 * PRICE, "a corrupt or truncated image (3 credits were charged)"),
    (["huge"], 1, 2 * PRICE, "5000x4000, far more than was asked for (3 credits were charged)"),
    (["shifted"], 1, 2 * PRICE, "the editor moved or zoomed the image by 4."),
    (["zoomed"], 1, 2 * PRICE, "the editor moved or zoomed the image by"),
]


@pytest.mark.parametrize(("faults", "made", "charged", "says"), MEETS, ids=["+".join(row[0]) for row in MEETS])
def test_what_providers_do(emulator: ProviderEmulator, faults: list[str], made: int, charged: float, says: str) -> None:
    emulator.faults.extend(faults)
    done = ran(settings_with(huggingface_concurrency=1), cats(2))
    assert done.report.as_dict()["credits"] == charged
    assert sum(outcome.ok for outcome in done.outcomes) == made
    assert says in done.reasons
    assert TOKEN not in done.reasons


def test_a_provider_that_never_finishes_is_not_waited_for(emulator: ProviderEmulator) -> None:
    emulator.faults.append("never")
    done = ran(settings_with(huggingface_total_seconds=0.8, huggingface_concurrency=1), cats(1))
    assert "did not finish within 0.8 s (3 credits may have been charged)" in done.reasons


def test_a_provider_that_cannot_be_reached_charges_nothing(
    emulator: ProviderEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "INFERENCE_PROXY_TEMPLATE", "http://127.0.0.1:9/{provider}")
    done = ran(settings_with(), cats(1))
    assert "fal-ai cannot be reached" in done.reasons
    assert "charged" not in done.reasons


def test_offline_mode_is_said_and_charges_nothing(emulator: ProviderEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in ran(settings_with(), cats(1)).reasons
    assert not emulator.requests


def test_fewer_requests_at_once_after_one_is_turned_away(emulator: ProviderEmulator) -> None:
    settings = settings_with(huggingface_concurrency=4)
    engine = HuggingFaceEngine(settings)
    emulator.latency_seconds = 0.05
    emulator.faults.append("429")
    assert all(outcome.ok for outcome in ran(settings, cats(6), engines=[engine]).outcomes)
    assert engine.places.limit == 3
    assert emulator.most_at_once <= 4


@pytest.mark.parametrize(
    ("cap", "made"),
    [(2, 0), (3, 1), (7, 2), (100, 4)],  # less than one image, one, two and a rest, more than all
)
def test_a_cap_holds_whatever_is_in_flight(emulator: ProviderEmulator, cap: float, made: int) -> None:
    settings = settings_with(credits_per_job=cap, huggingface_concurrency=4)
    emulator.latency_seconds = 0.05
    done = ran(settings, cats(4), RECIPE)
    assert (done.engines.get("huggingface", 0), emulator.made) == (made, made)
    assert done.report.as_dict()["credits"] == made * PRICE


def test_a_cap_leaves_the_rest_to_the_next_engine_or_to_none(emulator: ProviderEmulator) -> None:
    settings = settings_with(credits_per_job=3, credits_on_cap="stop")
    assert ran(settings, cats(3), engines=[HuggingFaceEngine(settings)]).engines == {"huggingface": 1}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"huggingface_provider": ""}, "AUGMENTAI_HUGGINGFACE_PROVIDER is not set"),
        ({"hf_token": ""}, "HF_TOKEN is not set"),
        ({"huggingface_prices": {}}, f"AUGMENTAI_HUGGINGFACE_PRICES={MODEL}=3"),
    ],
)
def test_without_a_provider_a_token_and_a_price_nothing_is_sent(changes: dict[str, Any], says: str) -> None:
    state = HuggingFaceEngine(settings_with(**changes)).readiness()
    assert not state.ready
    assert says in state.reason


def test_it_is_used_only_when_named() -> None:
    (engine,) = [one for one in available(settings_with()) if one.name == "huggingface"]
    assert engine.readiness().ready
    assert not engine.serves("auto")
    assert str(engine.estimate(RECIPE, 4)) == "up to 12 credits (4 images at 3)"
    assert engine.unused_settings(Recipe(strength=0.5, negative_prompt="people")) == (
        "Hugging Face providers: the editor has no strength, so yours has no effect; say in the prompt how much",
        "Hugging Face providers: the editor reads no negative prompt: it is not sent",
    )
    with pytest.raises(ValueError, match="huggingface_provider"):
        settings_with(huggingface_provider="auto")


def boxed_set(folder: Path) -> Path:
    """A labelled image, YOLO."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    (folder / "images" / "0.png").write_bytes(cat())
    (folder / "labels" / "0.txt").write_text("0 0.5 0.5 0.4 0.5\n")
    (folder / "data.yaml").write_text("names: [cat]\ntrain: images\n")
    return folder


@pytest.mark.parametrize(
    ("changes", "is_sent"),
    [
        ({}, False),  # nothing would notice that an object has moved
        ({"filters": True, "drift": "mark"}, False),
        ({"filters": True}, True),  # the drift filter would
        ({"repaint": "background"}, True),  # the objects are laid back
    ],
)
def test_labelled_images_need_a_guard(
    emulator: ProviderEmulator, tmp_path: Path, changes: dict[str, Any], is_sent: bool
) -> None:
    settings, folder = settings_with(), boxed_set(tmp_path / "set")
    recipe = Recipe(**{"seed": 7, "engine": "huggingface", "filters": False} | changes)
    job = Job(gather([folder], limits(settings)), recipe, settings, [HuggingFaceEngine(settings)])
    (outcome,) = job.run()
    assert bool(emulator.requests) == is_sent
    if not is_sent:
        assert "labelled images need --repaint background" in outcome.reason
    elif recipe.repaint == "background":
        assert outcome.variation is not None, outcome.reason
        before, after = (
            np.asarray(one.convert("RGB")) for one in (Image.open(io.BytesIO(cat())), outcome.variation.image)
        )
        assert (before[20:60, 36:84] == after[20:60, 36:84]).all()
        assert before[:10].mean() > after[:10].mean() + 10


def test_a_stop_leaves_what_is_left_and_a_resume_buys_no_image_twice(
    emulator: ProviderEmulator, tmp_path: Path
) -> None:
    settings, photos, out = (
        settings_with(huggingface_concurrency=1),
        photos_in(tmp_path / "photos", 4),
        tmp_path / "out",
    )
    emulator.latency_seconds = 0.2
    first = job_over(photos, settings)
    Timer(0.4, first.stop.set).start()
    for _ in run_to_disk(first, out, [photos]):
        pass
    assert first.report.as_dict()["stopped"]
    second = job_over(photos, settings)
    for _ in run_to_disk(second, out, [photos]):
        pass
    assert second.report.as_dict()["variations"] == 4
    assert emulator.made == 4
    assert in_manifest(out) == second.report.as_dict()["credits"] == 4 * PRICE


def test_an_answer_that_had_moved_is_not_bought_again(emulator: ProviderEmulator, tmp_path: Path) -> None:
    settings, photos, out = settings_with(), photos_in(tmp_path / "photos", 1), tmp_path / "out"
    emulator.faults.append("shifted")
    for _ in range(2):
        job = job_over(photos, settings)
        (outcome,) = run_to_disk(job, out, [photos])
        assert "the editor moved or zoomed the image" in outcome.reason
        assert (emulator.made, job.report.as_dict()["credits"]) == (1, PRICE)


def test_a_killed_run_is_resumed_within_its_cap(emulator: ProviderEmulator, tmp_path: Path) -> None:
    emulator.latency_seconds = 0.15
    photos, out, own = photos_in(tmp_path / "photos", 5), tmp_path / "out", f"{emulator.url}/own"
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("AUGMENTAI", "STABILITY"))}
    environment |= {
        "HF_TOKEN": TOKEN,
        "HF_HUB_OFFLINE": "0",
        "AUGMENTAI_HUGGINGFACE_PROVIDER": "hf-inference",
        "AUGMENTAI_HUGGINGFACE_MODEL": own,
        "AUGMENTAI_HUGGINGFACE_PRICES": json.dumps({own: PRICE}),
        "AUGMENTAI_HUGGINGFACE_CONCURRENCY": "1",
    }
    words = [photos, "-o", out, "--engine", "huggingface", "--seed", "7", "--no-filters", "-n", "1", "--prompt", "fog"]
    command = [sys.executable, "-m", "augmentai", *map(str, words)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 90
    while not (out / MANIFEST).is_file() or not (out / MANIFEST).read_bytes().count(b"\n"):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    before = RunCounts.of(out).committed
    assert before < 5 * PRICE
    settings = settings_with(
        huggingface_provider="hf-inference",
        huggingface_model=own,
        huggingface_prices={own: PRICE},
        credits_per_job=4 * PRICE,
    )
    job = job_over(photos, settings, Darker())
    for _ in run_to_disk(job, out, [photos]):
        pass
    counts = RunCounts.of(out)
    assert counts.committed <= 4 * PRICE, "what the killed run spent counts against the limit"
    assert emulator.made * PRICE <= counts.committed
    assert job.report.as_dict()["variations"] >= 3


def test_a_full_disk_loses_nothing_that_was_charged(emulator: ProviderEmulator, tmp_path: Path) -> None:
    """Answers are larger than the photos: what there is no room for is not bought."""
    settings, photos = settings_with(huggingface_concurrency=1), photos_in(tmp_path / "photos", 5)
    emulator.latency_seconds = 0.1
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        job = job_over(photos, settings)
        with suppress(OutputError):
            for number, _ in enumerate(run_to_disk(job, disk / "out", [photos])):
                if number == 0:
                    ballast = fill(disk)
                    os.truncate(ballast, ballast.stat().st_size - 200_000)  # room for a photo, not for an answer
        report = job.report.as_dict()
        assert PRICE <= emulator.made * PRICE < 5 * PRICE
        assert report["credits"] == emulator.made * PRICE
        ballast.unlink()
        emulator.latency_seconds = 0
        second = job_over(photos, settings)
        for _ in run_to_disk(second, disk / "out", [photos]):
            pass
        report = second.report.as_dict()
        assert report["variations"] == 5
        assert report["credits"] == in_manifest(disk / "out") == emulator.made * PRICE == 5 * PRICE
