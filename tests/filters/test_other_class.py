"""What no longer shows its class is caught; sets that cannot be judged by it are not, and it is said why."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageOps

from augmentai.filters import OtherClassFilter
from augmentai.filters.class_bank import Example, examples_of_images
from augmentai.recipe import Recipe, RecipeError, Thresholds
from augmentai.types import Source
from tests.support.class_sets import class_folders, part_of

MOST_PIXELS = 10**8


def filter_of(sources: list[Source], share: float = 0.05) -> OtherClassFilter:
    return OtherClassFilter(partial(examples_of_images, sources, MOST_PIXELS), share)


@pytest.fixture(scope="module")
def classes() -> OtherClassFilter:
    return filter_of(class_folders())


def accepted(classes: OtherClassFilter, after: Image.Image, category: str = "cat") -> bool:
    source = next(source for source in class_folders(1) if source.label == category)
    return classes.accepts(classes.compare(part_of(category, 0), after, category, source.sha256))


@pytest.mark.parametrize("category", ["cat", "cup"])
def test_another_class_is_caught(classes: OtherClassFilter, category: str) -> None:
    assert not classes.why_not_judged(category)
    assert not accepted(classes, part_of("cup" if category == "cat" else "cat", 3), category)


@pytest.mark.parametrize("category", ["cat", "cup"])
def test_the_class_in_another_light_passes(classes: OtherClassFilter, category: str) -> None:
    image = part_of(category, 0)
    for good in (image, image.point(lambda v: int(v * 0.6)), ImageOps.mirror(image), part_of(category, 5)):
        assert accepted(classes, good, category)


def test_an_image_unlike_its_class_from_the_beginning_may_stay_so(classes: OtherClassFilter) -> None:
    cup = part_of("cup", 2)
    assert classes.accepts(classes.compare(cup, cup.point(lambda v: int(v * 0.9)), "cat", ""))


def test_the_standard_depends_on_the_set_and_not_on_its_order(classes: OtherClassFilter) -> None:
    assert filter_of(class_folders()[::-1]).standard == classes.standard
    assert filter_of(class_folders(), share=0.4).standard.least > classes.standard.least


@pytest.mark.parametrize(
    ("sources", "category", "why"),
    [
        pytest.param(class_folders(5), "cat", "fewer than two classes have 6 usable images", id="too few images"),
        pytest.param(class_folders()[:7], "cat", "fewer than two classes", id="one class"),
        pytest.param([], "cat", "fewer than two classes", id="no class"),
        pytest.param(
            [*class_folders(), Source.from_bytes("dog/1.png", class_folders(1)[0].read(), "dog")],
            "dog",
            "the class 'dog' has 1 usable images, and 6 are needed",
            id="one small class",
        ),
    ],
)
def test_what_is_too_small_is_not_judged(sources: list[Source], category: str, why: str) -> None:
    assert why in filter_of(sources).why_not_judged(category)


def test_classes_that_look_alike_are_not_judged() -> None:
    def noise() -> list[Example]:
        random = np.random.default_rng(4)
        images = [Image.fromarray(random.integers(0, 255, (32, 32, 3), dtype=np.uint8)) for _ in range(24)]
        return [Example("abc"[n % 3], str(n), image) for n, image in enumerate(images)]

    assert "are recognised as their class" in OtherClassFilter(noise, 0.05).why_not_judged("a")


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"other_class is 1\.5; expected a fraction from 0 to 1"):
        Thresholds(other_class=1.5)


def test_the_network_is_named_in_the_recipe() -> None:
    assert Recipe().filter_backbone == "efficientnet-lite0"
    assert Recipe(filter_backbone="openai/clip-vit-base-patch32").filter_backbone.startswith("openai/")
