"""What an engine gets from its base class, with the least that one has to state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from augmentai.engines import available
from augmentai.engines.base import Engine, JobView, Made, Readiness, Refused, Task
from augmentai.engines.budget import Estimate
from augmentai.images import Photo
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source


class Plain(Engine):
    name = "plain"

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            yield self.made(task, task.photo.rgb)


def task(**recipe: object) -> Task:
    photo = Photo(Image.new("RGB", (8, 6), "teal"), "PNG", "RGB")
    return Task(Source.from_bytes("a.png", b""), photo, 1, 7, Recipe(**recipe))  # type: ignore[arg-type]


def test_a_name_and_make_are_enough() -> None:
    engine = Plain(Settings())
    assert engine.readiness() == Readiness(True)
    assert engine.estimate(Recipe(), 100) is None
    assert engine.model_version() == ""
    assert engine.seconds_per_image(2e6) > engine.seconds_per_image(1e6) > 0
    assert (engine.paid, engine.reads_prompt, engine.repaints, engine.may_differ) == (False, False, False, "")
    engine.warm_up()


def test_an_engine_without_make_is_none() -> None:
    class Nothing(Engine):
        name = "nothing"

    with pytest.raises(TypeError, match="make"):
        Nothing(Settings())  # type: ignore[abstract]


@pytest.mark.parametrize(("rank", "wanted", "serves"), [(None, "auto", False), (3, "auto", True), (0, "auto", True)])
def test_auto_asks_those_that_have_a_rank(rank: int | None, wanted: str, serves: bool) -> None:
    engine = Plain(Settings())
    engine.auto_rank = rank
    assert engine.serves(wanted) is serves
    assert engine.serves("plain")
    assert not engine.serves("another")


def test_what_is_made_carries_what_the_engine_states() -> None:
    engine = Plain(Settings())
    engine.repaints, engine.auto_strength = True, 0.3
    (made,) = engine.make(iter([task()]), JobView((), Recipe(), 10**6))
    assert isinstance(made, Made)
    assert (made.engine, made.repainted, made.strength_used, dict(made.details)) == ("plain", True, 0.3, {})
    (set_by_hand,) = engine.make(iter([task(strength=0.8)]), JobView((), Recipe(), 10**6))
    assert isinstance(set_by_hand, Made)
    assert set_by_hand.strength_used == 0.8
    changed = engine.made(task(), Image.new("RGB", (8, 6)), repainted=False, model="m", strength=0.0)
    assert (changed.repainted, changed.model, changed.strength_used) == (False, "m", 0.0)


@pytest.mark.parametrize("name", ["stability", "diffusion", "gan"])
def test_those_that_are_built_in_state_all_of_it(name: str) -> None:
    (engine,) = (engine for engine in available(Settings()) if engine.name == name)
    assert engine.title
    assert engine.blurb
    assert engine.auto_rank is not None
    assert engine.model_version()
    assert engine.reads_prompt == engine.repaints == bool(engine.may_differ) == (name != "gan")
    assert engine.paid == (name == "stability")


def test_a_prompt_that_is_not_read_is_reported() -> None:
    engine = Plain(Settings())
    assert engine.unused_settings(Recipe()) == ()
    assert engine.unused_settings(Recipe(prompt="a dog")) == ("plain does not read the prompt",)
    engine.reads_prompt = True
    assert engine.unused_settings(Recipe(prompt="a dog")) == ()


def test_an_estimate_in_words() -> None:
    assert str(Estimate(4, 2.5, 10.0, None, None, 4, "plain")) == "up to 10 credits (4 images at 2.5)"
    within = Estimate(4, 2.5, 10.0, 6.0, 1.0, 2, "plain")
    assert str(within) == "up to 10 credits (4 images at 2.5); the limit of 6 credits allows 2 of them"
