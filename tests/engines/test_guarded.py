"""Engines of other packages that misbehave: what a fault costs, and what reaches the result."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from augmentai.dataset.readers.gather import gather
from augmentai.engines import available
from augmentai.engines.base import Engine
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from tests.support.image_files import png
from tests.support.jobs import Darker
from tests.support.plugin_package import installed, write_package

Install = Callable[[str], Engine]

ODD = """
import sys
import numpy as np
from PIL import ImageOps
from augmentai.engines.base import Engine, EngineUnavailableError, Refused


class Odd(Engine):
    name = "odd"
    auto_rank = -1

    def make(self, tasks, job):
        for number, task in enumerate(tasks):
            yield from self.answers(task, number)

    def painted(self, task):
        return ImageOps.invert(task.photo.rgb)

    def answers(self, task, number):
        yield self.made(task, self.painted(task))
"""

FAULTS = {
    "another size": (
        "def painted(self, task): return task.photo.rgb.resize((5, 4))",
        "it returned an image of 5x4 pixels; expected an image of 48x32 pixels",
    ),
    "no image": ("def painted(self, task): pass", "it returned nothing; expected an image of 48x32 pixels"),
    "an array": ("def painted(self, task): return np.asarray(task.photo.rgb)", "it returned ndarray; expected"),
    "nothing of ours": (
        "def answers(self, task, number): yield 'done'",
        "a fault inside the engine (TypeError: it yielded str; expected Made or Refused); please report it",
    ),
    "the end of the program": (
        "def answers(self, task, number): sys.exit(3)",
        "a fault inside the engine (RuntimeError: it tried to end the program with status 3); please report it",
    ),
    "credits in words": (
        "def answers(self, task, number): yield self.made(task, self.painted(task), details={'credits': 'two'})",
        "it charged 'two' credits; expected a number",
    ),
    "details that are no JSON": (
        "def answers(self, task, number): yield self.made(task, self.painted(task), details={'a': float('nan')})",
        "its details cannot be stored in a manifest (Out of range float values",
    ),
    "no readiness": (
        "def readiness(self): raise KeyError('TOKEN')",
        "its readiness failed (KeyError: 'TOKEN'); update its package",
    ),
    "a readiness of its own": ("def readiness(self): return True", "its readiness is True; expected a Readiness"),
    "no name": ("name = property()", "the engine 'odd' of the package odd-engine 1.0 "),
    "a refusal without a reason": ("def answers(self, task, number): yield Refused(task, None)", "it gave no reason"),
}


def sources(count: int = 3) -> list[Any]:
    return [Source.from_bytes(f"{number}.png", png(seed=number)) for number in range(count)]


@pytest.fixture
def odd_engine(tmp_path: Path) -> Iterator[Callable[[str], Engine]]:
    """Installs the package with one thing changed, for the length of a test, and returns its engine."""
    with ExitStack() as stack:

        def install(changed: str) -> Engine:
            changed = "".join(f"    {line}\n" for line in changed.splitlines())
            source, points = f"{ODD}\n{changed}", {"augmentai.engines": {"odd": "odd_engine:Odd"}}
            stack.enter_context(installed(write_package(tmp_path, "odd_engine", source, points)))
            return next(engine for engine in available(Settings()) if engine.name == "odd")

        yield install


def outcomes_of(engines: list[Engine], recipe: Recipe, inputs: list[Any] | None = None) -> list[Outcome]:
    settings = Settings()
    return list(Job(gather(inputs or sources(), limits(settings)), recipe, settings, engines).run())


@pytest.mark.parametrize(("changed", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_and_ends_nothing(odd_engine: Install, changed: str, reason: str) -> None:
    outcomes = outcomes_of([odd_engine(changed)], Recipe(engine="odd", seed=7, filters=False))
    assert [outcome.ok for outcome in outcomes] == [False] * 3
    assert all(f"no engine could make it. odd: {reason}" in outcome.reason for outcome in outcomes)


@pytest.mark.parametrize("changed", [FAULTS[name][0] for name in FAULTS if name != "no name"])
def test_the_next_engine_makes_what_it_did_not(odd_engine: Install, changed: str) -> None:
    outcomes = outcomes_of([odd_engine(changed), Darker()], Recipe(seed=7, filters=False))
    assert [outcome.ok for outcome in outcomes] == [True] * 3
    assert {outcome.variation.engine for outcome in outcomes if outcome.variation} == {"gan"}
    assert [outcome.fallbacks[0].engine for outcome in outcomes] == ["odd"] * 3


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ("name = None", "has no name; add `name = ...` to the class"),
        ("auto_rank = 'first'", "has the auto_rank 'first'; expected a number or None"),
        ("auto_strength = 50", "has the auto_strength 50; expected a number from 0 to 1"),
        ("title = 7", "has the title 7; expected text"),
        ("paid = True", "is paid without being a PaidEngine, so that no limit would hold"),
    ],
)
def test_what_it_states_wrongly_makes_it_unusable(odd_engine: Install, changed: str, reason: str) -> None:
    readiness = odd_engine(changed).readiness()
    assert not readiness.ready
    assert readiness.reason.startswith(f"the engine 'odd' of the package odd-engine 1.0 {reason}")


def test_one_that_paints_in_place_changes_no_other_variation(odd_engine: Install) -> None:
    changed = """
def painted(self, task):
    task.photo.rgb.paste("red", (8 * task.index, 0, 8 * task.index + 8, 32))
    return task.photo.rgb
"""
    engine = odd_engine(changed)
    recipe = Recipe(engine="odd", seed=7, variations=3, geometry="none", filters=False)
    (source,) = sources(1)
    for outcome in outcomes_of([engine], recipe, [source]):
        with Image.open(io.BytesIO(source.read())) as expected:
            expected.paste("red", (8 * outcome.index, 0, 8 * outcome.index + 8, 32))
            assert outcome.variation is not None
            assert outcome.variation.image.tobytes() == expected.tobytes()


def test_a_task_is_answered_once(odd_engine: Install) -> None:
    """A second refusal would have the next engine make, and charge, the same variation again."""
    changed = "def answers(self, task, number): yield from (Refused(task, 'no'), Refused(task, 'never'))"
    after = Darker()
    outcomes = outcomes_of([odd_engine(changed), after], Recipe(seed=7, filters=False))
    assert len(outcomes) == after.taken == 3
    assert [outcome.fallbacks[0].reason for outcome in outcomes] == ["no"] * 3


def test_what_it_says_of_a_task_does_not_reach_the_manifest(odd_engine: Install) -> None:
    changed = """
def answers(self, task, number):
    from dataclasses import replace
    yield self.made(replace(task, seed=1, credits=9.0), self.painted(task))
"""
    (outcome,) = outcomes_of([odd_engine(changed)], Recipe(engine="odd", seed=7), sources(1))
    assert outcome.ok
    assert outcome.seed != 1
    assert outcome.credits == 0


def test_values_of_numpy_in_its_details_are_plain_ones(odd_engine: Install) -> None:
    changed = """
def answers(self, task, number):
    details = {"share": np.float32(0.5), "sizes": np.arange(2), "where": {"odd": np.int64(3)}}
    yield self.made(task, self.painted(task), details=details, seconds=np.float32(2), strength=np.float64(0.25))
"""
    (outcome,) = outcomes_of([odd_engine(changed)], Recipe(engine="odd", seed=7, geometry="none"), sources(1))
    assert outcome.variation is not None
    assert (outcome.variation.seconds, outcome.variation.strength) == (2.0, 0.25)
    details = json.loads(json.dumps(outcome.variation.details))
    assert details == {"share": 0.5, "sizes": [0, 1], "where": {"odd": 3}}


@pytest.mark.parametrize("mode", ["1", "L", "P", "F", "RGBA", "CMYK"])
def test_an_image_of_another_mode_is_converted(odd_engine: Install, mode: str) -> None:
    changed = f"def painted(self, task): return ImageOps.invert(task.photo.rgb).convert({mode!r})"
    outcomes = outcomes_of([odd_engine(changed)], Recipe(engine="odd", seed=7), sources(1))
    assert [outcome.variation.image.mode for outcome in outcomes if outcome.variation] == ["RGB"]


def test_what_it_gives_back_goes_to_the_next_engine(odd_engine: Install) -> None:
    changed = """
def answers(self, task, number):
    if number:
        raise EngineUnavailableError("out of memory", [task], for_good=True)
    yield self.made(task, self.painted(task))
"""
    outcomes = outcomes_of([odd_engine(changed), Darker()], Recipe(seed=7, filters=False))
    assert [outcome.variation.engine for outcome in outcomes if outcome.variation] == ["odd", "gan", "gan"]


def test_what_is_not_needed_to_work_may_fail(odd_engine: Install) -> None:
    changed = """
def fails(self, *_):
    raise ZeroDivisionError
warm_up = model_version = seconds_per_image = estimate = unused_settings = fails
"""
    engine = odd_engine(changed)
    engine.warm_up()
    assert engine.seconds_per_image(1e6) > 0
    assert engine.estimate(Recipe(), 3) is None
    assert engine.unused_settings(Recipe()) == ()
    assert all(outcome.ok for outcome in outcomes_of([engine], Recipe(engine="odd", seed=7)))


def test_an_engine_that_behaves_is_as_it_was(odd_engine: Install) -> None:
    (source,) = sources(1)
    engine = odd_engine("reads_prompt = True")
    (outcome,) = outcomes_of([engine], Recipe(engine="odd", seed=7, geometry="none"), [source])
    assert (type(engine).__name__, engine.title, engine.reads_prompt) == ("Odd", "odd", True)
    with Image.open(io.BytesIO(source.read())) as original:
        assert outcome.variation is not None
        assert outcome.variation.image.tobytes() == ImageOps.invert(original.convert("RGB")).tobytes()
