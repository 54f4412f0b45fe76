"""Images in very many parts are refused before a decoder goes through them one by one."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

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


def jpeg_in_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    buffer = io.BytesIO()
    Image.effect_noise((64, 48), 60).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    own, last = data.count(b"\xff\xda"), data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (scans - own) + data[-2:]


def test_many_scans_are_refused() -> None:
    behind = b"\xff\xda" * 200  # a video, as some phones append one
    assert decode(jpeg_in_scans(file_parts.MOST_SCANS) + behind, "a", 10**6).size_wh == (64, 48)
    for read in (decode, lambda data, name, most: thumbnail(data, name, most, 64)):
        with pytest.raises(ImageError, match="its pixels come in more than 100 scans; export it again"):
            read(jpeg_in_scans(file_parts.MOST_SCANS + 1), "a", 10**6)
