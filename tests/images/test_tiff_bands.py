"""TIFFs of satellites and microscopes: no band is dropped, and none becomes transparency."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from augmentai.images import ImageError, decode
from augmentai.images.preview import inspect_header
from tests.support.tiffs import CMYK, GREY, RGB, tiff


def values(bands: int, kind: str = "u1") -> np.ndarray[Any, Any]:
    made = np.random.default_rng(0).integers(0, 200, (32, 48, bands))
    return (made / 200 if kind.startswith("f") else made).astype(kind)


REFUSED = [  # (file, what is said)
    (tiff(values(4), RGB, [0]), "4 bands per pixel (colour and 1 more that is not transparency)"),  # near infrared
    (tiff(values(4), RGB), "4 bands per pixel (colour and 1 more"),  # the same, and nothing says what it is
    (tiff(values(4, "u2"), RGB, [0]), "4 bands per pixel"),
    (tiff(values(5), RGB, [0, 0]), "5 bands per pixel (colour and 2 more that are not transparency)"),
    (tiff(values(5), RGB, [2, 0]), "5 bands per pixel"),
    (tiff(values(5), RGB, [0, 0], planes=True), "5 bands per pixel"),
    (tiff(values(13, "u2"), GREY, [0] * 12), "13 bands per pixel (grey and 12 more"),  # Sentinel-2
    (tiff(values(3, "u2"), GREY, [0, 0]), "3 bands per pixel (grey and 2 more"),  # GDAL, without a photometric
    (tiff(values(2), GREY, [0]), "2 bands per pixel (grey and 1 more"),
    (tiff(values(5), CMYK, [0]), "5 bands per pixel (CMYK and 1 more"),
    (tiff(values(3, "f4"), RGB), "floating-point colour cannot be read"),
    (tiff(values(1, "f8"), GREY), "64-bit floats cannot be read"),
]


@pytest.mark.parametrize(("data", "words"), REFUSED)
def test_refused_in_true_words(data: bytes, words: str) -> None:
    for read in (lambda: decode(data, "a.tif", 10**6), lambda: inspect_header(io.BytesIO(data), "a.tif", 10**6)):
        with pytest.raises(ImageError) as caught:
            read()
        assert words in str(caught.value)
        assert "; export " in str(caught.value)


READ = [  # (file, mode, whether it has transparency, whether it is deep)
    (tiff(values(3), RGB), "RGB", False, False),
    (tiff(values(3), RGB, planes=True), "RGB", False, False),
    (tiff(values(4), RGB, [2]), "RGBA", True, False),
    (tiff(values(2), GREY, [2]), "LA", True, False),
    (tiff(values(1), GREY), "L", False, False),
    (tiff(values(1, "u2"), GREY), "I;16", False, True),
    (tiff(values(1, "i4"), GREY), "I", False, True),
    (tiff(values(1, "f4"), GREY), "F", False, True),
    (tiff(values(4), CMYK), "RGB", False, False),
]


@pytest.mark.parametrize(("data", "mode", "has_alpha", "is_deep"), READ)
def test_all_others_are_read(data: bytes, mode: str, has_alpha: bool, is_deep: bool) -> None:
    photo = decode(data, "a.tif", 10**6)
    assert (photo.mode, photo.alpha is not None, photo.deep is not None) == (mode, has_alpha, is_deep)


def test_a_broken_directory_is_a_broken_file() -> None:
    whole = tiff(values(3))
    for data in (whole[:20], whole[:8], b"II*\0" + b"\xff" * 40, b"MM\0*" + bytes(40), b"II+\0" + bytes(30)):
        with pytest.raises(ImageError, match="corrupt or truncated"):
            decode(data, "a.tif", 10**6)
