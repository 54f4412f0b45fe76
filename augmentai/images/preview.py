"""Thumbnails, and a check of a file by its header: quick, since no result depends on their pixels."""

from __future__ import annotations

import io
import threading
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from augmentai.images.decode import CORRUPT, FORMATS, check_size, load_decoders, refuse_by_type, unreadable_reason
from augmentai.images.exif import orientation_of, turned
from augmentai.images.file_parts import refuse_parts
from augmentai.images.file_types import HEAD_BYTES, detect_type
from augmentai.images.photo import ImageError
from augmentai.images.tiff_bands import refuse_bands

_JPEG_MODES = {"RGB", "L"}
_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
_COMPARED_SIDE_PX = 64
_two_at_a_time = threading.BoundedSemaphore(2)


def inspect_header(stream: IO[bytes], name: str, max_pixels: int) -> tuple[int, int]:
    """Check a file by its header alone: nothing is decoded, so it may still turn out to be corrupt.

    Args:
        stream: Open for reading, and seekable.
        name: File name; some types are refused by their extension.
        max_pixels: Largest width x height accepted.

    Returns:
        Width and height as stored, in pixels.

    Raises:
        ImageError: It is already clear that `decode` would refuse the file, with the same message.
    """
    with _open(stream, name, max_pixels) as opened:
        return opened.size


def thumbnail(data: bytes, name: str, max_pixels: int, side_px: int) -> Image.Image:
    """Decode an upright thumbnail.

    At most two run at a time in a process: many visitors may ask for them at once, and each may hold a large image.

    Args:
        data: The whole file.
        name: File name; some types are refused by their extension.
        max_pixels: Largest width x height accepted.
        side_px: Longest side of the thumbnail.

    Returns:
        An 8-bit image of mode L, LA, RGB or RGBA.

    Raises:
        ImageError: The file cannot be used.

    Example:
        >>> buffer = io.BytesIO()
        >>> Image.new("RGB", (400, 300)).save(buffer, "PNG")
        >>> thumbnail(buffer.getvalue(), "a.png", max_pixels=10**8, side_px=100).size
        (100, 75)
    """
    with _two_at_a_time, _open(io.BytesIO(data), name, max_pixels) as opened:
        try:
            opened.draft("RGB", (side_px * 2, side_px * 2))  # a JPEG is decoded at a fraction of its size
            opened.load()
            return turned(shrink(opened, side_px), orientation_of(opened))
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(f"{CORRUPT}; export or copy it again") from error


def shrink(image: Image.Image, side_px: int) -> Image.Image:
    """Return an 8-bit copy that is no longer than `side_px` on either side.

    Args:
        image: An image of any mode.
        side_px: Longest side of the copy.
    """
    small = _eight_bits(image) if image.mode in _DEEP_MODES else image.copy()
    if small.mode not in {"RGB", "L", "RGBA", "LA"}:
        small = small.convert("RGBA" if "transparency" in small.info or small.mode == "PA" else "RGB")
    small.thumbnail((side_px, side_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return small


def encode_for_web(image: Image.Image) -> tuple[bytes, str]:
    """Encode an image for a browser, as JPEG or, with transparency, PNG.

    Args:
        image: An 8-bit image.

    Returns:
        The bytes of the file and its extension.
    """
    file_format = "jpeg" if image.mode in _JPEG_MODES else "png"
    stream = io.BytesIO()
    image.save(stream, file_format, **({"quality": 85} if file_format == "jpeg" else {"compress_level": 1}))
    return stream.getvalue(), "jpg" if file_format == "jpeg" else "png"


def distance(one: Image.Image, other: Image.Image) -> float:
    """Measure how different two images are.

    Args:
        one: An image of any mode and size.
        other: Another one.

    Returns:
        The mean absolute difference of their pixels at 64x64: 0 for equal images, 1 for black and white.

    Example:
        >>> distance(Image.new("L", (9, 9), 0), Image.new("L", (20, 20), 255))
        1.0
    """
    side = (_COMPARED_SIDE_PX, _COMPARED_SIDE_PX)
    small = [np.asarray(p.convert("RGB").resize(side, Image.Resampling.BOX), np.float32) for p in (one, other)]
    return float(np.abs(small[0] - small[1]).mean() / 255)


def _open(stream: IO[bytes], name: str, max_pixels: int) -> Image.Image:
    head = stream.read(HEAD_BYTES)
    refuse_by_type(head, name)
    load_decoders(max_pixels)
    if detect_type(head) == "TIFF":
        refuse_bands(stream)
    try:
        stream.seek(0)
        refuse_parts(stream, whole=isinstance(stream, io.BytesIO))
        opened = Image.open(stream, formats=FORMATS)
        check_size(opened.size, max_pixels)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("the image is far too large; downscale it") from error
    except UnidentifiedImageError as error:
        raise ImageError(unreadable_reason(head)) from error
    except Exception as error:
        raise ImageError(f"{CORRUPT}; export or copy it again") from error
    return opened


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit or 32-bit grey from its darkest to its lightest value to 8 bits."""
    values = np.asarray(image, np.float64)
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).round().astype(np.uint8))
