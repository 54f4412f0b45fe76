"""Whether an image file ends before its pixels do, judged by its structure and its last bytes. Nothing is decoded."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import IO, Any

from PIL import Image

from augmentai.images.file_types import HEAD_BYTES, detect_type

_TAIL_BYTES = 1 << 16  # in which an end mark is looked for: some programs append something to it
_JPEG_END = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_COMPRESSION, _JPEG_IN_TIFF = 259, (6, 7)  # its tables may be missing as well
_TIFF_PLACES = ((273, 279), (324, 325))  # offsets and sizes of strips, and of tiles
_LONG_BOX = 16


def may_be_cut_off(stream: IO[bytes]) -> bool:
    """Whether a file has no end mark, or is shorter than it says: then decoding it shows whether pixels are missing.

    Args:
        stream: open for reading, and seekable.

    Example:
        >>> import io
        >>> buffer = io.BytesIO()
        >>> Image.new("RGB", (64, 48)).save(buffer, "PNG")
        >>> may_be_cut_off(buffer), may_be_cut_off(io.BytesIO(buffer.getvalue()[:-20]))
        (False, True)
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    kind = detect_type(head)
    try:
        if kind == "JPEG":
            return not _ends_with(stream, size, _JPEG_END, _first_scan(stream, size))
        if kind == "PNG":
            return not _ends_with(stream, size, b"IEND")
        if kind == "WEBP":
            return struct.unpack("<I", head[4:8])[0] + 8 > size
        if kind == "GIF":
            stream.seek(max(0, size - 2))
            return stream.read() != b"\0;"  # the last block is empty, and the mark follows
        if kind == "BMP":
            return struct.unpack("<I", head[2:6])[0] > size
        if kind == "TIFF":
            return _ends_in_strips(stream, size)
        if kind in {"AVIF", "HEIF"}:
            return _ends_in_boxes(stream, size)
    except (struct.error, OSError, ValueError, TypeError):
        pass
    return True  # a format without an end


def _ends_with(stream: IO[bytes], size: int, mark: bytes, start: int = 0) -> bool:
    """Whether a mark is among the last bytes, or anywhere after `start`."""
    stream.seek(max(start, size - _TAIL_BYTES))
    if mark in stream.read():
        return True
    if size - _TAIL_BYTES <= start:
        return False
    stream.seek(start)
    return mark in stream.read()


def _first_scan(stream: IO[bytes], size: int) -> int:
    """Where the pixels of a JPEG begin: a thumbnail in what precedes them has an end mark of its own."""
    place = 2
    while place + 4 <= size:
        stream.seek(place)
        mark, kind, length = struct.unpack(">BBH", stream.read(4))
        if mark != 0xFF or length < 2:
            break
        if kind == _START_OF_SCAN:
            return place
        place += 1 if kind == 0xFF else 2 + length
    return size


def _ends_in_strips(stream: IO[bytes], size: int) -> bool:
    """Whether a strip or tile of a TIFF's first page reaches beyond the end."""
    stream.seek(0)
    with Image.open(stream, formats=("TIFF",)) as opened:
        tags: Any = opened.tag_v2  # type: ignore[attr-defined]
        if tags.get(_COMPRESSION) in _JPEG_IN_TIFF:
            return True
        for offsets, sizes in _TIFF_PLACES:
            starts, lengths = _numbers(tags.get(offsets)), _numbers(tags.get(sizes))
            if starts and (
                not lengths or any(start + length > size for start, length in zip(starts, lengths, strict=False))
            ):
                return True
    return False


def _numbers(value: Any) -> Sequence[int]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _ends_in_boxes(stream: IO[bytes], size: int) -> bool:
    """Whether the last of the boxes that HEIF and AVIF consist of reaches beyond the end."""
    place = 0
    while place < size:
        stream.seek(place)
        header = stream.read(_LONG_BOX)
        length = struct.unpack(">I", header[:4])[0]
        if length == 0:  # to the end, wherever that is
            return False
        if length == 1:
            length = struct.unpack(">Q", header[8:16])[0]
        if length < 8:
            return True
        place += length
    return place > size
