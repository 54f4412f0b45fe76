"""Nothing that is trained on may be nearly a validation or test image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from augmentai.dataset.readers.gather import Gathered
from augmentai.engines.base import Task
from augmentai.images import decode
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Source
from tests.support.command_line import augmentai
from tests.support.image_files import encoded
from tests.support.judged import photo_source
from tests.support.scripted_engine import Scripted, tinted


def holdout_source(name: str, image: Image.Image, split: str, **options: Any) -> Source:
    data = encoded(image, "JPEG", **options)
    source = Source.from_bytes(name, data)
    return Source(name, None, source.sha256, len(data), lambda: data, split)


def job_with_holdout(engine: Any, recipe: Recipe, train: list[Source], holdout: list[Source]) -> Job:
    return Job(Gathered(tuple(train), (), (), tuple(holdout)), recipe, Settings(), [engine])


@pytest.fixture
def others() -> list[Source]:
    names = [p.name for p in sorted(EXAMPLES.iterdir()) if p.suffix in {".jpg", ".png"} and p.name != "coffee.png"]
    return [
        holdout_source(f"test/{name}", decode(photo_source(name).read(), name, 10**8).rgb, "test") for name in names
    ]


def test_a_source_that_is_also_a_test_image_is_reported_as_a_leak(others: list[Source]) -> None:
    with Image.open(EXAMPLES / "coffee.png") as photo:
        coffee = photo.convert("RGB")
    train = Source("train/coffee.png", None, "0" * 64, 1, lambda: encoded(coffee.resize((300, 200))), "train")
    recompressed = holdout_source("val/cup.jpg", coffee.resize((180, 120)).point(lambda v: v * 0.9), "val", quality=60)
    job = job_with_holdout(
        Scripted(lambda task: tinted(task, 20)), Recipe(seed=1, engine="gan"), [train], [recompressed]
    )
    outcomes = [outcome for outcome in job.run() if outcome.source.path == "train/coffee.png"]
    (outcome,) = outcomes
    assert "leak: nearly the same image as val/cup.jpg, which is reserved for val" in outcome.reason
    report = job.report.as_dict()
    assert report["rejected"] == {"leak": 1}
    assert "1 image is nearly the same as a validation or test image" in report["filtered"]
    clean = job_with_holdout(Scripted(lambda task: tinted(task, 20)), Recipe(seed=1, engine="gan"), [train], others)
    assert all(outcome.ok for outcome in clean.run() if outcome.source.split == "train")


def test_a_variation_near_a_test_image_is_retried(others: list[Source]) -> None:
    (flower,) = [source for source in others if "flower" in source.path]
    painted = decode(flower.read(), "flower.jpg", 10**8).rgb

    def paint(task: Task) -> Image.Image:
        return painted.resize(task.photo.size_wh) if task.attempt == 0 else tinted(task, 20)

    train = Source("train/coffee.png", None, "0" * 64, 1, photo_source("coffee.png").read, "train")
    job = job_with_holdout(Scripted(paint), Recipe(seed=1, engine="gan"), [train], others)
    (outcome,) = [outcome for outcome in job.run() if outcome.source.split == "train"]
    assert outcome.ok
    assert outcome.rejections[0].reason == "near-duplicate of test/flower.jpg, which is reserved for test"


def test_a_set_with_splits_from_the_command_line(tmp_path: Path) -> None:
    for split, name, quality in (
        ("train", "coffee.png", 95),
        ("train", "flower.jpg", 95),
        ("test", "coffee.png", 50),
    ):
        (tmp_path / "set" / split / "things").mkdir(parents=True, exist_ok=True)
        with Image.open(EXAMPLES / name) as opened:
            small = opened.convert("RGB").resize((150, 100) if split == "test" else (300, 200))
        small.save(tmp_path / "set" / split / "things" / f"{Path(name).stem}.jpg", quality=quality)
    done = augmentai(tmp_path / "set", "-o", tmp_path / "out", "--seed", "3")
    assert done.returncode == 1
    assert "1 image is nearly the same as a validation or test image and skipped" in done.stderr
    assert {path.name for path in (tmp_path / "out").rglob("*__v*")} == {"flower__v1.jpg"}
    assert (tmp_path / "out" / "test" / "things" / "coffee.jpg").exists()


def test_pages_of_text_are_not_mistaken_for_one_another() -> None:
    def page(words: str) -> Image.Image:
        sheet = Image.new("RGB", (200, 260), "white")
        for row, word in enumerate(words.split()):
            ImageDraw.Draw(sheet).text((12 + 37 * (len(word) % 3), 12 + 20 * row), word * 4, fill="black")
        return sheet

    train = Source(
        "a.png", None, "0" * 64, 1, lambda: encoded(page("one longer page of quite other words here")), "train"
    )
    holdout = [holdout_source("b.jpg", page("some text that says nothing at all of it"), "test")]
    job = job_with_holdout(Scripted(lambda task: tinted(task, 20)), Recipe(seed=1, engine="gan"), [train], holdout)
    assert all(outcome.ok for outcome in job.run() if outcome.source.split == "train")
