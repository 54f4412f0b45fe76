"""Pixels through a homography, by kornia. This module loads torch, so it is imported where it is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from kornia.geometry.transform import warp_perspective
from PIL import Image

from augmentai.operations.homography import Matrix, shifted

_STRIP_PX = (
    1 << 18
)  # output pixels worked on at a time: their coordinates take 8 bytes each, and several copies of that
_TOGETHER = 1 << 24  # values; larger pictures are moved channel by channel: as floats they would take gigabytes
_EXACT_IN_FLOAT32 = {"uint8", "uint16", "int16", "float32", "bool"}

Planes = np.ndarray[Any, Any]


def moved_picture(picture: Image.Image, matrix: Matrix, mode: str) -> Image.Image:
    """A picture of any mode moved by `matrix`, source to output, in coordinates whose first pixel reaches from 0 to 1.

    mode: "bicubic" or "nearest".
    """
    if picture.mode == "1":
        values = np.asarray(picture).astype(np.uint8)[None]
        return _like(picture, np.packbits(moved_planes(values, matrix, mode)[0], axis=-1))
    values = np.asarray(picture)
    if picture.mode.startswith("I;16"):
        values = values.astype(np.uint16)  # the other order of bytes is nothing for torch
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    if mode != "nearest" and picture.mode in {"LA", "RGBA"}:
        moved = _moved_by_opacity(planes, matrix, mode)
    else:
        moved = moved_planes(planes, matrix, mode)
    return _like(picture, moved[0] if values.ndim == 2 else moved.transpose(1, 2, 0))


def _like(picture: Image.Image, values: Planes) -> Image.Image:
    """A picture with these values, and the mode and palette of `picture`."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray(values)
    made = picture.copy()
    made.frombytes(np.ascontiguousarray(values).tobytes())
    return made


def _moved_by_opacity(planes: Planes, matrix: Matrix, mode: str) -> Planes:
    """8-bit colours with their opacity last. Colours count as much as they are seen (premultiplied alpha)."""
    alpha = planes[-1:].astype(np.float32)
    moved_alpha = moved_planes(alpha, matrix, mode).clip(0, 255)
    out = np.empty_like(planes)
    out[-1:] = np.rint(moved_alpha)
    for channel, colour in enumerate(planes[:-1]):
        weighted = moved_planes(colour[None] * (alpha / 255), matrix, mode)
        out[channel] = np.rint((weighted * 255 / np.maximum(moved_alpha, 1)).clip(0, 255))[0]
    return out


def moved_planes(planes: Planes, matrix: Matrix, mode: str) -> Planes:
    """(C, H, W) of any numbers, moved; the same type, rounded where it is whole, never beyond its own extremes.

    The border is reflected. Worked on in strips of rows, so that memory beyond the input as floats stays small.
    """
    channels, height, width = planes.shape
    if channels > 1 and planes.size > _TOGETHER:
        return np.concatenate([moved_planes(plane[None], matrix, mode) for plane in planes])
    kind = torch.float32 if planes.dtype.name in _EXACT_IN_FLOAT32 else torch.float64
    source = torch.from_numpy(np.array(planes)).to(kind)[None]
    low, high = (0, 255) if planes.dtype == np.uint8 else (float(planes.min()), float(planes.max()))
    out = np.empty_like(planes, order="C")
    # kornia puts pixel 0 at 0; labels put its middle at a half.
    centred = shifted(-0.5, -0.5) @ matrix @ shifted(0.5, 0.5)
    rows = max(1, _STRIP_PX // width)
    with torch.inference_mode():
        for top in range(0, height, rows):
            count = min(rows, height - top)
            strip = torch.from_numpy(shifted(0, -top) @ centred).to(kind)[None]
            moved = warp_perspective(source, strip, (count, width), mode, "reflection", align_corners=True)[0]
            if mode != "nearest":
                moved.clamp_(low, high)  # bicubic goes a little beyond on either side of an edge
            if planes.dtype.kind in "ui":
                moved.round_()
            out[:, top : top + count] = moved.numpy()
    return out
