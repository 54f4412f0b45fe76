"""What an opened image says about itself: how it has to be turned, and who made it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

_ARTIST, _COPYRIGHT = 0x013B, 0x8298
_LONGEST_CREDIT = 500  # characters
_NOT_XML = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]+")
_ORIENTATION = 0x0112  # EXIF tag 274
_QUARTER_TURNS = frozenset({5, 6, 7, 8})
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Credit:
    """Who made an image and who has the rights in it; "" if the file does not say."""

    artist: str = ""
    copyright: str = ""


NOBODY = Credit()


def credit_of(image: Image.Image) -> Credit:
    """The artist and the copyright of an image, from its EXIF, or from the text of a PNG.

    Args:
        image: as it was opened.

    Example:
        >>> credit_of(Image.new("L", (4, 3)))
        Credit(artist='', copyright='')
    """
    try:
        exif = image.getexif()
        found = exif.get(_ARTIST), exif.get(_COPYRIGHT)
    except MemoryError:
        raise
    except Exception:
        found = None, None  # broken EXIF
    texts = getattr(image, "text", None) or {}
    return Credit(_plain(found[0] or texts.get("Author")), _plain(found[1] or texts.get("Copyright")))


def _plain(value: object) -> str:
    """A text of EXIF on one line. Its standard says ASCII, programs write UTF-8, and Pillow reads Latin-1."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return ""
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    return " ".join(_NOT_XML.sub(" ", str(value)).split())[:_LONGEST_CREDIT]


def orientation_of(image: Image.Image) -> int:
    """How the pixels have to be turned to be upright: EXIF's orientation, 1 to 8 (CIPA DC-008).

    Once a TIFF is loaded this is 1: Pillow turns the pixels of that format by itself, and of no other.

    Args:
        image: as it was opened.

    Returns:
        1 if the file does not say, or says nonsense.

    Example:
        >>> orientation_of(Image.new("L", (4, 3)))
        1
    """
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
        return int(orientation) if orientation in range(1, 9) else 1
    except MemoryError:
        raise
    except Exception:
        return 1  # broken EXIF: no known orientation, but the pixels are fine


def is_quarter_turn(orientation: int) -> bool:
    """Whether an orientation exchanges width and height."""
    return orientation in _QUARTER_TURNS


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """An image of this orientation made upright; pixel values and palette are kept."""
    transpose = _TRANSPOSES.get(orientation)
    return image if transpose is None else image.transpose(transpose)


def stored_size(opened: Image.Image) -> tuple[int, int]:
    """Width and height as they are in the file, of an image that was opened and not loaded.

    Pillow states the size of a TIFF as its orientation tag turns it, and of any other format as it is stored.
    """
    tags = getattr(opened, "tag_v2", None)
    return opened.size[::-1] if tags is not None and tags.get(_ORIENTATION) in _QUARTER_TURNS else opened.size
