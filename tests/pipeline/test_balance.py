"""Small classes are made larger, not every picture as many times."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.engines.stability import StabilityEngine
from augmentai.pipeline.balance import class_shares, plan_quotas
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.command_line import augmentai
from tests.support.image_files import png
from tests.support.jobs import job_of
from tests.support.scripted_engine import Scripted, tinted


class ImageInfo:
    """Labels that are at hand; None breaks."""

    def __init__(self, *categories: str | None) -> None:
        self.categories = categories

    def load(self) -> Labels:
        if None in self.categories:
            raise LabelError("the line is broken")
        return Labels(tuple(Shape(str(category), (1, 1, 9, 9)) for category in self.categories))


def folders(**sizes: int) -> list[Source]:
    return [Source.from_bytes(f"{c}/{i}.png", png(seed=hash_of(c, i)), c) for c, n in sizes.items() for i in range(n)]


def hash_of(name: str, number: int) -> int:
    return sum(map(ord, name)) * 100 + number


def boxes(*shown: tuple[str | None, ...]) -> list[Source]:
    made = []
    for i, categories in enumerate(shown):
        one = Source.from_bytes(f"{i}.png", png(seed=i))
        made.append(Source(one.path, None, one.sha256, one.size_bytes, one.read, labels=ImageInfo(*categories)))
    return made


def grown(sources: list[Source], recipe: Recipe) -> Counter[str]:
    """Pictures of each class, originals counted."""
    counted: Counter[str] = Counter()
    found = plan_quotas(sources, recipe)
    for source in sources:
        names = [source.label] if source.label else {shape.category for shape in source.labels.load().shapes}  # type: ignore[union-attr]
        for name in names:
            counted[str(name)] += 1 + found.of((source.path, source.sha256))
    return counted


def test_all_classes_grow_to_the_largest() -> None:
    assert grown(folders(cats=7, dogs=3, owls=1), Recipe(balance=True)) == {"cats": 7, "dogs": 7, "owls": 7}


def test_each_class_grows_to_the_number_asked_for_and_none_shrinks() -> None:
    assert grown(folders(cats=12, dogs=3, owls=1), Recipe(per_class=10)) == {"cats": 12, "dogs": 10, "owls": 10}


def test_without_either_each_image_gets_as_many() -> None:
    sources = folders(cats=3, dogs=2)
    found = plan_quotas(sources, Recipe(variations=4))
    assert found.total == 20
    assert {found.of((s.path, s.sha256)) for s in sources} == {4}
    assert found.of(("a broken file.png", "")) == 0


def test_they_are_spread_evenly_whatever_the_order() -> None:
    sources = folders(cats=20, dogs=6)
    found = plan_quotas(sources, Recipe(balance=True))
    dogs = [found.of((s.path, s.sha256)) for s in sources if s.label == "dogs"]
    assert sorted(dogs) == [2, 2, 2, 2, 3, 3]
    for seed in range(5):
        shuffled = sources.copy()
        random.Random(seed).shuffle(shuffled)
        assert plan_quotas(shuffled, Recipe(balance=True)) == found


def test_no_image_gets_more_than_the_most() -> None:
    found = plan_quotas(folders(cats=40, owls=2), Recipe(balance=True, most_per_source=5))
    assert found.total == 10
    assert found.notices == (
        "too few images to reach 40 with at most 5 variations per image (most_per_source): owls (12)",
    )


def test_classes_of_boxes_are_the_images_that_show_them() -> None:
    sources = boxes(("car",), ("car",), ("car", "bus"), ("car", "car"), ("tram",), ())
    assert grown(sources, Recipe(per_class=4)) == {"car": 7, "bus": 4, "tram": 4}  # cars beside the bus grow along
    found = plan_quotas(sources, Recipe(per_class=4))
    assert found.notices == ("1 image without a class was not augmented, since classes are to be balanced",)
    for seed in range(5):
        shuffled = sources.copy()
        random.Random(seed).shuffle(shuffled)
        assert plan_quotas(shuffled, Recipe(per_class=4)) == found
    assert grown(boxes(("a", "b"), ("a", "b"), ("a",)), Recipe(balance=True)) == {"a": 4, "b": 3}


def test_broken_labels_are_reported_when_they_are_read() -> None:
    assert plan_quotas(boxes(("car",), (None,)), Recipe(per_class=3)).total == 2


@pytest.mark.parametrize("recipe", [Recipe(balance=True), Recipe(per_class=5)])
def test_without_classes_it_is_refused_in_words(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="classes cannot be balanced: none of the 2 images has a class"):
        plan_quotas([Source.from_bytes("a.png", b"1"), Source.from_bytes("b.png", b"2")], recipe)
    assert plan_quotas([], recipe).total == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"per_class": 5, "balance": True}, "per_class and balance are both set"),
        ({"per_class": -1}, "per_class is -1; expected a whole number from 0"),
        ({"most_per_source": 0}, "most_per_source is 0; expected a whole number from 1 to 1000"),
    ],
)
def test_what_a_recipe_refuses(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe(**fields)


class TestInAJob:
    SIZES = {"cats": 5, "dogs": 2, "owls": 1}  # noqa: RUF012

    def job(self, recipe: Recipe, sources: list[Source] | None = None) -> Job:
        return job_of(Scripted(lambda task: tinted(task, 4)), sources or folders(**self.SIZES), recipe)

    def test_outcomes_report_and_foretelling_follow(self) -> None:
        job = self.job(Recipe(seed=1, engine="gan", balance=True))
        assert job.plan.total == 7
        outcomes = list(job.run())
        assert Counter(outcome.source.label for outcome in outcomes if outcome.ok) == {"dogs": 3, "owls": 4}
        assert sorted(o.variation.file for o in outcomes if o.variation and o.source.label == "owls") == [
            f"owls/0__v{i}.png" for i in (1, 2, 3, 4)
        ]
        assert job.report.variations == 7

    def test_the_price_follows(self) -> None:
        settings = Settings(stability_api_key="sk-any")  # type: ignore[arg-type]
        hosted = StabilityEngine(settings)
        sources = tuple(sorted(folders(**self.SIZES), key=lambda s: (s.path, s.sha256)))
        job = Job(Gathered(sources, (), ()), Recipe(seed=1, balance=True), settings, [hosted])
        assert job.plan.estimate is not None
        assert (job.plan.estimate.images, job.plan.estimate.credits) == (7, 7 * job.plan.estimate.credits_each)
        with_retries = hosted.estimate(Recipe(paid_retries=True, retries=2), 5)
        assert with_retries is not None
        assert with_retries.images == 15

    @pytest.mark.parametrize("stop_after", [0, 2, 5])
    def test_a_stopped_run_resumes_to_the_same_set(self, stop_after: int, tmp_path: Path) -> None:
        recipe = Recipe(seed=1, engine="gan", balance=True)
        whole = {(o.source.path, o.index, o.seed) for o in self.job(recipe).run()}
        job = self.job(recipe)
        for number, _ in enumerate(run_to_disk(job, tmp_path / "out")):
            if number == stop_after:
                job.stop.set()
        list(run_to_disk(self.job(recipe), tmp_path / "out"))
        entries = [json.loads(text) for text in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
        assert {(e["source"], e["index"], e["seed"]) for e in entries} == whole

    def test_only_the_training_split_counts(self, tmp_path: Path) -> None:
        for split, label, count in (("train", "cats", 4), ("train", "owls", 1), ("test", "owls", 3)):
            (tmp_path / "set" / split / label).mkdir(parents=True)
            for i in range(count):
                (tmp_path / "set" / split / label / f"{i}.png").write_bytes(png(seed=hash_of(split + label, i)))
        settings = Settings()
        job = Job(gather([tmp_path / "set"], limits(settings)), Recipe(balance=True), settings, [])
        assert job.plan.total == 3

    def test_from_the_command_line(self, tmp_path: Path) -> None:
        for label, count in (("cats", 3), ("owls", 1)):
            (tmp_path / "set" / label).mkdir(parents=True)
            for i in range(count):
                Image.effect_noise((48, 32), 60 + hash_of(label, i) % 40).save(tmp_path / "set" / label / f"{i}.png")
        done = augmentai(tmp_path / "set", "--dry-run", "--balance")
        assert "2 variations of 4 images" in done.stdout
        done = augmentai(tmp_path / "set", "-o", tmp_path / "out", "--per-class", "3", "--seed", "3")
        assert done.returncode == 0, done.stderr
        made = {path.name for path in (tmp_path / "out").rglob("*__v*")}
        assert made == {"0__v1.png", "0__v2.png"}
        loose = augmentai(tmp_path / "set" / "cats" / "0.png", "--dry-run", "--balance")
        assert loose.returncode == 2
        assert "classes cannot be balanced" in loose.stderr


@pytest.mark.parametrize("recipe", [{"balance": True}, {"per_class": 11}, {"per_class": 40, "most_per_source": 3}])
def test_shares_by_size_are_the_quotas_of_single_images(recipe: dict[str, Any]) -> None:
    sizes = {"a": 1, "b": 4, "c": 9, "d": 9}
    sources = [*folders(**sizes), *boxes(("e",))]  # the last one has no class folder
    found, asked = plan_quotas(sources, Recipe(**recipe)), Recipe(**recipe)
    shares = class_shares(sizes, 1, asked)
    assert shares.notices == found.notices
    for name, (each, rest) in shares.of.items():
        by_hash = sorted((source for source in sources if source.label == name), key=lambda one: one.sha256)
        assert [found.of(one.key) for one in by_hash] == [each + (place < rest) for place in range(sizes[name])]


def test_without_any_class_nothing_is_shared_out() -> None:
    with pytest.raises(RecipeError, match="none of the 3 images has a class"):
        class_shares({}, 3, Recipe(balance=True))
