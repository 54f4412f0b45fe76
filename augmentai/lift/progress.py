"""How far a measurement is: counted work, weighed by what it usually takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event
from types import MappingProxyType
from typing import Literal

from augmentai.lift.report import LiftError

OnProgress = Callable[[str, float], None]  # what is being done, and the share of all work that is done, 0 to 1
ShouldStop = Callable[[], bool]
Work = Literal["view", "variation", "fit", "step"]

# Of one core, measured on a common laptop.
_MS: dict[Work, float] = {"view": 6.0, "variation": 25.0, "fit": 80.0, "step": 1500.0}


class LiftStoppedError(LiftError):
    """The measurement was stopped before it was finished."""


class Progress:
    """Counts finished work, reports it, and stops when asked to.

    Args:
        expected: how much work of each kind there will be.
        on_progress: told after each piece.
        should_stop: asked after each piece.
        seconds: what a piece of some kinds of work takes here, where that was measured.

    Attributes:
        stop: set once the measurement is to end; engines look at it.

    Example:
        >>> progress = Progress({"view": 10}, lambda words, share: print(f"{words} {share:.0%}"), lambda: False)
        >>> progress.done("view", "looking at images", 5)
        looking at images 50%
    """

    def __init__(
        self,
        expected: dict[Work, int],
        on_progress: OnProgress,
        should_stop: ShouldStop,
        seconds: Mapping[Work, float] = MappingProxyType({}),
    ) -> None:
        self._ms = {**_MS, **{kind: 1000 * one for kind, one in seconds.items()}}
        self._all_ms = sum(self._ms[kind] * count for kind, count in expected.items()) or 1.0
        self._done_ms = 0.0
        self._on_progress, self._should_stop = on_progress, should_stop
        self.stop = Event()

    def done(self, kind: Work, words: str, count: int = 1) -> None:
        """Count finished work.

        Args:
            kind: of work.
            words: what is being done.
            count: how much.

        Raises:
            LiftStoppedError: the measurement is to end.
        """
        self._done_ms += self._ms[kind] * count
        self._on_progress(words, min(1.0, self._done_ms / self._all_ms))
        self.check()

    def check(self) -> None:
        """Raise LiftStoppedError if the measurement is to end."""
        if self._should_stop():
            self.stop.set()
        if self.stop.is_set():
            raise LiftStoppedError("the measurement was stopped; nothing is kept of it but cached features")
