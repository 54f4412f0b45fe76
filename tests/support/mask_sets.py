"""Small sets of photographs and masks: the photographs have noise, an ellipse is the object in both."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

SIZE_WH = (64, 48)
ELLIPSE = (10, 8, 40, 30)
RED = (240, 30, 30)
_KINDS = {"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM", "bmp": "BMP", "gif": "GIF", "png": "PNG", "webp": "WEBP"}


def noise(seed: int = 0, size_wh: tuple[int, int] = SIZE_WH) -> Image.Image:
    """What a photograph is to a program: hardly two neighbours are equal."""
    pixels = np.random.default_rng(seed).integers(60, 180, (size_wh[1], size_wh[0], 3), np.uint8)
    return Image.fromarray(pixels)


def painted(seed: int = 0, ellipse: tuple[int, int, int, int] = ELLIPSE) -> Image.Image:
    """A photograph of a red ellipse."""
    image = noise(seed)
    ImageDraw.Draw(image).ellipse(ellipse, fill=RED)
    return image


def mask_of(ellipse: tuple[int, int, int, int] = ELLIPSE, value: int = 255) -> Image.Image:
    mask = Image.new("L", SIZE_WH)
    ImageDraw.Draw(mask).ellipse(ellipse, fill=value)
    return mask


def in_file(image: Image.Image, name: str, **options: Any) -> bytes:
    """An image as a file of the kind that its name says."""
    buffer = io.BytesIO()
    image.save(buffer, _KINDS[name.rpartition(".")[2].lower()], **options)
    return buffer.getvalue()


def mask_set(images: Sequence[str], masks: Sequence[str] = (), shown: Sequence[str] = ()) -> dict[str, bytes]:
    """A set of photographs, masks and visualizations (the photograph under a veil) of these names."""
    files = {name: in_file(painted(number), name) for number, name in enumerate(images)}
    files |= {name: in_file(mask_of(), name) for name in masks}
    veil = Image.new("RGB", SIZE_WH, (0, 255, 0))
    return files | {name: in_file(Image.blend(painted(n), veil, 0.3), name) for n, name in enumerate(shown)}
