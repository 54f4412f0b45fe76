"""The masks of several images side by side in one frame; single objects of different images stay different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from augmentai.annotations import Labels
from augmentai.operations.compositing.labelled_objects import Values, pixel_values
from augmentai.operations.compositing.mask_planes import PER_CLASS, VOID, like_mask, new_instance, new_segment, written
from augmentai.operations.compositing.tiles import Tile


def tiled_masks(labels: Labels, parts: Sequence[tuple[Tile, Labels]]) -> Labels:
    """The masks of a frame.

    Args:
        labels: of the image that has the frame; its masks say of which kind they are.
        parts: each tile with the labels of its image, which have masks of the same kinds.

    Raises:
        OperationSkippedError: a mask has no value left for one more object.
    """
    named = any(other.extra.get("mask_classes") for _, other in parts)
    extra = dict(labels.extra)
    numbered = set(labels.extra.get("instance_masks", ()))
    made: list[Image.Image] = []
    for number, mask in enumerate(labels.masks):
        values = np.zeros_like(np.asarray(mask))
        is_segments = number == 0 and labels.mask is not None and named
        segments: dict[int, str] = {}
        crowds: set[int] = set()
        for tile, other in parts:
            part = np.array(tile.nearest(np.asarray(other.masks[number])))
            if is_segments:
                part = _renumbered_segments(part, mask, other, segments, crowds)
            elif number in numbered:
                part = _renumbered(part, values, mask)
            left, top, right, bottom = tile.window
            values[top:bottom, left:right] = part
        made.append(like_mask(mask, values))
        if is_segments:
            extra |= {"mask_classes": segments, "mask_crowds": crowds}
    if not made:
        return labels
    has_first = labels.mask is not None
    others = tuple(made[1:] if has_first else made)
    return replace(labels, mask=made[0] if has_first else None, other_masks=others, extra=extra)


def _codes(values: Values) -> Values:
    return pixel_values(Image.fromarray(np.ascontiguousarray(values)))


def _renumbered(part: Values, values: Values, mask: Image.Image) -> Values:
    """A part of a mask of single objects, whose numbers no other part has."""
    codes, taken = _codes(part), set(map(int, np.unique(_codes(values))))
    is_by_class = int(codes.max(initial=0)) >= PER_CLASS and part.ndim == 2
    out = part.copy()
    for code in map(int, np.unique(codes)):
        is_object = code >= PER_CLASS if is_by_class else code and not (code == VOID and part.ndim == 2)
        if is_object and code in taken:
            code_now = new_instance(taken | set(map(int, np.unique(codes))), mask, code)
            out[codes == code] = written(code_now, part)
            taken.add(code_now)
    return out


def _renumbered_segments(
    part: Values, mask: Image.Image, labels: Labels, segments: dict[int, str], crowds: set[int]
) -> Values:
    """A part of a panoptic mask; its segments are added to those that are known."""
    own, own_crowds = labels.extra.get("mask_classes", {}), labels.extra.get("mask_crowds", ())
    codes, out = _codes(part), part.copy()
    present = set(map(int, np.unique(codes)))
    for code in sorted(present & own.keys()):
        code_now = code
        if code in segments:
            code_now = new_segment({*segments, *present, *own}, mask)
            out[codes == code] = written(code_now, part)
        segments[code_now] = own[code]
        if code in own_crowds:
            crowds.add(code_now)
    return out
