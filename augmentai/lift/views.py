"""Views: what a training step sees of an image. Flips and crops, as a trainer makes them, seeded per image."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

Squares = np.ndarray[Any, np.dtype[np.uint8]]

_LEAST_AREA, _MOST_STRETCH = 0.5, 4 / 3  # of a crop: share of the image, and width to height either way
_ATTEMPTS = 10


def seeded(*words: object) -> np.random.Generator:
    """Random numbers that depend on these words alone.

    Example:
        >>> seeded(7, "a.jpg").integers(100) == seeded(7, "a.jpg").integers(100)
        np.True_
    """
    digest = hashlib.sha256(":".join(map(str, words)).encode("utf-8", "backslashreplace")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


@dataclass(frozen=True)
class Crop:
    """Which part of an image a view shows: x0, y0, x1, y1 in pixels, and whether mirrored."""

    box: tuple[int, int, int, int]
    mirrored: bool = False


def draw_crop(size_wh: tuple[int, int], rng: np.random.Generator) -> Crop:
    """A random crop of half to all of an image, mirrored half of the time; see `flip_and_crop`."""
    return Crop(_box(size_wh, rng), bool(rng.random() < 0.5))


def cropped(rgb: Image.Image, crop: Crop, side_px: int) -> Squares:
    """What a crop shows, squeezed to a square. Shape: uint8 (side_px, side_px, 3)."""
    view = np.asarray(rgb.resize((side_px, side_px), Image.Resampling.BICUBIC, box=crop.box, reducing_gap=2.0))
    return view[:, ::-1] if crop.mirrored else view


def flip_and_crop(image: Image.Image, count: int, side_px: int, rng: np.random.Generator) -> Squares:
    """Random crops of half to all of an image, squeezed to squares, half of them mirrored.

    This is the usual RandomResizedCrop with a scale of 0.5 to 1, which suits few images better than 0.08 to 1.

    Args:
        image: of any size and mode.
        count: how many views.
        side_px: of each square.
        rng: random numbers.

    Shape:
        output: uint8 (count, side_px, side_px, 3).

    Example:
        >>> flip_and_crop(Image.new("L", (300, 200), 255), 4, 160, seeded(7)).shape
        (4, 160, 160, 3)
    """
    rgb = image.convert("RGB")
    views = np.empty((count, side_px, side_px, 3), np.uint8)
    for number in range(count):
        views[number] = cropped(rgb, draw_crop(rgb.size, rng), side_px)
    return views


def _box(size_wh: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
    width, height = size_wh
    stretch = math.log(_MOST_STRETCH)
    for _ in range(_ATTEMPTS):
        area, ratio = width * height * rng.uniform(_LEAST_AREA, 1), math.exp(rng.uniform(-stretch, stretch))
        w, h = max(1, round(math.sqrt(area * ratio))), max(1, round(math.sqrt(area / ratio)))
        if w <= width and h <= height:
            x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
            return x, y, x + w, y + h
    return 0, 0, width, height
