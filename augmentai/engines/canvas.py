"""A photo as a service that paints accepts it, and the answer mapped back onto the source's own pixels.

Labels stay valid only if every point comes back to where it was. Services answer with about a megapixel whose sides
are multiples of 64, at an aspect ratio close to the input's. An image that already has such sides leaves nothing to
round, so the source is placed, undistorted, on a canvas of that size, with its edges mirrored into the rest, and is
cropped from the answer again.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from augmentai.engines.placement import aligned
from augmentai.images.fine_detail import enlarge, loses_detail

_STEP_PX = 64
_PREFERRED_FILE_BYTES = 4 * 1024 * 1024  # beyond this a lossless file only costs upload time
_JPEG_QUALITIES = (95, 90, 80, 65, 40)
_MAX_ANSWER_PIXELS = 16_000_000
_ASPECT_DRIFT = 0.01  # beyond this the service may have shown more or less of the image instead of squeezing it
_FORMATS = ("PNG", "JPEG", "WEBP")

_LANCZOS = Image.Resampling.LANCZOS


class AnswerError(ValueError):
    """The service's bytes are not a usable image; the message says what they are."""


@dataclass(frozen=True)
class Canvas:
    """What a service accepts.

    Attributes:
        min_side_px, max_side_px, min_pixels, max_pixels, max_aspect: limits of the image sent.
        pixels: the service answers with about that many pixels whatever it is sent; None if it keeps the size.
        max_bytes: of the file sent.
    """

    min_side_px: int = 64
    max_side_px: int = 16_384
    min_pixels: int = 4_096
    max_pixels: int = 9_437_184
    max_aspect: float = 2.5
    pixels: int | None = None
    max_bytes: int = 10 * 1024 * 1024


@dataclass(frozen=True)
class Prepared:
    """An image ready to be sent, and the way back.

    Attributes:
        data: the encoded file.
        media_type: of the file.
        sent_wh: width and height of the image sent.
        box: where the source is in it, (left, top, right, bottom) in pixels.
    """

    data: bytes = field(repr=False)
    media_type: str
    sent_wh: tuple[int, int]
    box: tuple[int, int, int, int]


def prepare(image: Image.Image, limits: Canvas) -> Prepared:
    """An RGB image of any size as a file within all limits.

    Args:
        image: RGB.
        limits: what the service accepts.

    Example:
        >>> sent = prepare(Image.new("RGB", (300, 200)), Canvas(pixels=1024 * 1024))
        >>> sent.sent_wh, sent.box
        ((1280, 832), (16, 0, 1264, 832))
    """
    canvas_wh, inner_wh = _layout(image.size, limits)
    inner = image if image.size == inner_wh else image.resize(inner_wh, _LANCZOS, reducing_gap=3.0)
    left, top = (canvas_wh[0] - inner_wh[0]) // 2, (canvas_wh[1] - inner_wh[1]) // 2
    canvas = _mirrored(inner, canvas_wh, left, top)
    data, media_type = _encode(canvas, limits.max_bytes)
    box = left, top, left + inner_wh[0], top + inner_wh[1]
    return Prepared(data, media_type, canvas_wh, box)


def prepare_mask(painted: np.ndarray[Any, Any], prepared: Prepared) -> bytes:
    """What the service is to paint anew, as a PNG that lies on a prepared image: white there, black elsewhere.

    Args:
        painted: in the pixels of the source.
        prepared: the source.

    Shape:
        painted: (height, width) of bool.
    """
    left, top, right, bottom = prepared.box
    mask = Image.fromarray(painted.astype(np.uint8) * 255)
    inner = mask.resize((right - left, bottom - top), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    _mirrored(inner, prepared.sent_wh, left, top).save(buffer, "PNG")
    return buffer.getvalue()


def restore(data: bytes, prepared: Prepared, source: Image.Image) -> tuple[Image.Image, bool]:
    """The service's answer, mapped back onto the source.

    Args:
        data: the file that came back.
        prepared: what was sent.
        source: the RGB image that was prepared.

    Returns:
        RGB, exactly the width and height of `source`; and whether a larger source lent its fine detail where the answer
        still shows the same.

    Raises:
        AnswerError: the file cannot be used.
    """
    answer = _decode(data)
    drift = (answer.width / answer.height) / (prepared.sent_wh[0] / prepared.sent_wh[1])
    if abs(drift - 1) > _ASPECT_DRIFT:
        answer = aligned(answer, _decode(prepared.data))
    across, down = answer.width / prepared.sent_wh[0], answer.height / prepared.sent_wh[1]
    left, top, right, bottom = prepared.box
    box = (left * across, top * down, min(right * across, answer.width), min(bottom * down, answer.height))
    painted_wh = max(1, round(box[2] - box[0])), max(1, round(box[3] - box[1]))
    if not loses_detail(source.size, painted_wh):
        return answer.resize(source.size, _LANCZOS, box=box), False
    reduced = source.resize(painted_wh, _LANCZOS, reducing_gap=3.0)
    return enlarge(answer.resize(painted_wh, _LANCZOS, box=box), reduced, source), True


def _layout(source_wh: tuple[int, int], limits: Canvas) -> tuple[tuple[int, int], tuple[int, int]]:
    """Width and height of the canvas that is sent, and of the source on it."""
    width, height = source_wh
    aspect = min(max(width / height, 1 / limits.max_aspect), limits.max_aspect)
    if limits.pixels is not None:
        canvas = _stable_size(aspect, limits.pixels)
    else:
        canvas = _size_within_limits(width, height, aspect, limits)
    scale = min(canvas[0] / width, canvas[1] / height)
    inner = (min(canvas[0], max(1, round(width * scale))), min(canvas[1], max(1, round(height * scale))))
    return canvas, inner


def _stable_size(aspect: float, pixels: int) -> tuple[int, int]:
    """Sides in steps of 64, about `pixels` in all, that the same rounding would not change."""
    width = height = 0
    for _ in range(8):
        width = max(1, round(math.sqrt(pixels * aspect) / _STEP_PX)) * _STEP_PX
        height = max(1, round(math.sqrt(pixels / aspect) / _STEP_PX)) * _STEP_PX
        if width / height == aspect:
            break
        aspect = width / height
    return width, height


def _size_within_limits(width: int, height: int, aspect: float, limits: Canvas) -> tuple[int, int]:
    """The source's own size if the endpoint accepts it, else the nearest one; padded to an allowed aspect ratio."""
    canvas_width, canvas_height = max(width, height * aspect), max(height, width / aspect)
    grown = max(
        1.0,
        limits.min_side_px / min(canvas_width, canvas_height),
        math.sqrt(limits.min_pixels / (canvas_width * canvas_height)),
    )
    shrunk = min(
        1.0,
        math.sqrt(limits.max_pixels / (canvas_width * canvas_height)),
        limits.max_side_px / max(canvas_width, canvas_height),
    )
    scale = grown if grown > 1 else shrunk
    if scale == 1 and (canvas_width, canvas_height) == (width, height):
        return width, height
    # Rounded so that neither the number of pixels nor the aspect ratio exceeds its limit.
    up = canvas_width * scale if grown > 1 else math.floor(canvas_width * scale)
    wide = max(limits.min_side_px, math.ceil(up))
    high = max(limits.min_side_px, math.ceil(wide / limits.max_aspect), round(wide / (canvas_width / canvas_height)))
    while wide * high > limits.max_pixels:
        wide, high = (wide - 1, high) if wide > high else (wide, high - 1)
    if high > wide * limits.max_aspect:
        high = math.floor(wide * limits.max_aspect)
    return wide, high


def _mirrored(inner: Image.Image, canvas_wh: tuple[int, int], left: int, top: int) -> Image.Image:
    if inner.size == canvas_wh:
        return inner
    right, bottom = canvas_wh[0] - inner.width - left, canvas_wh[1] - inner.height - top
    pixels: np.ndarray[Any, Any] = np.asarray(inner)
    margins = ((top, bottom), (left, right), (0, 0))[: pixels.ndim]
    return Image.fromarray(np.pad(pixels, margins, mode="symmetric"))


def _encode(canvas: Image.Image, most_bytes: int) -> tuple[bytes, str]:
    """Lossless if that stays small, else JPEG at the best quality that the request limit allows."""
    buffer = io.BytesIO()
    if canvas.width * canvas.height <= 2 * 1024 * 1024:
        canvas.save(buffer, "PNG", compress_level=1)
        if buffer.tell() <= _PREFERRED_FILE_BYTES:
            return buffer.getvalue(), "image/png"
    for quality in _JPEG_QUALITIES:
        buffer = io.BytesIO()
        canvas.save(buffer, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
        if buffer.tell() <= most_bytes:
            break
    return buffer.getvalue(), "image/jpeg"


def _decode(data: bytes) -> Image.Image:
    if not data:
        raise AnswerError("an empty answer where an image was expected")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is our own
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                if opened.width * opened.height > _MAX_ANSWER_PIXELS:
                    raise AnswerError(f"an image of {opened.width}x{opened.height}, far more than was asked for")
                opened.load()
                if "A" in opened.getbands() or "transparency" in opened.info:
                    over = opened.convert("RGBA")
                    white = Image.new("RGBA", over.size, "white")
                    white.alpha_composite(over)
                    return white.convert("RGB")
                return opened.convert("RGB")
    except AnswerError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        kind = "a corrupt or truncated image" if _looks_like_image(data) else "something that is not an image"
        raise AnswerError(f"{kind} ({len(data):,} bytes)") from error


def _looks_like_image(data: bytes) -> bool:
    return data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF"))
