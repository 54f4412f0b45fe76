"""Random outlines and bitmaps, with holes and across the border, through the operations: they stay on their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.clipping import clip_shape
from augmentai.dataset.formats.masks.polygons import mask_to_polygons
from augmentai.dataset.formats.masks.raster import filled
from augmentai.operations import apply_operations, build_operations
from augmentai.recipe import Recipe
from tests.support.painted_objects import overlap

SIZE_WH = (160, 120)
STEPS = {
    "flip": ["flip(probability=1)"],
    "crop": ["crop(scale=0.6..0.9)"],
    "rotate": ["rotate(degrees=20)"],
    "perspective": ["perspective(tilt=0.15)"],
    "chained": ["flip", "rotate(degrees=10)", "crop(scale=0.7..0.9)"],
}
LEAST_PX = 1500  # of an object that is compared: of smaller ones the pixels of the edge are more than a twentieth
RECTANGLES = st.tuples(st.integers(-20, 90), st.integers(-20, 60), st.integers(50, 90), st.integers(50, 80))


@pytest.mark.parametrize("name", STEPS)
@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(rectangle=RECTANGLES, hole=st.booleans(), seed=st.integers(1, 10**6))
def test_labels_stay_on_their_pixels(name: str, rectangle: tuple[int, int, int, int], hole: bool, seed: int) -> None:
    x, y, width, height = rectangle
    area = np.zeros(SIZE_WH[::-1], bool)
    area[max(y, 0) : y + height, max(x, 0) : x + width] = True
    if hole:
        area[max(y + 20, 0) : max(y + 30, 0), max(x + 20, 0) : max(x + 30, 0)] = False
    if area.sum() < LEAST_PX:
        return
    image = Image.fromarray(np.where(area, 250, 100).astype(np.uint8))
    outlined = Shape("outline", (0, 0, *SIZE_WH), tuple(mask_to_polygons(area)))
    bitmap = Shape("bitmap", (0, 0, *SIZE_WH), mask=area)
    operations = build_operations(Recipe(operations=STEPS[name]).operations)
    applied = apply_operations(image, Labels((outlined, bitmap)), operations, seed)
    assert applied.labels is not None
    pixels = np.asarray(applied.image) > 175
    if pixels.sum() < LEAST_PX:
        return
    for shape in applied.labels.shapes:
        inside = clip_shape(shape, SIZE_WH)
        assert inside is not None
        drawn = shape.mask if shape.mask is not None else filled(inside.polygons, SIZE_WH)
        assert overlap(drawn, pixels) > 0.95, shape.category
    assert len(applied.labels.shapes) == 2
