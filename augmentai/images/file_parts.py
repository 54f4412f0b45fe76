"""Images in millions of parts or hundreds of scans, which a decoder goes through one by one: counted before it does."""

from __future__ import annotations

import re
import struct
from typing import IO

from augmentai.images.photo import ImageError

MOST_PARTS = 100_000  # a PNG of 100 MB has 12,500, as usual encoders write it
MOST_SCANS = 100  # over all pixels of a JPEG; progressive ones have about ten
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # JPEG's markers that stand alone
_SCAN, _END = 0xDA, 0xD9
_MARK = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])", re.S)  # among the pixels, where FF is followed by 00


def refuse_parts(stream: IO[bytes], whole: bool) -> None:
    """Refuse a PNG of very many chunks, and a JPEG of very many segments or scans. Other files have no such parts.

    Args:
        stream: the file, from its beginning, where it is again afterwards.
        whole: go on behind where the pixels begin.

    Raises:
        ImageError: it has too many.

    Example:
        >>> import io
        >>> refuse_parts(io.BytesIO(_PNG + b"\\0\\0\\0\\0tEXt\\0\\0\\0\\0" * 200_000), whole=False)
        Traceback (most recent call last):
        augmentai.images.photo.ImageError: it has more than 100,000 parts beside its pixels; export it again
    """
    head = stream.read(8)
    if head == _PNG:
        _count_chunks(stream, whole)
    elif head[:2] == _JPEG:
        stream.seek(2)
        if _count_segments(stream) and whole:
            _count_scans(stream.read())
    stream.seek(0)


def _count_chunks(stream: IO[bytes], whole: bool) -> None:
    for _ in range(MOST_PARTS):
        head = stream.read(8)
        if len(head) < 8 or (head[4:] == b"IDAT" and not whole) or head[4:] == b"IEND":
            return
        stream.seek(struct.unpack(">I", head[:4])[0] + 4, 1)
    raise _error()


def _count_segments(stream: IO[bytes]) -> bool:
    """Go to the first scan. Returns whether there is one."""
    for _ in range(MOST_PARTS):
        mark = stream.read(2)
        if len(mark) < 2 or mark[0] != 0xFF or mark[1] in (_SCAN, _END):
            return mark[1:] == bytes([_SCAN])
        if mark[1] == 0xFF:  # a fill byte
            stream.seek(-1, 1)
        elif mark[1] not in _BARE:
            size = stream.read(2)
            if len(size) < 2:
                return False
            stream.seek(max(0, struct.unpack(">H", size)[0] - 2), 1)
    raise _error()


def _count_scans(data: bytes) -> None:
    """data: what follows the mark of the first scan."""
    place, scans = 0, 1
    for _ in range(MOST_PARTS):
        found = _MARK.search(data, place)
        if found is None or found[1][0] == _END:
            return
        scans += found[1][0] == _SCAN
        if scans > MOST_SCANS:
            raise ImageError(f"its pixels come in more than {MOST_SCANS} scans; export it again")
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    raise _error()


def _error() -> ImageError:
    return ImageError(f"it has more than {MOST_PARTS:,} parts beside its pixels; export it again")
