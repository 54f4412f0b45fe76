"""How long a run takes is said before it starts."""

from __future__ import annotations

import pytest
from PIL import Image

from augmentai.cli.console import print_plan
from augmentai.pipeline.forecast import forecast_time
from augmentai.recipe import Recipe
from augmentai.types import Source
from tests.support.image_files import encoded
from tests.support.jobs import job_of
from tests.support.scripted_engine import Copying


class Slow(Copying):
    def seconds_per_image(self, pixels: float) -> float:
        return pixels / 100


def sources(*sizes: tuple[int, int]) -> list[Source]:
    return [Source.from_bytes(f"{n}.png", encoded(Image.new("RGB", size))) for n, size in enumerate(sizes)]


def test_the_dry_run_says_how_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Recipe(engine="gan", seed=3, variations=10)
    print_plan(job_of(Slow(), sources((40, 30), (80, 60)), recipe))
    assert "time: about 10 min by gan, by a first guess of 30 s an image" in capsys.readouterr().out.splitlines()


def test_images_that_take_no_time_are_not_a_second_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(job_of(Slow(), sources((8, 8)), Recipe(engine="gan", seed=3, variations=10)))
    assert "time: about 6 s by gan, by a first guess of less than 1 s an image" in capsys.readouterr().out.splitlines()


def test_nothing_is_foretold_without_an_engine_or_an_image() -> None:
    recipe = Recipe(engine="gan", seed=3)
    assert forecast_time(job_of(Slow(), [Source.from_bytes("a.png", b"text")], recipe)) is None


def test_an_engine_without_a_figure_of_its_own_foretells_nothing() -> None:
    recipe = Recipe(engine="gan", seed=3)
    assert forecast_time(job_of(Copying(), sources((8, 8)), recipe)) is None
