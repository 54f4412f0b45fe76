"""Operations in whole jobs: on every kind of file, before the filters, with labels counted, faults told by file."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from augmentai.annotations import Labels, Shape
from augmentai.dataset.readers.gather import Gathered
from augmentai.operations import apply_operations, build_operations, warp_for
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Source
from tests.support.image_files import SIZE_WH, encoded, png
from tests.support.image_gallery import KINDS
from tests.support.jobs import Darker, job_of, opened
from tests.support.plugin_package import installed, write_package
from tests.support.scripted_engine import Copying

STEPS: list[Any] = ["flip", {"crop": {"scale": [0.5, 0.8]}}, "rotate"]


def photo(name: str, mirrored: bool = False) -> Image.Image:
    with Image.open(EXAMPLES / name) as opened_photo:
        small = opened_photo.convert("RGB").resize((240, 160))
    return ImageOps.mirror(small) if mirrored else small


@pytest.mark.parametrize("geometry", ["none", "light"])
def test_every_kind_of_file_after_its_geometry(geometry: str) -> None:
    sources = [Source.from_bytes(kind.name, kind.make()) for kind in KINDS]
    recipe: dict[str, Any] = {"seed": 3, "engine": "gan", "output_format": "png", "filters": False}
    plain = {o.source.path: o for o in job_of(Darker(), sources, Recipe(**recipe, geometry="none")).run()}
    operations = build_operations(Recipe(operations=STEPS).operations)
    for outcome in job_of(Darker(), sources, Recipe(**recipe, geometry=geometry, operations=STEPS)).run():
        path = outcome.source.path
        assert outcome.variation is not None, outcome.reason
        before = plain[path].variation
        assert before is not None
        moved = warp_for(geometry, SIZE_WH, outcome.seed)
        expected = apply_operations(before.image, None, operations, outcome.seed, first=moved)
        np.testing.assert_array_equal(np.asarray(outcome.variation.image), np.asarray(expected.image), err_msg=path)
        assert outcome.variation.details["operations"] == expected.details["operations"]
        assert opened(outcome).size == SIZE_WH


def test_the_order_of_the_sources_does_not_matter() -> None:
    sources = [Source.from_bytes(f"{number}.png", png(seed=number)) for number in range(6)]
    recipe = Recipe(seed=3, engine="gan", variations=3, geometry="none", operations=STEPS)
    made: list[dict[str, bytes]] = []
    for shuffle in range(2):
        random.Random(shuffle).shuffle(sources)
        outcomes = list(job_of(Darker(), list(sources), recipe).run())
        made.append({o.variation.file: o.variation.data for o in outcomes if o.variation is not None})
    assert len(made[0]) == 18
    assert made[0] == made[1]


class TestFilters:
    def test_what_an_operation_changed_is_not_a_copy(self) -> None:
        """It was asked for, as geometry was, so it is new even where the engine changed nothing."""
        source = Source.from_bytes("a.png", encoded(photo("coffee.png")))
        for step, is_copy in (("flip(probability=1)", False), ("flip(probability=0)", True)):
            recipe = Recipe(seed=3, strength=0.5, engine="gan", geometry="none", operations=[step])
            (outcome,) = job_of(Copying(), [source], recipe).run()
            assert outcome.ok == (not is_copy)
            assert [one.filter for one in outcome.rejections[:1]] == (["near_copy"] if is_copy else [])

    def test_siblings_are_compared_after_the_operations(self) -> None:
        source = Source.from_bytes("a.png", encoded(photo("coffee.png")))
        recipe = Recipe(seed=3, strength=0.5, engine="gan", geometry="none", variations=3, retries=0)
        same, other = (
            list(job_of(Copying(), [source], Recipe(**vars(recipe) | {"operations": [step]})).run())
            for step in ("flip(probability=1)", "crop(scale=0.1..0.5)")
        )
        assert [outcome.ok for outcome in same] == [True, False, False]
        assert "near-duplicate of variation 1" in same[1].reason
        assert [outcome.ok for outcome in other] == [True, True, True]

    def test_holdout_images_are_compared_after_the_operations(self) -> None:
        train = Source.from_bytes("train/a.png", encoded(photo("coffee.png")))
        data = encoded(photo("coffee.png", mirrored=True), "JPEG")
        test = Source("test/b.jpg", None, Source.from_bytes("b", data).sha256, len(data), lambda: data, "test")
        recipe = Recipe(seed=3, engine="gan", geometry="none", retries=0)
        for step, reason in (("flip(probability=1)", "near-duplicate of test/b.jpg"), ("crop(scale=0.2)", "")):
            asked = Recipe(**vars(recipe) | {"operations": [step]})
            job = Job(Gathered((train,), (), (), (test,)), asked, Settings(), [Darker()])
            (outcome,) = (outcome for outcome in job.run() if outcome.source.path == "train/a.png")
            assert outcome.ok == (not reason)
            assert reason in outcome.reason


class Boxed:
    def load(self) -> Labels:
        return Labels((Shape("cat", (1, 1, 9, 9)), Shape("dog", (38, 22, 47, 31))))


def test_labels_that_are_lost_are_counted() -> None:
    one = Source.from_bytes("a.png", png())
    source = Source(one.path, None, one.sha256, one.size_bytes, one.read, labels=Boxed())
    recipe = Recipe(
        seed=3,
        engine="gan",
        variations=8,
        geometry="none",
        filters=False,
        operations=["crop(scale=0.2..0.4)"],
    )
    job = Job(Gathered((source,), (), ()), recipe, Settings(), [Darker()])
    lost = 0
    for outcome in job.run():
        assert outcome.variation is not None, outcome.reason
        assert outcome.variation.labels is not None
        gone = 2 - len(outcome.variation.labels.shapes)
        assert outcome.variation.details.get("labels_dropped", 0) == gone
        lost += gone
    assert lost > 4
    assert job.report.as_dict()["labels_dropped"] == lost


FAULT = """
from dataclasses import dataclass

from augmentai import Operation


@dataclass(frozen=True)
class Picky(Operation):
    name = "picky"

    def draw(self, rng, size_wh, labels, settings):
        return {"odd": bool(rng.random() < 0.5)}

    def apply(self, image, labels, drawn):
        if drawn["odd"]:
            raise ValueError("I do not like it")
        return image.copy(), labels
"""


def test_a_faulty_operation_costs_its_variations_and_not_the_job(tmp_path: Path) -> None:
    points = {"augmentai.operations": {"picky": "strangers_fault:Picky"}}
    with installed(write_package(tmp_path / "site", "strangers_fault", FAULT, points)):
        sources = [Source.from_bytes(f"{number}.png", png(seed=number)) for number in range(8)]
        recipe = Recipe(seed=3, engine="gan", geometry="none", operations=["picky"])
        outcomes = list(job_of(Darker(), sources, recipe).run())
    reasons = {outcome.reason for outcome in outcomes}
    assert reasons == {
        "",
        "the operation 'picky' of the package strangers-fault 1.0 failed on this image (ValueError: I do not like it)",
    }
    assert len(outcomes) == 8
