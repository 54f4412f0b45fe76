"""How much memory the images take that one run has in hand, which all of its stages and engines share."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from augmentai.images import Photo
from augmentai.system.cpu import usable_cores
from augmentai.types import SourceKey

_MB_PER_CORE = 150  # three images of 12 megapixels on two cores, twelve on eight
_BYTES_PER_PIXEL = 8  # what was painted, and what it was moved to: Pillow keeps a colour in four bytes
_DEEP_BYTES_PER_PIXEL = 32  # of 16 bits per channel, which are moved as floats


class ImageMemory:
    """Counts what a run works on, from the moment that an engine takes a task until its file is encoded.

    Whoever holds images asks `is_full` before it takes another one, and passes on what it holds if so. Who holds
    nothing may always take one, so that an image larger than the limit is made alone.

    Args:
        limit_mb: of all images in hand; by default it grows with the number of cores.

    Example:
        >>> from PIL import Image
        >>> memory = ImageMemory(limit_mb=20)
        >>> photo = Photo(Image.new("RGB", (1000, 1000)), "PNG", "RGB")
        >>> memory.take(("a.png", "sha"), 1, photo)
        >>> memory.is_full
        False
        >>> memory.take(("a.png", "sha"), 2, photo)
        >>> memory.is_full  # 16 MB, and the next one takes as much as the largest of these
        True
    """

    def __init__(self, limit_mb: float | None = None) -> None:
        self._limit = 1_000_000 * (limit_mb or _MB_PER_CORE * usable_cores())
        self._taken: dict[tuple[SourceKey, int], int] = {}
        self._changing = Lock()  # engines may take tasks in threads of their own

    def share(self, count: int) -> ImageMemory:
        """That of one of several processes which share the limit.

        Args:
            count: how many.
        """
        return ImageMemory(self._limit / count / 1_000_000)

    def has_room_for(self, pixels: float) -> bool:
        """Whether one variation of so many pixels is within the limit."""
        return pixels * _BYTES_PER_PIXEL <= self._limit

    @property
    def is_full(self) -> bool:
        """Whether one more image, as large as the largest in hand, would exceed the limit."""
        with self._changing:
            sizes = list(self._taken.values())
        return bool(sizes) and sum(sizes) + max(sizes) > self._limit

    def take(self, source: SourceKey, index: int, photo: Photo) -> None:
        """A variation of this photo is begun, or attempted again."""
        with self._changing:
            self._taken[source, index] = working_bytes(photo)

    def release(self, source: SourceKey, index: int) -> None:
        """A variation is settled: its file is encoded, or there will be none."""
        with self._changing:
            self._taken.pop((source, index), None)

    def has_room_beside(self, photos: Iterable[Photo]) -> bool:
        """Whether one more source, as large as the largest of these, may wait for a service beside them.

        What waits has no variation yet, and the variations of one source share its pixels.
        """
        sizes = list({id(photo): _held_bytes(photo) for photo in photos}.values())
        return not sizes or sum(sizes) + max(sizes) <= self._limit

    def may_prepare(self, pixels: int, is_deep: bool = False) -> bool:
        """Whether a source this large may be decoded before its turn: a small one, beside those in hand.

        is_deep: whether it has 16 bits per channel.
        """
        return 3 * pixels * (_DEEP_BYTES_PER_PIXEL if is_deep else _BYTES_PER_PIXEL) <= self._limit


def _held_bytes(photo: Photo) -> int:
    width, height = photo.size_wh
    return width * height * (_BYTES_PER_PIXEL // 2) + sum(x.nbytes for x in (photo.fine, photo.deep) if x is not None)


def working_bytes(photo: Photo) -> int:
    """What one variation of a photo takes until it is encoded, the photo itself not counted.

    Example:
        >>> from PIL import Image
        >>> working_bytes(Photo(Image.new("RGB", (1000, 1000)), "PNG", "RGB"))
        8000000
    """
    width, height = photo.size_wh
    return width * height * (_BYTES_PER_PIXEL if photo.fine is None else _DEEP_BYTES_PER_PIXEL)
