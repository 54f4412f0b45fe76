"""What was measured in each open tab, so that the results of a job with the same settings can say it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from augmentai.lift import LiftReport
from augmentai.recipe import Recipe
from augmentai.web.jobs.upload_places import Upload

_MAX_SESSIONS = 200  # beyond that, what was measured longest ago is forgotten
# On these it does not depend what a variation looks like.
_APART: dict[str, Any] = {
    "variations": 1,
    "seed": 0,
    "output_format": "same",
    "to": "same",
    "originals": "auto",
    "splits": "copy",
    "per_class": 0,
    "balance": False,
    "most_per_source": 1,
    "make_split": "",
}


@dataclass(frozen=True)
class Measured:
    """A measurement with what it was made on.

    Attributes:
        report: what was found.
        uploads: the set.
        recipes: what was measured, by name.
    """

    report: LiftReport
    uploads: tuple[Upload, ...]
    recipes: Mapping[str, Recipe]

    def speaks_of(self, uploads: Sequence[Upload], recipe: Recipe) -> bool:
        """Whether the variations of this set by this recipe are what was measured."""
        return self.uploads == _as_key(uploads) and any(_look(one) == _look(recipe) for one in self.recipes.values())


class LiftStore:
    """The last measurement of each open tab, by its session. Thread-safe, of bounded size."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, Measured] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, session: str, report: LiftReport, uploads: Sequence[Upload], recipes: Mapping[str, Recipe]) -> None:
        """Store a session's measurement in place of its previous one."""
        with self._lock:
            self._found[session] = Measured(report, _as_key(uploads), dict(recipes))
            self._found.move_to_end(session)
            while len(self._found) > _MAX_SESSIONS:
                self._found.popitem(last=False)

    def of(self, session: str, uploads: Sequence[Upload], recipe: Recipe) -> LiftReport | None:
        """What a session has measured on this set with this recipe; None if nothing."""
        with self._lock:
            found = self._found.get(session)
        return found.report if found is not None and found.speaks_of(uploads, recipe) else None

    def discard(self, session: str) -> None:
        """Forget a session."""
        with self._lock:
            self._found.pop(session, None)


def _as_key(uploads: Sequence[Upload]) -> tuple[Upload, ...]:
    return tuple(sorted((str(place), str(path)) for place, path in uploads))


def _look(recipe: Recipe) -> Recipe:
    return replace(recipe, **_APART)
