"""What all paid engines share: its price, the limits on spending, and a visitor's own key.

A paid engine reserves the price of each image before it asks for it, and settles afterwards:

    >>> from augmentai.settings import Settings
    >>> class Painter(PaidEngine):
    ...     name, title, blurb = "painter", "Painter", "hosted, paid"
    ...
    ...     def credits_per_image(self, recipe):
    ...         return 2.5
    ...
    ...     def make(self, tasks, job):
    ...         for task in tasks:
    ...             if (reservation := self.reserve(task, job)) is None:
    ...                 return  # the user cancelled
    ...             image = task.photo.rgb.rotate(180)  # a request, in real life
    ...             reservation.settle(charged=True)
    ...             yield self.made(task, image, details={"credits": reservation.credits})
    >>> print(Painter(Settings(credits_per_job=10)).estimate(Recipe(), variations=8))
    up to 20 credits (8 images at 2.5); the limit of 10 credits allows 4 of them
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from augmentai.dataset.paid_answers import Item, PaidAnswer
from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Task
from augmentai.engines.budget import Budget, CapReachedError, Estimate, Reservation
from augmentai.engines.ledger import CreditLimits, LedgerError
from augmentai.engines.run_ledger import OWNER
from augmentai.recipe import Recipe

if TYPE_CHECKING:
    from augmentai.settings import Settings


_FILE_HEAD_BYTES = 65_536  # of the answer's file, and of the lines of ledger and manifest that follow it


@dataclass(frozen=True)
class Account:
    """What a service says of a key.

    Attributes:
        credits: how many are left; None if that cannot be known now.
        refused: why the service does not accept the key, in words; "" if it does, or if that cannot be known now.
    """

    credits: float | None = None
    refused: str = ""


class PaidEngine(Engine):
    """An engine that charges credits. It then has a price in dry runs and on the page, and keeps within the limits.

    Attributes:
        key_title: what the page calls the key that a visitor may bring ("Stability AI key"); "" if it takes none,
            else `_keyed` is required.
        key_terms: what the service may do with what is sent to it, in words beside the field for the key.
        limits: what its jobs may spend.
        visitor_pays: it works with a visitor's own key, so its credits are not the owner's.
    """

    paid = True
    key_title: str = ""
    key_terms: str = ""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.limits = CreditLimits.from_settings(settings)
        self.visitor_pays = False

    @abstractmethod
    def credits_per_image(self, recipe: Recipe) -> float:
        """The price of one image.

        Args:
            recipe: what to make.

        Returns:
            The price in credits.

        Raises:
            ValueError: the settings do not make a valid request.
        """

    def balance(self) -> float | None:
        """Credits of the account, or None if they cannot be asked for. May go online; ask in a thread."""
        return None

    def account(self) -> Account:
        """What the service says of the key, free of charge. May go online; ask in a thread."""
        return Account(self.balance())

    def estimate(self, recipe: Recipe, variations: int) -> Estimate | None:
        """The most that these variations may cost; refused images, and those of other engines, are not charged.

        None if it was never configured, or its settings do not make a valid request.
        """
        if not self.readiness().configured:
            return None
        try:
            price = self.credits_per_image(recipe)
        except ValueError:
            return None
        attempts = 1 + recipe.retries if recipe.filters and recipe.paid_retries else 1
        images = variations * attempts
        left, spent = self.limits.remaining()
        affordable = images if left is None or price == 0 else min(images, int(left / price + 1e-9))
        return Estimate(images, price, round(price * images, 4), left, spent, affordable, self.name)

    def with_limits(self, credits_per_job: float) -> Self:
        """This engine, with its connections and state, for jobs that may spend at most this many credits."""
        other = copy.copy(self)
        other.limits = self.limits.at_most(credits_per_job)
        return other

    def with_key(self, key: str) -> Self:
        """An engine for one visitor, with that visitor's own key; the owner's daily limit is not the visitor's.

        Only this object holds the key.
        """
        other = self._keyed(key)
        other.limits = replace(self.limits, per_day=None)
        other.visitor_pays = True
        return other

    def _keyed(self, key: str) -> Self:
        """A new engine with another key. Required if `key_title` is set."""
        raise NotImplementedError(f"{type(self).__name__} takes no visitor's key")

    def budget(self, job: JobView) -> Budget:
        """The run's credits, shared by all engines that the same person pays for."""
        return budget_of(job, self.limits, self.name if self.visitor_pays else OWNER)

    def bought(self, task: Task, job: JobView) -> tuple[PaidAnswer, Reservation] | None:
        """The answer to a task that was paid for before the run was stopped; ask before you `reserve`.

        `Reservation.store` puts an answer where this finds it.

        Args:
            task: about to be requested.
            job: of the task.

        Returns:
            The answer, and a settled reservation with the credits that its variation has to report; None if it has
            to be bought.
        """
        return self.budget(job).find(item_of(self.name, task), self.model_version())

    def reserve(
        self, task: Task, job: JobView, unfinished: Sequence[Task] = (), answer_bytes: int | None = None
    ) -> Reservation | None:
        """Reserve the price of a task's image; settle it once the answer has arrived.

        Args:
            task: about to be requested.
            job: of the task.
            unfinished: other tasks taken and not answered.
            answer_bytes: room on the disk that is taken for the answer; as much as an image of the source's size needs
                by default.

        Returns:
            The reservation, or None if the user cancelled meanwhile.

        Raises:
            EngineUnavailableError: a limit is reached, or credits cannot be counted.
        """
        price = self.credits_per_image(task.recipe)
        room_bytes = largest_answer_bytes(task.photo.rgb.size) if answer_bytes is None else answer_bytes
        try:
            return self.budget(job).reserve(price, job.stop.is_set, item_of(self.name, task), room_bytes)
        except CapReachedError as error:
            fall_back = self.settings.credits_on_cap == "fallback"
            raise EngineUnavailableError(str(error), [*unfinished, task], True, fall_back) from error
        except LedgerError as error:
            raise EngineUnavailableError(str(error), [*unfinished, task], for_good=True) from error


def budget_of(job: JobView, limits: CreditLimits, payer: str = OWNER) -> Budget:
    """The run's credits of one payer; the limits are those of the first engine that asks."""
    budget: Budget = job.engine_state.setdefault(f"credits of {payer}", Budget(limits, job.ledger, payer))
    return budget


def item_of(engine: str, task: Task) -> Item:
    """What a request for this task is to buy."""
    return Item(engine, *task.source.key, task.index, task.seed, task.attempt)


def largest_answer_bytes(size_wh: tuple[int, int]) -> int:
    """Room on the disk for an answer of this width and height: a PNG of noise is a little larger than its pixels."""
    return int(3.2 * size_wh[0] * size_wh[1]) + _FILE_HEAD_BYTES
