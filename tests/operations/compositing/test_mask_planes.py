"""Masks into which an object is pasted: the class of the object, and a number of its own where objects are numbered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels
from augmentai.operations import OperationSkippedError
from augmentai.operations.compositing.cutout import Cutout
from augmentai.operations.compositing.labelled_objects import LabelledObject, labelled_objects, pixel_values
from augmentai.operations.compositing.mask_planes import fault_in_masks, new_instance, new_segment, paste_into_masks
from augmentai.operations.compositing.placed import placed

SIZE_WH = (40, 30)


def mask(*areas: tuple[int, Any], kind: Any = np.uint8) -> Image.Image:
    values = np.zeros(SIZE_WH[::-1], kind)
    for value, (x0, y0, x1, y1) in areas:
        values[y0:y1, x0:x1] = value
    return Image.fromarray(values)


def colours(*areas: tuple[tuple[int, int, int], Any]) -> Image.Image:
    image = Image.new("RGB", SIZE_WH)
    for colour, box in areas:
        image.paste(colour, box)
    return image


LENT = (10, 8, 20, 18)
CUTOUT = Cutout(
    LabelledObject("car", (10.0, 8.0, 20.0, 18.0)),
    (6, 4, 24, 22),
    np.pad(np.ones((10, 10), bool), 4),
    np.zeros((18, 18), bool),
)
THERE = placed(CUTOUT, 1.0, False, (30.0, 20.0))  # 25 to 35, 15 to 25


def pasted(labels: Labels, lent: Labels) -> Labels:
    return paste_into_masks(labels, lent, THERE, SIZE_WH)


def inside(image: Image.Image) -> set[int]:
    return set(np.unique(pixel_values(image)[15:25, 25:35]).tolist())


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_class_of_the_object(kind: Any) -> None:
    before = mask((3, (0, 0, 30, 30)), kind=kind)
    made = pasted(Labels(mask=before), Labels(mask=mask((7, LENT), kind=kind)))
    assert made.mask is not None
    assert made.mask.mode == before.mode
    assert inside(made.mask) == {7}
    values, old = np.asarray(made.mask).copy(), np.asarray(before)
    values[15:25, 25:35] = old[15:25, 25:35]
    np.testing.assert_array_equal(values, old)


def test_a_black_and_white_mask_and_a_palette() -> None:
    white = mask((255, LENT)).convert("1")
    made = pasted(Labels(mask=Image.new("1", SIZE_WH)), Labels(mask=white))
    assert made.mask is not None
    assert made.mask.mode == "1"
    assert np.asarray(made.mask).sum() == 100
    palette = mask((2, (0, 0, 4, 4))).convert("P")
    palette.frombytes(np.asarray(mask((2, (0, 0, 4, 4)))).tobytes())
    palette.putpalette([0, 0, 0, 9, 8, 7, 6, 5, 4])
    lent = palette.copy()
    lent.frombytes(np.asarray(mask((1, LENT))).tobytes())
    made = pasted(Labels(mask=palette), Labels(mask=lent))
    assert made.mask is not None
    assert made.mask.getpalette() == palette.getpalette()
    assert inside(made.mask) == {1}


def test_soft_edges_of_a_mask_become_hard() -> None:
    values = np.zeros(SIZE_WH[::-1], np.uint8)
    values[7:19, 9:21] = np.random.default_rng(1).integers(60, 200, (12, 12))
    values[8:18, 10:20] = 255
    made = pasted(Labels(mask=Image.new("L", SIZE_WH)), Labels(mask=Image.fromarray(values)))
    assert made.mask is not None
    assert inside(made.mask) == {255}


def test_colours_of_classes() -> None:
    made = pasted(Labels(mask=colours()), Labels(mask=colours(((9, 8, 7), LENT))))
    assert made.mask is not None
    assert inside(made.mask) == {0x090807}


def test_single_objects_are_numbered_on() -> None:
    own = Labels((), mask((3, (0, 0, 4, 4))), (mask((5, (0, 0, 4, 4))),), extra={"instance_masks": (1,)})
    lent = Labels((), mask((7, LENT)), (mask((5, LENT)),), extra={"instance_masks": (1,)})
    made = pasted(own, lent)
    assert made.mask is not None
    assert (inside(made.mask), inside(made.other_masks[0])) == ({7}, {6})


def test_cityscapes_numbers_within_the_class() -> None:
    kinds: dict[str, Any] = {"extra": {"instance_masks": (1,)}}
    own = mask((26001, (0, 0, 4, 4)), (24009, (8, 0, 9, 9)), kind=np.uint16)
    lent = mask((26000, LENT), kind=np.uint16)
    labels, donor = (Labels((), mask((26, LENT)), (one,), **kinds) for one in (own, lent))
    assert inside(pasted(labels, donor).other_masks[0]) == {26002}


def test_panoptic_segments_get_a_value_and_a_class() -> None:
    sky, car = 0x010000, 0x2C0100  # ids 1 and 300, red first
    own = Labels(mask=colours(((1, 0, 0), (0, 0, 40, 30))), extra={"mask_classes": {sky: "sky"}, "stuff": ["sky"]})
    lent = Labels(
        mask=colours(((1, 0, 0), (0, 0, 40, 30)), ((44, 1, 0), LENT)),
        extra={"mask_classes": {sky: "sky", car: "car"}, "stuff": ["sky"]},
    )
    assert [one.category for one in labelled_objects(lent)] == ["car"]
    made = pasted(own, lent)
    assert made.mask is not None
    (new,) = inside(made.mask)
    assert new == 0x020000  # id 2
    assert made.extra["mask_classes"] == {sky: "sky", new: "car"}
    assert own.extra["mask_classes"] == {sky: "sky"}


FAULTS: list[tuple[Labels, Labels, str]] = [
    (Labels(), Labels(mask=mask()), ""),
    (Labels(mask=mask()), Labels(mask=mask((1, LENT))), ""),
    (Labels(mask=mask()), Labels(), "masks of another kind"),
    (Labels(mask=mask()), Labels(mask=colours()), "masks of another kind"),
    (Labels(mask=mask(), extra={"instances": True}), Labels(mask=mask()), "a file for one object"),
    (Labels(mask=mask(kind=np.float32)), Labels(mask=mask(kind=np.float32)), "fractional values"),
    (Labels(extra={"takes_no_objects": "its row has none"}), Labels(), "its row has none"),
]


@pytest.mark.parametrize(("labels", "lent", "words"), FAULTS)
def test_what_does_not_go(labels: Labels, lent: Labels, words: str) -> None:
    fault = fault_in_masks(labels, lent)
    assert words in fault
    assert bool(fault) == bool(words)


NEW: list[tuple[set[int], Image.Image, int, int]] = [
    # taken, mask, the object's own number, the new one
    ({0}, mask(), 9, 1),
    ({0, 1, 2, 255}, mask(), 9, 3),
    ({0, 254}, mask(), 9, 1),  # 255 is the border between objects
    ({0, 26003}, mask(kind=np.uint16), 24000, 24000),
    ({0, 70000}, colours(), 9, 70001),
]


@pytest.mark.parametrize(("taken", "image", "lent", "expected"), NEW)
def test_a_new_number(taken: set[int], image: Image.Image, lent: int, expected: int) -> None:
    assert new_instance(taken, image, lent) == expected


def test_no_number_is_left() -> None:
    with pytest.raises(OperationSkippedError, match="no value left for one more"):
        new_instance(set(range(256)), mask(), 1)
    with pytest.raises(OperationSkippedError, match="no value left for one more"):
        new_segment(set(range(256)), mask())
