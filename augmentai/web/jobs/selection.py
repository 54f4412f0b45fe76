"""Which variations of a finished job are shown, in which order, and which are excluded from its ZIP."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from augmentai.recipe.thresholds import Thresholds
from augmentai.web.jobs.snapshot import ResultRow

SHOWN = {"all": "All", "included": "Included", "excluded": "Excluded", "random": "12 at random"}
ORDERS = {
    "name": "Name",
    "most": "Most changed first",
    "least": "Least changed first",
    "doubtful": "Closest to rejection first",
}
RANDOM = 12
_MOST_UNDONE = 100  # steps


@dataclass(frozen=True)
class View:
    """What the page shows of a finished job.

    Attributes:
        source, label: a source and a class; "" for all.
        shown: one of `SHOWN`.
        order: one of `ORDERS`.
    """

    source: str = ""
    label: str = ""
    shown: str = "all"
    order: str = "name"

    def rows(
        self, rows: Sequence[ResultRow], excluded: Collection[str], thresholds: Thresholds, draw: int = 0
    ) -> list[ResultRow]:
        """The rows that are shown, in order.

        Args:
            rows: all of the job.
            excluded: files that are not in the ZIP.
            thresholds: those of the filters.
            draw: which 12 are drawn at random.
        """
        chosen = [r for r in rows if (not self.source or r.source == self.source) and (self.label in ("", *r.labels))]
        if self.shown in ("included", "excluded"):
            chosen = [row for row in chosen if (row.file in excluded) == (self.shown == "excluded")]
        chosen.sort(key=lambda row: (row.source, row.sha256, row.index))
        if self.shown == "random":
            chosen = random.Random(draw).sample(chosen, min(RANDOM, len(chosen)))
            chosen.sort(key=lambda row: (row.source, row.sha256, row.index))
        if self.order in ("most", "least"):
            sign = -1 if self.order == "most" else 1
            chosen.sort(key=lambda row: math.inf if row.changed is None else sign * row.changed)
        elif self.order == "doubtful":
            chosen.sort(key=lambda row: margin(row, thresholds))
        return chosen


EVERYTHING = View()


def margin(row: ResultRow, thresholds: Thresholds) -> float:
    """How far a variation is from being rejected: 1 is at the threshold of a filter, 2 is twice that far."""
    limits = {"contrast": thresholds.flat, "sharpness": thresholds.blurred, "drift": thresholds.drift}
    known = (row.scores[name] / limit for name, limit in limits.items() if limit and name in row.scores)
    return min(known, default=math.inf)


@dataclass
class Exclusions:
    """The variations that a visitor has excluded, and how to undo it.

    Attributes:
        files: those that are not in the ZIP.

    Example:
        >>> excluded = Exclusions()
        >>> excluded.change({"a", "b"}, set(), revision=1)
        >>> excluded.change(set(), {"a"}, revision=2)
        >>> sorted(excluded.files), excluded.undo(), sorted(excluded.files), excluded.undo(), excluded.undo()
        (['b'], True, ['a', 'b'], True, False)
    """

    files: set[str] = field(default_factory=set)
    _steps: list[tuple[frozenset[str], frozenset[str]]] = field(default_factory=list)  # excluded, and included again
    _revisions: dict[str, int] = field(default_factory=dict)  # of each file, the click that decided on it

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._steps)

    @property
    def revision(self) -> int:
        """Number of the latest click."""
        return max(self._revisions.values(), default=0)

    def change(self, excluded: set[str], included: set[str], revision: int) -> None:
        """Exclude some, and include others again.

        Args:
            excluded, included: files.
            revision: number of the click; two quick ones may arrive in either order, and the later one counts.
        """
        due = {file for file in excluded | included if revision > self._revisions.get(file, -1)}
        self._revisions |= dict.fromkeys(due, revision)
        gone, back = frozenset((excluded & due) - self.files), frozenset(included & due & self.files)
        if gone or back:
            self.files = (self.files | gone) - back
            self._steps = [*self._steps[-_MOST_UNDONE + 1 :], (gone, back)]

    def undo(self) -> bool:
        """Undo the latest change. Returns whether there was one."""
        if not self._steps:
            return False
        gone, back = self._steps.pop()
        self.files = (self.files - gone) | back
        return True
