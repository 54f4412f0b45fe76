"""Encoding: the AI-made mark in every format, no private metadata, profiles only where they fit."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from augmentai.images import ImageError, decode, encode, extension_for
from augmentai.images.encode import DIGITAL_SOURCE_TYPES, format_for
from augmentai.images.exif import Credit
from tests.support import image_files as makers
from tests.support.image_files import alpha_of, colours, deep_values, encoded, greys

MAX_PIXELS = 50_000_000
NOTE = "AI-made variation by AugmentAI, engine gan, model m <1> & 'é', seed 5"
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def xmp_of(image: Image.Image) -> str:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return found.decode() if isinstance(found, bytes) else found


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("source_type", DIGITAL_SOURCE_TYPES)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "I;16"])
def test_the_ai_mark_is_in_the_file(file_format: str, source_type: str, mode: str) -> None:
    image = Image.fromarray(deep_values()) if mode == "I;16" else colours().convert(mode)
    written = opened(encode(image, file_format, NOTE, source_type, None))
    tree = ET.fromstring(xmp_of(written).strip())
    assert [e.text for e in tree.iter(IPTC)] == [f"http://cv.iptc.org/newscodes/digitalsourcetype/{source_type}"]
    assert any(e.text == NOTE for e in tree.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"))
    assert [e.text for e in tree.iter("{http://ns.adobe.com/xap/1.0/}CreatorTool")] == ["AugmentAI"]
    if file_format == "PNG":
        assert written.text["Software"] == "AugmentAI"  # type: ignore[attr-defined]
        assert written.text["Description"] == NOTE  # type: ignore[attr-defined]
    else:
        assert written.getexif()[0x0131] == "AugmentAI"
        assert "engine gan" in written.getexif()[0x010E]


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_note_with_characters_that_xml_forbids(file_format: str) -> None:
    written = opened(encode(colours(), file_format, "a\x00b\nc\ud800\uffff", DIGITAL_SOURCE_TYPES[0], None))
    ET.fromstring(xmp_of(written).strip())


def test_an_unknown_source_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected one of trainedAlgorithmicMedia"):
        encode(colours(), "PNG", NOTE, "human", None)


@pytest.mark.parametrize("wanted", ["png", "jpeg", "webp", "same"])
@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_location_and_camera_are_removed(source_format: str, wanted: str) -> None:
    exif = makers.exif_with(1, gps=True, camera="SECRET-CAMERA")
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><secret/></x:xmpmeta>"
    options = {} if source_format in {"PNG", "TIFF"} else {"xmp": xmp}
    source = encoded(colours(), source_format, exif=exif, **options)
    assert b"SECRET-CAMERA" in source
    photo = decode(source, "a", MAX_PIXELS)
    # an engine may return a copy of its input, or add metadata of its own
    made = photo.rgb.copy()
    made.info = {"exif": exif, "comment": b"SECRET-CAMERA", "xmp": xmp, "icc_profile": b"SECRET", "transparency": 3}
    data = encode(photo.restore(made), format_for(photo, wanted), NOTE, DIGITAL_SOURCE_TYPES[1], photo.icc_profile)
    assert b"SECRET" not in data
    assert b"<secret/>" not in data
    written = opened(data)
    assert written.getexif().get_ifd(0x8825) == {}
    assert "icc_profile" not in written.info
    assert "transparency" not in written.info


@pytest.mark.parametrize("wanted", ["png", "jpeg", "webp", "same"])
@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_the_colour_profile_is_kept(source_format: str, wanted: str) -> None:
    profile = makers.rgb_profile()
    photo = decode(encoded(colours(), source_format, icc_profile=profile), "a", MAX_PIXELS)
    data = encode(photo.restore(photo.rgb), format_for(photo, wanted), NOTE, DIGITAL_SOURCE_TYPES[1], photo.icc_profile)
    assert opened(data).info["icc_profile"] == profile


@pytest.mark.parametrize(
    ("source", "profile", "file_format", "kept"),
    [
        (greys(), makers.grey_profile(), "PNG", True),
        (greys(), makers.grey_profile(), "JPEG", True),
        (greys(), makers.grey_profile(), "WEBP", False),  # written as RGB
        (greys(), makers.rgb_profile(), "PNG", False),  # some programs put sRGB into grey files
        (colours(), makers.grey_profile(), "PNG", False),
        (colours(), b"not a profile at all" * 10, "PNG", False),
        (colours().quantize(50), makers.rgb_profile(), "PNG", True),
        (Image.fromarray(deep_values()), makers.grey_profile(), "PNG", True),
        (Image.fromarray(deep_values()), makers.grey_profile(), "JPEG", True),
    ],
)
def test_a_profile_is_kept_only_where_it_fits_the_pixels(
    source: Image.Image, profile: bytes, file_format: str, kept: bool
) -> None:
    photo = decode(encoded(source, icc_profile=profile), "a.png", MAX_PIXELS)
    data = encode(photo.restore(photo.rgb), file_format, NOTE, DIGITAL_SOURCE_TYPES[1], photo.icc_profile)
    assert (opened(data).info.get("icc_profile") == profile) == kept
    assert ("icc_profile" in opened(data).info) == kept


def test_transparency_becomes_white_in_jpeg() -> None:
    for image in (colours(), greys()):
        image.putalpha(0)
        written = opened(encode(image, "JPEG", NOTE, DIGITAL_SOURCE_TYPES[1], None))
        assert written.mode == ("RGB" if image.mode == "RGBA" else "L")
        assert np.asarray(written).min() >= 253


def test_half_transparency_is_blended() -> None:
    image = Image.new("RGBA", (16, 16), (0, 100, 200, 128))
    written = opened(encode(image, "JPEG", NOTE, DIGITAL_SOURCE_TYPES[1], None))
    assert written.getpixel((8, 8)) == pytest.approx((127, 177, 227), abs=3)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_lossless_formats_are_exact(file_format: str) -> None:
    for mode in ("RGB", "RGBA", "L", "LA"):
        image = colours().convert(mode)
        if "A" in mode:
            image.putalpha(alpha_of())
        written = opened(encode(image, file_format, NOTE, DIGITAL_SOURCE_TYPES[1], None))
        assert written.mode == mode
        assert written.tobytes() == image.tobytes()


@pytest.mark.parametrize(("file_format", "side"), [("JPEG", 65_501), ("WEBP", 16_384)])
def test_a_side_that_the_format_cannot_hold(file_format: str, side: int) -> None:
    with pytest.raises(ImageError, match=f"{side}x8 is too large for {file_format}.*choose PNG"):
        encode(Image.new("RGB", (side, 8)), file_format, NOTE, DIGITAL_SOURCE_TYPES[0], None)
    encode(Image.new("RGB", (side, 8)), "PNG", NOTE, DIGITAL_SOURCE_TYPES[0], None)


@pytest.mark.parametrize(
    ("file_format", "source_extension", "expected"),
    [
        ("JPEG", ".jpg", ".jpg"),
        ("JPEG", ".JPG", ".JPG"),
        ("JPEG", ".jpeg", ".jpeg"),
        ("JPEG", ".jfif", ".jfif"),
        ("JPEG", ".heic", ".jpg"),
        ("JPEG", ".mpo", ".jpg"),
        ("JPEG", ".png", ".jpg"),
        ("JPEG", "", ".jpg"),
        ("PNG", ".jpg", ".png"),  # a PNG called .jpg
        ("PNG", ".apng", ".png"),
        ("PNG", ".PNG", ".PNG"),
        ("WEBP", ".png", ".webp"),
        ("TIFF", ".tiff", ".tiff"),
        ("TIFF", ".TIF", ".TIF"),
        ("TIFF", ".png", ".tif"),
    ],
)
def test_the_extension_matches_the_format(file_format: str, source_extension: str, expected: str) -> None:
    assert extension_for(file_format, source_extension) == expected


def test_encoding_is_repeatable() -> None:
    for file_format in ("PNG", "JPEG", "WEBP", "TIFF"):
        first, second = (encode(colours(), file_format, NOTE, DIGITAL_SOURCE_TYPES[0], None) for _ in range(2))
        assert first == second


CREDITS = [  # (as it is in the file, artist and copyright of the variation)
    ({0x013B: "Ann", 0x8298: "(c) 2026 Ann"}, Credit("Ann", "(c) 2026 Ann")),
    ({0x013B: "Ann Łü 猫".encode(), 0x8298: "© Ann".encode()}, Credit("Ann Łü 猫", "© Ann")),  # what programs write
    ({0x8298: b"the photographer\0the editor"}, Credit("", "the photographer the editor")),  # EXIF: two of them
    ({0x013B: "a\n<b> & \x07c"}, Credit("a <b> & c", "")),
    ({0x013B: "x" * 5000}, Credit("x" * 500, "")),
    ({}, Credit()),
]


@pytest.mark.parametrize(("tags", "credit"), CREDITS)
@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_artist_and_copyright_of_the_source_are_kept(source_format: str, tags: dict[int, Any], credit: Credit) -> None:
    exif = Image.Exif()
    exif.update({0x010F: "Camera", 0x0132: "2026:01:02 03:04:05", **tags})
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 1.0)})
    exif.get_ifd(0x8769)[0xA431] = "serial 123"
    photo = decode(encoded(colours(), source_format, exif=exif), "a", MAX_PIXELS)
    assert photo.credit == credit
    for file_format in ("JPEG", "PNG", "WEBP", "TIFF"):
        data = encode(photo.rgb, file_format, NOTE, DIGITAL_SOURCE_TYPES[0], None, credit=photo.credit)
        assert decode(data, "a", MAX_PIXELS).credit == credit
        assert not any(private in data for private in (b"Camera", b"2026:01:02", b"serial 123"))
        rights = ET.fromstring(xmp_of(opened(data)).strip()).find(".//{http://purl.org/dc/elements/1.1/}rights")
        assert (rights is not None) == bool(credit.copyright)


def test_the_text_of_a_png_names_its_author() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("Author", "Zoë")
    text.add_text("Copyright", "CC BY 4.0")
    assert decode(encoded(colours(), pnginfo=text), "a.png", MAX_PIXELS).credit == Credit("Zoë", "CC BY 4.0")
