"""The one generator: every source accounted for, the same pixels every time, and an end whenever it is asked for."""

from __future__ import annotations

import gc
import json
import random
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai import augment
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import writer_for
from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.gan import GanEngine
from augmentai.images import decode
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run_state import BESIDE
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from tests.support.image_files import SIZE_WH, colours, jpeg, png, zipped
from tests.support.image_gallery import KINDS, Kind
from tests.support.jobs import Darker, job_of, opened


def pictures(count: int) -> list[Source]:
    return [Source.from_bytes(f"class {i % 2}/{i}.png", png(seed=i), f"class {i % 2}") for i in range(count)]


def pixels(outcomes: list[Outcome]) -> dict[str, bytes]:
    return {o.variation.file: o.variation.image.tobytes() for o in outcomes if o.variation is not None}


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return [Source.from_bytes(kind.name, kind.make()) for kind in KINDS]


class TestEveryKindThroughTheLocalGan:
    def test_strength_0_is_the_source(self, gan: GanEngine, sources: list[Source]) -> None:
        recipe = Recipe(seed=1, engine="gan", strength=0, output_format="png")
        outcomes = {o.source.path: o for o in job_of(gan, sources, recipe).run()}
        for kind in KINDS:
            result = np.asarray(opened(outcomes[kind.name]))
            if kind.pixels is not None:
                np.testing.assert_array_equal(result, kind.pixels(), err_msg=kind.name)
            else:
                photo = decode(kind.make(), kind.name, 10**6)
                np.testing.assert_array_equal(result, np.asarray(photo.restore(photo.rgb)), err_msg=kind.name)

    @pytest.mark.parametrize("wanted", ["same", "png", "jpeg", "webp"])
    def test_each_output_format(self, gan: GanEngine, sources: list[Source], wanted: str) -> None:
        recipe = Recipe(seed=1, engine="gan", strength=1, output_format=wanted)
        outcomes = {o.source.path: o for o in job_of(gan, sources, recipe).run()}
        assert len(outcomes) == len(KINDS)
        for kind in KINDS:
            self.check(kind, outcomes[kind.name], wanted)

    def check(self, kind: Kind, outcome: Outcome, wanted: str) -> None:
        picture = opened(outcome)
        assert outcome.variation is not None
        file_format = kind.same if wanted == "same" else wanted.upper()
        endings = {"JPEG": {".jpg"}, "PNG": {".png"}, "WEBP": {".webp"}, "TIFF": {".tif", ".tiff"}}
        assert picture.format == file_format
        assert Path(outcome.variation.file).suffix in endings[file_format]
        assert picture.size == outcome.variation.image.size == SIZE_WH
        source = decode(kind.make(), kind.name, 10**6)
        if kind.alpha and file_format != "JPEG":
            assert source.alpha is not None
            assert picture.getchannel("A").tobytes() == source.alpha.tobytes()
        if kind.deep and file_format in {"PNG", "TIFF"}:
            assert picture.mode.startswith("I;16")
        elif kind.is_gray:
            channels = np.asarray(picture.convert("RGB")).astype(int)
            assert np.ptp(channels, axis=-1).max() <= 2

    @pytest.mark.parametrize("size_wh", [(8, 8), (16, 16), (17, 31), (2000, 8)])
    def test_sizes(self, gan: GanEngine, size_wh: tuple[int, int]) -> None:
        (outcome,) = job_of(gan, [Source.from_bytes("a.png", png(size_wh))], Recipe(seed=1, strength=1)).run()
        assert opened(outcome).size == size_wh
        assert opened(outcome).tobytes() != colours(size_wh).tobytes()


class TestTheSamePixelsEveryTime:
    RECIPE = Recipe(seed=11, engine="gan", variations=3, strength=0.8, output_format="png")

    def test_twice_in_any_order_and_with_repeats(self, gan: GanEngine) -> None:
        sources = pictures(6)
        first = pixels(list(job_of(gan, sources, self.RECIPE).run()))
        assert len(first) == 18
        assert len(set(first.values())) == 18
        for seed in range(3):
            shuffled = sources + sources[:3]
            random.Random(seed).shuffle(shuffled)
            assert pixels(list(job_of(GanEngine(Settings()), shuffled, self.RECIPE).run())) == first

    def test_a_folder_and_a_zip_of_it(self, gan: GanEngine, tmp_path: Path) -> None:
        files = {f"{label}/{i}.jpg": jpeg(seed=i) for i, label in enumerate(["cats", "cats", "dogs", "dogs"])}
        for name, data in files.items():
            (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / name).write_bytes(data)
        (tmp_path / "set.zip").write_bytes(zipped(dict(reversed(files.items())), zipfile.ZIP_DEFLATED))
        results = []
        for number, given in enumerate(("set", "set.zip")):
            out = tmp_path / f"out{number}"
            with writer_for(out) as writer:
                for outcome in job_of(gan, [tmp_path / given], self.RECIPE).run():
                    writer.add(outcome)
            lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
            for line in lines:
                assert line.pop("seconds") >= 0
            found = {json.dumps(line, sort_keys=True) for line in lines}
            written = {p.relative_to(out): p.read_bytes() for p in out.rglob("*.png")}
            results.append((found, written))
        assert results[0] == results[1]
        assert len(results[0][1]) == 12

    def test_a_name_changes_no_pixel(self, gan: GanEngine) -> None:
        first = job_of(gan, [Source.from_bytes("a.png", png())], self.RECIPE).run()
        second = job_of(gan, [Source.from_bytes("b.png", png())], self.RECIPE).run()
        assert list(pixels(list(first)).values()) == list(pixels(list(second)).values())

    def test_a_bad_file_beside_it_changes_no_pixel(self, gan: GanEngine) -> None:
        sources = pictures(3)
        alone = pixels(list(job_of(gan, sources, self.RECIPE).run()))
        bad = [Source.from_bytes(f"class {i}/bad.jpg", b"bad" * i) for i in range(2)]
        beside = pixels(list(job_of(gan, sources + bad, self.RECIPE).run()))
        assert beside == alone

    def test_another_seed_is_another_image(self, gan: GanEngine) -> None:
        first, second = (
            pixels(list(job_of(gan, pictures(2), Recipe(seed=seed, engine="gan", output_format="png")).run()))
            for seed in (1, 2)
        )
        assert first.keys() == second.keys()
        assert all(first[name] != second[name] for name in first)


class TestTheReport:
    def test_its_fields(self, gan: GanEngine, tmp_path: Path) -> None:
        inputs = [*pictures(2), Source.from_bytes("bad.jpg", b"bad"), tmp_path / "gone.jpg"]
        job = job_of(gan, inputs, Recipe(engine="gan", variations=2))
        outcomes = list(job.run())
        report = job.report.as_dict()
        assert (report["sources"], report["variations"], report["failed"]) == (4, 4, 2)
        assert report["engines"] == {"gan": 4}
        assert report["seconds"] >= 0
        assert 1 <= report["seed"] <= 2**32 - 2  # drawn, and told
        assert report["stopped"] is False
        assert {tuple(row) for row in report["failures"]} == {("file", "reason")}
        assert {row["file"] for row in report["failures"]} == {"bad.jpg", "gone.jpg"}
        assert report["fallbacks"] == []
        assert json.loads(json.dumps(report)) == report
        assert sorted(o.index for o in outcomes) == [0, 0, 1, 1, 2, 2]

    def test_engines_that_did_not_make_it_are_reported(self) -> None:
        class Refusing(Darker):
            name = "stability"

            def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
                yield from (Refused(task, "a picture of a cat") for task in tasks)

        settings = Settings()
        job = Job(gather(pictures(2), limits(settings)), Recipe(seed=1), settings, [Refusing(), Darker()])
        outcomes = list(job.run())
        assert all(o.variation and o.variation.engine == "gan" for o in outcomes)
        report = job.report.as_dict()
        expected = [{"file": s.path, "engine": "stability", "reason": "a picture of a cat"} for s in pictures(2)]
        assert report["fallbacks"] == expected


class TestAFaultInAnEngine:
    """Costs the pictures it had in hand, and never the job: every wanted variation ends as an outcome, once."""

    RECIPE = Recipe(seed=1, engine="gan", variations=2)

    def account(self, engine: Darker, count: int = 4) -> list[Outcome]:
        job = job_of(engine, pictures(count), self.RECIPE)
        outcomes = list(job.run())
        found = sorted((o.source.path, o.index) for o in outcomes)
        assert found == [(s.path, i) for s in sorted(pictures(count), key=lambda s: s.path) for i in (1, 2)]
        assert job.report.variations + sum(not o.ok for o in outcomes) == 2 * count
        assert not job.report.stopped
        return outcomes

    def test_it_fails_now_and_then(self) -> None:
        def stumble(number: int) -> None:
            if number % 3 == 0:
                raise ZeroDivisionError("of its own making")

        failed = [o for o in self.account(Darker(stumble)) if not o.ok]
        assert len(failed) == 2
        assert all("a fault inside the engine (ZeroDivisionError: of its own making)" in o.reason for o in failed)

    def test_it_fails_every_time(self) -> None:
        def fall(number: int) -> None:
            raise KeyError(number)

        assert not any(o.ok for o in self.account(Darker(fall)))

    def test_it_fails_before_it_takes_a_task(self) -> None:
        class Stillborn(Darker):
            def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
                raise RuntimeError("no")

        assert not any(o.ok for o in self.account(Stillborn()))

    def test_it_takes_many_tasks_and_fails(self) -> None:
        class Greedy(Darker):
            def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
                batch = [task for task, _ in zip(tasks, range(3), strict=False)]
                yield self.darker(batch[0])
                raise MemoryError

        assert any(o.ok for o in self.account(Greedy()))

    def test_it_forgets_some(self) -> None:
        class Forgetful(Darker):
            def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
                for number, task in enumerate(tasks):
                    if number % 2:
                        yield self.darker(task)

        outcomes = self.account(Forgetful())
        assert sum(o.ok for o in outcomes) == 4
        assert all("came back without an answer" in o.reason for o in outcomes if not o.ok)

    def test_it_returns_at_once(self) -> None:
        class Lazy(Darker):
            def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
                return iter(())

        assert not any(o.ok for o in self.account(Lazy()))

    def test_it_answers_twice(self) -> None:
        class Twice(Darker):
            def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
                for task in tasks:
                    yield self.darker(task)
                    yield Refused(task, "or not")

        assert all(o.ok for o in self.account(Twice()))

    @pytest.mark.parametrize(
        "image", [Image.new("RGB", (5, 5)), None, "picture", np.zeros((32, 48, 3)), Image.new("F", SIZE_WH)]
    )
    def test_it_returns_an_image_of_another_size_or_none(self, image: Any) -> None:
        class Wrong(Darker):
            def darker(self, task: Task) -> Made:
                return Made(task, self.name, image, "m", 0.0)

        outcomes = self.account(Wrong())
        if not (isinstance(image, Image.Image) and image.size == SIZE_WH):
            assert all("unexpected error" in o.reason for o in outcomes)

    def test_it_is_out(self) -> None:
        def out(number: int) -> None:
            raise EngineUnavailableError("no more")

        assert not any(o.ok for o in self.account(Darker(out)))  # and said nothing of the tasks that it had taken


class TestTheEnd:
    def test_stop_ends_it_soon_and_says_so(self) -> None:
        job = job_of(Darker(), pictures(20), Recipe(seed=1, variations=4))
        outcomes = []
        for outcome in job.run():
            outcomes.append(outcome)
            if len(outcomes) == 5:
                job.stop.set()
        assert 5 <= len(outcomes) <= 5 + BESIDE
        assert all(o.ok for o in outcomes)
        assert job.report.stopped
        assert job.report.failed == 0

    def test_stop_before_the_start(self) -> None:
        job = job_of(Darker(), pictures(3), Recipe(seed=1))
        job.stop.set()
        assert list(job.run()) == []
        assert job.report.stopped

    def test_stop_after_the_last_is_no_stop(self) -> None:
        job = job_of(Darker(), pictures(2), Recipe(seed=1))
        for number, _ in enumerate(job.run()):
            assert not job.report.stopped
            if number == 1:
                job.stop.set()
        assert not job.report.stopped

    @pytest.mark.parametrize("after", [1, 3])
    def test_closing_it_early_leaves_nothing_behind(self, after: int) -> None:
        threads = set(threading.enumerate())
        engine = Darker()
        job = job_of(engine, pictures(10), Recipe(seed=1))
        run = job.run()
        for _ in range(after):
            next(run)
        run.close()  # type: ignore[attr-defined]
        assert engine.closed
        assert job.report.stopped
        assert set(threading.enumerate()) <= threads

    def test_a_reader_that_fails_leaves_nothing_behind(self, tmp_path: Path) -> None:
        threads = set(threading.enumerate())

        def read() -> None:
            with writer_for(tmp_path / "out.zip") as writer:
                for number, outcome in enumerate(job_of(Darker(), pictures(10), Recipe(seed=1)).run()):
                    writer.add(outcome)
                    if number == 2:
                        raise RuntimeError("the reader's own")

        with pytest.raises(RuntimeError):
            read()
        gc.collect()
        assert set(threading.enumerate()) <= threads
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            assert archive.testzip() is None
            assert len(archive.read("manifest.jsonl").splitlines()) == 3 == len(archive.namelist()) - 1

    def test_a_job_never_begun_leaves_nothing_behind(self) -> None:
        threads = set(threading.enumerate())
        run = job_of(Darker(), pictures(2), Recipe(seed=1)).run()
        del run
        assert set(threading.enumerate()) <= threads


def test_few_images_are_decoded_ahead() -> None:
    """Memory does not grow with the number of sources: those not yet asked for are not read."""
    read: list[str] = []

    def source(number: int) -> Source:
        data = png(seed=number)
        whole = Source.from_bytes(f"{number:03}.png", data)
        return Source(whole.path, None, whole.sha256, len(data), lambda: (read.append(whole.path), data)[1])

    run = job_of(Darker(), [source(i) for i in range(50)], Recipe(seed=1, variations=2)).run()
    for number, _ in enumerate(run):
        time.sleep(0.001)
        assert len(read) <= number // 2 + 3 + BESIDE
        if number == 20:
            break
    assert len(read) < 16


def test_variations_of_a_source_are_decoded_once() -> None:
    count = 0

    def read() -> bytes:
        nonlocal count
        count += 1
        return png()

    given = Source("a.png", None, Source.from_bytes("", png()).sha256, len(png()), read)
    assert len(list(job_of(Darker(), [given], Recipe(seed=1, variations=16)).run())) == 16
    assert count == 1


class TestThePythonDoor:
    RECIPE = Recipe(seed=1, engine="gan", variations=2)

    def test_what_it_takes(self, tmp_path: Path) -> None:
        (tmp_path / "cats").mkdir()
        (tmp_path / "cats" / "a.jpg").write_bytes(jpeg())
        expected = ["a__v1.jpg", "a__v2.jpg"]
        for given in (tmp_path / "cats", str(tmp_path / "cats" / "a.jpg"), Source.from_bytes("a.jpg", jpeg())):
            assert [o.variation.file for o in augment(given, self.RECIPE) if o.variation] == expected
        assert [o.variation.file for o in augment(iter([tmp_path]), self.RECIPE) if o.variation] == [
            f"cats/{name}" for name in expected
        ]

    def test_outcomes_can_be_saved(self, tmp_path: Path) -> None:
        source = Source.from_bytes("cats/a.png", png(), "cats")
        saved = [outcome.save(tmp_path) for outcome in augment(source, self.RECIPE)]
        assert [path.relative_to(tmp_path).as_posix() for path in saved] == ["cats/a__v1.png", "cats/a__v2.png"]
        with Image.open(saved[0]) as picture:
            assert picture.size == SIZE_WH

    def test_it_yields_them_as_they_finish(self) -> None:
        outcomes = augment([Source.from_bytes(f"{i}.png", png(seed=i)) for i in range(30)], self.RECIPE)
        assert next(outcomes).ok
        outcomes.close()  # type: ignore[attr-defined]


def test_a_job_over_nothing() -> None:
    job = Job(Gathered((), (), ()), Recipe(seed=1), Settings(), [Darker()])
    assert list(job.run()) == []
    assert job.plan.total == 0
    assert not job.report.stopped
