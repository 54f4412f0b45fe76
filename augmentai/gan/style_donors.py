"""Who lends a look to whom."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Sequence

from augmentai.types import Source

MAX_DONORS = 64  # of a class or a job; a style is cheap, reading every picture of a large set for one is not


class StyleDonors:
    """Which pictures of the job may lend their style to which: those of the same class, else all; a bounded number."""

    def __init__(self, sources: Sequence[Source]) -> None:
        by_label: dict[str | None, list[Source]] = {}
        taken: set[tuple[str | None, str]] = set()
        for source in sorted(sources, key=lambda s: (s.sha256, s.path)):
            same_class = by_label.setdefault(source.label, [])
            if len(same_class) <= MAX_DONORS and (source.label, source.sha256) not in taken:
                taken.add((source.label, source.sha256))
                same_class.append(source)
        self._by_label = by_label

    def sample(self, count: int) -> list[tuple[Source, str]]:
        """About `count` labelled sources and their classes, the same number of each class as far as there are."""
        labels = sorted(label for label in self._by_label if label is not None)
        labels = labels[: count // 3]  # of so many classes some do; three of each tell whether they keep together
        each = max(3, count // max(1, len(labels)))
        return [(source, label) for label in labels for source in self._by_label[label][:each]]

    def images_per_class(self) -> float:
        """How many pictures a class has, the median over the classes; counted to a little over `MAX_DONORS`."""
        counts = [len(sources) for label, sources in self._by_label.items() if label is not None]
        return statistics.median(counts) if counts else 0

    def for_source(self, source: Source) -> list[Source]:
        others = [other for other in self._by_label.get(source.label, []) if other.sha256 != source.sha256]
        return others[:MAX_DONORS]


def seeded_order(count: int, seed: str) -> list[int]:
    """0..count-1 in an order that hangs on `seed` alone, the same on every machine and version."""
    return sorted(range(count), key=lambda i: hashlib.sha256(f"{seed}:{i}".encode()).digest())
