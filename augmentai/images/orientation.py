"""Stored size and EXIF orientation of an image file, and how to get from stored to upright coordinates."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO

from PIL import Image, UnidentifiedImageError

from augmentai.images.decode import FORMATS, load_decoders
from augmentai.images.exif import is_quarter_turn, orientation_of, stored_size, turned
from augmentai.images.photo import ImageError
from augmentai.types import Source


@dataclass(frozen=True)
class Frame:
    """Size and orientation of an image file.

    Args:
        size_wh: Width and height of the upright image, in pixels.
        stored_wh: Width and height as stored in the file.
        orientation: EXIF's, 1 to 8 (CIPA DC-008).

    Example:
        >>> frame = Frame(size_wh=(30, 40), stored_wh=(40, 30), orientation=6)
        >>> frame.point(0, 0)
        (30, 0)
    """

    size_wh: tuple[int, int]
    stored_wh: tuple[int, int]
    orientation: int = 1

    def matches_stored(self, size_wh: tuple[int, int]) -> bool:
        """Is this the stored size and not the upright one? Then what has this size was drawn on the stored image.

        A half turn or a mirror leaves no trace in the size; tools show images upright, so upright is assumed.
        """
        return size_wh == self.stored_wh != self.size_wh

    def unlike(self, size_wh: tuple[int, int]) -> tuple[int, int] | None:
        """A size that a label file states for this image, if it is another one; None if it is not, or states none.

        Example:
            >>> frame = Frame(size_wh=(30, 40), stored_wh=(40, 30), orientation=6)
            >>> frame.unlike((40, 30)), frame.unlike((0, 0)), frame.unlike((300, 400))
            (None, None, (300, 400))
        """
        return size_wh if min(size_wh) > 0 and size_wh not in {self.size_wh, self.stored_wh} else None

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the stored image to the upright image, both in pixels."""
        width, height = self.stored_wh
        if self.orientation in {2, 3, 7, 8}:
            x = width - x
        if self.orientation in {3, 4, 6, 7}:
            y = height - y
        return (y, x) if is_quarter_turn(self.orientation) else (x, y)

    def upright(self, stored: Image.Image) -> Image.Image:
        """Turn an image of the stored size, such as a mask, upright; pixel values and palette are kept."""
        return turned(stored, self.orientation)


def read_frame(stream: IO[bytes]) -> Frame:
    """Read size and orientation from the header alone.

    Args:
        stream: Open for reading, and seekable.

    Raises:
        ImageError: The header is not an image's.
    """
    load_decoders()
    try:
        with Image.open(stream, formats=FORMATS) as opened:
            stored, orientation = stored_size(opened), orientation_of(opened)
    except Exception as error:
        found = "no decoder knows it" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ImageError(f"not an image that can be read ({found})") from error
    width, height = stored
    return Frame((height, width) if is_quarter_turn(orientation) else stored, stored, orientation)


def read_size(source: Source) -> tuple[int, int]:
    """Read width and height of a source's upright image from its header.

    Raises:
        ImageError: The header is not an image's.
        OSError: The source cannot be read.
    """
    return read_frame(io.BytesIO(source.read())).size_wh
