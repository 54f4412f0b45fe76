"""Variations that would not help are rejected, tried again with another seed, and told of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from augmentai.dataset.manifest import manifest_line
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.recipe_file import load_recipe
from augmentai.engines.base import Task
from augmentai.engines.gan import GanEngine
from augmentai.filters.features import apart, decode_fingerprint, encode_fingerprint, image_features
from augmentai.images import decode
from augmentai.pipeline.job import Job
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe, RecipeError, Thresholds
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Outcome, Source, variation_seed
from tests.support.command_line import augmentai
from tests.support.image_files import colours, deep_values, encoded, png
from tests.support.jobs import job_of
from tests.support.scripted_engine import Painter, Scripted, tinted

SIZE_WH = (96, 64)


def photo_source(name: str = "chelsea.png", size_wh: tuple[int, int] = (240, 160)) -> Source:
    with Image.open(EXAMPLES / name) as photo:
        return Source.from_bytes(name, encoded(photo.convert("RGB").resize(size_wh)))


def run(engine: Any, recipe: Recipe, *sources: Source) -> tuple[list[Outcome], dict[str, Any]]:
    job = job_of(engine, list(sources) or [photo_source()], recipe)
    return list(job.run()), job.report.as_dict()


def spoilt(how: Painter, tries: int) -> Painter:
    """So many tries of each variation come out spoilt; those after them are good."""
    return lambda task: how(task) if task.attempt < tries else tinted(task, 20)


SPOILT: dict[str, Painter] = {
    "near_copy": lambda task: task.photo.rgb.point(lambda v: min(255, v + 1)),
    "flat": lambda task: Image.new("RGB", task.photo.size_wh, (90, 100, 110)),
    "black": lambda task: task.photo.rgb.point(lambda v: v // 30),
    "blurred": lambda task: tinted(task, 20).filter(ImageFilter.GaussianBlur(4)),
}


class TestAlone:
    @pytest.mark.parametrize("how", SPOILT)
    def test_a_spoilt_try_is_made_again_with_another_seed(self, how: str) -> None:
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
            told = json.loads(manifest_line(outcome))
            assert (told["attempts"], told["seed"]) == (3, outcome.seed)
            assert [rejected["filter"] for rejected in told["rejected"]] == [name, name]
            assert set(told["scores"]) >= {"change", "contrast", "sharpness"}
        assert (report["rejected"], report["left_out"], report["failed"]) == ({name: 4}, 0, 0)
        assert f"filters rejected 4 attempts (4 {name}); none skipped" in report["filtered"]

    @pytest.mark.parametrize("how", SPOILT)
    def test_after_three_more_tries_it_is_left_out_and_told(self, how: str) -> None:
        engine = Scripted(lambda task: SPOILT[how](task) if task.index == 1 else tinted(task, 20))
        outcomes, report = run(engine, Recipe(seed=4, engine="gan", variations=2))
        by_index = {outcome.index: outcome for outcome in outcomes}
        assert by_index[2].ok
        assert by_index[1].reason.startswith("rejected in each of 4 attempts: ")
        assert [taken for taken in engine.taken if taken[1] == 1] == [
            ("chelsea.png", 1, attempt) for attempt in range(4)
        ]
        assert (report["variations"], report["failed"], report["left_out"]) == (1, 1, 1)
        assert report["failures"] == [{"file": "chelsea.png", "reason": by_index[1].reason}]
        assert json.loads(manifest_line(by_index[1]))["attempts"] == 4

    @pytest.mark.parametrize("how", SPOILT)
    def test_switched_off_or_at_strength_0_all_are_kept(self, how: str) -> None:
        for recipe in (Recipe(seed=4, engine="gan", filters=False), Recipe(seed=4, engine="gan", strength=0)):
            (outcome,), report = run(Scripted(SPOILT[how]), recipe)
            assert outcome.ok
            assert outcome.attempts == 1
            assert report["rejected"] == {}
        none = dict.fromkeys(("near_copy", "flat", "blurred"), 0)
        (outcome,), _ = run(Scripted(SPOILT[how]), Recipe(seed=4, engine="gan", thresholds=none))  # type: ignore[arg-type]
        assert outcome.ok

    def test_no_retries_where_none_are_wanted(self) -> None:
        engine = Scripted(SPOILT["flat"])
        (outcome,), _ = run(engine, Recipe(seed=4, engine="gan", retries=0))
        assert outcome.reason.startswith("rejected: low contrast")
        assert len(engine.taken) == 1

    def test_a_moved_picture_is_no_copy(self) -> None:
        recipe = Recipe(seed=4, engine="gan", geometry="light")
        (outcome,), _ = run(Scripted(lambda task: task.photo.rgb), recipe)
        assert outcome.ok
        assert outcome.attempts == 1

    @pytest.mark.parametrize("colour", ["white", "black", (120, 118, 121)])
    def test_a_plain_source_may_have_plain_variations(self, colour: Any) -> None:
        source = Source.from_bytes("plain.png", encoded(Image.new("RGB", SIZE_WH, colour)))
        outcomes, report = run(
            Scripted(lambda task: task.photo.rgb), Recipe(seed=4, engine="gan", variations=3), source
        )
        assert all(outcome.ok for outcome in outcomes)
        assert report["rejected"] == {}

    @pytest.mark.parametrize("kind", ["grey", "deep", "alpha"])
    def test_only_what_is_written_is_judged(self, kind: str) -> None:
        """A grey source takes no colour, so one that was only coloured is a copy. Clear pixels hide what changed."""
        picture = colours(SIZE_WH)
        data = {
            "grey": lambda: encoded(picture.convert("L")),
            "deep": lambda: encoded(Image.fromarray(deep_values(SIZE_WH))),
            "alpha": lambda: encoded(Image.merge("RGBA", (*picture.split(), Image.new("L", SIZE_WH, 0)))),
        }[kind]()

        def coloured(task: Task) -> Image.Image:
            if kind == "alpha":
                return task.photo.rgb.point(lambda v: 255 - v)
            luma = np.asarray(task.photo.rgb.convert("L")).astype(int)
            red = (luma + 30).clip(0, 255)  # lightness stays: 0.299 of red against 0.114 of blue
            return Image.fromarray(np.dstack([red, luma, (luma - (red - luma) * 2.62).clip(0, 255)]).astype(np.uint8))

        clear = kind == "alpha"
        (outcome,), _ = run(
            Scripted(coloured), Recipe(seed=4, engine="gan", retries=0), Source.from_bytes("a.png", data)
        )
        assert outcome.ok == clear, outcome.scores  # wholly clear, it is plain
        assert clear or outcome.rejections[0].filter == "near_copy"

    def test_what_costs_credits_is_not_tried_again_unless_asked(self) -> None:
        engine = Scripted(SPOILT["flat"], credits=3.5)
        (outcome,), report = run(engine, Recipe(seed=4, engine="gan"))
        assert len(engine.taken) == 1
        assert "not retried, since each attempt costs credits" in outcome.reason
        assert (outcome.credits, report["credits"]) == (3.5, 3.5)
        engine = Scripted(spoilt(SPOILT["flat"], 2), credits=3.5)
        (outcome,), report = run(engine, Recipe(seed=4, engine="gan", paid_retries=True))
        assert outcome.ok
        assert (outcome.credits, report["credits"]) == (10.5, 10.5)

    def test_what_was_paid_for_and_left_out_is_not_paid_for_twice(self, tmp_path: Path) -> None:
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
            "1 rejected image was already paid for and not retried; change the seed to retry"
            in job.report.as_dict()["notices"][0]
        )
        lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
        assert [json.loads(text)["status"] for text in lines] == ["ok", "failed", "ok"]
        free = Scripted(paint)  # what cost nothing is tried again, since another version may do better
        for _ in range(2):
            list(run_to_disk(job_of(free, [photo_source()], recipe), tmp_path / "free"))
        assert len(free.taken) == 2 + 4 + 4

    def test_the_local_gan_passes_on_every_kind_of_photo(self, gan: GanEngine) -> None:
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


class TestSiblings:
    @staticmethod
    def twins(task: Task) -> Image.Image:
        """The third is as the first until its second try; the fourth is then as the third was."""
        if task.index == 3 and task.attempt == 0:
            return TestSiblings.of(task, 1)
        if task.index == 4 and task.attempt == 0:
            return TestSiblings.of(task, 3)
        return TestSiblings.of(task, task.index + 10 * task.attempt)

    @staticmethod
    def of(task: Task, number: int) -> Image.Image:
        red, green, blue = task.photo.rgb.split()
        return Image.merge("RGB", (red.point(lambda v: v * (210 - 9 * number) // 255), green, blue))

    def test_one_that_is_nearly_another_is_tried_again(self) -> None:
        recipe = Recipe(seed=4, engine="gan", variations=4)
        outcomes, report = run(Scripted(self.twins), recipe)
        assert [outcome.index for outcome in outcomes] == [1, 2, 3, 4]
        assert [outcome.attempts for outcome in outcomes] == [1, 1, 2, 1]
        (rejection,) = outcomes[2].rejections
        assert rejection.filter == "duplicate"
        assert "near-duplicate of variation 1: they differ by 0 of 255 levels" in rejection.reason
        assert report["rejected"] == {"duplicate": 1}
        assert outcomes[1].scores["sibling"] > 3

    @pytest.mark.parametrize("hold", [2, 3, 8, 40])
    def test_the_same_ones_stay_whatever_order_they_are_finished_in(self, hold: int) -> None:
        recipe = Recipe(seed=4, engine="gan", variations=4)
        sources = [photo_source(name, (60, 40)) for name in ("chelsea.png", "coffee.png", "flower.jpg")]
        expected = pixels_of(run(Scripted(self.twins), recipe, *sources)[0])
        for shuffle in range(4):
            outcomes, report = run(Scripted(self.twins, hold, shuffle), recipe, *sources)
            assert pixels_of(outcomes) == expected
            assert report["rejected"] == {"duplicate": 3}

    @pytest.mark.parametrize("stop_after", range(12))
    def test_the_same_ones_stay_after_a_stop(self, stop_after: int, tmp_path: Path) -> None:
        recipe = Recipe(seed=4, engine="gan", variations=4)
        sources = [photo_source(name, (60, 40)) for name in ("chelsea.png", "coffee.png", "flower.jpg")]
        expected = pixels_of(run(Scripted(self.twins), recipe, *sources)[0])
        job = job_of(Scripted(self.twins, 6, stop_after), sources, recipe)
        for number, _ in enumerate(run_to_disk(job, tmp_path / "out")):
            if number == stop_after:
                job.stop.set()
        again = job_of(Scripted(self.twins, 5, 1), sources, recipe)
        list(run_to_disk(again, tmp_path / "out"))
        entries = [json.loads(text) for text in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
        assert {(e["source"], e["index"], e["seed"]) for e in entries} == set(expected)
        for entry in entries:
            with Image.open(tmp_path / "out" / entry["file"]) as picture:
                assert picture.convert("RGB").tobytes() == expected[entry["source"], entry["index"], entry["seed"]]

    def test_paid_ones_that_wait_are_kept_when_it_is_stopped(self) -> None:
        """The first variation is given back last; stopped before it, what came meanwhile is not thrown away."""

        class FirstIsLast(Scripted):
            def make(self, tasks: Any, job: Any) -> Any:
                batch = list(tasks)
                for task in batch[1:]:
                    details = {"credits": self.credits} if self.credits else {}
                    yield self.made_of(task, details)
                    job.stop.set()

            def made_of(self, task: Task, details: dict[str, Any]) -> Any:
                from augmentai.engines.base import Made

                return Made(task, self.name, self.paint(task), "scripted 1", 0.0, details=details, strength=0.4)

        recipe = Recipe(seed=4, engine="gan", variations=3)
        paid, report = run(FirstIsLast(lambda task: tinted(task, 20), credits=2), recipe)
        assert [outcome.index for outcome in paid] == [2, 3]
        assert report["stopped"]
        free, report = run(FirstIsLast(lambda task: tinted(task, 20)), recipe)
        assert free == []
        assert report["stopped"]

    def test_one_that_is_given_up_lets_the_others_go_on(self) -> None:
        def paint(task: Task) -> Image.Image:
            return SPOILT["flat"](task) if task.index == 1 else tinted(task, 20)

        outcomes, _ = run(Scripted(paint, hold=5), Recipe(seed=4, engine="gan", variations=3))
        assert {outcome.index: outcome.ok for outcome in outcomes} == {1: False, 2: True, 3: True}


def pixels_of(outcomes: list[Outcome]) -> dict[tuple[str, int, int], bytes]:
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes]
    return {(o.source.path, o.index, o.seed): o.variation.image.tobytes() for o in outcomes if o.variation is not None}


class TestHeldOut:
    @staticmethod
    def held_out(name: str, picture: Image.Image, split: str, **options: Any) -> Source:
        data = encoded(picture, "JPEG", **options)
        source = Source.from_bytes(name, data)
        return Source(name, None, source.sha256, len(data), lambda: data, split)

    def job(self, engine: Any, recipe: Recipe, train: list[Source], held_out: list[Source]) -> Job:
        return Job(Gathered(tuple(train), (), (), tuple(held_out)), recipe, Settings(), [engine])

    @pytest.fixture
    def others(self) -> list[Source]:
        names = [p.name for p in sorted(EXAMPLES.iterdir()) if p.suffix in {".jpg", ".png"} and p.name != "coffee.png"]
        return [
            self.held_out(f"test/{name}", decode(photo_source(name).read(), name, 10**8).rgb, "test") for name in names
        ]

    def test_a_source_that_is_also_a_test_picture_is_told_as_a_leak(self, others: list[Source]) -> None:
        with Image.open(EXAMPLES / "coffee.png") as photo:
            coffee = photo.convert("RGB")
        train = Source("train/coffee.png", None, "0" * 64, 1, lambda: encoded(coffee.resize((300, 200))), "train")
        recompressed = self.held_out(
            "val/cup.jpg", coffee.resize((180, 120)).point(lambda v: v * 0.9), "val", quality=60
        )
        job = self.job(Scripted(lambda task: tinted(task, 20)), Recipe(seed=1, engine="gan"), [train], [recompressed])
        outcomes = [outcome for outcome in job.run() if outcome.source.path == "train/coffee.png"]
        (outcome,) = outcomes
        assert "leak: nearly the same image as val/cup.jpg, which is reserved for val" in outcome.reason
        report = job.report.as_dict()
        assert report["rejected"] == {"leak": 1}
        assert "1 image is nearly the same as a validation or test image" in report["filtered"]
        clean = self.job(Scripted(lambda task: tinted(task, 20)), Recipe(seed=1, engine="gan"), [train], others)
        assert all(outcome.ok for outcome in clean.run() if outcome.source.split == "train")

    def test_a_variation_that_comes_near_a_test_picture_is_tried_again(self, others: list[Source]) -> None:
        (flower,) = [source for source in others if "flower" in source.path]
        painted = decode(flower.read(), "flower.jpg", 10**8).rgb

        def paint(task: Task) -> Image.Image:
            return painted.resize(task.photo.size_wh) if task.attempt == 0 else tinted(task, 20)

        train = Source("train/coffee.png", None, "0" * 64, 1, photo_source("coffee.png").read, "train")
        job = self.job(Scripted(paint), Recipe(seed=1, engine="gan"), [train], others)
        (outcome,) = [outcome for outcome in job.run() if outcome.source.split == "train"]
        assert outcome.ok
        assert outcome.rejections[0].reason == "near-duplicate of test/flower.jpg, which is reserved for test"

    def test_a_set_with_splits_from_the_command_line(self, tmp_path: Path) -> None:
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

    def test_pages_of_text_are_not_taken_for_one_another(self) -> None:
        def page(words: str) -> Image.Image:
            sheet = Image.new("RGB", (200, 260), "white")
            for row, word in enumerate(words.split()):
                ImageDraw.Draw(sheet).text((12 + 37 * (len(word) % 3), 12 + 20 * row), word * 4, fill="black")
            return sheet

        train = Source(
            "a.png", None, "0" * 64, 1, lambda: encoded(page("one longer page of quite other words here")), "train"
        )
        held_out = [self.held_out("b.jpg", page("some text that says nothing at all of it"), "test")]
        job = self.job(Scripted(lambda task: tinted(task, 20)), Recipe(seed=1, engine="gan"), [train], held_out)
        assert all(outcome.ok for outcome in job.run() if outcome.source.split == "train")


class TestMeasures:
    def test_prints_go_to_the_manifest_and_back(self) -> None:
        one, other = image_features(colours()).fingerprint, image_features(colours(seed=5)).fingerprint
        assert decode_fingerprint(encode_fingerprint(one)) == one
        assert (apart(one, one), apart(one, other) > 10) == (0, True)
        assert [decode_fingerprint(text) for text in (None, "", "abc", "é", 4, encode_fingerprint(b"short"))] == [
            None
        ] * 6

    @pytest.mark.parametrize("size_wh", [(8, 8), (2000, 8), (8, 2000), (1280, 853), (31, 17)])
    def test_looks_of_any_size_and_mode(self, size_wh: tuple[int, int]) -> None:
        picture = colours(size_wh)
        assert image_features(picture).small.size[0] >= 8
        assert min(image_features(picture).small.size) >= min(32, *size_wh)
        alpha = picture.copy()
        alpha.putalpha(255)
        for same in (alpha, picture.convert("CMYK").convert("RGB")):
            assert np.abs(image_features(same).coarse - image_features(picture).coarse).max() < 3
        deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
        grey = image_features(picture.convert("L"))
        assert np.abs(image_features(deep, (0, 65535)).coarse - grey.coarse).max() <= 3

    def test_the_hash_is_of_the_picture_not_of_its_light(self) -> None:
        with Image.open(EXAMPLES / "chelsea.png") as photo:
            cat = photo.convert("RGB")
        with Image.open(EXAMPLES / "coffee.png") as photo:
            cup = photo.convert("RGB")
        own = image_features(cat).hash
        assert (own ^ image_features(cat.resize((200, 133)).point(lambda v: v * 0.7)).hash).bit_count() <= 4
        assert (own ^ image_features(cup).hash).bit_count() > 12


class TestTheRecipe:
    def test_thresholds_are_numbers_by_name(self, tmp_path: Path) -> None:
        recipe = Recipe(thresholds={"flat": 0.2})  # type: ignore[arg-type]
        assert recipe.thresholds == Thresholds(flat=0.2)
        saved = tmp_path / "mine.yaml"
        saved.write_text("filters: true\nretries: 1\nthresholds:\n  blurred: 0\n  held_out: 6\n")
        assert load_recipe(saved).thresholds == Thresholds(blurred=0.0, held_out=6.0)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"thresholds": {"flatt": 1}}, "there is no threshold flatt; there are near_copy, flat"),
            ({"thresholds": {"flat": -1}}, "the threshold flat is -1; expected a number from 0"),
            ({"thresholds": {"flat": "much"}}, "the threshold flat is 'much'; expected a number"),
            ({"thresholds": 3}, "thresholds is 3; expected numbers by name"),
            ({"retries": 4}, "retries is 4; expected a whole number from 0 to 3"),
            ({"drift": "ignore"}, "expected one of reject, mark"),
            ({"filters": 1}, "filters is 1; expected True or False"),
        ],
    )
    def test_what_is_refused(self, fields: dict[str, Any], words: str) -> None:
        with pytest.raises(RecipeError, match=words):
            Recipe(**fields)


def test_a_recipe_of_a_run_with_thresholds_goes_on(tmp_path: Path) -> None:
    recipe = Recipe(seed=4, engine="gan", thresholds=Thresholds(flat=0.05))
    for _ in range(2):
        job = job_of(Scripted(lambda task: tinted(task, 20)), [Source.from_bytes("a.png", png())], recipe)
        list(run_to_disk(job, tmp_path / "out"))
    assert job.report.resumed == 1
    assert load_recipe(tmp_path / "out" / "recipe.yaml") == recipe
