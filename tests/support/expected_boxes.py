"""The boxes of the small labelled set, as they have to be in every format, and a comparison of boxes."""

from __future__ import annotations

import numpy as np

from tests.support import trainers
from tests.support.labelled_sets import COLOURS, IMAGES

EXPECTED = {stem: [(c, (x0, y0, x1, y1)) for c, x0, y0, x1, y1 in objects] for _, stem, objects in IMAGES}


def expected_boxes(split: str, variations: int = 2) -> trainers.Boxes:
    """The boxes of a split by stem; training images have this many variations with the boxes of their source."""
    found: trainers.Boxes = {}
    for of, stem, _ in IMAGES:
        if of == split:
            ends = ["", *(f"__v{i}" for i in range(1, variations + 1))] if split == "train" else [""]
            found.update({stem + end: EXPECTED[stem] for end in ends})
    return found


def assert_boxes(found: trainers.Boxes, expected: trainers.Boxes, tolerance: float = 1e-3) -> None:
    """The same images, each with the same classes and boxes, to `tolerance` pixels."""
    assert set(found) == set(expected)
    for stem, objects in expected.items():
        assert [name for name, _ in sorted(found[stem])] == [name for name, _ in sorted(objects)], stem
        for (_, box), (_, other) in zip(sorted(found[stem]), sorted(objects), strict=True):
            assert np.allclose(box, other, atol=tolerance), stem


def named_by_masks(name: str, boxes: trainers.Boxes) -> trainers.Boxes:
    """The boxes as a set of this name has them: masks have numbers where the others have names."""
    if not name.startswith("masks"):
        return boxes
    numbers = {category: str(number) for number, category in enumerate(COLOURS, 1)}
    return {stem: [(numbers[c], box) for c, box in objects] for stem, objects in boxes.items()}
