"""Measuring one more recipe on the same set makes that recipe's variations alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from augmentai.backbone import load_backbone
from augmentai.engines.gan import GanEngine
from augmentai.lift import measure
from augmentai.lift.learners import LinearProbe
from augmentai.lift.variation_cache import variation_cache
from augmentai.lift.variations import VariationViews, maker_of
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.lift.conftest import shapes

CROP = Recipe(engine="none", operations=["crop"], variations=1)
GAN = Recipe(engine="gan", variations=1, filters=False)


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that the GAN was given, one entry for each variation."""
    seen: list[str] = []
    make = GanEngine.make

    def counting(self: GanEngine, tasks: Iterator, job: object) -> Iterator:
        def noted() -> Iterator:
            for task in tasks:
                seen.append(task.source.path)
                yield task

        return make(self, noted(), job)

    monkeypatch.setattr(GanEngine, "make", counting)
    return seen


def test_one_more_recipe_makes_no_other_again(tmp_path: Path, painted: list[str]) -> None:
    settings = Settings(cache=tmp_path, cache_mb=50)
    first = measure(shapes(3), {"gan": GAN}, test=shapes(4, 50), seed=3, settings=settings)
    assert len(painted) == 6
    second = measure(shapes(3), {"gan": GAN, "crop": CROP}, test=shapes(4, 50), seed=3, settings=settings)
    assert len(painted) == 6, "none again"
    assert second.recipes[0].difference == first.recipes[0].difference
    assert second.recipes[0].accuracy == first.recipes[0].accuracy


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"recipe": replace(GAN, strength=0.3)}, id="another recipe"),
        pytest.param({"seed": 4}, id="another seed"),
        pytest.param({"images": 4}, id="other images to borrow from"),
    ],
)
def test_what_decides_variations_is_what_they_are_found_by(
    tmp_path: Path, painted: list[str], changes: dict[str, object]
) -> None:
    settings = Settings(cache=tmp_path, cache_mb=50)
    for recipe, seed, images in ((GAN, 3, 3), tuple({"recipe": GAN, "seed": 3, "images": 3, **changes}.values())):
        measure(shapes(images), {"gan": recipe}, test=shapes(2, 50), seed=seed, settings=settings)
    assert len(painted) > 6


def test_missing_views_are_not_stored(tmp_path: Path) -> None:
    settings, sources = Settings(cache=tmp_path, cache_mb=50), shapes(2)
    maker = maker_of("crop", CROP, settings, 1, paid=False, most=8)
    cache = variation_cache(LinearProbe(load_backbone()), settings, seed=1)
    assert cache is not None
    views = np.ones((4, 8, 1280), np.float16)
    for failed, expected in ((1, False), (0, True)):
        cache.write(maker, sources, VariationViews(np.arange(4), views, np.ones((4, 8), bool), failed, True))
        assert (cache.read(maker, sources, np.arange(4)) is not None) == expected
