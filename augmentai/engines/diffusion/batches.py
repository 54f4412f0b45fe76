"""Filling batches across sources: shots of one size wait together until there are enough of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_GROUPS_FULL = 4  # waiting shots, in full batches; beyond it the fullest group goes, full or not
_MEGAPIXELS = 200  # of sources held by waiting shots

T = TypeVar("T")


class Batches(Generic[T]):
    """Groups by key, first come first served. `size` is how many make a full batch and may be changed at any time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._groups: dict[Hashable, list[tuple[T, float]]] = {}

    def add(self, key: Hashable, item: T, megapixels: float) -> None:
        self._groups.setdefault(key, []).append((item, megapixels))

    def full(self) -> list[T]:
        """A batch that is full, or the largest where too much waits; empty where filling should go on."""
        if not self._groups:
            return []
        sizes = {key: len(group) for key, group in self._groups.items()}
        fullest = max(sizes, key=sizes.__getitem__)
        held = sum(megapixels for group in self._groups.values() for _, megapixels in group)
        if sizes[fullest] >= self.size or sum(sizes.values()) >= _GROUPS_FULL * self.size or held > _MEGAPIXELS:
            return self._take(fullest)
        return []

    def rest(self) -> list[T]:
        """The next batch when nothing more will come; empty where none is left."""
        return self._take(next(iter(self._groups))) if self._groups else []

    def _take(self, key: Hashable) -> list[T]:
        group = self._groups.pop(key)
        if len(group) > self.size:
            self._groups[key] = group[self.size :]
        return [item for item, _ in group[: self.size]]
