"""Images in very many parts are refused before a decoder goes through them one by one."""

from __future__ import annotations

import io
import struct
import zlib

import pytest

from augmentai.images import ImageError, decode, file_parts
from augmentai.images.preview import inspect_header, thumbnail
from tests.support.image_files import jpeg, png

CHUNK = struct.pack(">I4sI", 0, b"teSt", zlib.crc32(b"teSt"))
SEGMENT = b"\xff\xe5\0\2"


def png_of(chunks: int, at: int) -> bytes:
    """A PNG with empty chunks: behind its head (33) or before its end (-12)."""
    data = png()
    return data[:at] + CHUNK * chunks + data[at:]


def jpeg_of(segments: int) -> bytes:
    data = jpeg()
    return data[:2] + SEGMENT * segments + data[2:]


@pytest.mark.parametrize(
    ("few", "many", "at_once"),
    [
        (png_of(40, 33), png_of(60, 33), True),  # before the pixels
        (png_of(40, -12), png_of(60, -12), False),  # behind them, where the header does not lead
        (jpeg_of(40), jpeg_of(60), True),
        (jpeg(), jpeg_of(0)[:2] + b"\xff" * 60 + jpeg_of(0)[2:], True),  # fill bytes
    ],
)
def test_many_parts_are_refused(few: bytes, many: bytes, at_once: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_parts, "MOST_PARTS", 50)
    assert decode(few, "a", 10**6).size_wh == thumbnail(few, "a", 10**6, 512).size
    for read in (decode, lambda data, name, most: thumbnail(data, name, most, 64)):
        with pytest.raises(ImageError, match="more than 50 parts beside its pixels; export it again"):
            read(many, "a", 10**6)
    if at_once:
        with pytest.raises(ImageError, match="more than 50 parts"):
            inspect_header(io.BufferedReader(io.BytesIO(many)), "a", 10**6)
