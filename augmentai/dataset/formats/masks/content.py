"""What an image file holds: the flat areas of a mask, or the gradients of a photograph."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from augmentai.dataset.file_tree import Entry
from augmentai.images.decode import FORMATS, load_decoders

MODES = frozenset({"1", "P", "PA", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L", "I;16N", "RGB", "RGBA"})
LOSSY_FORMATS = frozenset({"JPEG", "MPO", "WEBP", "JPEG2000", "AVIF", "HEIF"})
_LOSSY_TIFF = ("jpeg", "tiff_jpeg", "webp")

_MIN_FLAT_FRACTION = 0.8  # of neighbouring pixels that are equal: photographs have a third at most, masks nearly all
_MIN_FLAT_IF_FEW = 0.65  # the same for a mask of few values, whose objects may be thin or small
_FEW_VALUES = 8
NOISE = 4  # levels by which a lossy file may change the pixels of an area
_LEVELS_APART = 24  # between the values of two areas of a lossy mask
_MAX_LEVELS = 32
_MIN_AREA_PX = 12  # that a value fills, to be one of the levels
_MIN_AREA_FRACTION = 0.0005
_MIN_AT_LEVELS = 0.75  # of the pixels of a lossy mask: a smooth photograph has half of them near any such values
_MAX_LABEL_VALUE = 40  # a photograph is brighter; class numbers are not
_LARGEST_FILE_BYTES = 1 << 30
_MAX_SIDE_PX = 1024  # larger files are judged by a part of them


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Attributes:
        size_wh: its width and height as stored, in pixels.
        is_gray: it has one channel.
        is_flat: it has the large flat areas of a mask.
        is_binary: it has no more than two values.
        is_few: it has no more than a few values.
        is_cut_out: a part of it is transparent, by degrees or not.
        is_lossy: its values changed when it was saved.
        is_label_map: flat, and so dark that it can only hold class numbers.
    """

    size_wh: tuple[int, int]
    is_gray: bool
    is_flat: bool
    is_binary: bool
    is_few: bool
    is_lossy: bool
    is_label_map: bool
    is_cut_out: bool = False


def read_content(entry: Entry) -> Content | None:
    """What a file holds; None if it cannot be read as an image."""
    load_decoders()
    try:
        data = entry.read(_LARGEST_FILE_BYTES)
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            lossy, size_wh, mode = is_lossy(opened, data), opened.size, opened.mode
            opened.load()
            left, top = max(0, (opened.width - _MAX_SIDE_PX) // 2), max(0, (opened.height - _MAX_SIDE_PX) // 2)
            part = opened.crop((left, top, opened.width - left, opened.height - top))
    except Exception:
        return None
    values = np.asarray(part)
    known = mode in MODES
    flat = known and (_is_flat_but_for_noise(values) if lossy else _is_flat(values))
    dark = (
        flat
        and not lossy
        and values.ndim == 2
        and mode not in {"1", "P"}
        and int(values.max(initial=0)) <= _MAX_LABEL_VALUE
    )
    count = _value_count(values) if flat and not lossy else len(area_levels(values)) if flat else _FEW_VALUES + 1
    is_dark = dark and bool(values.any())
    cut_out = mode in {"RGBA", "LA"} and len(np.unique(values[..., -1])) > 1
    return Content(size_wh, values.ndim == 2, flat, count <= 2, count <= _FEW_VALUES, lossy, is_dark, cut_out)


def is_lossy(opened: Image.Image, data: bytes) -> bool:
    """Whether an open file was compressed in a way that changes pixel values.

    Args:
        opened: the image.
        data: the file, or its first bytes.
    """
    if opened.format == "TIFF":
        return opened.info.get("compression") in _LOSSY_TIFF
    if opened.format == "WEBP":
        return b"VP8L" not in data[:64]
    return opened.format in LOSSY_FORMATS


def _is_flat(values: np.ndarray[Any, Any]) -> bool:
    """Whether most neighbours in (height, width) or (height, width, channels) are equal."""
    if values.shape[1] < 2:
        return False
    flat = float(_equal_neighbours(values, 0).mean())
    if flat >= _MIN_FLAT_FRACTION:
        return True
    return flat >= _MIN_FLAT_IF_FEW and _value_count(values) <= _FEW_VALUES


def _value_count(values: np.ndarray[Any, Any]) -> int:
    return len(np.unique(_packed(values) if values.ndim == 3 else values))


def _packed(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., channels) of uint8, as one number for each pixel."""
    shifts = np.arange(values.shape[-1], dtype=np.uint32) * 8
    return np.asarray((values.astype(np.uint32) << shifts).sum(-1, dtype=np.uint32))


def _is_flat_but_for_noise(values: np.ndarray[Any, Any]) -> bool:
    """The same for a lossy file: areas of few values that are far from each other, with noise along their borders."""
    if values.shape[1] < 2 or values.dtype != np.uint8:
        return False
    if float(_equal_neighbours(values, NOISE).mean()) < _MIN_FLAT_IF_FEW:
        return False
    levels = area_levels(values)
    pixels = values.reshape(len(values) * values.shape[1], -1).astype(np.int16)
    near = np.zeros(len(pixels), bool)
    for level in levels:
        near |= np.abs(pixels - np.array(level, np.int16)).max(1) <= NOISE
    return bool(levels) and float(near.mean()) >= _MIN_AT_LEVELS


def _equal_neighbours(values: np.ndarray[Any, Any], tolerance: int) -> np.ndarray[Any, Any]:
    """Which pixels are equal to the one on their right, (height, width - 1) of bool."""
    if tolerance:
        values = values.astype(np.int16)
        equal = np.abs(values[:, 1:] - values[:, :-1]) <= tolerance
    else:
        equal = values[:, 1:] == values[:, :-1]
    return equal.all(-1) if equal.ndim == 3 else equal


def area_levels(values: np.ndarray[Any, Any]) -> list[tuple[int, ...]]:
    """The values that fill the areas of a lossy mask, the most frequent first.

    Args:
        values: the mask.

    Returns:
        One tuple of channels for each; none is nearer to another than the noise of a lossy file reaches. Empty if
        there are so many that they cannot be distinguished.

    Shape:
        values: (height, width) or (height, width, channels) of uint8.

    Example:
        >>> area_levels(np.repeat(np.array([[0, 0, 1, 0, 255, 254, 255, 255]], np.uint8), 16, 0))
        [(0,), (255,)]
    """
    tall = values.swapaxes(0, 1)
    flat = np.zeros(values.shape[:2], bool)
    flat[:-1, :-1] = _equal_neighbours(values, NOISE)[:-1] & _equal_neighbours(tall, NOISE).T[:, :-1]
    pixels = values[flat].reshape(int(flat.sum()), -1)
    if not len(pixels):
        return []
    _, firsts, counts = np.unique(_packed(pixels), return_index=True, return_counts=True)
    found = pixels[firsts]
    least = max(_MIN_AREA_PX, len(pixels) * _MIN_AREA_FRACTION)
    levels: list[np.ndarray[Any, Any]] = []
    for position in np.argsort(-counts, kind="stable"):
        value = found[position].astype(np.int16)
        if all(np.abs(value - level).max() >= _LEVELS_APART for level in levels):
            if levels and counts[position] < least:
                break
            levels.append(value)
            if len(levels) > _MAX_LEVELS:
                return []
    return [tuple(int(channel) for channel in level) for level in levels]
