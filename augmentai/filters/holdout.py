"""Pictures kept for validation and tests: nothing that is trained on may be nearly one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np

from augmentai.filters.features import ImageFeatures, likeness
from augmentai.types import Source

_LEAST_LIKENESS = 0.95
_LOOKED_AT = 5  # of the nearest by hash; more than a few would be alike only where the set is all of one kind


class HoldoutIndex:
    """Perceptual hashes of the pictures held out: 8 bytes each.

    sources: those of the validation and test splits. look: gives one at a glance, or None where it cannot be read.
    """

    def __init__(
        self, sources: Sequence[Source], look: Callable[[Source], ImageFeatures | None], pool: Executor
    ) -> None:
        self._look = look
        hashes = list(pool.map(self._hash, sources))
        self._sources = [source for source, found in zip(sources, hashes, strict=True) if found is not None]
        self._hashes = np.array([found for found in hashes if found is not None], np.uint64)

    def _hash(self, source: Source) -> int | None:
        look = self._look(source)
        return None if look is None else look.hash

    def near(self, look: ImageFeatures, most_bits: int) -> tuple[Source, int] | None:
        """The held-out picture that this one is nearly the same as, and how many bits their hashes differ in.

        most_bits: hashes may differ in, of 64. Hashes of pictures of one kind (pages, X-rays, small digits) are near by
        chance, so those that are near are looked at again: their lightness must correlate by 0.95.
        """
        if not len(self._hashes):
            return None
        bits = np.bitwise_count(self._hashes ^ np.uint64(look.hash))
        near = np.flatnonzero(bits <= most_bits)
        for place in near[np.argsort(bits[near], kind="stable")][:_LOOKED_AT]:
            source = self._sources[place]
            other = self._look(source)
            if other is not None and likeness(look, other) >= _LEAST_LIKENESS:
                return source, int(bits[place])
        return None
