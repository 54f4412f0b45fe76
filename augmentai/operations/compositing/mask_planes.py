"""Masks of an image into which an object is pasted: classes get its value, single objects a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Labels
from augmentai.dataset.formats.object_shapes import named_values
from augmentai.operations.base import OperationSkippedError
from augmentai.operations.compositing.cutout import Cutout
from augmentai.operations.compositing.labelled_objects import Values, pixel_values
from augmentai.operations.compositing.placed import Placed, overlap

PER_CLASS = 1000  # Cityscapes: an instance of class 26 is 26000 and more
VOID = 255
_LARGEST = {"L": 254, "P": 254, "LA": 254, "I;16": 65535, "I": 2**31 - 1, "RGB": 0xFFFFFF, "RGBA": 0xFFFFFF}


def fault_in_masks(labels: Labels, lent: Labels) -> str:
    """Why an object of one image cannot be entered in the masks of another, in words; "" if it can.

    Args:
        labels: of the image into which it would be pasted.
        lent: of the image that lends it.
    """
    if not labels.masks:
        return str(labels.extra.get("takes_no_objects", ""))
    if labels.extra.get("instances"):
        return "each of its masks is a file for one object, and none can be added"
    kinds = [[(mask.mode, len(mask.getbands())) for mask in one.masks] for one in (labels, lent)]
    if kinds[0] != kinds[1]:
        return "the image that lends has masks of another kind"
    if any(mask.mode == "F" for mask in labels.masks):
        return "its mask has fractional values, which are no classes"
    return ""


def is_in_masks(labels: Labels, cutout: Cutout, size_wh: tuple[int, int]) -> bool:
    """Whether every mask of the image that lends an object shows it.

    Args:
        labels: of that image.
        cutout: the object.
        size_wh: width and height of that image in pixels.
    """
    return all(_usual(_under(_settled(mask), cutout, size_wh)) for mask in labels.masks)


def paste_into_masks(labels: Labels, lent: Labels, placed: Placed, lent_wh: tuple[int, int]) -> Labels:
    """Enter a pasted object in the masks of an image.

    Args:
        labels: of the image.
        lent: of the image that lent the object.
        placed: the object at its new place.
        lent_wh: width and height of the image that lent it, in pixels.

    Raises:
        OperationSkippedError: a mask has no value left for one more object.
    """
    if not labels.masks:
        return labels
    made: list[Image.Image] = []
    named = labels.extra.get("mask_classes")
    is_segments = labels.mask is not None and bool(lent.extra.get("mask_classes"))
    numbered = set(labels.extra.get("instance_masks", ()))
    for number, (mask, other) in enumerate(zip(labels.masks, lent.masks, strict=True)):
        code = None
        if is_segments and number == 0:
            named = named or {}
            code = new_segment({*_present(mask), *named}, mask)
            named = {**named, code: placed.cutout.one.category}
        elif number in numbered:
            code = new_instance(_present(mask), mask, _usual(_under(pixel_values(other), placed.cutout, lent_wh)))
        made.append(_pasted(mask, other, placed, lent_wh, code))
    extra = {**labels.extra, "mask_classes": named} if named is not None else labels.extra
    has_first = labels.mask is not None
    others = tuple(made[1:] if has_first else made)
    return replace(labels, mask=made[0] if has_first else None, other_masks=others, extra=extra)


def _pasted(
    mask: Image.Image, other: Image.Image, placed: Placed, lent_wh: tuple[int, int], code: int | None
) -> Image.Image:
    """A mask with the values of an object, or with a new one for all of it."""
    values = np.array(mask)
    part, own = overlap(placed.window, mask.size)
    where = placed.mask()[own]
    inner = values[part]
    if code is not None:
        inner[where] = written(code, values)
    else:
        settled = _settled(other)
        codes = placed.resized(_window(settled, placed.cutout, lent_wh), nearest=True)[own]
        usual = _usual(_under(settled, placed.cutout, lent_wh))
        codes = np.where((codes == 0) | (codes == VOID), usual, codes)
        if values.ndim == 2:
            inner[where] = codes[where].astype(values.dtype)
        else:
            lent = placed.resized(_window(np.asarray(other), placed.cutout, lent_wh), nearest=True)[own]
            is_own = pixel_values(Image.fromarray(np.ascontiguousarray(lent))) == codes
            inner[where] = np.where(is_own[..., None], lent, written(int(usual), values))[where]
    return like_mask(mask, values)


def like_mask(mask: Image.Image, values: Values) -> Image.Image:
    """An image with these values, and the mode and palette of a mask.

    Shape:
        values: (H, W) or (H, W, C) of the mask's size.
    """
    if mask.mode == "1":
        return Image.fromarray(values)
    if mask.mode.startswith("I;16"):
        return Image.fromarray(values.astype(np.uint16))
    made = mask.copy()
    made.frombytes(np.ascontiguousarray(values).tobytes())
    return made


def _settled(mask: Image.Image) -> Values:
    """The values of a mask, without those of a soft edge."""
    return named_values(mask, Labels())[0]


def written(code: int, values: Values) -> Any:
    """A value, or a colour as 0xRRGGBB, as the pixels of a mask have it.

    Args:
        code: the value.
        values: of the mask, (H, W) or (H, W, C).
    """
    if values.ndim == 2:
        return code
    if values.shape[2] < 3:
        return (code, 255)
    colour = code >> 16, code >> 8 & 255, code & 255
    return colour if values.shape[2] == 3 else (*colour, 255)


def _window(values: Values, cutout: Cutout, size_wh: tuple[int, int]) -> Values:
    """Values of the window of a cut-out object; beyond the image they are 0."""
    left, top, right, bottom = cutout.window
    made = np.zeros((bottom - top, right - left, *values.shape[2:]), values.dtype)
    part, own = overlap(cutout.window, size_wh)
    made[own] = values[part]
    return made


def _under(values: Values, cutout: Cutout, size_wh: tuple[int, int]) -> Values:
    return np.asarray(_window(values, cutout, size_wh)[cutout.mask])


def _usual(values: Values) -> int:
    """The most frequent value; 0 if the background is as frequent as all others together, or nothing is there."""
    found, counts = np.unique(values, return_counts=True)
    is_class = found != 0
    if not is_class.any() or counts[is_class].sum() * 2 < len(values):
        return 0
    return int(found[is_class][counts[is_class].argmax()])


def _present(mask: Image.Image) -> set[int]:
    return set(map(int, np.unique(pixel_values(mask))))


def new_segment(taken: set[int], mask: Image.Image) -> int:
    """A value for one more segment. COCO numbers colours from red, so that red counts first.

    Args:
        taken: the values that others have.
        mask: of the kind that the value is for.

    Raises:
        OperationSkippedError: there is none.
    """
    if len(mask.getbands()) < 3:
        return _free(max(taken, default=0) + 1, taken, mask.mode)
    number = max((_swapped(code) for code in taken), default=0) + 1
    return _swapped(_free(number, {_swapped(code) for code in taken}, mask.mode))


def _swapped(code: int) -> int:
    """0xRRGGBB to 0xBBGGRR, and back."""
    return (code & 255) << 16 | code & 0xFF00 | code >> 16


def new_instance(taken: set[int], mask: Image.Image, lent: int) -> int:
    """A value for one more object in a mask of single objects; of Cityscapes' kind within the numbers of its class.

    Args:
        taken: the values that others have.
        mask: of the kind that the value is for.
        lent: the value that the object has in its own image.

    Raises:
        OperationSkippedError: there is none.
    """
    if lent >= PER_CLASS and len(mask.getbands()) == 1:
        own = [value for value in taken if value // PER_CLASS == lent // PER_CLASS]
        return max(own, default=lent // PER_CLASS * PER_CLASS - 1) + 1
    objects = [value for value in taken if value != VOID or len(mask.getbands()) > 1]
    return _free(max(objects, default=0) + 1, taken, mask.mode)


def _free(first: int, taken: Sequence[int] | set[int], mode: str) -> int:
    """The first value from here on, else from 1, that is not taken."""
    largest = _LARGEST.get(mode, 0)
    for value in (*range(first, min(first + 2, largest + 1)), *range(1, min(largest, 1 << 16) + 1)):
        if value not in taken:
            return value
    raise OperationSkippedError("its mask of single objects has no value left for one more")
