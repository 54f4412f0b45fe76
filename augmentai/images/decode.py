"""A file's bytes to pixels that an engine can work on."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

from augmentai.images.file_types import HEAD_BYTES, RAW_SUFFIXES, detect_type
from augmentai.images.photo import ImageError, Photo, strips, value_range

MIN_SIDE_PX = 8
READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF"
# Only these decoders are let near a stranger's bytes (no EPS, which starts a program; no FITS, no scientific oddities).
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "JPEG2000", "AVIF", "HEIF")
_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
_NOT_PICTURES = {
    "ZIP": "it is a ZIP; give it the ending .zip",
    "PDF": "it is a PDF; export its pages as PNG",
    "HTML": "it is a web page; save the picture itself",
    "text": "it holds text",
}
_TIFF_BITS_PER_SAMPLE = 258

__all__ = ["MIN_SIDE_PX", "READABLE", "ImageError", "Photo", "decode"]


def decode(data: bytes, name: str, max_pixels: int, draft_side_px: int | None = None) -> Photo:
    """Read a picture: orientation applied, first frame, transparency and depth kept aside.

    name is used to recognise kinds of files that are refused by name. The header is read, and the size checked
    against `max_pixels`, before anything is decoded. draft_side_px: where a glance will do; a JPEG may then come out
    smaller, by 2, 4 or 8, though no smaller than this, in a fraction of the time. Raises ImageError, whatever it is.
    """
    _refuse_by_kind(data, name)
    load_decoders(max_pixels)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            _check_size(opened.size, max_pixels)
            notices = _not_all_used(opened, data)
            if draft_side_px is not None:
                opened.draft(None, (draft_side_px, draft_side_px))  # does nothing to other formats
            opened.load()
            _turn_upright(opened)
            photo = _sort_out(opened, opened.format or "")
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_beyond_the_limit(str(error), max_pixels)) from error
    except UnidentifiedImageError as error:
        raise ImageError(_unreadable(data)) from error
    except MemoryError as error:
        raise ImageError("not enough memory to decode this picture; make it smaller") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        raise ImageError(f"the file is damaged or breaks off ({_plain(error)}); save or copy it again") from error
    return replace(photo, notices=(*photo.notices, *notices))


def _refuse_by_kind(data: bytes, name: str) -> None:
    if not data:
        raise ImageError("the file is empty (0 bytes); copy it again")
    lowered = name.lower()
    if lowered.endswith((".svg", ".svgz")) or detect_type(data[:HEAD_BYTES]) == "SVG":
        raise ImageError("SVG is a drawing, not a photograph; export it as PNG first")
    if lowered.endswith(RAW_SUFFIXES):  # many open as TIFF, and give the thumbnail inside for the picture
        raise ImageError("a camera's raw file is not read; export it as JPEG or TIFF first")


def _unreadable(data: bytes) -> str:
    kind = detect_type(data[:HEAD_BYTES])
    if kind in _NOT_PICTURES:
        return f"not a picture: {_NOT_PICTURES[kind]}"
    if kind is not None:  # it begins as a picture does, yet no decoder could make sense of its header
        return f"the file is damaged or breaks off: it begins as {kind}, and no picture follows; save or copy it again"
    return f"not a picture that can be read; use {READABLE}"


@cache
def load_decoders(max_pixels: int = 0) -> None:
    from pillow_heif import register_heif_opener

    Image.init()
    register_heif_opener()
    # The limit is ours, and pictures beyond Pillow's own are told like any other. `warnings.catch_warnings` around each
    # decode would be the tidy way, but it is not safe in threads.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels  # a limit set higher than Pillow's is meant


def _check_size(size_wh: tuple[int, int], max_pixels: int) -> None:
    width, height = size_wh
    if width * height > max_pixels:
        found = width * height / 1e6
        raise ImageError(
            f"{width}x{height} is {found:.1f} megapixels; the limit is {max_pixels / 1e6:g}; make it smaller"
        )
    if min(width, height) < MIN_SIDE_PX:
        raise ImageError(
            f"{width}x{height} pixels is too small to vary; at least {MIN_SIDE_PX}x{MIN_SIDE_PX} is needed"
        )


def _beyond_the_limit(words: str, max_pixels: int) -> str:
    found = re.search(r"(\d+) pixels", words)
    size = f"{int(found[1]) / 1e6:.1f} megapixels" if found else "the picture is far too large"
    return f"{size}; the limit is {max_pixels / 1e6:g}; make it smaller"


def _not_all_used(opened: Image.Image, data: bytes) -> list[str]:
    """What of the file is left aside. Frames are not counted: a GIF of a million takes minutes to walk through."""
    notices = []
    if _has_more_frames(opened, data):
        several = "several pages" if opened.format == "TIFF" else "several frames"
        notices.append(f"{several}; only the first was used")
    if _bits(opened, data) > 8 and opened.mode not in _DEEP_MODES:
        notices.append("16 bits a channel were read as 8: colour is worked on in 8 bits")
    return notices


def _has_more_frames(opened: Image.Image, data: bytes) -> bool:
    if opened.format == "MPO":
        return False  # what follows the picture is its second eye, its gain map or its thumbnail, not more of it
    if opened.format != "GIF":
        return bool(getattr(opened, "is_animated", False))
    try:  # looking at a second frame moves the reader, and a damaged one must not spoil the first: look elsewhere
        with Image.open(io.BytesIO(data), formats=("GIF",)) as again:
            return bool(getattr(again, "is_animated", False))
    except Exception:
        return True


def _bits(opened: Image.Image, data: bytes) -> int:
    if opened.format == "PNG":
        return data[24]  # the IHDR chunk comes first: signature 8, length 4, name 4, width 4, height 4, then the depth
    if opened.format == "TIFF":
        return max(opened.tag_v2.get(_TIFF_BITS_PER_SAMPLE, (8,)))  # type: ignore[attr-defined]
    return 8


def _turn_upright(opened: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(opened, in_place=True)
    except MemoryError:
        raise
    except Exception:
        return  # broken EXIF says nothing of the orientation, and the pixels are sound


def _sort_out(picture: Image.Image, file_format: str) -> Photo:
    mode = picture.mode
    profile = picture.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else None
    if mode in _DEEP_MODES:
        return _deep(picture, file_format, profile)
    if mode in {"CMYK", "LAB", "YCbCr", "HSV"}:
        rgb = _bare(_to_srgb(picture, profile))
        return Photo(rgb, file_format, "RGB", is_gray=_is_grey(rgb), notices=(f"converted from {mode} to RGB",))
    alpha = None
    if mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info:
        with_alpha = picture.convert("LA").convert("RGBA") if mode == "La" else picture.convert("RGBA")
        band = with_alpha.getchannel("A")
        alpha = band if band.getextrema() != (255, 255) or mode in {"RGBA", "LA"} else None
        rgb = _bare(with_alpha.convert("RGB"))
    else:
        rgb = _bare(picture.convert("RGB"))
    return Photo(rgb, file_format, mode, alpha, mode in {"1", "L", "LA", "La"} or _is_grey(rgb), icc_profile=profile)


def _bare(picture: Image.Image) -> Image.Image:
    """Without the file's metadata: where a photograph was taken is nobody's business downstream."""
    picture.info = {}
    return picture


def _deep(picture: Image.Image, file_format: str, profile: bytes | None) -> Photo:
    values: np.ndarray[Any, Any] = np.asarray(picture)
    if picture.mode == "F" and not np.isfinite(values).all():
        raise ImageError("the picture holds values that are not numbers (NaN or infinity); replace them first")
    low, high = value_range(values)
    squeezed = np.empty(values.shape, np.uint8)
    for rows in strips(values.shape):
        squeezed[rows] = np.rint((values[rows].astype(np.float64) - low) * (255 / (high - low))).clip(0, 255)
    mode = picture.mode if picture.mode in {"I", "F"} else "I;16"
    lost = ("the transparent value of a 16-bit grey picture was dropped",) if "transparency" in picture.info else ()
    rgb = Image.fromarray(squeezed).convert("RGB")
    return Photo(rgb, file_format, mode, is_gray=True, deep=values, icc_profile=profile, notices=lost)


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    try:
        source: Any = None
        if profile is not None:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        elif picture.mode == "LAB":
            source = ImageCms.createProfile("LAB")
        if source is not None:
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
    except (ImageCms.PyCMSError, OSError, ValueError):
        pass  # a broken profile, or one of another colour space: the plain conversion is the best that is left
    if picture.mode == "LAB" and profile is not None:
        return _to_srgb(picture, None)
    return picture.convert("RGB")


def _is_grey(rgb: Image.Image) -> bool:
    # JPEG may leave a step or two between the channels of a grey picture. A glance at a few pixels settles most.
    glance = rgb.resize((min(64, rgb.width), min(64, rgb.height)), Image.Resampling.NEAREST)
    return _colourfulness(glance) <= 2 and _colourfulness(rgb) <= 2


def _colourfulness(rgb: Image.Image) -> int:
    red, green, blue = rgb.split()
    pairs = ((red, green), (green, blue))
    return max(int(ImageChops.difference(a, b).getextrema()[1]) for a, b in pairs)  # type: ignore[arg-type]


def _plain(error: Exception) -> str:
    words = str(error).strip() or type(error).__name__
    return words.splitlines()[0][:160]
