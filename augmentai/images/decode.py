"""A file's bytes to pixels that an engine can work on, and the engine's pixels back into the source's own kind."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

MIN_SIDE_PX = 8
# Only these decoders are let near a stranger's bytes (no EPS, which starts a program; no FITS, no scientific oddities).
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "JPEG2000", "AVIF", "HEIF")
_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}


class ImageError(ValueError):
    """A file cannot be used as a picture; the message says what was found and what to do, without the file's name."""


@dataclass(frozen=True)
class Photo:
    """A decoded source.

    rgb: upright 8-bit colour, which is what engines see. alpha: its transparency, 8-bit, same size, or None.
    grey: the source has no colour, so its variations must have none. deep: the values of a 16-bit or 32-bit grey
    source, (H, W), or None. format: Pillow's name of the file's format. notices: what the user should know.
    """

    rgb: Image.Image
    format: str
    mode: str
    alpha: Image.Image | None = None
    grey: bool = False
    deep: np.ndarray[Any, Any] | None = None
    icc_profile: bytes | None = None
    notices: tuple[str, ...] = ()

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.rgb.size

    def flattened(self, background: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
        """RGB with the transparency painted over `background`, for engines that take no alpha."""
        if self.alpha is None:
            return self.rgb
        return Image.composite(self.rgb, Image.new("RGB", self.rgb.size, background), self.alpha)

    def restore(self, made: Image.Image) -> Image.Image:
        """An engine's RGB picture of the same size as a picture of the source's kind: grey, 16-bit, with alpha.

        Raises ValueError where the size differs: labels would no longer be true.
        """
        if made.size != self.rgb.size:
            raise ValueError(f"the engine gave {made.size[0]}x{made.size[1]}, expected {self.rgb.width}x{self.rgb.height}")
        if self.deep is not None:
            return self._restore_deep(made)
        if not self.grey:
            return _with_alpha(made.convert("RGB"), self.alpha)
        grey = made.convert("L")
        return _with_alpha(grey if self.mode in {"L", "LA", "La", "1"} else grey.convert("RGB"), self.alpha)

    def _restore_deep(self, made: Image.Image) -> Image.Image:
        # The engine saw the values squeezed into 8 bits; what it changed there is added to the full-depth values.
        assert self.deep is not None
        low, high = _range(self.deep)
        before, after = (np.asarray(picture.convert("L"), np.float64) for picture in (self.rgb, made))
        values = self.deep.astype(np.float64) + (after - before) * ((high - low) / 255)
        if self.mode == "F":
            return Image.fromarray(values.astype(np.float32))
        limit = 2**31 - 1 if self.mode == "I" and high > 65535 else 65535
        whole = np.clip(np.rint(values), min(0, low), limit)
        return Image.fromarray(whole.astype(np.int32 if limit > 65535 or low < 0 else np.uint16))


def decode(data: bytes, name: str, max_pixels: int) -> Photo:
    """Read a picture: orientation applied, first frame, transparency and depth kept aside.

    name is used to recognise kinds of files that are refused by name. The header is read, and the size checked
    against `max_pixels`, before anything is decoded. Raises ImageError.
    """
    _refuse_by_kind(data, name)
    _load_decoders()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                _check_size(opened.size, max_pixels)
                frames = int(getattr(opened, "n_frames", 1))
                opened.load()
                upright = ImageOps.exif_transpose(opened)
                photo = _sort_out(upright, opened.format or "")
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"the picture is larger than the limit of {max_pixels / 1e6:g} megapixels") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"not a picture that can be read{_looks_like(data)}; use JPEG, PNG, WebP, TIFF, BMP, GIF or HEIC") from error
    except MemoryError as error:
        raise ImageError("not enough memory to decode this picture; make it smaller") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        raise ImageError(f"the file is damaged or breaks off ({_plain(error)}); save or copy it again") from error
    if frames > 1:
        kind = "pages" if photo.format == "TIFF" else "frames"
        photo = replace(photo, notices=(*photo.notices, f"{frames} {kind}; only the first was used"))
    return photo


def _refuse_by_kind(data: bytes, name: str) -> None:
    if not data:
        raise ImageError("the file is empty (0 bytes)")
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if name.lower().endswith((".svg", ".svgz")) or head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in head):
        raise ImageError("SVG is a drawing, not a photograph; export it as PNG first")


def _looks_like(data: bytes) -> str:
    if data.startswith(b"%PDF"):
        return ": it is a PDF"
    if data.startswith(b"PK\x03\x04"):
        return ": it is a ZIP"
    sample = data[:512]
    if not any(byte < 9 or 13 < byte < 32 for byte in sample):
        return ": it holds text" if sample.isascii() else ""
    return ""


@cache
def _load_decoders() -> None:
    from pillow_heif import register_heif_opener

    Image.init()
    register_heif_opener()


def _check_size(size_wh: tuple[int, int], max_pixels: int) -> None:
    width, height = size_wh
    if width * height > max_pixels:
        found = width * height / 1e6
        raise ImageError(f"{width}x{height} is {found:.1f} megapixels; the limit is {max_pixels / 1e6:g}; make it smaller")
    if min(width, height) < MIN_SIDE_PX:
        raise ImageError(f"{width}x{height} pixels is too small to vary; at least {MIN_SIDE_PX}x{MIN_SIDE_PX} is needed")


def _sort_out(picture: Image.Image, file_format: str) -> Photo:
    mode = picture.mode
    profile = picture.info.get("icc_profile")
    if mode in _DEEP_MODES:
        return _deep(picture, file_format)
    if mode in {"CMYK", "LAB", "YCbCr", "HSV"}:
        notice = f"converted from {mode} to RGB"
        return Photo(_to_srgb(picture, profile), file_format, "RGB", notices=(notice,))
    alpha = None
    if mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info:
        with_alpha = picture.convert("RGBA")
        band = with_alpha.getchannel("A")
        alpha = band if band.getextrema() != (255, 255) or mode in {"RGBA", "LA"} else None
        rgb = with_alpha.convert("RGB")
    else:
        rgb = picture.convert("RGB")
    grey = mode in {"1", "L", "LA", "La"} or _is_grey(rgb)
    keeps_profile = isinstance(profile, bytes) and mode not in {"P", "PA", "1"}
    return Photo(rgb, file_format, mode, alpha, grey, icc_profile=profile if keeps_profile else None)


def _deep(picture: Image.Image, file_format: str) -> Photo:
    values = np.asarray(picture)
    if picture.mode == "F" and not np.isfinite(values).all():
        raise ImageError("the picture holds values that are not numbers (NaN or infinity); replace them first")
    low, high = _range(values)
    squeezed = (values.astype(np.float64) - low) * (255 / (high - low))
    grey = Image.fromarray(np.rint(squeezed).clip(0, 255).astype(np.uint8))
    mode = picture.mode if picture.mode in {"I", "F"} else "I;16"
    return Photo(grey.convert("RGB"), file_format, mode, grey=True, deep=values)


def _range(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1


def _to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the plain conversion below is the best that is left
    return picture.convert("RGB")


def _is_grey(rgb: Image.Image) -> bool:
    # JPEG may leave a step or two between the channels of a grey picture; a glance at a few pixels spares most the rest.
    glance = rgb.resize((min(64, rgb.width), min(64, rgb.height)), Image.Resampling.NEAREST)
    return _colourfulness(glance) <= 2 and _colourfulness(rgb) <= 2


def _colourfulness(rgb: Image.Image) -> int:
    red, green, blue = rgb.split()
    pairs = ((red, green), (green, blue))
    return max(int(ImageChops.difference(a, b).getextrema()[1]) for a, b in pairs)  # type: ignore[arg-type]


def _with_alpha(picture: Image.Image, alpha: Image.Image | None) -> Image.Image:
    if alpha is not None:
        picture.putalpha(alpha)
    return picture


def _plain(error: Exception) -> str:
    words = str(error).strip() or type(error).__name__
    return words.splitlines()[0][:160]
