"""Images reserved for validation and tests: no training image may be a near-duplicate of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice
from threading import Event

import numpy as np

from augmentai.filters.features import SIDE_PX, ImageFeatures, image_features, lightness_correlation
from augmentai.images import ImageError, decode
from augmentai.types import Source

Hashes = np.ndarray

_MIN_CORRELATION = 0.95
_HASHED_AT_A_TIME = 1000
_COMPARED = 5  # of the nearest by hash; more than a few would be similar only if the set is all of one kind


def reserved(source: Source) -> str:
    """What keeps an image from being augmented, in words.

    Example:
        >>> source = Source.from_bytes("extra/a.jpg", b"pixels")
        >>> reserved(source)
        'in no split'
    """
    return f"reserved for {source.split}" if source.split else "in no split"


class HoldoutIndex:
    """Perceptual hashes of holdout images, 8 bytes each.

    Args:
        sources: the images of the validation and test splits that could be read.
        hashes: of each of them.
        max_pixels: larger ones are not decoded.
        stop: once set, no more are read.

    Shape:
        hashes: (N,) of uint64.
    """

    def __init__(self, sources: Sequence[Source], hashes: Hashes, max_pixels: int, stop: Event | None = None) -> None:
        self.sources, self.hashes = sources, hashes
        self._max_pixels, self._stop = max_pixels, stop or Event()

    @classmethod
    def measured(cls, sources: Sequence[Source], max_pixels: int, pool: Executor, stop: Event) -> HoldoutIndex:
        """Read and hash the images of the validation and test splits.

        Args:
            sources: the images. Those that cannot be read are skipped.
            max_pixels, stop: see `HoldoutIndex`.
            pool: hashes them at the same time.
        """
        found = list(cls.hashes_of(sources, max_pixels, pool, stop))
        hashes = np.array([value for _, value in found], np.uint64)
        return cls([source for source, _ in found], hashes, max_pixels, stop)

    @classmethod
    def hashes_of(
        cls, sources: Iterable[Source], max_pixels: int, pool: Executor, stop: Event
    ) -> Iterator[tuple[Source, int]]:
        """Hash images of the validation and test splits; see `measured`.

        Yields:
            Those that can be read, in their order, each with its hash.
        """
        unknown, items = cls((), np.array([], np.uint64), max_pixels, stop), iter(sources)
        while some := list(islice(items, _HASHED_AT_A_TIME)):
            for source, value in zip(some, pool.map(unknown._hash, some), strict=True):
                if value is not None:
                    yield source, value

    def near(self, features: ImageFeatures, most_bits: int) -> tuple[Source, int] | None:
        """Find the holdout image that an image is nearly the same as.

        Hashes of images of one kind (pages, X-rays, small digits) are near by chance, so those that are near are
        compared again: their lightness must correlate by 0.95.

        Args:
            features: of the image.
            most_bits: how many of 64 bits the hashes may differ in.

        Returns:
            The holdout image and how many bits the hashes differ in; None if there is none.
        """
        if not len(self.hashes):
            return None
        bits = np.bitwise_count(self.hashes ^ np.uint64(features.hash))
        near = np.flatnonzero(bits <= most_bits)
        for place in near[np.argsort(bits[near], kind="stable")][:_COMPARED]:
            source = self.sources[place]
            other = self._features(source)
            if other is not None and lightness_correlation(features, other) >= _MIN_CORRELATION:
                return source, int(bits[place])
        return None

    def _hash(self, source: Source) -> int | None:
        features = self._features(source)
        return None if features is None else features.hash

    def _features(self, source: Source) -> ImageFeatures | None:
        """From a reduced decode, which is fast for JPEG; None if the image cannot be read, or the run is stopped."""
        if self._stop.is_set():
            return None
        try:
            photo = decode(source.read(), source.path, self._max_pixels, draft_side_px=SIDE_PX)
        except (ImageError, OSError):
            return None  # the set's own reader reports it
        return image_features(photo.original, photo.black_white)
