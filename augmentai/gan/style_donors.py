"""Which images of a job lend their style to which."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Sequence

from augmentai.types import Source

MAX_DONORS = 64  # per class or job: a style is cheap, but decoding every image of a large set for it is not


class StyleDonors:
    """The images that may lend their style: those of the same class, or all if there are no classes.

    Args:
        sources: All sources of the job. Their order does not matter; each class keeps at most `MAX_DONORS` + 1.
        by_hash: They are sorted by hash and path already, and need not fit into memory.

    Example:
        >>> sources = [Source.from_bytes(f"{name}.png", name.encode(), "cat") for name in ("a", "b", "c")]
        >>> donors = StyleDonors(sources)
        >>> len(donors.for_source(sources[0])), donors.images_per_class()
        (2, 3)
    """

    def __init__(self, sources: Sequence[Source], by_hash: bool = False) -> None:
        by_label: dict[str | None, list[Source]] = {}
        seen: set[tuple[str | None, str]] = set()
        for source in sources if by_hash else sorted(sources, key=lambda s: (s.sha256, s.path)):
            same_class = by_label.setdefault(source.label, [])
            if len(same_class) <= MAX_DONORS and (source.label, source.sha256) not in seen:
                seen.add((source.label, source.sha256))
                same_class.append(source)
        self._by_label = by_label

    @property
    def lenders(self) -> list[Source]:
        """All of them, sorted by hash: the donors of a job depend on these alone."""
        every = (source for sources in self._by_label.values() for source in sources)
        return sorted(every, key=lambda source: (source.sha256, source.path))

    def sample(self, count: int) -> list[tuple[Source, str]]:
        """Return about `count` labelled sources and their classes, the same number per class as far as possible."""
        labels = sorted(label for label in self._by_label if label is not None)
        labels = labels[: count // 3]  # with this many classes some suffice; three of each show whether they cluster
        per_class = max(3, count // max(1, len(labels)))
        return [(source, label) for label in labels for source in self._by_label[label][:per_class]]

    def images_per_class(self) -> float:
        """Return the median class size, counted up to `MAX_DONORS` + 1; 0 without classes."""
        counts = [len(sources) for label, sources in self._by_label.items() if label is not None]
        return statistics.median(counts) if counts else 0

    def for_source(self, source: Source) -> list[Source]:
        """Return the possible donors for a source: others of its class with different content."""
        others = [other for other in self._by_label.get(source.label, []) if other.sha256 != source.sha256]
        return others[:MAX_DONORS]


def seeded_order(count: int, seed: str) -> list[int]:
    """Permute 0..count-1 in an order that depends on `seed` alone, the same on every machine and version.

    Example:
        >>> seeded_order(5, "7:abc")
        [1, 0, 4, 3, 2]
    """
    return sorted(range(count), key=lambda i: hashlib.sha256(f"{seed}:{i}".encode()).digest())
