"""The pixels of a pasted object: as large as its label says, and in the light of its new place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.images import Photo
from augmentai.operations import Donor, DonorPool, Donors, apply_operations, replay_operations
from augmentai.operations.compositing.harmonise import is_harmonised
from augmentai.operations.copy_paste import CopyPaste
from augmentai.types import Source
from tests.support.flat_scenes import GROUND, SIZE_WH, bitmap, painted, visible
from tests.support.painted_objects import bounds, overlap

LENT = (50, 30, 106, 86)


def lenders(lent: Image.Image) -> Donors:
    """One image that lends a blue disc."""
    mask = bitmap(LENT)
    labels = Labels((Shape("blue", bounds(mask), mask=mask),))
    source = Source.from_bytes("0.png", b"0")
    pool = DonorPool([source], lambda one: Donor(one.path, one.sha256, None, Photo(lent, "PNG", "RGB"), labels))
    return pool.beside(Source.from_bytes("own.png", b"own"))


def pasted(image: Image.Image, lent: Image.Image, **parameters: Any) -> Any:
    operation = CopyPaste(**{"probability": 1.0, "place": "anywhere", **parameters})
    return apply_operations(image, Labels(), [operation], 3, donors=lenders(lent))


@pytest.mark.parametrize("scale", [0.35, 0.6, 0.9, 1.0, 1.1, 1.35])
def test_at_every_scale_it_is_as_large_as_its_label(scale: float) -> None:
    """Nothing of its old surroundings is mixed into its edge, where it would hide the object."""
    applied = pasted(painted([]), painted([("blue", LENT)]), scale=scale)
    (shape,) = applied.labels.shapes
    found = visible(applied.image, "blue")
    assert overlap(found, shape.mask) > 0.95
    assert found.sum() == pytest.approx(shape.mask.sum(), rel=0.03)


NIGHT = (20, 20, 40)


def textured(image: Image.Image) -> Image.Image:
    around = np.random.default_rng(1).integers(-12, 13, (SIZE_WH[1], SIZE_WH[0], 1))
    return Image.fromarray((np.asarray(image) + around).clip(0, 255).astype(np.uint8))


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    grey = np.asarray(image.convert("L"))
    deep = {"I;16": (np.uint16, 200), "I": (np.int32, 70_000), "F": (np.float32, 0.3)}
    if mode not in deep:
        return image.convert(mode)
    kind, factor = deep[mode]
    return Image.fromarray((grey * np.float64(factor)).astype(kind))


@pytest.mark.parametrize("edge", ["soft", "poisson"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "I", "F"])
def test_harmonised_in_images_of_every_kind(mode: str, edge: str) -> None:
    """Only the object changes; labels and places are those that the same seed has without it."""
    own, lent = in_mode(textured(Image.new("RGB", SIZE_WH, NIGHT)), mode), textured(painted([("blue", LENT)]))
    plain, relit = (pasted(own, lent, edge=edge, harmonise=on) for on in (False, True))
    (before, after), source = ((np.asarray(one.image) for one in (plain, relit)), np.asarray(own))
    assert (relit.image.mode, relit.image.size) == (mode, SIZE_WH)
    assert (before != after).any()
    x0, y0, x1, y1 = map(int, plain.labels.shapes[0].box)
    after, source = np.array(after, float), np.array(source, float)
    for values in (after, source):
        values[max(0, y0 - 12) : y1 + 12, max(0, x0 - 12) : x1 + 12] = 0
    np.testing.assert_allclose(after, source, rtol=1e-6)
    np.testing.assert_array_equal(relit.labels.shapes[0].mask, plain.labels.shapes[0].mask)
    records = relit.details["operations"]
    assert replay_operations(own, Labels(), records, lenders(lent))[0].tobytes() == relit.image.tobytes()


def test_harmonised_in_the_dark_it_becomes_darker() -> None:
    own, lent = textured(Image.new("RGB", SIZE_WH, NIGHT)), textured(painted([("green", LENT)]))
    plain, relit = (pasted(own, lent, harmonise=on) for on in (False, True))
    inner = np.asarray(plain.labels.shapes[0].mask)
    assert np.asarray(relit.image)[inner].mean() < np.asarray(plain.image)[inner].mean() - 1


def test_harmonised_is_recorded_last_and_else_not_at_all() -> None:
    own, lent = Image.new("RGB", SIZE_WH, GROUND), painted([("blue", LENT)])
    plain, relit = (pasted(own, lent, harmonise=on).details for on in (False, True))
    assert list(relit["operations"][0]["drawn"])[-1] == "harmonise"
    assert "harmonise" not in plain["operations"][0]["drawn"]
    assert is_harmonised(relit)
    assert not is_harmonised(plain)
