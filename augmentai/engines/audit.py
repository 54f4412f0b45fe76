"""What an engine of another package states as charged, held against what it reserved.

Limits on credits hold because each price is reserved before its request goes out. What an engine charges without that
is counted all the same, in the run's ledger and in the day's, and the engine is given nothing more.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from augmentai.dataset.paid_answers import Item
from augmentai.engines.base import Engine, JobView, Task
from augmentai.engines.budget import NO_ITEM, Reservation
from augmentai.engines.ledger import ROUNDING, CreditLimits, is_amount
from augmentai.engines.paid import PaidEngine, budget_of, item_of


@dataclass
class _Account:
    """Credits of one attempt at one variation.

    Attributes:
        reservations: made for it.
        booked: what was counted without a reservation.
        stated: what its answers have said so far.
    """

    reservations: list[Reservation] = field(default_factory=list)
    booked: float = 0.0
    stated: float = 0.0

    @property
    def charged(self) -> float:
        return self.booked + sum(one.credits for one in self.reservations if one.charged)

    @property
    def covered(self) -> float:
        """What is in the ledgers as charged, or as perhaps charged."""
        settled = sum(one.credits for one in self.reservations if not one.is_open and one.charged is not False)
        return self.booked + settled

    @property
    def is_balanced(self) -> bool:
        is_open = any(one.is_open for one in self.reservations)
        return not is_open and abs(self.charged - self.stated) <= ROUNDING


class Audit:
    """One call of an engine's `make`, and the credits of each task that it was handed.

    Args:
        engine: of another package, paid or not.
        job: whose ledger and limits count.

    Attributes:
        fault: why it is given nothing more, in words; "" as long as it reserves what it charges.

    Example:
        >>> from PIL import Image
        >>> from augmentai.engines.gan import GanEngine
        >>> from augmentai.images import Photo
        >>> from augmentai.recipe import Recipe
        >>> from augmentai.settings import Settings
        >>> from augmentai.types import Source
        >>> task = Task(Source.from_bytes("a.png", b""), Photo(Image.new("RGB", (4, 3)), "PNG", "RGB"), 1, 7, Recipe())
        >>> job = JobView((), Recipe(), max_pixels=1_000_000)
        >>> audit = Audit(GanEngine(Settings()), job)
        >>> audit.answered(task, 2.5), job.ledger.charged
        (2.5, 2.5)
        >>> audit.fault
        'it charged 2.5 credits without being a paid engine, so that no limit could hold; update its package'
    """

    def __init__(self, engine: Engine, job: JobView) -> None:
        self._engine, self._job = engine, job
        if isinstance(engine, PaidEngine):
            self._budget = engine.budget(job)
        else:
            self._budget = budget_of(job, CreditLimits.from_settings(engine.settings))
        self._reservations = self._budget.watch(engine.name)
        self._accounts: defaultdict[Item, _Account] = defaultdict(_Account)
        self.fault = ""

    def exhausted(self, task: Task) -> str:
        """Why the price of a task cannot be spent, in words; "" if it can, or is paid already."""
        engine = self._engine
        if not isinstance(engine, PaidEngine):
            return ""
        try:
            price = engine.credits_per_image(task.recipe)
        except Exception:  # the engine meets it again when it reserves
            return ""
        reason = self._budget.exhausted(price) if is_amount(price) and price else ""
        return "" if reason and self._job.ledger.answers.has(task.source.key, task.index) else reason

    def answered(self, task: Task, stated: float) -> float:
        """Count what an answer says that it was charged.

        Args:
            task: the one that was answered.
            stated: credits, 0 if the answer does not say.

        Returns:
            What was charged by the ledgers, to be stated in the manifest.
        """
        self._read_reservations()
        item = self._item(task)
        account = self._accounts[item]
        missing = account.stated + stated - account.covered
        for reservation in account.reservations:
            if reservation.is_open and missing > ROUNDING:
                reservation.settle(True)
                missing -= reservation.credits
        missing = self._from_pool(account, missing)
        if missing > ROUNDING:
            self._budget.book(missing, item)
            account.booked += missing
            self.fault = self.fault or self._words(missing)
        return self._state(item, max(stated, account.charged - account.stated))

    def given_back(self, task: Task) -> float:
        """Credits charged for a task that was not answered."""
        self._read_reservations()
        item = self._item(task)
        if (account := self._accounts.get(item)) is None:
            return 0.0
        for reservation in account.reservations:
            reservation.settle(None)
        return self._state(item, max(0.0, account.charged - account.stated))

    def close(self) -> None:
        """The engine has ended: what it left unsettled may have been charged."""
        self._read_reservations()
        for account in self._accounts.values():
            for reservation in account.reservations:
                reservation.settle(None)

    def _item(self, task: Task) -> Item:
        name = self._engine.name
        return item_of(name, task) if isinstance(task, Task) else Item(name)  # another package may answer anything

    def _read_reservations(self) -> None:
        while not self._reservations.empty():
            reservation = self._reservations.get()
            self._accounts[reservation.item].reservations.append(reservation)

    def _from_pool(self, account: _Account, missing: float) -> float:
        """Cover what is missing with what was reserved for no task by name. Returns what is missing still."""
        if NO_ITEM not in self._accounts or missing <= ROUNDING:
            return missing
        pool = self._accounts[NO_ITEM]
        taken = min(missing, max(0.0, pool.covered - pool.stated))
        pool.stated += taken
        account.booked += taken
        return missing - taken

    def _state(self, item: Item, credits: float) -> float:
        account = self._accounts[item]
        account.stated += credits
        if account.is_balanced:
            del self._accounts[item]  # memory does not grow with the number of images
        return credits

    def _words(self, credits: float) -> str:
        how = "that it had not reserved" if self._engine.paid else "without being a paid engine"
        return f"it charged {credits:g} credits {how}, so that no limit could hold; update its package"
