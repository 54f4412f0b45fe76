"""The order in which waiting jobs start: visitors take turns, and the jobs of one visitor keep their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

J = TypeVar("J", bound=Hashable)


class Turns(Generic[J]):
    """The visitor whose last job ended longest ago, or who has waited longest since, is the next.

    So a job waits for at most one job of each other visitor, the one at work included, however many they have.

    Example:
        >>> turns = Turns()
        >>> for job, visitor in [("a1", "A"), ("a2", "A"), ("a3", "A"), ("b1", "B"), ("b2", "B")]:
        ...     turns.add(job, visitor)
        >>> turns.order()
        ['a1', 'b1', 'a2', 'b2', 'a3']
    """

    def __init__(self) -> None:
        self._waiting: dict[J, str] = {}  # the visitor of each job, in the order of arrival
        self._at_work: dict[J, str] = {}
        self._since: dict[str, int] = {}  # when each of these visitors came, or their last job ended
        self._clock = count()

    def __contains__(self, job: object) -> bool:
        return job in self._waiting

    def add(self, job: J, visitor: str) -> None:
        """A job begins to wait."""
        self._since.setdefault(visitor, next(self._clock))
        self._waiting[job] = visitor

    def start(self, job: J) -> None:
        """A job that waits gets its turn."""
        self._at_work[job] = self._waiting.pop(job)

    def end(self, job: J) -> None:
        """A job is over, or no longer waits. It may be unknown."""
        self._waiting.pop(job, None)
        if visitor := self._at_work.pop(job, None):
            self._since[visitor] = next(self._clock)
        present = {*self._waiting.values(), *self._at_work.values()}
        self._since = {one: since for one, since in self._since.items() if one in present}

    def order(self) -> list[J]:
        """The jobs that wait, the next one first."""
        before, at_work = Counter[str](), Counter(self._at_work.values())
        keys = {}
        for job, visitor in self._waiting.items():
            keys[job] = (before[visitor], at_work[visitor], self._since[visitor])
            before[visitor] += 1
        return sorted(keys, key=lambda job: keys[job])
