"""Erase: rectangles that hide no more of any labelled object than stated, counted in the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.operations import DrawSettings, apply_operations
from augmentai.operations.compositing.objects import filled
from augmentai.operations.erase import Erase
from tests.support.image_files import colours
from tests.support.painted_objects import BOXES, SIZE_WH, stars

FREE = {"scale": (0.05, 0.3), "count": 4}  # enough to hide whole objects, if nothing forbade it
SEEDS = range(1, 25)


def erased(image: Image.Image, applied: Any) -> Any:
    """The pixels that rectangles cover, as the manifest records them."""
    covered = np.zeros(image.size[::-1], bool)
    for record in applied.details.get("operations", ()):
        for x0, y0, x1, y1 in record["drawn"]["boxes"]:
            covered[y0:y1, x0:x1] = True
    return covered


def areas(kind: str) -> tuple[Labels, list[Any]]:
    """Five objects as boxes, polygons, bitmaps or areas of one mask, and the pixels of each."""
    _, shapes = stars()
    bitmaps = [filled(shape.polygons, SIZE_WH) for shape in shapes]
    if kind == "boxes":
        rectangles = []
        for x0, y0, x1, y1 in BOXES:
            pixels = np.zeros(SIZE_WH[::-1], bool)
            pixels[y0:y1, x0:x1] = True
            rectangles.append(pixels)
        return Labels(tuple(Shape("a", box) for box in BOXES)), rectangles  # type: ignore[arg-type]
    if kind == "polygons":
        return Labels(tuple(shapes)), bitmaps
    if kind == "bitmaps":
        return Labels(tuple(Shape("a", None, mask=pixels) for pixels in bitmaps)), bitmaps
    values = np.zeros(SIZE_WH[::-1], np.uint8)
    for number, pixels in enumerate(bitmaps):
        values[pixels] = 1 + number % 2  # several objects have the same class
    return Labels(mask=Image.fromarray(values)), bitmaps


@pytest.mark.parametrize("kind", ["boxes", "polygons", "bitmaps", "a mask"])
@pytest.mark.parametrize("most_hidden", [0.1, 0.4])
def test_no_object_is_hidden_more_than_stated(kind: str, most_hidden: float) -> None:
    labels, objects = areas(kind)
    image, hidden = colours(SIZE_WH), []
    for seed in SEEDS:
        applied = apply_operations(image, labels, [Erase(most_hidden=most_hidden, **FREE)], seed)  # type: ignore[arg-type]
        assert applied.labels is labels
        covered = erased(image, applied)
        hidden += [(covered & pixels).sum() / pixels.sum() for pixels in objects]
        changed = (np.asarray(applied.image) != np.asarray(image)).any(-1)
        assert not changed[~covered].any()
        assert not covered.any() or changed[covered].mean() > 0.95
    assert max(hidden) <= most_hidden
    assert max(hidden) > 0.5 * most_hidden


def test_without_a_limit_whole_objects_vanish() -> None:
    labels, objects = areas("boxes")
    hidden = []
    for seed in SEEDS:
        settings = DrawSettings(least_visible=0)
        applied = apply_operations(
            colours(SIZE_WH),
            labels,
            [Erase(most_hidden=1, **FREE)],  # type: ignore[arg-type]
            seed,
            settings,
        )
        hidden += [(erased(colours(SIZE_WH), applied) & pixels).sum() / pixels.sum() for pixels in objects]
    assert max(hidden) == 1


def test_no_more_is_hidden_than_the_recipe_lets_labels_lose() -> None:
    labels, objects = areas("boxes")
    hidden = []
    for seed in SEEDS:
        settings = DrawSettings(least_visible=0.9)
        applied = apply_operations(colours(SIZE_WH), labels, [Erase(**FREE)], seed, settings)  # type: ignore[arg-type]
        hidden += [(erased(colours(SIZE_WH), applied) & pixels).sum() / pixels.sum() for pixels in objects]
    assert 0 < max(hidden) <= 0.1 + 1e-9


def test_where_no_rectangle_is_allowed_the_image_stays_and_it_says_why() -> None:
    labels = Labels((Shape("all", (0, 0, *SIZE_WH)),))
    image = colours(SIZE_WH)
    applied = apply_operations(image, labels, [Erase(scale=0.3, most_hidden=0.01)], 1)  # type: ignore[arg-type]
    assert applied.image is image
    assert applied.notices == ("erase was left out: any rectangle would hide more than 1% of an object",)


def test_keypoints_that_are_covered_count_as_hidden() -> None:
    points = tuple((x + 0.5, y + 0.5, 2.0) for x in range(0, 240, 12) for y in range(0, 180, 12))
    labels = Labels((Shape("person", (0, 0, *SIZE_WH), keypoints=(*points, (0.0, 0.0, 0.0))),))
    applied = apply_operations(colours(SIZE_WH), labels, [Erase(scale=0.2)], 3)  # type: ignore[arg-type]
    covered = erased(colours(SIZE_WH), applied)
    assert applied.labels is not None
    *after, unlabelled = applied.labels.shapes[0].keypoints
    assert unlabelled == (0.0, 0.0, 0.0)
    for (x, y, visibility), before in zip(after, points, strict=True):
        assert (x, y) == before[:2]
        assert visibility == (1.0 if covered[int(y), int(x)] else 2.0)
    assert any(point[2] == 1 for point in after)


FILLS = {
    # fill, what it makes of an image of one colour (10, 20, 30)
    "black": (0, 0, 0),
    "mean": (10, 20, 30),
}


@pytest.mark.parametrize(("fill", "colour"), FILLS.items(), ids=FILLS)
def test_what_the_rectangles_are_filled_with(fill: Any, colour: Any) -> None:
    image = Image.new("RGB", SIZE_WH, (10, 20, 30))
    applied = apply_operations(image, None, [Erase(fill=fill)], 1)
    assert (np.asarray(applied.image)[erased(image, applied)] == colour).all()


def test_the_mean_colour_is_that_of_what_can_be_seen() -> None:
    values = np.zeros((64, 64, 4), np.uint8)
    values[:, :32] = (0, 200, 0, 255)
    values[:, 32:] = (255, 0, 0, 0)  # red that nobody sees
    image = Image.fromarray(values)
    applied = apply_operations(image, None, [Erase(fill="mean", scale=0.3)], 1)  # type: ignore[arg-type]
    after = np.asarray(applied.image)
    np.testing.assert_array_equal(after[..., 3], values[..., 3])
    assert (after[erased(image, applied)][:, :3] == (0, 200, 0)).all()
