"""Objects and classes of semantic masks, with hard and with soft edges."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from augmentai.annotations import Labels
from augmentai.dataset.formats.masks.raster import filled
from augmentai.dataset.formats.object_shapes import classes_in, objects_in


def test_a_soft_edge_is_not_a_class() -> None:
    """White on black, drawn with a brush: none of the greys around it is a class."""
    hard = np.zeros((60, 80), np.uint8)
    hard[10:30, 10:40] = 255
    hard[40:43, 50:70] = 255  # hardly wider than its edge
    soft = Image.fromarray(hard).filter(ImageFilter.GaussianBlur(1))
    assert len(set(np.asarray(soft).ravel().tolist())) > 10
    for mask in (soft, Image.fromarray(hard)):
        labels = Labels(mask=mask)
        assert classes_in(labels) == {"255"}
        boxes = [shape.box for shape in objects_in(labels)]
        assert len(boxes) == 2
        for found, drawn in zip(boxes, [(10, 10, 40, 30), (50, 40, 70, 43)], strict=True):
            assert found is not None
            np.testing.assert_allclose(found, drawn, atol=1)


def test_classes_are_not_a_soft_edge() -> None:
    """Small areas of several classes with the border that Pascal VOC draws around each."""
    values = np.zeros((60, 80), np.uint8)
    for number, left in enumerate((5, 25, 45), 1):
        values[10:22, left : left + 12] = 255
        values[12:20, left + 2 : left + 10] = number
    assert classes_in(Labels(mask=Image.fromarray(values))) == {"1", "2", "3"}
    gradient = np.tile(np.arange(0, 240, 30, dtype=np.uint8), (20, 1)).repeat(10, 1)
    assert len(classes_in(Labels(mask=Image.fromarray(gradient)))) == 7


def test_outlines_of_masks_have_all_pixels() -> None:
    """Objects one pixel wide as well, which an outline through the centres of pixels would lose."""
    values = np.zeros((12, 16), np.uint8)
    values[2, 3:9], values[5:9, 4:10], values[6, 12] = 1, 2, 3
    shapes = objects_in(Labels(mask=Image.fromarray(values)))
    assert [(shape.category, shape.box) for shape in shapes] == [
        ("1", (3, 2, 9, 3)),
        ("2", (4, 5, 10, 9)),
        ("3", (12, 6, 13, 7)),
    ]
    for shape in shapes:
        np.testing.assert_array_equal(filled(shape.polygons, (16, 12)), values == int(shape.category))


def test_pixels_of_no_class() -> None:
    """255 beside classes that have values of their own, as masks converted from boxes have it: no object."""
    mask = Image.new("L", (16, 12))
    mask.paste(255, (2, 3, 9, 8))
    named = {"class_names": {"0": "background", "1": "cat", "2": "dog"}}
    assert objects_in(Labels(mask=mask, extra=named)) == ()
    assert classes_in(Labels(mask=mask)) == {"255"}


@pytest.mark.parametrize("mode", ["I;16", "L"])
def test_a_depth_map_has_no_classes(mode: str) -> None:
    rows, columns = np.mgrid[0:48, 0:64]
    noise = np.random.default_rng(0).integers(0, 9, (48, 64))
    depth = rows * 11 + columns * 37 + noise
    values = depth.astype(np.uint16) if mode == "I;16" else (depth / 12).astype(np.uint8)
    labels = Labels(mask=Image.fromarray(values))
    assert objects_in(labels) == ()
    assert classes_in(labels) == set()


def test_numbers_of_many_objects_are_classes() -> None:
    values = np.kron(np.arange(100, dtype=np.uint16).reshape(10, 10), np.ones((5, 5), np.uint16))
    assert len(classes_in(Labels(mask=Image.fromarray(values)))) == 99
