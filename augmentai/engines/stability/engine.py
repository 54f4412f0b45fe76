"""Stability's hosted API as an engine: several requests in flight, failures understood, money within its limits."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from augmentai.engines.base import Engine, Estimate, JobView, Made, Readiness, Refused, Task
from augmentai.engines.stability.api_key import KeyFormatError, clean_key
from augmentai.engines.stability.budget import Budget, estimate
from augmentai.engines.stability.endpoints import FieldError, plan
from augmentai.engines.stability.rate_limit import Breaker, Pace
from augmentai.recipe import Recipe
from augmentai.settings import Settings

if TYPE_CHECKING:
    from augmentai.engines.stability.client import Client

_BALANCE_TIMEOUTS = (5.0, 10.0)


class StabilityEngine(Engine):
    """Sends each picture to the hosted API and sets the answer back onto the source's own pixels.

    One object may serve several jobs at once: they share its connections, its rate, its lock-outs and its breaker.
    """

    name = "stability"
    title = "Stability AI"
    blurb = "hosted, paid"
    setup_hint = "For Stability AI set STABILITY_API_KEY, or paste a key under More settings."
    paid = True
    reads_prompt = True
    repaints = True
    may_differ = "the hosted service does not promise the same pixels twice"
    auto_rank = 10

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.pace = Pace()
        self.breaker = Breaker(settings.stability_faults, settings.stability_rest_seconds)
        self.wires = threading.BoundedSemaphore(settings.stability_concurrency)
        self._client: Client | None = None
        self._lock = threading.Lock()

    def with_limits(self, settings: Settings) -> StabilityEngine:
        """This engine, with its connections, rate and breaker, for jobs with other limits of credits."""
        self.client()
        other = copy.copy(self)
        other.settings = settings
        return other

    def readiness(self) -> Readiness:
        """Never goes online."""
        if not self.settings.stability_api_key.get_secret_value().strip():
            return Readiness(False, "STABILITY_API_KEY is not set", configured=False)
        try:
            clean_key(self.settings)
            plan(self.settings)
        except (KeyFormatError, FieldError) as error:
            return Readiness(False, str(error))
        if reason := self.breaker.open_reason:
            return Readiness(False, reason, for_good=False)
        return Readiness(True)

    def model_version(self) -> str:
        return f"{self.settings.stability_endpoint} {self.settings.stability_model}"

    def seconds_per_image(self, pixels: float) -> float:
        return 1.5 + 0.3 * pixels / 1e6  # measured with one key

    def estimate(self, recipe: Recipe, variations: int) -> Estimate | None:
        return estimate(self.settings, recipe, 0, variations)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        from augmentai.engines.stability.run import Run

        budget = job.engine_state.setdefault(self.name, Budget(self.settings))
        run = Run(self, self.client(), plan(self.settings), budget, job)
        try:
            yield from run.results(tasks)
        finally:
            run.close()

    def client(self) -> Client:
        """Made when first needed: `requests` takes a while to import."""
        from augmentai.engines.stability.client import Client

        with self._lock:
            if self._client is None:
                self._client = Client(self.settings)
            return self._client

    def balance(self) -> float | None:
        """Credits of the account, or None where it cannot be asked just now; free of charge, at most some 15 s.

        The service's figure lags behind: good for "is there anything left", not for accounts. Ask in a thread.
        """
        from augmentai.engines.stability.responses import balance_of

        if not self.readiness().configured:
            return None
        return balance_of(self.client().get("/v1/user/balance", _BALANCE_TIMEOUTS))
