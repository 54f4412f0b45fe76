"""Colour of 16 bits per channel: every value is read, and written again."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.images import Photo, decode, encode
from augmentai.images.encode import DIGITAL_SOURCE_TYPES
from tests.support import image_files as makers
from tests.support.image_files import SIZE_WH, colours, encoded, raw_png
from tests.support.tiffs import RGB, tiff

WIDTH, HEIGHT = SIZE_WH
Values = np.ndarray[Any, Any]


def values(channels: int = 3) -> Values:
    return np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, channels)).astype(np.uint16)


def png(pixels: Values, extra: bytes = b"") -> bytes:
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return raw_png((width, height, 16, 2 if channels == 3 else 6, 0), rows, extra)


def photo_of(data: bytes) -> Photo:
    return decode(data, "a", 10**6)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(values()), values()),
        (png(values(4)), values(4)[..., :3]),  # transparency has 8 bits
        (tiff(values(), RGB), values()),
        (tiff(values(4), RGB, [2]), values(4)[..., :3]),
        (png(np.full((HEIGHT, WIDTH, 3), 300, np.uint16)), np.full((HEIGHT, WIDTH, 3), 300)),  # grey in colour
    ],
)
def test_every_value_is_read(data: bytes, expected: Values) -> None:
    photo = photo_of(data)
    assert photo.notices == ()
    assert photo.fine is not None
    np.testing.assert_array_equal(photo.fine, expected)
    np.testing.assert_array_equal(np.asarray(photo.rgb), expected >> 8)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_turned_views_of_values_are_written(file_format: str) -> None:
    for view in (values()[:, ::-1], values()[::-1], np.rot90(values()), values().swapaxes(0, 1)):
        image = Image.fromarray((view >> 8).astype(np.uint8))
        data = encode(image, file_format, "note", DIGITAL_SOURCE_TYPES[1], None, fine=view)
        np.testing.assert_array_equal(photo_of(data).fine, view)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_depth_is_turned_with_the_pixels(orientation: int) -> None:
    stored = makers.stored_turned(values(), orientation)
    exif = makers.png_chunk(b"eXIf", makers.exif_with(orientation).removeprefix(b"Exif\0\0"))
    photo = photo_of(png(stored, exif))
    assert photo.fine is not None
    np.testing.assert_array_equal(photo.fine, values())


@pytest.mark.parametrize("data", [encoded(colours()), encoded(colours(), "TIFF"), encoded(colours(), "JPEG")])
def test_eight_bits_stay_eight(data: bytes) -> None:
    photo = photo_of(data)
    assert photo.fine is None
    assert photo.refine(photo.rgb) is None


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_every_value_is_written(file_format: str, channels: int) -> None:
    fine, mode = values(channels), "RGB" if channels == 3 else "RGBA"
    image = Image.fromarray((fine >> 8).astype(np.uint8), mode)
    data = encode(image, file_format, "a note", DIGITAL_SOURCE_TYPES[0], makers.rgb_profile(), fine=fine)
    photo = photo_of(data)
    assert photo.fine is not None
    np.testing.assert_array_equal(photo.fine, fine[..., :3])
    assert (photo.icc_profile, photo.alpha is not None) == (makers.rgb_profile(), channels == 4)
    with Image.open(io.BytesIO(data)) as opened:
        mark = opened.info.get("xmp") or b""
        assert b"digitalsourcetype/trainedAlgorithmicMedia" in (mark if isinstance(mark, bytes) else mark.encode())


def test_a_change_in_eight_bits_is_added_to_the_values() -> None:
    photo = photo_of(png(values() // 2))
    restored = photo.restore(photo.rgb)
    np.testing.assert_array_equal(photo.refine(restored), values() // 2)  # nothing was changed
    lighter = photo.refine(photo.restore(photo.rgb.point(lambda value: value + 10)))
    assert lighter is not None
    np.testing.assert_array_equal(lighter, values() // 2 + 10 * 257)


def test_planes_of_16_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="16-bit colour in separate planes cannot be read"):
        photo_of(tiff(values(), RGB, planes=True))
