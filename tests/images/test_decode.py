"""Decoding: orientation applied, first frame only, and no more work than the header allows."""

from __future__ import annotations

import io
import threading
import time
import tracemalloc
import warnings
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from augmentai.images import ImageError, decode
from tests.support import image_files as makers
from tests.support.image_files import SIZE_WH, colours, deep_values, encoded, greys

MAX_PIXELS = 50_000_000


def refusal(data: bytes, name: str = "a.jpg", max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, name, max_pixels)
    return str(caught.value)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_every_exif_orientation(file_format: str, orientation: int) -> None:
    upright = np.asarray(colours())
    stored = Image.fromarray(makers.stored_turned(upright, orientation))
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}, "AVIF": {"quality": 100}}
    data = encoded(stored, file_format, exif=makers.exif_with(orientation), **lossless.get(file_format, {}))
    photo = decode(data, "a", MAX_PIXELS)
    assert photo.size_wh == SIZE_WH
    difference = abs(np.asarray(photo.rgb).astype(int) - upright)
    assert difference.mean() <= (0 if file_format in {"PNG", "WEBP", "TIFF"} else 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_applies_to_transparency_and_depth(orientation: int) -> None:
    exif = makers.exif_with(orientation)
    alpha = np.asarray(makers.alpha_of())
    rgba = Image.fromarray(makers.stored_turned(np.dstack([np.asarray(colours()), alpha]), orientation))
    photo = decode(encoded(rgba, exif=exif), "a.png", MAX_PIXELS)
    assert photo.alpha is not None
    np.testing.assert_array_equal(np.asarray(photo.alpha), alpha)
    for file_format, kind in (("PNG", "<u2"), ("TIFF", ">u2")):
        stored = makers.stored_turned(deep_values(), orientation)
        mode = "I;16B" if kind == ">u2" else "I;16"
        image = Image.frombytes(mode, stored.shape[::-1], stored.astype(kind).tobytes())
        photo = decode(encoded(image, file_format, exif=exif), "a", MAX_PIXELS)
        assert photo.deep is not None
        np.testing.assert_array_equal(photo.deep, deep_values())
        assert photo.size_wh == SIZE_WH


@pytest.mark.parametrize("orientation", [6, 8, 3])
def test_heic_orientation_is_applied_once(orientation: int) -> None:
    """HEIC stores the rotation as a property of its own and repeats it in EXIF."""
    upright = np.asarray(colours((64, 48)))
    stored = Image.fromarray(makers.stored_turned(upright, orientation))
    data = encoded(stored, "HEIF", exif=makers.exif_with(orientation), quality=95)
    photo = decode(data, "a.heic", MAX_PIXELS)
    assert photo.size_wh == (64, 48)
    assert abs(np.asarray(photo.rgb).astype(int) - upright).mean() < 12


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", makers.exif_with(9)])
def test_broken_exif_is_ignored(exif: bytes) -> None:
    assert decode(encoded(colours(), "JPEG", exif=exif), "a.jpg", MAX_PIXELS).size_wh == SIZE_WH


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.jpg", "empty (0 bytes)"),
        (b"hello, world\n" * 40, "a.jpg", "the file contains text"),
        ("zażółć gęślą jaźń".encode(), "a.jpg", "the file contains text"),
        (b"\x00\x01\x02\x03" * 50, "a.jpg", "not an image that can be read"),
        (b"%PDF-1.7 ...", "a.jpg", "the file is a PDF"),
        (makers.zipped({"a.jpg": makers.jpeg()}), "a.jpg", "the file is a ZIP archive; rename it to end in .zip"),
        (b"<!DOCTYPE html><html><svg></svg></html>", "a.jpg", "the file is a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "SVG is a vector drawing"),
        (b"not even", "a.SVG", "SVG is a vector drawing"),
        (b"\x1f\x8b...", "a.svgz", "SVG is a vector drawing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png", "SVG is a vector drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><svg/>", "a.png", "SVG is a vector drawing"),
        (b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C'>", "a", "SVG is a vector drawing"),
        ("<?xml version='1.0' encoding='UTF-16'?><svg/>".encode("utf-16"), "a.png", "SVG is a vector drawing"),
        (makers.jpeg(), "a.NEF", "camera RAW is not supported"),
        (makers.jpeg()[:200], "a.jpg", "corrupt or truncated"),
        (makers.jpeg((400, 300))[:9000], "a.jpg", "corrupt or truncated"),
        (makers.png()[:-40], "a.png", "corrupt or truncated"),
        (makers.png()[:20], "a.png", "corrupt or truncated"),
        (b"\xff\xd8\xff\xe0", "a.jpg", "corrupt or truncated"),
        (makers.png((1, 1)), "a.png", "1x1 pixels is too small to augment; the minimum is 8x8"),
        (makers.png((1, 5000)), "a.png", "1x5000 pixels is too small"),
        (makers.png((7, 300)), "a.png", "7x300 pixels is too small"),
        (
            makers.png_claiming(8000, 8000),
            "a.png",
            "8000x8000 is 64.0 megapixels; the limit is 50 (AUGMENTAI_MAX_MEGAPIXELS); downscale it",
        ),
        (
            makers.png_claiming(100_000, 100_000),
            "a.png",
            "10000.0 megapixels; the limit is 50 (AUGMENTAI_MAX_MEGAPIXELS); downscale it",
        ),
        (makers.png_claiming(2**31 - 1, 2**31 - 1), "a.png", "the limit is 50"),
        (encoded(Image.new("F", (16, 16), float("nan")), "TIFF"), "a.tif", "not numbers (NaN or infinity)"),
    ],
)
def test_refused_files_and_reasons(data: bytes, name: str, words: str) -> None:
    reason = refusal(data, name)
    assert words in reason
    assert "\n" not in reason
    assert len(reason) < 300


def test_size_is_checked_before_decoding() -> None:
    """A whole image of 60 MP, uniform so that the file is small: refused at once, without allocating it."""
    flat = io.BytesIO()
    Image.new("L", (10_000, 6_000)).save(flat, "PNG")
    tracemalloc.start()
    began = time.process_time()
    assert "60.0 megapixels" in refusal(flat.getvalue(), "a.png")
    assert time.process_time() - began < 0.2  # decoding takes far longer
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert decode(flat.getvalue(), "a.png", 60_000_000).size_wh == (10_000, 6_000)


def test_a_limit_above_pillows_own_is_honoured() -> None:
    assert refusal(makers.png_claiming(20_000, 20_000), "a.png", 300_000_000).startswith("20000x20000 is 400.0 megapix")
    # the header is accepted now, and the missing data is reported
    assert "corrupt or truncated" in refusal(makers.png_claiming(16_000, 16_000), "a.png", 300_000_000)


@pytest.mark.parametrize(
    ("data", "notice"),
    [
        (makers.frames("GIF"), "multiple frames; only the first was used"),
        (makers.frames("WEBP", lossless=True), "multiple frames; only the first was used"),
        (makers.frames("PNG"), "multiple frames; only the first was used"),
        (makers.frames("AVIF", quality=100), "multiple frames; only the first was used"),
        (makers.frames("TIFF"), "multiple pages; only the first was used"),
        (encoded(colours().convert("CMYK"), "TIFF"), "converted from CMYK to RGB"),
        (encoded(Image.fromarray(deep_values()), transparency=0), "the transparent value"),
    ],
)
def test_notices(data: bytes, notice: str) -> None:
    photo = decode(data, "a", MAX_PIXELS)
    assert len(photo.notices) == 1
    assert notice in photo.notices[0]
    assert photo.size_wh == SIZE_WH


@pytest.mark.parametrize("data", [makers.png(), makers.jpeg(), makers.frames("MPO"), encoded(greys().convert("1"))])
def test_no_notices_for_ordinary_files(data: bytes) -> None:
    assert decode(data, "a", MAX_PIXELS).notices == ()


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_the_first_frame_is_used(file_format: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    photo = decode(makers.frames(file_format, **options), "a", MAX_PIXELS)
    tolerance = 20 if file_format == "GIF" else 0  # 256 colours
    assert abs(np.asarray(photo.rgb).astype(int) - np.asarray(colours())).mean() <= tolerance


def test_a_gif_with_corrupt_later_frames_gives_its_first() -> None:
    data = makers.frames("GIF", 4)
    assert decode(data[: len(data) // 2], "a.gif", MAX_PIXELS).size_wh == SIZE_WH


def test_frames_of_a_long_gif_are_not_scanned() -> None:
    frame = b"\x2c" + bytes(4) + b"\x10\0\x10\0\0" + b"\x02\x16\x8c\x2d\x99\x87\x2a\x1c\xdc\x33\xa0\x02\x75\xec\x95\xfa"
    frame += b"\xa8\xde\x60\x8c\x04\x91\x4c\x01\0"
    data = b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff" + frame * 200_000 + b";"
    began = time.process_time()
    with suppress(ImageError):  # whether its first frame is complete does not matter here
        decode(data, "a.gif", MAX_PIXELS)
    assert time.process_time() - began < 0.5


def test_cmyk_without_a_profile_and_as_photoshop_writes_it() -> None:
    """Adobe stores inks inverted, and YCCK inks as luma and chroma: all three decode to the same image."""
    for data in (
        encoded(colours().convert("CMYK"), "TIFF"),
        encoded(colours().convert("CMYK"), "JPEG", quality=100, subsampling=0),
        makers.ycck_jpeg(colours().convert("CMYK")),
    ):
        photo = decode(data, "a", MAX_PIXELS)
        assert abs(np.asarray(photo.rgb).astype(int) - np.asarray(colours())).mean() < 4
        assert photo.icc_profile is None


def test_a_cmyk_profile_is_applied_and_dropped() -> None:
    cyan = Image.new("CMYK", SIZE_WH, (255, 0, 0, 0))
    plain = decode(encoded(cyan, "TIFF"), "a.tif", MAX_PIXELS).rgb.getpixel((5, 5))
    assert plain == (0, 255, 255)
    press = decode(encoded(cyan, "TIFF", icc_profile=makers.cmyk_profile()), "a.tif", MAX_PIXELS)
    assert press.icc_profile is None
    red, green, blue = press.rgb.getpixel((5, 5))  # type: ignore[misc]
    assert blue > red > green  # the violet of that press


@pytest.mark.parametrize("profile", [b"nonsense", makers.rgb_profile(), makers.grey_profile()])
def test_a_wrong_cmyk_profile_is_ignored(profile: bytes) -> None:
    data = encoded(colours().convert("CMYK"), "JPEG", quality=100, subsampling=0, icc_profile=profile)
    assert abs(np.asarray(decode(data, "a", MAX_PIXELS).rgb).astype(int) - np.asarray(colours())).mean() < 4


def test_lab_becomes_rgb() -> None:
    create = ImageCms.createProfile
    lab = ImageCms.profileToProfile(colours(), create("sRGB"), create("LAB"), outputMode="LAB")
    assert lab is not None
    photo = decode(encoded(lab, "TIFF"), "a.tif", MAX_PIXELS)
    assert abs(np.asarray(photo.rgb).astype(int) - np.asarray(colours())).mean() < 4


def test_opaque_alpha_is_kept_where_the_file_has_an_alpha_channel() -> None:
    solid = colours()
    solid.putalpha(255)
    assert decode(encoded(solid), "a.png", MAX_PIXELS).alpha is not None
    opaque_palette = encoded(colours().quantize(10), transparency=bytes([255] * 10))
    assert decode(opaque_palette, "a.png", MAX_PIXELS).alpha is None


def test_flattened_shows_white_where_transparent() -> None:
    clear = colours()
    clear.putalpha(0)
    photo = decode(encoded(clear), "a.png", MAX_PIXELS)
    assert photo.flattened().getextrema() == ((255, 255),) * 3
    assert decode(makers.png(), "a.png", MAX_PIXELS).flattened().tobytes() == colours().tobytes()


@settings(max_examples=150, deadline=None)
@given(
    whole=st.sampled_from(
        [
            makers.png(),
            makers.jpeg(),
            makers.frames("GIF"),
            makers.frames("PNG"),
            encoded(colours(), "TIFF", compression="tiff_lzw"),
            encoded(colours(), "WEBP"),
            encoded(colours(), "BMP"),
            encoded(colours(), "JPEG2000"),
            encoded(colours(), "AVIF"),
            encoded(colours(), "HEIF"),
            encoded(Image.fromarray(deep_values()), "TIFF"),
        ]
    ),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=6),
)
def test_any_bytes_give_a_photo_or_an_image_error(whole: bytes, cut: float, flips: list[tuple[float, int]]) -> None:
    data = bytearray(whole[: 1 + int(cut * len(whole))])
    for place, value in flips:
        data[int(place * len(data))] ^= value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(ImageError):
            assert decode(bytes(data), "a", 4_000_000).rgb.mode == "RGB"


def test_decoding_in_threads_does_not_touch_warning_filters() -> None:
    """`warnings.catch_warnings` is not thread-safe: filters of one thread would leak into another."""
    before = list(warnings.filters)
    threads = [
        threading.Thread(target=lambda: [decode(makers.png(), "a", MAX_PIXELS) for _ in range(20)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(warnings.filters) <= len(before) + 1
