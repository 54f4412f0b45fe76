"""Filling batches across sources: items of one size wait together until there are enough of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_MAX_WAITING_BATCHES = 4  # items waiting, in full batches; beyond it the largest group is sent, full or not
_MAX_WAITING_MEGAPIXELS = 200  # of sources kept in memory by waiting items

T = TypeVar("T")


class Batches(Generic[T]):
    """Groups of items by key; each group is served in order of arrival.

    Args:
        size: How many items make a full batch; may be changed at any time.

    Example:
        >>> batches = Batches(2)
        >>> for name, side in (("a", 64), ("b", 32), ("c", 64)):
        ...     batches.add(side, name, megapixels=0.1)
        >>> batches.pop_full(), batches.pop_full(), batches.pop_rest(), batches.pop_rest()
        (['a', 'c'], [], ['b'], [])
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._groups: dict[Hashable, list[tuple[T, float]]] = {}

    def add(self, key: Hashable, item: T, megapixels: float) -> None:
        """Add an item to the group of `key`; `megapixels` is the size of the source it keeps in memory."""
        self._groups.setdefault(key, []).append((item, megapixels))

    def pop_full(self) -> list[T]:
        """Remove and return a full batch, or the largest if too much is waiting; else an empty list."""
        if not self._groups:
            return []
        sizes = {key: len(group) for key, group in self._groups.items()}
        largest = max(sizes, key=sizes.__getitem__)
        waiting = sum(sizes.values())
        megapixels = sum(size for group in self._groups.values() for _, size in group)
        too_many = waiting >= _MAX_WAITING_BATCHES * self.size or megapixels > _MAX_WAITING_MEGAPIXELS
        return self._pop(largest) if sizes[largest] >= self.size or too_many else []

    def pop_rest(self) -> list[T]:
        """Remove and return the next batch when no more items will come; an empty list when none is left."""
        return self._pop(next(iter(self._groups))) if self._groups else []

    def _pop(self, key: Hashable) -> list[T]:
        group = self._groups.pop(key)
        if len(group) > self.size:
            self._groups[key] = group[self.size :]
        return [item for item, _ in group[: self.size]]
