"""What the local GAN does to an image: how far it changes, and what stays."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from augmentai import Recipe, Source
from augmentai.settings import EXAMPLES
from tests.support.gan_jobs import PHOTOS, distance, made, pixels, source


@pytest.mark.parametrize("name", PHOTOS)
def test_strength_is_monotone_and_nought_is_the_source(name: str) -> None:
    photo = source(name)
    own = np.asarray(Image.open(io.BytesIO(photo.read())).convert("RGB"), np.float32)
    moved = []
    for strength in (0.0, 0.2, 0.4, 0.7, 1.0):
        (outcome,) = made([photo], Recipe(seed=5, strength=strength, output_format="png")).values()
        moved.append(distance(pixels(outcome), own))
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert moved[2] > 3, "the default strength hardly changes the photo"


@pytest.mark.parametrize("name", PHOTOS)
def test_variations_of_one_photo_differ_from_each_other(name: str) -> None:
    pictures = [pixels(o) for o in made([source(name)], Recipe(variations=8, seed=5, strength=1.0)).values()]
    apart = [distance(a, b) for i, a in enumerate(pictures) for b in pictures[:i]]
    assert min(apart) > 1
    assert float(np.mean(apart)) > 8


@pytest.mark.parametrize("name", PHOTOS)
def test_edges_stay_where_they_are(name: str) -> None:
    """Labels are true only if nothing moves: brightness steps of source and variation go together."""
    photo = source(name)
    own = np.asarray(Image.open(io.BytesIO(photo.read())).convert("L"), np.float32)
    for outcome in made([photo], Recipe(variations=4, seed=5, strength=1.0)).values():
        assert outcome.variation is not None
        new = np.asarray(outcome.variation.image.convert("L"), np.float32)
        for axis in (0, 1):
            together = np.corrcoef(np.diff(own, axis=axis).ravel(), np.diff(new, axis=axis).ravel())[0, 1]
            assert together > 0.8


@pytest.mark.parametrize("size", [(16, 16), (8, 200), (333, 77), (1201, 30)])
def test_any_size_in_the_same_size_out(size: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    with Image.open(EXAMPLES / "china.jpg") as photo:
        photo.resize(size).save(buffer, "PNG")
    (outcome,) = made([Source.from_bytes("a.png", buffer.getvalue())], Recipe(seed=1)).values()
    assert outcome.variation is not None
    assert outcome.variation.image.size == size


@pytest.mark.parametrize("colour", ["black", "white", "grey", "#c08030"])
def test_flat_images_stay_flat(colour: str) -> None:
    """Nothing is invented where there is nothing: a plain wall may change its shade, but gets no blobs."""
    buffer = io.BytesIO()
    Image.new("RGB", (200, 150), colour).save(buffer, "PNG")
    for outcome in made([Source.from_bytes("a.png", buffer.getvalue())], Recipe(variations=4, seed=1)).values():
        assert float(pixels(outcome).std(axis=(0, 1)).max()) < 4
