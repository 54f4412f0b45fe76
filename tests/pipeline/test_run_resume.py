"""A run that is interrupted, and ends as if it had not been."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.manifest import RECIPE_FILE
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.engines.gan import GanEngine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.settings import ROOT, Settings
from augmentai.types import Source
from tests.support.command_line import augmentai
from tests.support.killable import Killable
from tests.support.runs import (
    RECIPE,
    QuickGan,
    contents_of,
    job_over,
    lines_in,
    photos_in_classes,
    run_interrupted,
    run_to_end,
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in_classes(6, tmp_path / "photos")


@pytest.fixture(scope="module")
def killable() -> Iterator[Killable]:
    one = Killable(PYTHONPATH=str(ROOT))
    yield one
    one.close()


def test_killed_at_random_moments(killable: Killable, tmp_path: Path) -> None:
    """The real engine with its threads; `test_run_kills` does the same at every change to a file."""
    photos = photos_in_classes(20, tmp_path / "photos")
    (photos / "class 0" / "bad.jpg").write_bytes(b"bad")
    words = ("-n", "2", "--engine", "gan", "--seed", "9", "-o")
    assert killable.run(photos, *words, tmp_path / "whole") == 1  # one file is bad
    out = tmp_path / "out"
    dice = random.Random(20)
    killed = 0
    while killed < 4:
        # Seed 9 is asked for at the first start only: afterwards it is in the folder's own recipe.
        child = killable.start(
            photos, *(words if not (out / RECIPE_FILE).exists() else ("-n", "2", "-e", "gan", "-o")), out
        )
        before, more = lines_in(out), dice.randrange(8)
        limit = time.monotonic() + 60
        while lines_in(out) < before + more and time.monotonic() < limit and running(child):
            time.sleep(0.001)
        time.sleep(dice.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        status = int(killable.read_word("ended"))
        assert status == -signal.SIGKILL, "it was done before it could be killed; give it more photos"
        killed += 1
    assert 0 < lines_in(out) < 40
    assert killable.run(photos, "-n", "2", "-e", "gan", "-o", out) == 1
    assert contents_of(out) == contents_of(tmp_path / "whole")


def running(child: int) -> bool:
    try:
        os.kill(child, 0)
    except ProcessLookupError:
        return False
    return True


class TestWhatIsMadeAgain:
    def test_finished_sources_are_not_read_again(self, photos: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        run_interrupted(photos, out, after=5)
        read: list[str] = []

        def watched(source: Source) -> Source:
            return replace(source, read=lambda: (read.append(source.path), source.read())[1])

        found = gather([photos], limits(Settings()))
        watched_set = replace(found, sources=tuple(map(watched, found.sources)))
        this = Job(watched_set, RECIPE, Settings(), [QuickGan()])
        for outcome in run_to_disk(this, out, [photos]):
            last = outcome
        assert last.ok
        # Four of six are left, the third half done; the contact sheet then looks at all six once more.
        assert len(read[:4]) == len(set(read[:4])) == 4
        assert len(read) <= 4 + 12

    def test_a_finished_run_has_nothing_left_to_do(self, photos: Path, tmp_path: Path) -> None:
        class Unwanted(QuickGan):
            def make(self, *_: object) -> Any:
                raise AssertionError("it was asked to make something")

        run_to_end(photos, tmp_path / "out")
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
        report = run_to_end(photos, tmp_path / "out", engines=[Unwanted()])
        assert (report["held"], report["variations"], report["failed"]) == (12, 12, 0)
        assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")} == before

    def test_failures_are_retried(self, photos: Path, tmp_path: Path) -> None:
        def stumble(number: int) -> None:
            if number % 4 == 0:
                raise ZeroDivisionError

        report = run_to_end(photos, tmp_path / "out", engines=[QuickGan(stumble)])
        assert 0 < report["variations"] < 12
        assert run_to_end(photos, tmp_path / "out")["held"] == report["variations"]
        run_to_end(photos, tmp_path / "whole")
        assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")

    def test_the_seed_is_read_from_the_folder(self, photos: Path, tmp_path: Path) -> None:
        unseeded = replace(RECIPE, seed=0)
        drawn = resolve_recipe(tmp_path / "out", unseeded)
        assert drawn.seed
        broken = run_to_disk(job_over(photos, drawn), tmp_path / "out")
        next(broken)
        broken.close()
        assert resolve_recipe(tmp_path / "out", unseeded) == drawn

    def test_a_run_from_before_geometry_auto_resumes_as_it_began(self, photos: Path, tmp_path: Path) -> None:
        still = replace(RECIPE, geometry="none")
        run_to_end(photos, tmp_path / "whole", still)
        outcomes = run_to_disk(job_over(photos, still), tmp_path / "out", [photos])
        for _ in range(5):
            next(outcomes)
        outcomes.close()
        record = (tmp_path / "out" / RECIPE_FILE).read_text()
        assert record.count("\ngeometry: none\n") == 1
        (tmp_path / "out" / RECIPE_FILE).write_text(record.replace("\ngeometry: none\n", "\n"))  # was not recorded then
        assert run_to_end(photos, tmp_path / "out", resolve_recipe(tmp_path / "out", RECIPE))["held"] == 5
        (tmp_path / "out" / RECIPE_FILE).write_text(record)
        assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")

    def test_donors_are_the_same(self, gan: GanEngine, photos: Path, tmp_path: Path) -> None:
        """The local GAN gives every image the style of others of the job, finished ones included."""
        run_to_end(photos, tmp_path / "whole", engines=[gan])
        broken = run_to_disk(job_over(photos, engines=[gan]), tmp_path / "out", [photos])
        for _ in range(7):
            next(broken)
        broken.close()
        report = run_to_end(photos, tmp_path / "out", engines=[GanEngine(Settings())])
        assert report["held"] == 7
        assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")


class TestResultsAreNotSources:
    def test_a_run_into_a_folder_of_its_own_dataset(self, photos: Path) -> None:
        out = photos / "augmented"
        for _ in range(2):  # the second resumes the first, and meets its images
            this = Job(gather([photos], limits(Settings()), skip=out), RECIPE, Settings(), [QuickGan()])
            assert [outcome.ok for outcome in run_to_disk(this, out)].count(False) == 0
            assert this.report.as_dict()["sources"] == 6

    def test_earlier_runs_are_skipped_and_reported(self, photos: Path, tmp_path: Path) -> None:
        run_to_end(photos, photos / "earlier")
        run_interrupted(photos / "class 0", photos / "deep" / "cut short", after=2)
        found = gather([photos], limits(Settings()))
        assert len(found.sources) == 6
        assert found.notices == ("Folders of earlier runs are not searched; name them separately: cut short, earlier",)

    def test_a_run_that_is_named_is_read(self, photos: Path) -> None:
        run_to_end(photos, photos / "earlier")
        found = gather([photos / "earlier"], limits(Settings()))
        assert len(found.sources) == 18  # 6 originals lie beside 12 variations
        assert not found.failures + found.notices


def test_the_command_reports_that_nothing_is_left_to_do(photos: Path, tmp_path: Path) -> None:
    words = (photos, "-o", tmp_path / "out", "-n", "2", "-s", "0.7", "-e", "gan")
    assert augmentai(*words).returncode == 0
    again = augmentai(*words)
    assert again.returncode == 0
    assert "nothing left to do: 12 variations from 6 files" in again.stderr
    other = augmentai(*words, "--seed", "5")
    assert other.returncode == 2
    assert "now 5" in other.stderr


def test_a_saved_recipe_and_flags_over_it(photos: Path, tmp_path: Path) -> None:
    run_to_end(photos, tmp_path / "one", RECIPE)
    again = augmentai(photos, "-o", tmp_path / "two", "--recipe", tmp_path / "one" / RECIPE_FILE, "--variations", "1")
    assert again.returncode == 0, again.stderr
    record = (tmp_path / "two" / RECIPE_FILE).read_text()
    assert "seed: 5\n" in record
    assert "strength: 0.7\n" in record
    assert "variations: 1\n" in record
    own = tmp_path / "own.yaml"
    own.write_text("strength: 0.2\nengine: gan\ncolour: red\n")
    message = augmentai(photos, "-o", tmp_path / "three", "--recipe", own)
    assert message.returncode == 2
    assert "unknown setting colour; valid settings: prompt" in message.stderr
    own.write_text("strength: 2\n")
    assert (
        "strength is 2; expected a number from 0 to 1"
        in augmentai(photos, "-o", tmp_path / "3", "--recipe", own).stderr
    )
