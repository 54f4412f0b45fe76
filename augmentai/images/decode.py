"""Decoding: from the bytes of a file to pixels that an engine can work on."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms, UnidentifiedImageError

from augmentai.images.deep_colour import deep_colour
from augmentai.images.exif import credit_of, orientation_of, turned
from augmentai.images.file_parts import refuse_parts
from augmentai.images.file_types import (
    HEAD_BYTES,
    IMAGE_TYPES,
    RAW_SUFFIXES,
    TYPE_OF_SUFFIX,
    UNREADABLE_FILES,
    UNREADABLE_IMAGES,
    detect_type,
)
from augmentai.images.photo import ImageError, Photo, value_range
from augmentai.images.strips import strips
from augmentai.images.tiff_bands import refuse_bands

MIN_SIDE_PX = 8
READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF"
# The only decoders that untrusted bytes may reach: no EPS, which starts a program, no scientific formats.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "JPEG2000", "AVIF", "HEIF")
_PLUGINS = ("Jpeg", "Mpo", "Png", "WebP", "Gif", "Bmp", "Tiff", "Ppm", "Tga", "Jpeg2K", "Avif")  # that `FORMATS` need
_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
REDUCED = "16 bits per channel were reduced to 8: colour is processed in 8 bits"
CORRUPT = "the file is corrupt or truncated"
_A = {"video": "a video", "PDF": "a PDF"}
_NOT_IMAGES = {
    "ZIP": "the file is a ZIP archive; rename it to end in .zip",
    "TAR": "the file is a TAR archive; rename it to end in .tar",
    "7Z": "the file is a 7-Zip archive, which is not read; unpack it, or make a ZIP of it",
    "RAR": "the file is a RAR archive, which is not read; unpack it, or make a ZIP of it",
    "GZIP": "the file is compressed with gzip; unpack it first (a compressed TAR is read if it ends in .tar.gz)",
    "BZIP2": "the file is compressed with bzip2; unpack it first (a compressed TAR is read if it ends in .tar.bz2)",
    "XZ": "the file is compressed with xz; unpack it first (a compressed TAR is read if it ends in .tar.xz)",
    "ZSTD": "the file is compressed with Zstandard, which is not read; unpack it first",
    **{kind: f"the file is {_A.get(kind, f'{kind} data')}; {advice}" for kind, advice in UNREADABLE_FILES.items()},
    "HTML": "the file is a web page; save the image itself",
    "text": "the file contains text",
}
_TIFF_BITS_PER_SAMPLE = 258

__all__ = ["MIN_SIDE_PX", "READABLE", "ImageError", "Photo", "decode"]


def decode(data: bytes, name: str, max_pixels: int, draft_side_px: int | None = None) -> Photo:
    """Decode an image: upright, first frame only, with transparency and bit depth set aside.

    The type is detected from the bytes, and the size is checked in the header before any pixel is decoded.

    Args:
        data: The whole file.
        name: File name; some types (SVG, camera RAW) are refused by their extension.
        max_pixels: Largest width x height accepted.
        draft_side_px: For a thumbnail or statistics: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, but not
            below this side, in a fraction of the time. Other formats ignore it.

    Returns:
        The photo: 8-bit RGB, and what is needed to give a variation the source's own kind of pixels.

    Raises:
        ImageError: The bytes cannot be used, whatever they are; the message says why and what to do.

    Example:
        >>> buffer = io.BytesIO()
        >>> Image.new("LA", (64, 48), (128, 255)).save(buffer, "PNG")
        >>> photo = decode(buffer.getvalue(), "sky.png", max_pixels=50_000_000)
        >>> photo.size_wh, photo.rgb.mode, photo.is_gray
        ((64, 48), 'RGB', True)
        >>> decode(b"hello", "note.jpg", max_pixels=50_000_000)
        Traceback (most recent call last):
        augmentai.images.photo.ImageError: not an image: the file contains text
    """
    refuse_by_type(data, name)
    load_decoders(max_pixels)
    if detect_type(data[:HEAD_BYTES]) == "TIFF":
        refuse_bands(io.BytesIO(data))
    refuse_parts(io.BytesIO(data), whole=True)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            check_size(opened.size, max_pixels)
            notices = _notices(opened, data)
            is_deep = _bits(opened, data) > 8 and opened.mode not in _DEEP_MODES
            if draft_side_px is not None:
                opened.draft(None, (draft_side_px, draft_side_px))  # does nothing to other formats
            opened.load()
            credit = credit_of(opened)
            upright, file_format = turned(opened, orientation_of(opened)), opened.format or ""
        del opened  # its pixels need not be in memory twice
        photo = _to_photo(upright, file_format)
        del upright
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_too_large(str(error), max_pixels)) from error
    except UnidentifiedImageError as error:
        raise ImageError(unreadable_reason(data)) from error
    except MemoryError as error:
        raise ImageError("not enough memory to decode this image; downscale it") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        raise ImageError(f"{CORRUPT} ({_first_line(error)}); export or copy it again") from error
    fine = deep_colour(data, photo.rgb, FORMATS) if is_deep and draft_side_px is None else None
    if is_deep and fine is None:
        notices.append(REDUCED)
    return replace(photo, notices=(*photo.notices, *notices), credit=credit, fine=fine)


def refuse_by_type(data: bytes, name: str) -> None:
    """Refuse an empty file, SVG, camera RAW and other images that are not decoded here.

    Args:
        data: The file, or its first bytes.
        name: File name; its extension may show what the bytes do not.

    Raises:
        ImageError: It is one of these.
    """
    if not data:
        raise ImageError("the file is empty (0 bytes); copy it again")
    lowered, detected = name.lower(), detect_type(data[:HEAD_BYTES])
    if lowered.endswith((".svg", ".svgz")) or detected == "SVG":
        raise ImageError("SVG is a vector drawing; export it as PNG first")
    kind = detected or TYPE_OF_SUFFIX.get(PurePosixPath(lowered).suffix, "")
    if kind in UNREADABLE_IMAGES:
        raise ImageError(f"{kind} is not supported; {UNREADABLE_IMAGES[kind]}")
    if lowered.endswith(RAW_SUFFIXES):  # many open as TIFF, but yield only the embedded thumbnail
        raise ImageError("camera RAW is not supported; export it as JPEG or TIFF first")


def unreadable_reason(data: bytes) -> str:
    """Say why no decoder could open these bytes.

    Args:
        data: The file, or its first bytes.
    """
    detected = detect_type(data[:HEAD_BYTES])
    if detected in _NOT_IMAGES:
        return f"not an image: {_NOT_IMAGES[detected]}"
    if detected in IMAGE_TYPES:  # it starts like an image, yet no decoder could parse its header
        return f"{CORRUPT}: it starts like {detected} but contains no image; export or copy it again"
    return f"not an image that can be read; use {READABLE}"


@cache
def load_decoders(max_pixels: int = 0) -> None:
    """Register the decoders with Pillow, once per process and limit."""
    from pillow_heif import register_heif_opener

    for plugin in _PLUGINS:  # `Image.init` would load those of 40 more formats
        import_module(f"PIL.{plugin}ImagePlugin")
    register_heif_opener()
    # The size limit is ours: images beyond Pillow's own limit are reported like any other. Wrapping each decode in
    # `warnings.catch_warnings` would be cleaner, but that is not thread-safe.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels  # a limit set above Pillow's is deliberate


def check_size(size_wh: tuple[int, int], max_pixels: int) -> None:
    """Refuse an image that is too large to decode or too small to augment.

    Args:
        size_wh: Width and height in pixels.
        max_pixels: Largest width x height accepted.

    Raises:
        ImageError: It is too large or too small.
    """
    width, height = size_wh
    if width * height > max_pixels:
        found = width * height / 1e6
        raise ImageError(f"{width}x{height} is {found:.1f} megapixels; {_limit(max_pixels)}; downscale it")
    if min(width, height) < MIN_SIDE_PX:
        raise ImageError(f"{width}x{height} pixels is too small to augment; the minimum is {MIN_SIDE_PX}x{MIN_SIDE_PX}")


def _too_large(pillow_message: str, max_pixels: int) -> str:
    found = re.search(r"(\d+) pixels", pillow_message)
    size = f"{int(found[1]) / 1e6:.1f} megapixels" if found else "the image is far too large"
    return f"{size}; {_limit(max_pixels)}; downscale it"


def _limit(max_pixels: int) -> str:
    return f"the limit is {max_pixels / 1e6:g} (AUGMENTAI_MAX_MEGAPIXELS)"


def _notices(opened: Image.Image, data: bytes) -> list[str]:
    """What the user should know was not used. Frames are not counted: a GIF of a million takes minutes to scan."""
    notices = []
    if _has_more_frames(opened, data):
        parts = "pages" if opened.format == "TIFF" else "frames"
        notices.append(f"multiple {parts}; only the first was used")
    return notices


def _has_more_frames(opened: Image.Image, data: bytes) -> bool:
    if opened.format == "MPO":
        return False  # what follows is a stereo view, a gain map or a thumbnail, not another frame
    if opened.format != "GIF":
        return bool(getattr(opened, "is_animated", False))
    try:  # on a copy: seeking moves the reader, and a corrupt second frame must not spoil the first
        with Image.open(io.BytesIO(data), formats=("GIF",)) as again:
            return bool(getattr(again, "is_animated", False))
    except Exception:
        return True


def _bits(opened: Image.Image, data: bytes) -> int:
    if opened.format == "PNG":
        return data[24]  # IHDR is the first chunk: signature 8, length 4, name 4, width 4, height 4, then the bit depth
    if opened.format == "TIFF":
        return max(opened.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (8,)))  # type: ignore[attr-defined]
    return 8


def has_deep_colour(data: bytes) -> bool:
    """Whether an image has colours of 16 bits per channel, as its header says.

    Args:
        data: The whole file.

    Raises:
        Exception: It has no header that can be read.
    """
    if detect_type(data[:HEAD_BYTES]) not in {"PNG", "TIFF"}:
        return False
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        return _bits(opened, data) > 8 and opened.mode not in _DEEP_MODES


def _to_photo(image: Image.Image, file_format: str) -> Photo:
    mode = image.mode
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else None
    if mode in _DEEP_MODES:
        return _deep(image, file_format, profile)
    if mode in {"CMYK", "LAB", "YCbCr", "HSV"}:
        rgb = _without_metadata(_to_srgb(image, profile))
        return Photo(rgb, file_format, "RGB", is_gray=_looks_gray(rgb), notices=(f"converted from {mode} to RGB",))
    alpha = None
    if mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        with_alpha = image.convert("LA") if mode == "La" else image
        with_alpha = with_alpha if mode == "RGBA" else with_alpha.convert("RGBA")
        band = with_alpha.getchannel("A")
        alpha = band if band.getextrema() != (255, 255) or mode in {"RGBA", "LA"} else None
        rgb = _without_metadata(with_alpha.convert("RGB"))
    else:
        rgb = _without_metadata(image.convert("RGB"))
    return Photo(rgb, file_format, mode, alpha, mode in {"1", "L", "LA", "La"} or _looks_gray(rgb), icc_profile=profile)


def _without_metadata(image: Image.Image) -> Image.Image:
    """Strip the file's metadata: where a photo was taken must not travel any further."""
    image.info = {}
    return image


def _deep(image: Image.Image, file_format: str, profile: bytes | None) -> Photo:
    values: np.ndarray[Any, Any] = np.asarray(image)
    if image.mode == "F" and not np.isfinite(values).all():
        raise ImageError("the image contains values that are not numbers (NaN or infinity); replace them first")
    low, high = value_range(values)
    scaled = np.empty(values.shape, np.uint8)
    for rows in strips(values.shape):
        scaled[rows] = np.rint((values[rows].astype(np.float64) - low) * (255 / (high - low))).clip(0, 255)
    mode = image.mode if image.mode in {"I", "F"} else "I;16"
    notices = ("the transparent value of a 16-bit grey image was ignored",) if "transparency" in image.info else ()
    rgb = Image.fromarray(scaled).convert("RGB")
    return Photo(rgb, file_format, mode, is_gray=True, deep=values, icc_profile=profile, notices=notices)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    try:
        source: Any = None
        if profile is not None:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        elif image.mode == "LAB":
            source = ImageCms.createProfile("LAB")
        if source is not None:
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
    except (ImageCms.PyCMSError, OSError, ValueError):
        pass  # a broken profile, or one for another colour space: fall back to the plain conversion
    if image.mode == "LAB" and profile is not None:
        return _to_srgb(image, None)
    return image.convert("RGB")


def _looks_gray(rgb: Image.Image) -> bool:
    # JPEG may leave a level or two between the channels of a grey image. A sample of pixels settles most cases.
    sample = rgb.resize((min(64, rgb.width), min(64, rgb.height)), Image.Resampling.NEAREST)
    whole = (rgb.crop((0, rows.start, rgb.width, rows.stop)) for rows in strips((rgb.height, rgb.width)))
    return _chroma(sample) <= 2 and all(_chroma(strip) <= 2 for strip in whole)


def _chroma(rgb: Image.Image) -> int:
    """The largest difference between two channels of any pixel, in levels."""
    red, green, blue = rgb.split()
    pairs = ((red, green), (green, blue))
    return max(int(ImageChops.difference(a, b).getextrema()[1]) for a, b in pairs)  # type: ignore[arg-type]


def _first_line(error: Exception) -> str:
    message = str(error).strip() or type(error).__name__
    return message.splitlines()[0][:160]
