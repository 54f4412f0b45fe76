"""Colour of 16 bits per channel, which Pillow reads and writes in 8.

Pillow keeps the high byte of each value. Told that the bytes are in the other order, its own decoders give the low one,
so that both together are the whole value. PNG and TIFF are written here, with all else as Pillow writes it.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image, TiffImagePlugin

from augmentai.images.exif import orientation_of, turned
from augmentai.images.strips import strips

DEEP_FORMATS = frozenset({"PNG", "TIFF"})
_SWAPPED = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B" if sys.byteorder == "little" else ";16L"}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {3: 2, 4: 6}  # by number of channels (PNG specification, 11.2.2)
_SUB_FILTER = 1
_ADOBE_DEFLATE, _RGB, _HORIZONTAL, _ALPHA = 8, 2, 2, 2  # compression, photometric, predictor, extra sample

Values = np.ndarray[Any, np.dtype[np.uint16]]


class Rows(Protocol):
    """Colours of 16 bits per channel, some rows at a time: an array, or what computes them when they are asked for.

    Shape:
        (H, W, 3 or 4), uint16
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: slice, /) -> Values: ...

    def __array__(self, dtype: Any = None, /, *, copy: bool | None = None) -> np.ndarray[Any, Any]: ...


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
            low = turned(opened, orientation_of(opened))
    except MemoryError:
        raise
    except Exception:
        return None  # the 8 bits were read, and have to do
    if low.size != high.size or len(low.getbands()) < 3:
        return None
    values = np.empty((high.height, high.width, 3), np.uint16)
    for rows in strips(values.shape):
        values[rows] = _rows_of(high, rows)
        values[rows] <<= 8
        values[rows] |= _rows_of(low, rows)[..., :3]
    return values


def _rows_of(image: Image.Image, rows: slice) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(image.crop((0, rows.start, image.width, rows.stop)))


class Refined:
    """A changed image in the 16 bits per channel of its source: the source's values and the change made in 8 bits.

    Nothing but a few rows is computed at a time: of a large image, all values together take as much memory as four of
    8 bits. It may be read like an array.

    Args:
        fine: The source's values, (H, W, 3).
        original: The same in 8 bits, RGB.
        changed: RGB or RGBA, of the same size.

    Shape:
        (H, W, 3), or (H, W, 4) with transparency; uint16
    """

    def __init__(self, fine: Values, original: Image.Image, changed: Image.Image) -> None:
        self._fine, self._original, self._changed = fine, original, changed
        self.shape = (*fine.shape[:2], len(changed.getbands()))

    def __getitem__(self, rows: slice) -> Values:
        """Some rows; `rows` has a start and an end."""
        changed = _rows_of(self._changed, rows)
        out = np.empty(changed.shape, np.uint16)
        change = changed[..., :3].astype(np.int32) - _rows_of(self._original, rows)
        out[..., :3] = (self._fine[rows] + change * 257).clip(0, 65535)
        out[..., 3:] = changed[..., 3:].astype(np.uint16) * 257
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """All values at once."""
        out = np.empty(self.shape, np.uint16)
        for rows in strips(self.shape):
            out[rows] = self[rows]
        return out if dtype is None else out.astype(dtype, copy=False)


def _swapped(tile: Any) -> Any:
    """A piece of a file, to be read in the other byte order; None if it is not in 16 bits."""
    mode, *rest = (tile.args,) if isinstance(tile.args, str) else tile.args
    ending = str(mode)[-4:]
    if ending not in _SWAPPED:
        return None
    other = str(mode)[:-4] + _SWAPPED[ending]
    return tile._replace(args=other if isinstance(tile.args, str) else (other, *rest))


def png_with(values: Rows, template: bytes) -> bytes:
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
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    made = [_PNG_SIGNATURE, *_chunk(b"IHDR", [header])]
    pixels = _compressed(_filtered(values[rows]) for rows in strips(values.shape))
    place, is_written = len(_PNG_SIGNATURE), False
    while place < len(template):
        size, kind = struct.unpack_from(">I4s", template, place)
        chunk, place = template[place : place + size + 12], place + size + 12
        if kind == b"IDAT":
            made += [] if is_written else _chunk(b"IDAT", pixels)
            is_written = True
        elif kind != b"IHDR":
            made.append(chunk)
    return b"".join(made)


def _filtered(values: Values) -> bytes:
    """Rows as a PNG has them: each byte less the one of the pixel before."""
    height, _, channels = values.shape
    rows = values.astype(">u2", order="C").view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _SUB_FILTER
    filtered[:, 1:] = rows
    filtered[:, 1 + 2 * channels :] -= rows[:, : -2 * channels]
    return filtered.tobytes()


def _compressed(pieces: Iterable[bytes]) -> list[bytes]:
    """One stream of all pieces, in pieces."""
    deflate = zlib.compressobj(1)
    return [*(deflate.compress(piece) for piece in pieces), deflate.flush()]


def _chunk(kind: bytes, data: Sequence[bytes]) -> list[bytes]:
    """A chunk of a PNG, in pieces."""
    checksum = zlib.crc32(kind)
    for piece in data:
        checksum = zlib.crc32(piece, checksum)
    return [struct.pack(">I", sum(map(len, data))) + kind, *data, struct.pack(">I", checksum)]


def tiff_with(values: Rows, tags: Mapping[int, Any]) -> bytes:
    """A TIFF of 16 bits per channel.

    Args:
        values: (H, W, 3 or 4).
        tags: Further tags, such as a description.
    """
    height, width, channels = values.shape
    pixels = _compressed(_differences(values[rows]) for rows in strips(values.shape))
    page = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    own = {256: width, 257: height, 258: (16,) * channels, 259: _ADOBE_DEFLATE, 262: _RGB, 273: 0, 277: channels}
    own |= {278: height, 279: sum(map(len, pixels)), 284: 1, 317: _HORIZONTAL}
    own |= {338: _ALPHA} if channels == 4 else {}
    for tag, value in {**own, **tags}.items():
        page[tag] = value
    buffer = io.BytesIO()
    page.save(buffer)  # writes where the pixels begin into tag 273
    return b"".join([buffer.getvalue(), *pixels])


def _differences(values: Values) -> bytes:
    """Rows as a TIFF has them: each value less the one of the pixel before."""
    differences = values.copy()
    differences[:, 1:] -= values[:, :-1]
    return differences.astype("<u2").tobytes()
