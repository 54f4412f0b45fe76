"""Labels over an image: every kind of object is drawn, and names are text."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.dataset.drawing.outlines import colours, shapes_of
from augmentai.web.components.label_overlay import legend, overlay

MASK = np.zeros((8, 10), bool)
MASK[2:6, 3:7] = True
DRAWN = {
    # the object, and what is drawn of it
    "a box": (Shape("cat", (1, 2, 5, 6)), '<polygon points="1,2 5,2 5,6 1,6"/>'),
    "an outline in place of its box": (Shape("cat", (0, 0, 9, 8), polygons=(((1, 1), (8, 1), (4, 7)),)), "1,1 8,1 4,7"),
    "a bitmap": (Shape("cat", None, mask=MASK), '<polygon points="3,2'),
    "a line": (Shape("cat", None, lines=(((0, 0), (5, 5)),)), '<polyline points="0,0 5,5" fill="none"/>'),
    "a keypoint": (Shape("cat", (1, 2, 5, 6), keypoints=((3, 4, 2), (9, 9, 0))), '<circle cx="3" cy="4"'),
}


@pytest.mark.parametrize(("shape", "expected"), DRAWN.values(), ids=DRAWN)
def test_every_kind_of_object_is_drawn(shape: Shape, expected: str) -> None:
    html = overlay([shape], (10, 8), colours([shape]))
    assert expected in html
    assert 'cx="9"' not in html  # a keypoint that is not labelled


def test_a_semantic_mask_is_drawn_as_areas() -> None:
    mask = Image.fromarray(MASK.astype(np.uint8))
    (shape,) = shapes_of(Labels(mask=mask))
    assert 'points="3,2 7,2 7,6 3,6"' in overlay([shape], (10, 8), colours([shape]))


def test_a_mask_of_black_and_white_shows_the_class_of_its_folder() -> None:
    mask = Labels(mask=Image.fromarray(MASK.astype(np.uint8) * 255))
    assert [shape.category for shape in shapes_of(mask, "crack")] == ["crack"]


def test_many_objects_are_named_in_the_legend_alone() -> None:
    shapes = [Shape(name, (1, 1, 4, 4)) for name in ("dog", "cat", "<b>", "dog", "dog")]
    assert "<span" not in overlay(shapes, (10, 8), colours(shapes))
    key = legend(shapes, colours(shapes))
    assert key.count("<li>") == 3
    assert "&lt;b&gt;" in key
    assert "&lt;b&gt;" in overlay(shapes[2:3], (10, 8), colours(shapes))


def test_without_labels_there_is_nothing() -> None:
    assert (overlay([], (10, 8), {}), legend([], {}), shapes_of(None)) == ("", "", ())
