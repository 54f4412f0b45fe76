"""Files that end too early, of every type: what cannot be decoded is found without decoding everything else."""

from __future__ import annotations

import io
from typing import Any

import pytest

from augmentai.images import ImageError, decode
from augmentai.images.cut_off import may_be_cut_off
from tests.support.image_files import colours, encoded

# (type, how it is saved)
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG": ("JPEG", {"quality": 90}),
    "JPEG, progressive": ("JPEG", {"progressive": True}),
    "JPEG with a thumbnail, which has an end of its own": ("JPEG", {"exif": b"Exif\0\0" + b"\xff\xd8\xff\xd9"}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {}),
    "TIFF": ("TIFF", {}),
    "TIFF with JPEG inside": ("TIFF", {"compression": "jpeg"}),
    "BMP": ("BMP", {}),
    "GIF": ("GIF", {}),
    "AVIF": ("AVIF", {}),
    "HEIC": ("HEIC", {}),
}


def fails(data: bytes) -> bool:
    try:
        decode(data, "a", 10**8)
    except ImageError:
        return True
    return False


@pytest.mark.parametrize(("kind", "options"), KINDS.values(), ids=KINDS)
def test_what_cannot_be_decoded_is_suspected(kind: str, options: dict[str, Any]) -> None:
    whole = encoded(colours(), kind, **options)
    if "compression" not in options:  # of these the tables may be missing, so that they are always decoded
        assert not may_be_cut_off(io.BytesIO(whole))
    assert not fails(whole)
    for length in (len(whole) - 1, len(whole) - 9, *(len(whole) * part // 10 for part in range(3, 10))):
        part = whole[:length]
        assert may_be_cut_off(io.BytesIO(part)) or not fails(part), length


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_what_a_program_appends_is_no_fault(kind: str) -> None:
    assert not may_be_cut_off(io.BytesIO(encoded(colours(), kind) + b"appended" * 20_000))


# files without an end of their own are always doubtful
@pytest.mark.parametrize(
    "data", [b"", b"text", b"\xff\xd8\xff", b"GIF89a", b"BM", b"P6\n1 1\n255\n   ", b"II*\0\xff\xff\xff\xff"]
)
def test_anything_else_is_doubtful(data: bytes) -> None:
    assert may_be_cut_off(io.BytesIO(data))
