"""What is pasted takes on the light of its ground, in images of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.operations import apply_operations, replay_operations
from augmentai.operations.background import Background
from augmentai.operations.compositing.harmonise import harmonised

SIZE_WH = (96, 64)
OPACITY = np.zeros(SIZE_WH[::-1], np.float32)
OPACITY[16:48, 24:72] = 1
INNER = OPACITY == 1
RING = ((24.0, 16.0), (72.0, 16.0), (72.0, 48.0), (24.0, 48.0))
SQUARE = Labels((Shape("square", (24, 16, 72, 48), (RING,)),))


def noise(colour: Any, spread: int = 12) -> Image.Image:
    around = np.random.default_rng(1).integers(-spread, spread + 1, (*SIZE_WH[::-1], 1))
    return Image.fromarray((np.asarray(colour) + around).clip(0, 255).astype(np.uint8))


LIGHTS = {
    # the object's colour, the ground's, and which mean moves which way
    "into the dark": ((160, 160, 160), (15, 15, 20), lambda before, after: after.mean() < before.mean() - 5),
    "into the light": ((70, 70, 70), (235, 235, 230), lambda before, after: after.mean() > before.mean() + 5),
    "into the blue": (
        (130, 130, 130),
        (60, 100, 190),
        lambda before, after: (after - before)[..., 2].mean() > (after - before)[..., 0].mean() + 3,
    ),
}


@pytest.mark.parametrize(("colour", "ground", "moved"), LIGHTS.values(), ids=LIGHTS)
def test_the_object_moves_towards_its_ground(colour: Any, ground: Any, moved: Any) -> None:
    image = noise(colour)
    relit = harmonised(image, noise(ground), OPACITY)
    assert moved(np.asarray(image, float)[INNER], np.asarray(relit, float)[INNER])


def test_on_its_own_ground_hardly_anything_changes() -> None:
    image = noise((120, 110, 100))
    relit = harmonised(image, image, OPACITY)
    assert np.abs(np.asarray(relit, float) - np.asarray(image, float)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "I", "F"])
def test_every_kind_of_image(mode: str) -> None:
    """A recipe with it, from drawing to replay; deep values stay between the lowest and the highest."""
    grey = np.asarray(noise((120, 120, 120), 60).convert("L"))
    image = {
        "I;16": lambda: Image.fromarray(grey.astype(np.uint16) * 200),
        "I": lambda: Image.fromarray(grey.astype(np.int32) * 70_000),
        "F": lambda: Image.fromarray(grey.astype(np.float32) / 3 - 20),
    }.get(mode, lambda: noise((120, 120, 120), 60).convert(mode))()
    step = Background(ground="plain", harmonise=True)
    applied = apply_operations(image, SQUARE, [step], 2)
    before, after = np.asarray(image), np.asarray(applied.image)
    assert (applied.image.mode, applied.image.size) == (mode, image.size)
    assert (before[INNER] != after[INNER]).any()
    if before.dtype != np.uint8:
        assert before.min() <= after[INNER].min()
        assert after[INNER].max() <= before.max()
    (record,) = applied.details["operations"]
    assert record["drawn"]["harmonise"] is True
    assert replay_operations(image, SQUARE, [record])[0].tobytes() == applied.image.tobytes()


def test_transparency_is_kept() -> None:
    image = noise((120, 120, 120)).convert("RGBA")
    alpha = Image.linear_gradient("L").resize(SIZE_WH)
    image.putalpha(alpha)
    assert harmonised(image, noise((20, 20, 20)).convert("RGBA"), OPACITY).getchannel("A").tobytes() == alpha.tobytes()


def test_without_it_the_manifest_is_as_before() -> None:
    applied = apply_operations(noise((120, 120, 120)), SQUARE, [Background(ground="plain")], 2)
    (record,) = applied.details["operations"]
    assert set(record["drawn"]) == {"donors", "plain"}
