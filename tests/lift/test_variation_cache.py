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
from augmentai.lift.variation_cache import VariationCache, variation_cache
from augmentai.lift.variations import Maker, VariationViews, maker_of
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
    ("recipe", "seed", "images", "expected"),
    [
        pytest.param(GAN, 3, 2, True, id="the same"),
        pytest.param(replace(GAN, strength=0.3), 3, 2, False, id="another recipe"),
        pytest.param(GAN, 4, 2, False, id="another seed"),
        pytest.param(GAN, 3, 3, False, id="other images to borrow from"),
    ],
)
def test_what_decides_variations_is_what_they_are_found_by(
    tmp_path: Path, recipe: Recipe, seed: int, images: int, expected: bool
) -> None:
    settings = Settings(cache=tmp_path, cache_mb=50)
    _cache(settings, 3).write(_maker(GAN, settings), shapes(2), _views(4))
    found = _cache(settings, seed).read(_maker(recipe, settings), shapes(images), np.arange(2 * images))
    assert (found is not None) == expected


def test_missing_views_are_not_stored(tmp_path: Path) -> None:
    settings, sources, maker = Settings(cache=tmp_path, cache_mb=50), shapes(2), _maker(CROP, Settings())
    cache = _cache(settings, 1)
    for failed, expected in ((1, False), (0, True)):
        cache.write(maker, sources, _views(4, failed))
        assert (cache.read(maker, sources, np.arange(4)) is not None) == expected


def _cache(settings: Settings, seed: int) -> VariationCache:
    found = variation_cache(LinearProbe(load_backbone()), settings, seed)
    assert found is not None
    return found


def _maker(recipe: Recipe, settings: Settings) -> Maker:
    return maker_of("it", recipe, settings, 1, paid=False, most=8)


def _views(images: int, failed: int = 0) -> VariationViews:
    features = np.ones((images, 8, 1280), np.float16)
    return VariationViews(np.arange(images), features, np.ones((images, 8), bool), failed, changed=True)
