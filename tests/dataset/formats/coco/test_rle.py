"""COCO's run lengths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmentai.annotations import mask_to_box
from augmentai.dataset.formats.coco.annotation import shape_from_coco
from augmentai.dataset.formats.coco.rle import mask_to_rle
from augmentai.dataset.formats.coco.values import Category
from augmentai.dataset.formats.supervision_import import supervision
from augmentai.images.orientation import Frame

supervision()  # loaded beforehand: the time of one example is limited


@given(st.lists(st.booleans(), min_size=48, max_size=48), st.booleans())
def test_encoded_bitmaps_are_decoded_unchanged(pixels: list[bool], packed: bool) -> None:
    mask = np.array(pixels).reshape(6, 8)
    annotation = {"category_id": 1, "segmentation": mask_to_rle(mask, packed)}
    shape = shape_from_coco(annotation, {"1": Category("a")}, Frame((8, 6), (8, 6)), on_stored=False)
    assert shape.mask is not None
    assert np.array_equal(shape.mask, mask)
    assert shape.box == mask_to_box(mask)


@pytest.mark.parametrize("packed", [False, True])
def test_a_true_of_another_byte_ends_no_run(packed: bool) -> None:
    """As Pillow gives bitmaps, beside one of NumPy's own."""
    mask = np.array([[0, 255, 1, 255, 0, 0]], np.uint8).view(bool)
    assert mask_to_rle(mask.T, packed) == mask_to_rle((mask.T != 0).copy(), packed)
    assert mask_to_rle(mask.T, False)["counts"] == [1, 3, 2]
