"""Credits: what a job may spend, and what it has spent. 1 credit is 0.01 US dollars.

The price of an image is reserved before its request goes out and released if the service did not charge, so that the
limits hold with any number of requests in flight. What may have been charged (the connection broke after the whole
request had gone out) stays reserved.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue

from augmentai.dataset.paid_answers import Item, PaidAnswer
from augmentai.engines.ledger import ROUNDING, CreditLimits, Ledger, LedgerError, is_amount, today
from augmentai.engines.run_ledger import OWNER, RunLedger
from augmentai.plurals import counted

NO_ITEM = Item()
_NAP_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 900.0  # for requests in flight to make room; no request of any engine takes that long


class CapReachedError(Exception):
    """No more may be spent; the message names the limit."""


@dataclass(frozen=True)
class Estimate:
    """What a job costs at most, and what the limits leave of it. 1 credit is 0.01 US dollars.

    Attributes:
        images: how many have to be paid for.
        credits_each: price of one.
        credits: price of all.
        cap_credits: what the limits still allow; None if there is no limit.
        spent_today: credits spent today; None if no daily limit is kept.
        affordable: how many of the images the limits allow.
        engine: who charges it.
    """

    images: int
    credits_each: float
    credits: float
    cap_credits: float | None
    spent_today: float | None
    affordable: int
    engine: str

    def __str__(self) -> str:
        words = f"up to {self.credits:g} credits ({counted(self.images, 'image')} at {self.credits_each:g})"
        if self.affordable < self.images:
            words += f"; the limit of {self.cap_credits:g} credits allows {self.affordable} of them"
        return words


class Reservation:
    """The price of one image, reserved until it is settled.

    Attributes:
        item: what is bought.
        credits: the price.
        number: in the run's ledger.
        day: on which it was reserved.
        is_open: it is not settled.
        charged: whether it was charged; None if it is not settled, or if that cannot be known.
    """

    def __init__(self, budget: Budget, credits: float, number: str, item: Item) -> None:
        self._budget = budget
        self.item, self.credits, self.number, self.day = item, credits, number, today()
        self.is_open = True
        self.charged: bool | None = None

    def store(self, model: str, data: bytes, note: str = "", pending: bool = False) -> None:
        """Put the answer on disk, before anything else is done with it: a run that resumes does not buy it again.

        Args:
            model: what made it.
            data: the bytes of the image.
            note: what else has to be known of it.
            pending: `data` is what the image can be fetched by.
        """
        self._budget.answers.store(self.item, model, PaidAnswer(self.number, data, note, pending))

    def discard(self, model: str) -> None:
        """Remove a stored answer that turned out to be no image: a run that resumes would meet it again."""
        self._budget.answers.discard(self.item, model)

    def settle(self, charged: bool | None) -> None:
        """Whether it was charged; None if that cannot be known. Only the first call counts."""
        self._budget.settle(self, charged)

    def was_charged(self) -> None:
        """It was charged before, and is settled in every ledger."""
        self.is_open, self.charged = False, True


class Budget:
    """One run's credits, within its own limit and the day's. Thread-safe.

    Args:
        limits: what may be spent.
        ledger: the run's ledger; what earlier processes spent on the same run counts against its limit.
        payer: whose credits these are, in the ledger.

    Attributes:
        spent: credits charged so far by this process.
        maybe_spent: credits that may have been charged.
    """

    def __init__(self, limits: CreditLimits, ledger: RunLedger | None = None, payer: str = OWNER) -> None:
        self._limits = limits
        self._run_ledger, self._payer = ledger or RunLedger(), payer
        self.answers = self._run_ledger.answers
        self._spent_before = self._run_ledger.committed(payer)
        self._ledger = Ledger(limits)
        self._changed = threading.Condition()
        self._reserved = 0.0
        self._watchers: dict[str, SimpleQueue[Reservation]] = {}
        self.spent = 0.0
        self.maybe_spent = 0.0

    def watch(self, engine: str) -> SimpleQueue[Reservation]:
        """Where the reservations of an engine will be found from now on, and those for no item that is known."""
        self._watchers[engine] = SimpleQueue()
        return self._watchers[engine]

    def book(self, credits: float, item: Item) -> None:
        """Count what was charged without a reservation, whatever the limits say: it is spent."""
        with self._changed:
            self.spent += credits
            self._run_ledger.book(item, credits, self._payer)
            try:
                self._ledger.add(credits)
            except LedgerError as error:
                self._run_ledger.fault = self._run_ledger.fault or str(error)

    def exhausted(self, credits: float) -> str:
        """Why this price cannot be reserved, in words; "" if it can, or if requests in flight may still make room."""
        with self._changed:
            if self._reserved > ROUNDING:
                return ""
            try:
                if limit := self._job_limit_against(credits):
                    return limit
                return "" if self._ledger.allows(credits) else self._day_limit_reached(credits)
            except LedgerError as error:
                return str(error)

    def reserve(
        self, credits: float, cancelled: Callable[[], bool], item: Item = NO_ITEM, answer_bytes: int = 0
    ) -> Reservation | None:
        """Reserve the price of an image.

        If requests in flight have used up the limit, waits for them: one that is not charged makes room.

        Args:
            credits: the price.
            cancelled: asked while waiting.
            item: what is bought, for the run's ledger.
            answer_bytes: room on the disk that is taken for the answer.

        Returns:
            What has to be settled; None if `cancelled` turned true.

        Raises:
            CapReachedError: a limit is reached.
            LedgerError: the day's count or the run's ledger cannot be kept, the disk has no room for the answer, or the
                price is not an amount.
        """
        if not is_amount(credits):
            raise LedgerError(f"nothing is bought at a price of {credits!r} credits; expected a number from 0")
        try:
            return self._reserve_in_turn(credits, cancelled, item, answer_bytes)
        except (CapReachedError, LedgerError):
            self._run_ledger.cut_short = True
            raise

    def _reserve_in_turn(
        self, credits: float, cancelled: Callable[[], bool], item: Item, answer_bytes: int
    ) -> Reservation | None:
        with self._changed:
            waiting_for, until = self._reserved, time.monotonic() + _LONGEST_WAIT_SECONDS
            while not cancelled():
                limit = self._limit_against(credits)
                if not limit:
                    return self._reserved_now(credits, item, answer_bytes)
                if self._reserved != waiting_for:
                    waiting_for, until = self._reserved, time.monotonic() + _LONGEST_WAIT_SECONDS
                if self._reserved <= ROUNDING or time.monotonic() > until:  # what nobody settles makes no room
                    raise CapReachedError(limit)
                self._changed.wait(_NAP_SECONDS)
        return None

    def find(self, item: Item, model: str) -> tuple[PaidAnswer, Reservation] | None:
        """An answer that was paid for before this run was stopped; ask before you reserve.

        Returns:
            The answer, and a settled reservation of what is first counted now (0, or its price where the process was
            killed before it was counted); None where it has to be bought.
        """
        found = self._run_ledger.find(item, model)
        if found is None:
            return None
        answer, credits = found
        settled = Reservation(self, credits, answer.request, item)
        settled.was_charged()
        self._report(settled)
        return answer, settled

    def _reserved_now(self, credits: float, item: Item, answer_bytes: int) -> Reservation:
        day = today()
        try:
            number = self._run_ledger.reserve(item, credits, self._payer, answer_bytes)
        except LedgerError:
            with suppress(LedgerError):
                self._ledger.release(credits, day)
            raise
        self._reserved += credits
        reservation = Reservation(self, credits, number, item)
        self._report(reservation)
        return reservation

    def _report(self, reservation: Reservation) -> None:
        watchers = self._watchers if reservation.item == NO_ITEM else {reservation.item.engine}
        for engine in watchers:
            if (watcher := self._watchers.get(engine)) is not None:
                watcher.put(reservation)

    def _limit_against(self, credits: float) -> str:
        """Which limit does not allow them, in words; "" if they are now reserved in the ledger."""
        if limit := self._job_limit_against(credits):
            return limit
        return "" if self._ledger.reserve(credits) else self._day_limit_reached(credits)

    def _job_limit_against(self, credits: float) -> str:
        limits, spent_now = self._limits, self.spent + self.maybe_spent
        for limit, spent in ((limits.per_job, self._spent_before + spent_now), (limits.from_now, spent_now)):
            if limit is not None and spent + self._reserved + credits > limit + ROUNDING:
                costs = f"({spent:g} spent, the next image costs {credits:g})"
                return f"the limit of {limit:g} credits a job is reached {costs}"
        return ""

    def _day_limit_reached(self, credits: float) -> str:
        limit, spent = self._limits.per_day, self._ledger.spent()
        return f"the limit of {limit:g} credits a day is reached ({spent:g} spent, the next image costs {credits:g})"

    def settle(self, reservation: Reservation, charged: bool | None) -> None:
        """Called by `Reservation.settle`."""
        with self._changed:
            if not reservation.is_open:
                return
            reservation.is_open, reservation.charged = False, charged
            self.answers.free_room(reservation.number)  # first: it is room for the ledger's line too
            self._run_ledger.settle(reservation.number, charged)
            self._reserved = max(0.0, self._reserved - reservation.credits)
            if charged:
                self.spent += reservation.credits
            elif charged is None:
                self.maybe_spent += reservation.credits
            else:
                # If the file can no longer be written the amount stays counted, which is the safe side.
                with suppress(LedgerError):
                    self._ledger.release(reservation.credits, reservation.day)
            self._changed.notify_all()
