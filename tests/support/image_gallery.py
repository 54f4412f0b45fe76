"""One real file of each kind of image, with what variations of it must keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.support import image_files as makers
from tests.support.image_files import SIZE_WH, alpha_of, colours, deep_values, encoded, greys


@dataclass(frozen=True)
class Kind:
    """A kind of image file.

    Args:
        name: File name, which also describes it.
        make: Encodes the file.
        same: The format that "same as source" gives.
        pixels: What the file shows, upright, as an array; None where a lossy codec decides.
        alpha, is_gray, deep: What variations must keep.
    """

    name: str
    make: Callable[[], bytes]
    same: str
    pixels: Callable[[], np.ndarray[Any, Any]] | None = None
    alpha: bool = False
    is_gray: bool = False
    deep: bool = False


def _with_alpha(image: Image.Image) -> Image.Image:
    image.putalpha(alpha_of(image.size))
    return image


def _array(image: Image.Image) -> np.ndarray[Any, Any]:
    return np.asarray(image)


def _palette(is_gray: bool = False) -> Image.Image:
    return (greys().convert("RGB") if is_gray else colours()).quantize(200)


def _with_clear_ink() -> Image.Image:
    """Colours, with every pixel of one value declared transparent."""
    image = colours()
    image.paste((1, 2, 3), (4, 4, 20, 20))
    return image


def _clear_alpha() -> np.ndarray[Any, Any]:
    pixels = _array(_with_clear_ink())
    return np.dstack([pixels, np.where((pixels == (1, 2, 3)).all(-1), 0, 255).astype(np.uint8)])


def _big_endian() -> Image.Image:
    return Image.frombytes("I;16B", SIZE_WH, deep_values().astype(">u2").tobytes())


def _lab() -> Image.Image:
    create = ImageCms.createProfile
    lab = ImageCms.profileToProfile(colours(), create("sRGB"), create("LAB"), outputMode="LAB")
    assert lab is not None
    return lab


def _16_bit_colour() -> np.ndarray[Any, Any]:
    return _array(colours()).astype(np.uint16) * 257


KINDS = [
    # colour
    Kind("rgb.png", makers.png, "PNG", lambda: _array(colours())),
    Kind("interlaced.png", lambda: makers.interlaced_png(colours()), "PNG", lambda: _array(colours())),
    Kind("16bit colour.png", lambda: makers.png_16_bit_colour(_16_bit_colour()), "PNG", lambda: _array(colours())),
    Kind("rgb.tif", lambda: encoded(colours(), "TIFF"), "TIFF", lambda: _array(colours())),
    Kind("pages.tiff", lambda: makers.frames("TIFF"), "TIFF", lambda: _array(colours())),
    Kind("rgb.bmp", lambda: encoded(colours(), "BMP"), "PNG", lambda: _array(colours())),
    Kind("rgb.tga", lambda: encoded(colours(), "TGA"), "PNG", lambda: _array(colours())),
    Kind("rgb.ppm", lambda: encoded(colours(), "PPM"), "PNG", lambda: _array(colours())),
    Kind("rgb.jp2", lambda: encoded(colours(), "JPEG2000"), "JPEG", lambda: _array(colours())),
    Kind("rgb.webp", lambda: encoded(colours(), "WEBP", lossless=True), "WEBP", lambda: _array(colours())),
    Kind("baseline.jpg", makers.jpeg, "JPEG"),
    Kind("progressive.jpg", lambda: makers.jpeg(progressive=True), "JPEG"),
    Kind("phone.mpo", lambda: makers.frames("MPO"), "JPEG"),
    Kind("cmyk.jpg", lambda: encoded(colours().convert("CMYK"), "JPEG", quality=95), "JPEG"),
    Kind("ycck.jpg", lambda: makers.ycck_jpeg(colours().convert("CMYK")), "JPEG"),
    Kind("cmyk.tif", lambda: encoded(colours().convert("CMYK"), "TIFF"), "TIFF"),
    Kind("lab.tif", lambda: encoded(_lab(), "TIFF"), "TIFF"),
    Kind("photo.heic", lambda: encoded(colours(), "HEIF"), "JPEG"),
    Kind("photo.avif", lambda: encoded(colours(), "AVIF"), "JPEG"),
    Kind("palette.png", lambda: encoded(_palette()), "PNG", lambda: _array(_palette().convert("RGB"))),
    Kind("palette.gif", lambda: encoded(_palette(), "GIF"), "PNG", lambda: _array(_palette().convert("RGB"))),
    # transparency
    Kind(
        "rgba.png", lambda: encoded(_with_alpha(colours())), "PNG", lambda: _array(_with_alpha(colours())), alpha=True
    ),
    Kind(
        "rgba.tif",
        lambda: encoded(_with_alpha(colours()), "TIFF"),
        "TIFF",
        lambda: _array(_with_alpha(colours())),
        alpha=True,
    ),
    Kind(
        "rgba.webp",
        lambda: encoded(_with_alpha(colours()), "WEBP", lossless=True, exact=True),
        "WEBP",
        lambda: _array(_with_alpha(colours())),
        alpha=True,
    ),
    Kind(
        "rgba.jp2",
        lambda: encoded(_with_alpha(colours()), "JPEG2000"),
        "PNG",
        lambda: _array(_with_alpha(colours())),
        alpha=True,
    ),
    Kind("rgba.heic", lambda: encoded(_with_alpha(colours()), "HEIF"), "PNG", alpha=True),
    Kind(
        "palette with alpha.png",
        lambda: encoded(_palette(), transparency=bytes(range(200))),
        "PNG",
        lambda: np.dstack([_array(_palette().convert("RGB")), _array(_palette()).clip(0, 199)]),
        alpha=True,
    ),
    Kind(
        "one clear colour.png",
        lambda: encoded(_with_clear_ink(), transparency=(1, 2, 3)),
        "PNG",
        _clear_alpha,
        alpha=True,
    ),
    # grey
    Kind("grey.png", lambda: encoded(greys()), "PNG", lambda: _array(greys()), is_gray=True),
    Kind("grey.jpg", lambda: encoded(greys(), "JPEG"), "JPEG", is_gray=True),
    Kind("grey.tif", lambda: encoded(greys(), "TIFF"), "TIFF", lambda: _array(greys()), is_gray=True),
    Kind(
        "grey as rgb.png",
        lambda: encoded(greys().convert("RGB")),
        "PNG",
        lambda: _array(greys().convert("RGB")),
        is_gray=True,
    ),
    Kind("grey as rgb.jpg", lambda: encoded(greys().convert("RGB"), "JPEG"), "JPEG", is_gray=True),
    Kind(
        "grey palette.gif",
        lambda: encoded(_palette(is_gray=True), "GIF"),
        "PNG",
        lambda: _array(_palette(is_gray=True).convert("RGB")),
        is_gray=True,
    ),
    Kind("grey.webp", lambda: encoded(greys().convert("RGB"), "WEBP", lossless=True), "WEBP", is_gray=True),
    Kind(
        "grey with alpha.png",
        lambda: encoded(_with_alpha(greys())),
        "PNG",
        lambda: _array(_with_alpha(greys())),
        alpha=True,
        is_gray=True,
    ),
    Kind(
        "1bit.png",
        lambda: encoded(greys().convert("1")),
        "PNG",
        lambda: _array(greys().convert("1")).astype(np.uint8) * 255,
        is_gray=True,
    ),
    Kind(
        "1bit.tif",
        lambda: encoded(greys().convert("1"), "TIFF", compression="group4"),
        "TIFF",
        lambda: _array(greys().convert("1")).astype(np.uint8) * 255,
        is_gray=True,
    ),
    # more than 8 bits
    Kind("16bit.png", lambda: encoded(Image.fromarray(deep_values())), "PNG", deep_values, is_gray=True, deep=True),
    Kind(
        "16bit.tif",
        lambda: encoded(Image.fromarray(deep_values()), "TIFF"),
        "TIFF",
        deep_values,
        is_gray=True,
        deep=True,
    ),
    Kind("16bit big-endian.tif", lambda: encoded(_big_endian(), "TIFF"), "TIFF", deep_values, is_gray=True, deep=True),
    Kind(
        "16bit.jp2",
        lambda: encoded(Image.fromarray(deep_values()), "JPEG2000"),
        "PNG",
        deep_values,
        is_gray=True,
        deep=True,
    ),
    Kind(
        "16bit.pgm", lambda: encoded(Image.fromarray(deep_values()), "PPM"), "PNG", deep_values, is_gray=True, deep=True
    ),
]
BY_NAME = {kind.name: kind for kind in KINDS}
