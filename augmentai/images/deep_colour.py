"""Colour of 16 bits per channel, which Pillow reads and writes in 8.

Pillow keeps the high byte of each value. Told that the bytes are in the other order, its own decoders give the low one,
so that both together are the whole value. PNG and TIFF are written here, with all else as Pillow writes it.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from augmentai.images.exif import orientation_of, turned

DEEP_FORMATS = frozenset({"PNG", "TIFF"})
_SWAPPED = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B" if sys.byteorder == "little" else ";16L"}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {3: 2, 4: 6}  # by number of channels (PNG specification, 11.2.2)
_SUB_FILTER = 1
_ADOBE_DEFLATE, _RGB, _HORIZONTAL, _ALPHA = 8, 2, 2, 2  # compression, photometric, predictor, extra sample

Values = np.ndarray[Any, np.dtype[np.uint16]]


def deep_colour(data: bytes, high: Image.Image, formats: tuple[str, ...]) -> Values | None:
    """The colours of an image in 16 bits.

    Args:
        data: The whole file.
        high: The same image as it was decoded to 8 bits, upright, RGB.
        formats: The decoders that may read it.

    Returns:
        The values; None if they cannot be had.

    Shape:
        (H, W, 3)
    """
    try:
        with Image.open(io.BytesIO(data), formats=formats) as opened:
            swapped = [_swapped(tile) for tile in opened.tile]
            if not swapped or None in swapped:
                return None
            opened.tile = swapped
            opened.load()
            low = np.asarray(turned(opened, orientation_of(opened)))[..., :3]
    except MemoryError:
        raise
    except Exception:
        return None  # the 8 bits were read, and have to do
    values = np.asarray(high).astype(np.uint16)
    if low.shape != values.shape:
        return None
    values <<= 8
    values |= low
    return values


def _swapped(tile: Any) -> Any:
    """A piece of a file, to be read in the other byte order; None if it is not in 16 bits."""
    mode, *rest = (tile.args,) if isinstance(tile.args, str) else tile.args
    ending = str(mode)[-4:]
    if ending not in _SWAPPED:
        return None
    other = str(mode)[:-4] + _SWAPPED[ending]
    return tile._replace(args=other if isinstance(tile.args, str) else (other, *rest))


def png_with(values: Values, template: bytes) -> bytes:
    """A PNG of 16 bits per channel.

    Args:
        values: (H, W, 3 or 4).
        template: Any PNG; all but its header and pixels is kept.

    Example:
        >>> buffer = io.BytesIO()
        >>> Image.new("RGB", (1, 1)).save(buffer, "PNG")
        >>> data = png_with(np.full((4, 6, 3), 1000, np.uint16), buffer.getvalue())
        >>> deep_colour(data, Image.open(io.BytesIO(data)).copy(), ("PNG",))[0, 0].tolist()
        [1000, 1000, 1000]
    """
    height, width, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _SUB_FILTER  # each byte less the one of the pixel before
    filtered[:, 1:] = rows
    filtered[:, 1 + 2 * channels :] -= rows[:, : -2 * channels]
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    made, pixels = [_PNG_SIGNATURE, _chunk(b"IHDR", header)], zlib.compress(filtered.tobytes(), 1)
    place, is_written = len(_PNG_SIGNATURE), False
    while place < len(template):
        size, kind = struct.unpack_from(">I4s", template, place)
        chunk, place = template[place : place + size + 12], place + size + 12
        if kind == b"IDAT":
            made += [] if is_written else [_chunk(b"IDAT", pixels)]
            is_written = True
        elif kind != b"IHDR":
            made.append(chunk)
    return b"".join(made)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff_with(values: Values, tags: Mapping[int, Any]) -> bytes:
    """A TIFF of 16 bits per channel.

    Args:
        values: (H, W, 3 or 4).
        tags: Further tags, such as a description.
    """
    height, width, channels = values.shape
    differences = values.copy()
    differences[:, 1:] -= values[:, :-1]
    pixels = zlib.compress(differences.astype("<u2").tobytes(), 1)
    page = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    own = {256: width, 257: height, 258: (16,) * channels, 259: _ADOBE_DEFLATE, 262: _RGB, 273: 0, 277: channels}
    own |= {278: height, 279: len(pixels), 284: 1, 317: _HORIZONTAL} | ({338: _ALPHA} if channels == 4 else {})
    for tag, value in {**own, **tags}.items():
        page[tag] = value
    buffer = io.BytesIO()
    page.save(buffer)  # writes where the pixels begin into tag 273
    return buffer.getvalue() + pixels
