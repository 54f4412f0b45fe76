"""Stored and upright coordinates of an image file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from augmentai.images import ImageError, decode
from augmentai.images.orientation import Frame, read_frame
from tests.support import image_files as makers
from tests.support.image_files import SIZE_WH, colours, encoded


def frame_with(orientation: int) -> tuple[Frame, Image.Image]:
    """The frame of a file whose upright image is `colours()`, and the image as stored."""
    stored = Image.fromarray(makers.stored_turned(np.asarray(colours()), orientation))
    return read_frame(io.BytesIO(encoded(stored, exif=makers.exif_with(orientation)))), stored


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_of_every_orientation(orientation: int) -> None:
    frame, stored = frame_with(orientation)
    assert frame == Frame(SIZE_WH, stored.size, orientation)
    assert frame.matches_stored(stored.size) == (orientation >= 5)
    assert not frame.matches_stored(SIZE_WH)


# HEIF and AVIF have the rotation as a property of their own too; JPEG's pixels are stored as those of the others are.
LOSSLESS = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}
LOSSY = {"JPEG": {"quality": 95}, "AVIF": {"quality": 95}, "HEIF": {"quality": 95}, "MPO": {"save_all": True}}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", [*LOSSLESS, *LOSSY])
def test_the_header_says_the_size_that_is_decoded(file_format: str, orientation: int) -> None:
    stored = Image.fromarray(makers.stored_turned(np.asarray(colours()), orientation))
    options = {**LOSSLESS, **LOSSY}[file_format]
    data = encoded(stored, file_format, exif=makers.exif_with(orientation), **options)
    frame, photo = read_frame(io.BytesIO(data)), decode(data, "a", 10**6)
    assert frame.size_wh == photo.size_wh == SIZE_WH
    if file_format in LOSSLESS:
        assert frame.stored_wh == stored.size
        assert frame.upright(stored).tobytes() == photo.rgb.tobytes()


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_tiff_turned_by_its_xmp_alone(orientation: int) -> None:
    stored = Image.fromarray(makers.stored_turned(np.asarray(colours()), orientation))
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="{orientation}"/>'.encode()
    data = encoded(stored, "TIFF", tiffinfo={700: xmp})
    assert read_frame(io.BytesIO(data)).size_wh == decode(data, "a.tif", 10**6).size_wh


@pytest.mark.parametrize("orientation", range(1, 9))
def test_points_and_images_turn_alike(orientation: int) -> None:
    frame, stored = frame_with(orientation)
    upright = frame.upright(stored)
    assert upright.tobytes() == colours().tobytes()
    for x, y in ((0, 0), (7, 3), (stored.width - 1, stored.height - 1)):
        upright_x, upright_y = frame.point(x + 0.5, y + 0.5)  # the middle of the pixel
        assert upright.getpixel((int(upright_x), int(upright_y))) == stored.getpixel((x, y))


def test_unknown_orientation_counts_as_upright() -> None:
    assert read_frame(io.BytesIO(encoded(colours(), exif=makers.exif_with(9)))).orientation == 1


def test_a_file_that_is_not_an_image() -> None:
    with pytest.raises(ImageError, match="not an image that can be read"):
        read_frame(io.BytesIO(b"hello, world"))
