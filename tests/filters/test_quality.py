"""Near-copies, flat and blurred variations are rejected, retried with another seed, and reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.dataset.manifest import manifest_line
from augmentai.engines.base import Task
from augmentai.engines.gan import GanEngine
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES
from augmentai.types import Source, variation_seed
from tests.support.image_files import colours, deep_values, encoded
from tests.support.jobs import job_of
from tests.support.judged import SPOILT, photo_source, run, spoilt
from tests.support.scripted_engine import Scripted, tinted

SIZE_WH = (96, 64)


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_attempt_is_made_again_with_another_seed(how: str) -> None:
    recipe = Recipe(seed=4, engine="gan", variations=2)
    outcomes, report = run(Scripted(spoilt(SPOILT[how], 2)), recipe)
    name = "flat" if how == "black" else how
    for outcome in outcomes:
        assert outcome.ok, outcome.reason
        assert outcome.attempts == 3
        assert outcome.seed == variation_seed(4, outcome.source.sha256, outcome.index, 2)
        first, second = outcome.rejections
        assert (first.filter, second.filter) == (name, name)
        assert first.seed == variation_seed(4, outcome.source.sha256, outcome.index)
        entry = json.loads(manifest_line(outcome))
        assert (entry["attempts"], entry["seed"]) == (3, outcome.seed)
        assert [rejected["filter"] for rejected in entry["rejected"]] == [name, name]
        assert set(entry["scores"]) >= {"change", "contrast", "sharpness"}
    assert (report["rejected"], report["left_out"], report["failed"]) == ({name: 4}, 0, 0)
    assert f"filters rejected 4 attempts (4 {name}); none skipped" in report["filtered"]


@pytest.mark.parametrize("how", SPOILT)
def test_after_three_retries_it_is_given_up_and_reported(how: str) -> None:
    engine = Scripted(lambda task: SPOILT[how](task) if task.index == 1 else tinted(task, 20))
    outcomes, report = run(engine, Recipe(seed=4, engine="gan", variations=2))
    by_index = {outcome.index: outcome for outcome in outcomes}
    assert by_index[2].ok
    assert by_index[1].reason.startswith("rejected in each of 4 attempts: ")
    assert [taken for taken in engine.taken if taken[1] == 1] == [("chelsea.png", 1, attempt) for attempt in range(4)]
    assert (report["variations"], report["failed"], report["left_out"]) == (1, 1, 1)
    assert report["failures"] == [{"file": "chelsea.png", "reason": by_index[1].reason}]
    assert json.loads(manifest_line(by_index[1]))["attempts"] == 4


@pytest.mark.parametrize("how", SPOILT)
def test_switched_off_or_at_strength_0_all_are_kept(how: str) -> None:
    for recipe in (Recipe(seed=4, engine="gan", filters=False), Recipe(seed=4, engine="gan", strength=0)):
        (outcome,), report = run(Scripted(SPOILT[how]), recipe)
        assert outcome.ok
        assert outcome.attempts == 1
        assert report["rejected"] == {}
    none = dict.fromkeys(("near_copy", "flat", "blurred"), 0)
    (outcome,), _ = run(Scripted(SPOILT[how]), Recipe(seed=4, engine="gan", thresholds=none))  # type: ignore[arg-type]
    assert outcome.ok


def test_no_retries_where_none_are_wanted() -> None:
    engine = Scripted(SPOILT["flat"])
    (outcome,), _ = run(engine, Recipe(seed=4, engine="gan", retries=0))
    assert outcome.reason.startswith("rejected: low contrast")
    assert len(engine.taken) == 1


def test_a_moved_image_is_not_a_copy() -> None:
    recipe = Recipe(seed=4, engine="gan", geometry="light")
    (outcome,), _ = run(Scripted(lambda task: task.photo.rgb), recipe)
    assert outcome.ok
    assert outcome.attempts == 1


@pytest.mark.parametrize("colour", ["white", "black", (120, 118, 121)])
def test_a_plain_source_may_have_plain_variations(colour: Any) -> None:
    source = Source.from_bytes("plain.png", encoded(Image.new("RGB", SIZE_WH, colour)))
    outcomes, report = run(Scripted(lambda task: task.photo.rgb), Recipe(seed=4, engine="gan", variations=3), source)
    assert all(outcome.ok for outcome in outcomes)
    assert report["rejected"] == {}


@pytest.mark.parametrize("kind", ["grey", "deep", "alpha"])
def test_only_what_is_written_is_judged(kind: str) -> None:
    """A grey source takes no colour, so one that was only coloured is a copy. Clear pixels hide what changed."""
    image = colours(SIZE_WH)
    data = {
        "grey": lambda: encoded(image.convert("L")),
        "deep": lambda: encoded(Image.fromarray(deep_values(SIZE_WH))),
        "alpha": lambda: encoded(Image.merge("RGBA", (*image.split(), Image.new("L", SIZE_WH, 0)))),
    }[kind]()

    def coloured(task: Task) -> Image.Image:
        if kind == "alpha":
            return task.photo.rgb.point(lambda v: 255 - v)
        luma = np.asarray(task.photo.rgb.convert("L")).astype(int)
        red = (luma + 30).clip(0, 255)  # lightness stays: 0.299 of red against 0.114 of blue
        return Image.fromarray(np.dstack([red, luma, (luma - (red - luma) * 2.62).clip(0, 255)]).astype(np.uint8))

    clear = kind == "alpha"
    (outcome,), _ = run(Scripted(coloured), Recipe(seed=4, engine="gan", retries=0), Source.from_bytes("a.png", data))
    assert outcome.ok == clear, outcome.scores  # wholly clear, it is plain
    assert clear or outcome.rejections[0].filter == "near_copy"


def test_what_costs_credits_is_not_retried_unless_asked() -> None:
    engine = Scripted(SPOILT["flat"], credits=3.5)
    (outcome,), report = run(engine, Recipe(seed=4, engine="gan"))
    assert len(engine.taken) == 1
    assert "not retried, since each attempt costs credits" in outcome.reason
    assert (outcome.credits, report["credits"]) == (3.5, 3.5)
    engine = Scripted(spoilt(SPOILT["flat"], 2), credits=3.5)
    (outcome,), report = run(engine, Recipe(seed=4, engine="gan", paid_retries=True))
    assert outcome.ok
    assert (outcome.credits, report["credits"]) == (10.5, 10.5)


def test_what_was_paid_for_and_given_up_is_not_paid_for_twice(tmp_path: Path) -> None:
    def paint(task: Task) -> Image.Image:
        return SPOILT["flat"](task) if task.index == 2 else tinted(task, 20)

    recipe = Recipe(seed=4, engine="gan", variations=3)
    for spent in (True, False):
        engine = Scripted(paint, credits=3.5)
        job = job_of(engine, [photo_source()], recipe)
        list(run_to_disk(job, tmp_path / "out"))
        assert len(engine.taken) == (3 if spent else 0)
        assert (job.report.credits, job.report.given_up) == (10.5, 1)
    assert (
        "1 image was already paid for, but rejected or unusable, and not retried; change the seed to retry"
        in job.report.as_dict()["notices"][0]
    )
    lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    assert [json.loads(text)["status"] for text in lines] == ["ok", "failed", "ok"]
    free = Scripted(paint)  # what cost nothing is tried again, since another version may do better
    for _ in range(2):
        list(run_to_disk(job_of(free, [photo_source()], recipe), tmp_path / "free"))
    assert len(free.taken) == 2 + 4 + 4


def test_the_local_gan_passes_on_every_kind_of_photo(gan: GanEngine) -> None:
    page = Image.new("L", (160, 200), 255)
    for row in range(8):
        ImageDraw.Draw(page).text((10, 10 + 20 * row), "words on a page", fill=0)
    sources = [photo_source(p.name, (160, 120)) for p in sorted(EXAMPLES.iterdir()) if p.suffix in {".jpg", ".png"}]
    sources.append(Source.from_bytes("page.png", encoded(page)))
    for strength in (0.05, 0.4, 1.0):
        recipe = Recipe(seed=6, engine="gan", strength=strength, variations=4)
        outcomes, report = run(gan, recipe, *sources)
        assert all(outcome.ok for outcome in outcomes), report["failures"]
        assert sum(report["rejected"].values()) <= 2, report["rejected"]
