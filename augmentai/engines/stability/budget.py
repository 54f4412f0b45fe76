"""Credits: what a job will cost, what it may cost, and what the day has cost already.

A picture's price is set aside before its request goes out and given back where the service did not charge, so that the
limits hold with any number of requests in flight. What may have been charged (the connection broke after the request
had gone out whole) stays set aside.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from augmentai.engines.base import Estimate
from augmentai.engines.stability.endpoints import FieldError, plan
from augmentai.recipe import Recipe
from augmentai.settings import Settings

_NAP_SECONDS = 0.2
_DAYS_FILE = "stability_credits.json"
_in_process = threading.Lock()


class CapReachedError(Exception):
    """No more may be spent; the message names the limit."""


class LedgerError(Exception):
    """The day's count cannot be kept, so nothing may be spent against it; the message names the file."""


def estimate(settings: Settings, recipe: Recipe, n_sources: int, variations: int | None = None) -> Estimate | None:
    """What the hosted engine would cost for `n_sources` pictures, or None where it would not be used.

    variations: in all, where not each source gets as many; those of the recipe for each source by default.

    It is the most: what is refused, or made by another engine, is not charged. Never raises and never goes online.
    """
    if recipe.engine not in {"auto", "stability"} or not settings.stability_api_key.get_secret_value():
        return None
    try:
        price = plan(settings).credits if recipe.strength != 0 else 0.0
    except FieldError:
        return None
    tries = 1 + recipe.retries if recipe.filters and recipe.paid_retries else 1
    pictures = (n_sources * recipe.variations if variations is None else variations) * tries
    left: float | None = settings.stability_credits_per_job
    spent = None
    if settings.stability_credits_per_day is not None:
        try:
            spent = Ledger(settings).spent()
        except LedgerError:
            spent = settings.stability_credits_per_day  # nothing will be spent where it cannot be counted
        day_left = max(0.0, settings.stability_credits_per_day - spent)
        left = day_left if left is None else min(left, day_left)
    affordable = pictures if left is None or price == 0 else min(pictures, int(left / price + 1e-9))
    return Estimate(pictures, price, round(price * pictures, 4), left, spent, affordable, "stability")


class Ledger:
    """The day's credits in a small file, shared by every job and process that has the same state folder.

    A day is a UTC day. A process that dies in the middle of a request leaves its price counted: rather too much than
    too little. The file holds amounts and nothing else.
    """

    def __init__(self, settings: Settings) -> None:
        self._cap = settings.stability_credits_per_day
        self._file = Path(settings.state).expanduser() / _DAYS_FILE

    def spent(self) -> float:
        """Credits spent or set aside today; 0 where no daily limit is kept. Raises LedgerError."""
        if self._cap is None or not self._file.exists():
            return 0.0
        return self._read().get(_today(), 0.0)

    def take(self, credits: float) -> bool:
        """Set aside; False where the day's limit does not allow it. Raises LedgerError."""
        if self._cap is None:
            return True
        with self._locked():
            days = self._read()
            spent = days.get(_today(), 0.0)
            if spent + credits > self._cap + 1e-9:
                return False
            self._write({_today(): round(spent + credits, 6)})
            return True

    def give_back(self, credits: float, day: str) -> None:
        """What was not charged after all. A day that is over stays as it was."""
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
        part = self._file.with_name(f"{_DAYS_FILE}.{os.getpid()}.part")
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
    with suppress(ImportError):  # no fcntl on Windows: there only this process's own jobs are kept apart
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)  # let go when the file is closed, or the process ends


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


class Hold:
    """One picture's price, set aside until it is settled."""

    def __init__(self, budget: Budget, credits: float) -> None:
        self._budget, self.credits, self.day = budget, credits, _today()
        self._open = True

    def settle(self, charged: bool | None) -> None:
        """Whether it was charged; None where that cannot be known. Only the first word counts."""
        if self._open:
            self._open = False
            self._budget.settle(self, charged)


class Budget:
    """One job's credits, within its own limit and the day's. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._cap = settings.stability_credits_per_job
        self._day_cap = settings.stability_credits_per_day
        self._ledger = Ledger(settings)
        self._changed = threading.Condition()
        self._held = 0.0
        self.spent = 0.0
        self.maybe_spent = 0.0

    def hold(self, credits: float, given_up: Callable[[], bool]) -> Hold | None:
        """Set `credits` aside. None where `given_up` turned true. Raises CapReachedError, LedgerError.

        Where the limit is used up by requests in flight, waits for them: one that is not charged makes room.
        """
        with self._changed:
            while not given_up():
                limit = self._take(credits)
                if not limit:
                    self._held += credits
                    return Hold(self, credits)
                if self._held <= 1e-9:
                    raise CapReachedError(limit)
                self._changed.wait(_NAP_SECONDS)
        return None

    def _take(self, credits: float) -> str:
        total = self.spent + self.maybe_spent + self._held
        if self._cap is not None and total + credits > self._cap + 1e-9:
            return (
                f"the limit of {self._cap:g} credits a job is reached "
                f"({self.spent + self.maybe_spent:g} spent, the next picture costs {credits:g})"
            )
        if not self._ledger.take(credits):
            return (
                f"the limit of {self._day_cap:g} credits a day is reached "
                f"({self._ledger.spent():g} spent, the next picture costs {credits:g})"
            )
        return ""

    def settle(self, hold: Hold, charged: bool | None) -> None:
        with self._changed:
            self._held = max(0.0, self._held - hold.credits)
            if charged:
                self.spent += hold.credits
            elif charged is None:
                self.maybe_spent += hold.credits
            else:
                # Where the file cannot be written any more the amount stays counted, which is the safe side.
                with suppress(LedgerError):
                    self._ledger.give_back(hold.credits, hold.day)
            self._changed.notify_all()
