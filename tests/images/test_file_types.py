"""Types detected from the first bytes of real files, whatever their names."""

from __future__ import annotations

import pytest

from augmentai.images.file_types import HEAD_BYTES, IMAGE_TYPES, detect_type
from tests.support import image_files as makers
from tests.support.image_files import colours, encoded


@pytest.mark.parametrize("file_format", sorted(IMAGE_TYPES))
def test_images(file_format: str) -> None:
    assert detect_type(encoded(colours(), file_format)[:HEAD_BYTES]) == file_format


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (makers.zipped({"a.jpg": makers.jpeg()}), "ZIP"),
        (makers.zipped({}), "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!doctype html><html><svg/></html>", "HTML"),
        ("<?xml version='1.0' encoding='UTF-16'?><svg/>".encode("utf-16"), "SVG"),
        (b"BMW and other words", "text"),  # BMP's two letters alone
        ("ż".encode() * HEAD_BYTES, "text"),  # cut inside a character
        (b"\x00\x01\x02\x03", None),
        (b"\xff\xfe\x00", None),
        (b"", None),
    ],
)
def test_other_files(data: bytes, expected: str | None) -> None:
    assert detect_type(data[:HEAD_BYTES]) == expected
