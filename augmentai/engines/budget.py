"""Credits: what a job may spend, and what the day has cost already. 1 credit is 0.01 US dollars.

The price of an image is reserved before its request goes out and released where the service did not charge, so that the
limits hold with any number of requests in flight. What may have been charged (the connection broke after the whole
request had gone out) stays reserved.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from augmentai.settings import Settings

_NAP_SECONDS = 0.2
_ROUNDING = 1e-9  # sums of prices are not exact
_LEDGER_FILE = "stability_credits.json"  # its name since only one engine charged; the day's count outlives an update
_in_process = threading.Lock()


class CapReachedError(Exception):
    """No more may be spent; the message names the limit."""


class LedgerError(Exception):
    """The day's count cannot be read or written, so nothing may be spent against it; the message names the file."""


@dataclass(frozen=True)
class CreditLimits:
    """What may be spent, on all paid engines together.

    Attributes:
        per_job: credits that one job may spend; None for no limit.
        per_day: credits a UTC day, over all jobs and restarts; None for no limit.
        folder: where the day's count is kept.
    """

    per_job: float | None
    per_day: float | None
    folder: Path

    @classmethod
    def from_settings(cls, settings: Settings) -> CreditLimits:
        """The limits of whoever runs this installation."""
        return cls(settings.credits_per_job, settings.credits_per_day, Path(settings.state).expanduser())

    def at_most(self, per_job: float) -> CreditLimits:
        """The same limits, but no more than `per_job` credits a job."""
        return replace(self, per_job=per_job if self.per_job is None else min(per_job, self.per_job))

    def remaining(self) -> tuple[float | None, float | None]:
        """Credits that a job beginning now may spend (None: no limit), and those spent today (None: not counted)."""
        if self.per_day is None:
            return self.per_job, None
        try:
            spent = Ledger(self).spent()
        except LedgerError:
            spent = self.per_day  # nothing will be spent where it cannot be counted
        left = max(0.0, self.per_day - spent)
        return left if self.per_job is None else min(self.per_job, left), spent


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
        if self._cap is None or not self._file.exists():
            return 0.0
        return self._read().get(_today(), 0.0)

    def reserve(self, credits: float) -> bool:
        """Count them as spent; False where the day's limit does not allow it. Raises LedgerError."""
        if self._cap is None:
            return True
        with self._locked():
            spent = self._read().get(_today(), 0.0)
            if spent + credits > self._cap + _ROUNDING:
                return False
            self._write({_today(): round(spent + credits, 6)})
            return True

    def release(self, credits: float, day: str) -> None:
        """Take back what was not charged after all. A day that is over stays as it was. Raises LedgerError."""
        if self._cap is None:
            return
        with self._locked():
            days = self._read()
            if day in days:
                self._write(days | {day: round(max(0.0, days[day] - credits), 6)})

    def _read(self) -> dict[str, float]:
        try:
            days = json.loads(self._file.read_text())
            return {str(day): float(spent) for day, spent in days.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise LedgerError(
                f"the day's credits cannot be read from {self._file} ({type(error).__name__}); delete it to begin at 0"
            ) from error

    def _write(self, days: dict[str, float]) -> None:
        part = self._file.with_name(f"{_LEDGER_FILE}.{os.getpid()}.part")
        part.write_text(json.dumps(days))
        os.replace(part, self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """No other thread or process reads or writes meanwhile."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with _in_process, self._file.with_suffix(".lock").open("a") as handle:
                _lock_file(handle.fileno())
                yield
        except OSError as error:
            raise LedgerError(
                f"the day's credits cannot be written to {self._file} ({error.strerror or error}); set AUGMENTAI_STATE"
            ) from error


def _lock_file(descriptor: int) -> None:
    with suppress(ImportError):  # no fcntl on Windows: only the jobs of this process are kept apart there
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)  # released when the file is closed, or the process ends


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


class Reservation:
    """The price of one image, reserved until it is settled."""

    def __init__(self, budget: Budget, credits: float) -> None:
        self._budget, self.credits, self.day = budget, credits, _today()
        self._open = True

    def settle(self, charged: bool | None) -> None:
        """Whether it was charged; None where that cannot be known. Only the first call counts."""
        if self._open:
            self._open = False
            self._budget.settle(self, charged)


class Budget:
    """One job's credits, within its own limit and the day's. Thread-safe.

    Attributes:
        spent: credits charged so far.
        maybe_spent: credits that may have been charged.
    """

    def __init__(self, limits: CreditLimits) -> None:
        self._limits = limits
        self._ledger = Ledger(limits)
        self._changed = threading.Condition()
        self._reserved = 0.0
        self.spent = 0.0
        self.maybe_spent = 0.0

    def reserve(self, credits: float, cancelled: Callable[[], bool]) -> Reservation | None:
        """Reserve the price of an image.

        Where requests in flight have used up the limit, waits for them: one that is not charged makes room.

        Args:
            credits: the price.
            cancelled: asked while waiting.

        Returns:
            What has to be settled; None where `cancelled` turned true.

        Raises:
            CapReachedError: a limit is reached.
            LedgerError: the day's count cannot be kept.
        """
        with self._changed:
            while not cancelled():
                limit = self._limit_against(credits)
                if not limit:
                    self._reserved += credits
                    return Reservation(self, credits)
                if self._reserved <= _ROUNDING:
                    raise CapReachedError(limit)
                self._changed.wait(_NAP_SECONDS)
        return None

    def _limit_against(self, credits: float) -> str:
        """Which limit does not allow them, in words; "" where they are now reserved in the ledger."""
        spent, limits = self.spent + self.maybe_spent, self._limits
        if limits.per_job is not None and spent + self._reserved + credits > limits.per_job + _ROUNDING:
            return (
                f"the limit of {limits.per_job:g} credits a job is reached "
                f"({spent:g} spent, the next image costs {credits:g})"
            )
        if not self._ledger.reserve(credits):
            return (
                f"the limit of {limits.per_day:g} credits a day is reached "
                f"({self._ledger.spent():g} spent, the next image costs {credits:g})"
            )
        return ""

    def settle(self, reservation: Reservation, charged: bool | None) -> None:
        """Called by `Reservation.settle`."""
        with self._changed:
            self._reserved = max(0.0, self._reserved - reservation.credits)
            if charged:
                self.spent += reservation.credits
            elif charged is None:
                self.maybe_spent += reservation.credits
            else:
                # Where the file can no longer be written the amount stays counted, which is the safe side.
                with suppress(LedgerError):
                    self._ledger.release(reservation.credits, reservation.day)
            self._changed.notify_all()
