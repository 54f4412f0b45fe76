"""Variations of one source among each other: none may be nearly the same as one before it.

A variation is compared with those of a lower index only, whatever order they are finished in, so that every run keeps
the same ones. It therefore waits until each of those is settled: kept, or given up for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from augmentai.filters.features import apart

T = TypeVar("T")
Place = tuple[str, str]  # of a source: its path and its hash


@dataclass
class _Family(Generic[T]):
    """prints: of what is settled, by index; None where there is no picture. waiting: finished, not yet compared."""

    prints: dict[int, bytes | None]
    waiting: dict[int, T] = field(default_factory=dict)


class Siblings(Generic[T]):
    """Holds back what cannot be judged yet. T: whatever is held back.

    wanted: the indices of a source's variations, rising. known: prints of variations of an earlier run, by index.
    """

    def __init__(
        self, wanted: Callable[[Place], Sequence[int]], known: Callable[[Place], Mapping[int, bytes | None]]
    ) -> None:
        self._wanted, self._known = wanted, known
        self._families: dict[Place, _Family[T]] = {}

    def finished(self, place: Place, index: int, item: T) -> None:
        """Take one that is finished."""
        family = self._family(place)
        family.waiting[index] = item

    def next_ready(self, place: Place) -> T | None:
        """One that may be judged now, of the lowest index; None while those before it are not settled."""
        family = self._families.get(place)
        if family is None or not family.waiting:
            return None
        lowest = min(family.waiting)
        if any(lower not in family.prints for lower in self._wanted(place) if lower < lowest):
            return None
        return family.waiting.pop(lowest)

    def nearest(self, place: Place, index: int, mine: bytes) -> tuple[int, int] | None:
        """The sibling of lower index that is most alike, as (index, levels apart); None where there is none.

        Nor is there any where `mine` is empty, as it is for a variation of a plain source.
        """
        prints = self._families[place].prints
        others = [
            (apart(mine, other), lower)
            for lower, other in prints.items()
            if other is not None and lower < index and mine
        ]
        return (min(others)[1], min(others)[0]) if others else None

    def settled(self, place: Place, index: int, mine: bytes | None) -> None:
        """This one is kept, with its print, or given up, with None."""
        family = self._family(place)
        family.prints[index] = mine
        if not family.waiting and all(wanted in family.prints for wanted in self._wanted(place)):
            del self._families[place]

    def left(self) -> Iterator[T]:
        """Those still held back when a job is stopped."""
        for family in self._families.values():
            yield from (family.waiting[index] for index in sorted(family.waiting))
        self._families.clear()

    def _family(self, place: Place) -> _Family[T]:
        if place not in self._families:
            self._families[place] = _Family(dict(self._known(place)))
        return self._families[place]
