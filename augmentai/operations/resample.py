"""Pixels resampled through a homography by kornia. This module loads torch, so import it where it is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from kornia.geometry.transform import warp_perspective
from PIL import Image

from augmentai.operations.homography import Matrix, translation

_STRIP_PX = 1 << 18  # output pixels computed at a time: their coordinates take 8 bytes each, in several copies
_MAX_VALUES = 1 << 24  # larger images are warped channel by channel: as floats they would take gigabytes
_EXACT_IN_FLOAT32 = {"uint8", "uint16", "int16", "float32", "bool"}

Planes = np.ndarray[Any, Any]


def warped_image(image: Image.Image, matrix: Matrix, mode: str) -> Image.Image:
    """An image of any mode, warped.

    Args:
        image: of any mode.
        matrix: (3, 3), from the source to the output, in pixels; the first pixel covers 0 to 1.
        mode: "bicubic" or "nearest".

    Returns:
        An image of the same size and mode, with the same palette.
    """
    if image.mode == "1":
        values = np.asarray(image).astype(np.uint8)[None]
        return _like(image, np.packbits(warped_planes(values, matrix, mode)[0], axis=-1))
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        values = values.astype(np.uint16)  # torch cannot read the other byte order
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    if mode != "nearest" and image.mode in {"LA", "RGBA"}:
        warped = _warped_by_opacity(planes, matrix, mode)
    else:
        warped = warped_planes(planes, matrix, mode)
    return _like(image, warped[0] if values.ndim == 2 else warped.transpose(1, 2, 0))


def _like(image: Image.Image, values: Planes) -> Image.Image:
    """An image with these values, and the mode and palette of `image`."""
    if image.mode.startswith("I;16"):
        return Image.fromarray(values)
    made = image.copy()
    made.frombytes(np.ascontiguousarray(values).tobytes())
    return made


def _warped_by_opacity(planes: Planes, matrix: Matrix, mode: str) -> Planes:
    """8-bit colours with their opacity last; colours are weighted by it (premultiplied alpha)."""
    alpha = planes[-1:].astype(np.float32)
    warped_alpha = warped_planes(alpha, matrix, mode).clip(0, 255)
    out = np.empty_like(planes)
    out[-1:] = np.rint(warped_alpha)
    for channel, colour in enumerate(planes[:-1]):
        weighted = warped_planes(colour[None] * (alpha / 255), matrix, mode)
        out[channel] = np.rint((weighted * 255 / np.maximum(warped_alpha, 1)).clip(0, 255))[0]
    return out


def warped_planes(planes: Planes, matrix: Matrix, mode: str) -> Planes:
    """Planes of any dtype, warped; beyond the border they are reflected.

    Computed in strips of rows, so that memory beyond the input as floats stays small.

    Args:
        planes: (C, H, W).
        matrix: (3, 3), from the source to the output, in pixels; the first pixel covers 0 to 1.
        mode: "bicubic" or "nearest".

    Returns:
        (C, H, W) of the same dtype, rounded if that is an integer, and never beyond the range of the input (0 to 255
        for uint8).
    """
    channels, height, width = planes.shape
    if channels > 1 and planes.size > _MAX_VALUES:
        return np.concatenate([warped_planes(plane[None], matrix, mode) for plane in planes])
    dtype = torch.float32 if planes.dtype.name in _EXACT_IN_FLOAT32 else torch.float64
    source = torch.from_numpy(np.array(planes)).to(dtype)[None]
    low, high = (0, 255) if planes.dtype == np.uint8 else (float(planes.min()), float(planes.max()))
    out = np.empty_like(planes, order="C")
    # For kornia the centre of the first pixel is at 0; for labels it is at a half.
    centered = translation(-0.5, -0.5) @ matrix @ translation(0.5, 0.5)
    rows = max(1, _STRIP_PX // width)
    with torch.inference_mode():
        for top in range(0, height, rows):
            count = min(rows, height - top)
            strip = torch.from_numpy(translation(0, -top) @ centered).to(dtype)[None]
            warped = warp_perspective(source, strip, (count, width), mode, "reflection", align_corners=True)[0]
            if mode != "nearest":
                warped.clamp_(low, high)  # bicubic overshoots at edges
            if planes.dtype.kind in "ui":
                warped.round_()
            out[:, top : top + count] = warped.numpy()
    return out
