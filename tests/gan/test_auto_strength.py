"""The strength chosen for a labelled set from its styles: gentle where colour is the class."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from augmentai import Recipe, Source, augment
from augmentai.gan.auto_strength import GENTLEST, STRONGEST, UNLABELLED, class_separation, strength_for_set
from augmentai.settings import EXAMPLES, Settings

PHOTOS = ("chelsea.png", "china.jpg", "coffee.png", "rocket.jpg", "flower.jpg", "dandelions_clemens_engelhardt.jpg")
TINTS = {"ripe": (1.0, 0.35, 0.3), "green": (0.35, 1.0, 0.4)}


def tinted(name: str, label: str, gains: tuple[float, float, float], height: int = 72) -> Source:
    with Image.open(EXAMPLES / name) as photo:
        pixels = np.asarray(photo.convert("RGB").resize((96, height)), np.float32) * gains
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return Source.from_bytes(f"{label}/{name}.png", buffer.getvalue(), label)


def strengths(sources: list[Source]) -> set[float]:
    outcomes = list(augment(sources, Recipe(seed=3, engine="gan", filters=False), Settings()))
    assert all(outcome.ok for outcome in outcomes)
    return {outcome.variation.strength for outcome in outcomes if outcome.variation}


def test_gentle_where_colour_is_the_class() -> None:
    assert strengths([tinted(name, label, gains) for label, gains in TINTS.items() for name in PHOTOS]) == {GENTLEST}


def test_strong_where_colour_says_nothing() -> None:
    sources = [
        tinted(name, label, list(TINTS.values())[(i + j) % 2])
        for i, label in enumerate(("x", "y"))
        for j, name in enumerate(PHOTOS)
    ]
    assert strengths(sources) == {STRONGEST}


def test_loose_photos_and_classes_of_one_image() -> None:
    loose = [Source.from_bytes(name, (EXAMPLES / name).read_bytes()) for name in PHOTOS[:2]]
    assert strengths(loose) == {UNLABELLED}
    assert strengths([tinted(PHOTOS[0], "a", TINTS["ripe"]), tinted(PHOTOS[1], "b", TINTS["green"])]) == {UNLABELLED}


def test_an_explicit_strength_is_used() -> None:
    sources = [tinted(PHOTOS[0], label, gains) for label, gains in TINTS.items()]
    (outcome, _) = augment(sources, Recipe(seed=3, engine="gan", strength=0.7), Settings())
    assert outcome.variation is not None
    assert outcome.variation.strength == 0.7


def test_separation_of_known_styles() -> None:
    apart = torch.cat([torch.randn(8, 64) * 0.1 + centre for centre in (1.0, -1.0)])
    assert class_separation(apart, ["a"] * 8 + ["b"] * 8) == 1.0
    torch.manual_seed(0)
    mixed = class_separation(torch.randn(400, 64), [f"c{i % 4}" for i in range(400)])
    assert mixed is not None
    assert mixed < 0.15
    assert class_separation(torch.randn(3, 64), ["a", "b", "c"]) is None


@pytest.mark.parametrize(
    ("separation", "strength"), [(None, 0.6), (0.0, 1.0), (0.4, 1.0), (0.6, 0.7), (0.8, 0.4), (1, 0.4)]
)
def test_strength_by_separation(separation: float | None, strength: float) -> None:
    assert strength_for_set(separation, images_per_class=10) == strength


@pytest.mark.parametrize(("each", "strength"), [(2, 1.0), (10, 1.0), (17, 0.7), (30, 0.4), (60, 0.4)])
def test_large_classes_need_less(each: int, strength: float) -> None:
    assert strength_for_set(0.0, each) == strength
    assert strength_for_set(1.0, each) == GENTLEST


def test_class_sizes_are_counted() -> None:
    """Seventeen per class where colour says nothing: neither few nor many."""
    sources = [
        Source.from_bytes(f"{label}/{number}.png", tinted(name, label, gains, 24 + number).read(), label)
        for i, label in enumerate(("x", "y"))
        for number in range(17)
        for name, gains in [(PHOTOS[number % 6], list(TINTS.values())[(i + number // 6) % 2])]
    ]
    assert strengths(sources) == {0.7}
