"""Limits on credits, and the count of the day that they are held against.

The count is a small file that every job and process with the same state folder shares. If it cannot be trusted
(damaged, from a later day than the clock says, not writable), nothing is spent: it never starts at 0 by itself.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import shorten
from typing import Any

from augmentai.settings import Settings

ROUNDING = 1e-9  # sums of prices are not exact
_LEDGER_FILE = "stability_credits.json"  # its name since only one engine charged; the day's count outlives an update
_LOCK_SECONDS = 30.0  # it is held for milliseconds: whoever holds it longer is suspended or has hung
_LOCK_POLL_SECONDS = 0.01
_in_process = threading.Lock()


class LedgerError(Exception):
    """Credits cannot be counted, so nothing may be spent; the message names the file and says what to do."""


def is_amount(credits: object) -> bool:
    """Whether this is a number of credits: finite and not negative.

    Example:
        >>> [is_amount(credits) for credits in (0, 3.5, -1, float("nan"), float("inf"), 10**400, "5", True)]
        [True, True, False, False, False, False, False, False]
    """
    if isinstance(credits, bool) or not isinstance(credits, int | float):
        return False
    try:
        return math.isfinite(credits) and credits >= 0
    except OverflowError:
        return False


@dataclass(frozen=True)
class CreditLimits:
    """What may be spent, on all paid engines together.

    Attributes:
        per_job: credits that one job may spend; None for no limit.
        per_day: credits a UTC day, over all jobs and restarts; None for no limit.
        folder: where the day's count is kept.
        from_now: credits that a job may still spend, whatever it has spent before it was resumed; None for no limit.

    Raises:
        ValueError: a limit is negative or not a finite number, so it would limit nothing.
    """

    per_job: float | None
    per_day: float | None
    folder: Path
    from_now: float | None = None

    def __post_init__(self) -> None:
        for limit in (self.per_job, self.per_day, self.from_now):
            if limit is not None and not is_amount(limit):
                raise ValueError(f"{limit!r} is not a limit of credits; expected a number from 0, or None for no limit")

    @classmethod
    def from_settings(cls, settings: Settings) -> CreditLimits:
        """The limits of whoever runs this installation."""
        return cls(settings.credits_per_job, settings.credits_per_day, Path(settings.state).expanduser())

    def at_most(self, from_now: float) -> CreditLimits:
        """The same limits, but no more than these credits from now on."""
        return replace(self, from_now=from_now if self.from_now is None else min(from_now, self.from_now))

    def remaining(self) -> tuple[float | None, float | None]:
        """Credits that a job beginning now may spend (None: no limit), and those spent today (None: not counted)."""
        limits = [limit for limit in (self.per_job, self.from_now) if limit is not None]
        if self.per_day is None:
            return min(limits, default=None), None
        try:
            spent = Ledger(self).spent()
        except LedgerError:
            spent = self.per_day  # nothing will be spent if it cannot be counted
        return min([*limits, max(0.0, self.per_day - spent)]), spent


class Ledger:
    """The day's credits in a small file, shared by every job and process with the same state folder.

    A day is a UTC day. A process that dies in the middle of a request leaves its price counted: rather too much than
    too little. The file holds amounts and nothing else.
    """

    def __init__(self, limits: CreditLimits) -> None:
        self._cap = limits.per_day
        self._file = limits.folder / _LEDGER_FILE

    def spent(self) -> float:
        """Credits spent or reserved today; 0 without a daily limit. Raises LedgerError."""
        if self._cap is None or not os.path.lexists(self._file):
            return 0.0
        with self._locked():
            return self._read_today(today())

    def allows(self, credits: float) -> bool:
        """Whether the day's limit has room for them. Raises LedgerError."""
        return self._cap is None or self.spent() + credits <= self._cap + ROUNDING

    def reserve(self, credits: float) -> bool:
        """Count them as spent; False if the day's limit does not allow it. Raises LedgerError."""
        if not is_amount(credits):
            raise LedgerError(f"{credits!r} credits cannot be counted in {self._file}; expected a number from 0")
        if self._cap is None:
            return True
        with self._locked():
            day = today()
            spent = self._read_today(day)
            if spent + credits > self._cap + ROUNDING:
                return False
            self._write({day: round(spent + credits, 6)})
            return True

    def add(self, credits: float) -> None:
        """Count what was spent already, whatever the limit says. Raises LedgerError."""
        if self._cap is None or not is_amount(credits):
            return
        with self._locked():
            day = today()
            self._write({day: round(self._read_today(day) + credits, 6)})

    def release(self, credits: float, day: str) -> None:
        """Take back what was not charged after all. A day that is over stays as it was. Raises LedgerError."""
        if self._cap is None or not is_amount(credits):
            return
        with self._locked():
            days = self._read()
            if day in days:
                self._write(days | {day: round(max(0.0, days[day] - credits), 6)})

    def _read_today(self, day: str) -> float:
        """Today's count. A clock that went back would otherwise begin a new day, and a new limit, at 0."""
        days = self._read()
        if later := max((counted for counted in days if counted > day), default=""):
            raise LedgerError(
                f"the clock says {day} (UTC), but {self._file} counts credits on {later} already, so none are spent; "
                "correct the clock, or delete the file to begin at 0"
            )
        return days.get(day, 0.0)

    def _read(self) -> dict[str, float]:
        try:
            if not os.path.lexists(self._file):
                return {}
            if not self._file.is_file():
                raise ValueError("it is not a file")
            return _parse(self._file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            why = f"{error}" if type(error) is ValueError else type(error).__name__
            raise LedgerError(
                f"the day's credits cannot be read from {self._file} ({why}), so none are spent; "
                "correct the file, or delete it to begin at 0"
            ) from error

    def _write(self, days: dict[str, float]) -> None:
        part = self._file.with_name(f"{_LEDGER_FILE}.{os.getpid()}.part")
        with part.open("w", encoding="utf-8") as file:
            file.write(json.dumps(days))
            file.flush()
            os.fsync(file.fileno())  # or a loss of power could leave an empty file under the final name
        os.replace(part, self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """No other thread or process reads or writes meanwhile, on any system."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._file.with_suffix(".lock"), thread_local=False, poll_interval=_LOCK_POLL_SECONDS)
        try:
            with _in_process:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                with lock.acquire(timeout=_LOCK_SECONDS):
                    yield
        except Timeout as error:
            raise LedgerError(
                f"another process has held {lock.lock_file} for {_LOCK_SECONDS:g} s, so no credits are spent; "
                "end that process, or set AUGMENTAI_STATE to another folder"
            ) from error
        except (OSError, NotImplementedError) as error:
            why = getattr(error, "strerror", None) or error
            raise LedgerError(
                f"the day's credits cannot be written to {self._file} ({why}); set AUGMENTAI_STATE"
            ) from error


def _parse(text: str) -> dict[str, float]:
    """The content of the file: {day: credits}. Raises ValueError."""
    try:
        days = json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(days, dict):
        raise ValueError("it does not map days to credits")  # noqa: TRY004 (one kind of error for all that is damaged)
    for day, credits in days.items():
        if not is_amount(credits):
            raise ValueError(f"{shorten(repr(credits), 40)} is not an amount of credits")
        if date.fromisoformat(day).isoformat() != day:
            raise ValueError(f"{day!r} is not a day like 2026-01-31")
    return {day: float(credits) for day, credits in days.items()}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("one day is in it twice")
    return dict(pairs)


def today() -> str:
    """The UTC day, like 2026-01-31."""
    return datetime.now(UTC).date().isoformat()
