"""Small pictures to look at, and a first look at a file: quick, since nothing depends on their pixels."""

from __future__ import annotations

import io
import threading
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from augmentai.images.decode import FORMATS, _check_size, _refuse_by_kind, _unreadable, load_decoders
from augmentai.images.file_types import HEAD_BYTES
from augmentai.images.photo import ImageError

_JPEG_MODES = {"RGB", "L"}
_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
_COMPARED_SIDE_PX = 64
_two_at_a_time = threading.BoundedSemaphore(2)


def inspect_header(stream: IO[bytes], name: str, max_pixels: int) -> tuple[int, int]:
    """Width and height by the header alone: nothing is decoded, so a file may still turn out to be damaged.

    stream: open for reading, and able to seek.

    Raises ImageError, in the words of `decode`, where it is already clear that the picture will be refused.
    """
    with _opened(stream, name, max_pixels) as opened:
        return opened.size


def thumbnail(data: bytes, name: str, max_pixels: int, side_px: int) -> Image.Image:
    """The picture upright and no longer than `side_px` on either side. Raises ImageError, whatever the bytes.

    Two at a time in a process: every visitor may ask for them at once, and each may hold a whole large picture.
    """
    with _two_at_a_time, _opened(io.BytesIO(data), name, max_pixels) as opened:
        try:
            opened.draft("RGB", (side_px * 2, side_px * 2))  # a JPEG is read at a fraction of its size
            small = shrink(opened, side_px)
            return ImageOps.exif_transpose(small) or small
        except ImageError:
            raise
        except Exception as error:
            raise ImageError("the file is damaged or breaks off; save or copy it again") from error


def shrink(picture: Image.Image, side_px: int) -> Image.Image:
    """A copy, eight bits deep, no longer than `side_px` on either side."""
    small = _eight_bits(picture) if picture.mode in _DEEP_MODES else picture.copy()
    if small.mode not in {"RGB", "L", "RGBA", "LA"}:
        small = small.convert("RGBA" if "transparency" in small.info or small.mode == "PA" else "RGB")
    small.thumbnail((side_px, side_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return small


def encode_for_web(picture: Image.Image) -> tuple[bytes, str]:
    """A file that any browser shows, and its ending: JPEG, or PNG where something shines through."""
    kind = "jpeg" if picture.mode in _JPEG_MODES else "png"
    stream = io.BytesIO()
    picture.save(stream, kind, **({"quality": 85} if kind == "jpeg" else {"compress_level": 1}))
    return stream.getvalue(), "jpg" if kind == "jpeg" else "png"


def distance(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart: the mean difference of their pixels at 64x64, 0 (equal) to 1."""
    side = (_COMPARED_SIDE_PX, _COMPARED_SIDE_PX)
    small = [np.asarray(p.convert("RGB").resize(side, Image.Resampling.BOX), np.float32) for p in (one, other)]
    return float(np.abs(small[0] - small[1]).mean() / 255)


def _opened(stream: IO[bytes], name: str, max_pixels: int) -> Image.Image:
    head = stream.read(HEAD_BYTES)
    _refuse_by_kind(head, name)
    load_decoders(max_pixels)
    try:
        stream.seek(0)
        opened = Image.open(stream, formats=FORMATS)
        _check_size(opened.size, max_pixels)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("the picture is far too large; make it smaller") from error
    except UnidentifiedImageError as error:
        raise ImageError(_unreadable(head)) from error
    except Exception as error:
        raise ImageError("the file is damaged or breaks off; save or copy it again") from error
    return opened


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit and 32-bit grey stretched from its darkest to its lightest value."""
    values = np.asarray(picture, np.float64)
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).round().astype(np.uint8))
