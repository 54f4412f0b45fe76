"""The run plan: all that is known before work begins, the same for everyone who asks."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from augmentai.dataset.readers.gather import Gathered
from augmentai.engines import available
from augmentai.engines.none import NoEngine
from augmentai.pipeline.plan import plan_run
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.types import Failure, Source
from tests.support.image_files import png


def sources(**sizes: int) -> tuple[Source, ...]:
    found = [
        Source.from_bytes(f"{name}/{i}.png", png(seed=i), name) for name, count in sizes.items() for i in range(count)
    ]
    return tuple(sorted(found, key=lambda source: source.key))


def test_it_is_frozen_and_has_a_seed() -> None:
    plan = plan_run(Gathered(sources(cats=2), (), ()), Recipe(variations=3))
    assert plan.recipe.seed > 0
    assert plan.total == 6
    with pytest.raises(FrozenInstanceError):
        plan.first_index = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("recipe", "counts"),
    [
        (Recipe(variations=2), [2, 2, 2, 2]),
        (Recipe(balance=True), [0, 0, 0, 2]),  # one dog becomes three
        (Recipe(per_class=4), [1, 0, 0, 3]),
    ],
)
def test_quotas(recipe: Recipe, counts: list[int]) -> None:
    found = sources(cats=3, dogs=1)
    plan = plan_run(Gathered(found, (), ()), recipe)
    assert sum(counts) == plan.total == sum(plan.count(source) for source in found)
    assert plan.count(found[-1]) == counts[-1]
    assert list(plan.indices(found[-1].key)) == list(range(1, counts[-1] + 1))
    assert plan.count(Source.from_bytes("other.png", b"")) in {0, recipe.variations}


def test_later_variations_and_rounds() -> None:
    plan = plan_run(Gathered(sources(cats=1), (), ()), Recipe(variations=2, retries=1), first_index=5)
    assert list(plan.indices(plan.sources[0].key)) == [5, 6]
    assert plan.max_attempts == 2
    assert plan.in_round(3).max_attempts == 6
    assert plan.in_round(3).in_round(2).retry_round == 3


def test_notices_before_the_start() -> None:
    gathered = Gathered(sources(cats=2, dogs=2), (Failure("x.txt", "is no image"),), ("noted",))
    plan = plan_run(gathered, Recipe())
    assert plan.notices[0] == "noted"
    assert any("flipped" in notice or "mirrored" in notice for notice in plan.notices)
    with pytest.raises(RecipeError, match="cannot be balanced"):
        plan_run(Gathered((Source.from_bytes("a.png", b"x"),), (), ()), Recipe(balance=True))


def test_the_price_is_the_paid_engine_s() -> None:
    gathered = Gathered(sources(cats=2), (), ())
    free, paid = Settings(), Settings(stability_api_key="sk-any")  # type: ignore[arg-type]
    assert plan_run(gathered, Recipe(variations=2), available(free)).estimate is None
    estimate = plan_run(gathered, Recipe(variations=2), available(paid)).estimate
    assert estimate is not None
    assert (estimate.images, estimate.credits) == (4, 4 * estimate.credits_each)
    assert plan_run(gathered, Recipe(engine="gan"), available(paid)).estimate is None


TOO_FEW: dict[str, tuple[dict[str, Any], str]] = {
    # recipe, what it says
    "one flip": (
        {"geometry": "flip", "variations": 3},
        "at most 1 different variation of an image, and 3 are",
    ),
    "turns": ({"operations": ["turn90"], "variations": 4}, "at most 3 different variations of an image, and 4 are"),
    "enough turns": ({"operations": ["turn90"], "variations": 3}, ""),
    "a crop": ({"geometry": "flip", "operations": ["crop"], "variations": 3}, ""),
}


@pytest.mark.parametrize(("asked", "words"), TOO_FEW.values(), ids=TOO_FEW)
def test_more_variations_than_flips_and_turns_can_make(asked: dict[str, Any], words: str) -> None:
    recipe = Recipe(**{"engine": "none", "geometry": "none", **asked})
    plan = plan_run(Gathered(sources(cats=2), (), ()), recipe, [NoEngine(Settings(stability_api_key=""))])
    found = [notice for notice in plan.notices if "Flips and turns alone" in notice]
    assert len(found) == bool(words)
    assert all(words in notice for notice in found)
