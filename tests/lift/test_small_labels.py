"""Labels at another size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.dataset.resized_labels import resized
from augmentai.lift.small_labels import SmallLabels

BITMAP = np.zeros((40, 80), bool)
BITMAP[:20, :40] = True


class _Stored:
    def load(self) -> Labels:
        mask = Image.fromarray(BITMAP.astype(np.uint8) * 7)
        shape = Shape("cat", (8, 4, 80, 40), (((8, 4), (80, 4), (80, 40)),), BITMAP, ((8, 4, 2),), lines=(((0, 0),),))
        return Labels((shape,), mask, (mask,))


def test_every_kind_of_label_is_resized() -> None:
    found = SmallLabels(_Stored(), (80, 40), (40, 10)).load()
    shape = found.shapes[0]
    assert (shape.box, shape.polygons) == ((4, 1, 40, 10), (((4, 1), (40, 1), (40, 10)),))
    assert (shape.keypoints, shape.lines) == (((4, 1, 2),), (((0, 0),),))
    assert shape.mask is not None
    assert shape.mask.dtype == bool
    assert np.array_equal(shape.mask, BITMAP[::4, ::2])
    for mask in (found.mask, *found.other_masks):
        assert mask is not None
        assert np.array_equal(np.asarray(mask), BITMAP[::4, ::2] * 7)


def test_nothing_changes_at_the_same_size() -> None:
    labels = _Stored().load()
    assert resized(labels, (80, 40), (80, 40)) is labels
