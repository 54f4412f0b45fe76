"""Stability's hosted API as an engine: several requests in flight, failures understood, spending within its limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from pydantic import SecretStr

from augmentai.engines.base import JobView, Made, Readiness, Refused, Task
from augmentai.engines.paid import Account, PaidEngine
from augmentai.engines.stability.api_key import KeyFormatError, clean_key
from augmentai.engines.stability.endpoints import (
    ENDPOINTS,
    INPAINT,
    NO_NEGATIVE_PROMPT,
    FieldError,
    RequestPlan,
    request_plan,
)
from augmentai.engines.stability.service import Service
from augmentai.gan.style_donors import StyleDonors
from augmentai.recipe import AUTO, Recipe
from augmentai.settings import Settings
from augmentai.types import Source

_BALANCE_TIMEOUTS = (5.0, 10.0)  # seconds to connect, and to read


class StabilityEngine(PaidEngine):
    """Sends each image to the hosted API and places the answer back onto the source's own pixels.

    One object may serve several jobs at once: they share its connections, its rate limit and its circuit breaker.
    """

    name = "stability"
    title = "Stability AI"
    blurb = "hosted, paid"
    changes = "Repaints the scene as your prompt says: weather, season, time of day, surfaces."
    setup_hint = "To use Stability AI, set `STABILITY_API_KEY` or paste a key under More settings."
    key_title = "Stability AI key"
    key_terms = (
        "By its terms of 30 September 2026 Stability AI may use what is sent to improve its services, unless you opt "
        "out in your account there; results may not be used to train models that compete with its own."
    )
    reads_prompt = True
    repaints = True
    repaints_in_part = True
    may_differ = "the hosted service does not promise the same pixels twice"
    auto_rank = 10

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.service = Service(settings)
        self.borrows_from_other_sources = bool(ENDPOINTS[settings.stability_endpoint].style_field)

    def _keyed(self, key: str) -> Self:
        return type(self)(self.settings.model_copy(update={"stability_api_key": SecretStr(key.strip())}))

    def readiness(self) -> Readiness:
        """Never goes online."""
        if not self.settings.stability_api_key.get_secret_value().strip():
            return Readiness(False, "STABILITY_API_KEY is not set", configured=False)
        try:
            clean_key(self.settings)
            request_plan(self.settings)
        except (KeyFormatError, FieldError) as error:
            return Readiness(False, str(error))
        if reason := self.service.breaker.open_reason:
            return Readiness(False, reason, for_good=False)
        return Readiness(True)

    def model_version(self) -> str:
        return f"{self.settings.stability_endpoint} {self.settings.stability_model}"

    def seconds_per_image(self, pixels: float) -> float:
        return 1.5 + 0.3 * pixels / 1e6  # measured with one key

    def credits_per_image(self, recipe: Recipe) -> float:
        return self._plan(recipe).credits if recipe.strength != 0 else 0.0

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        unused = super().unused_settings(recipe)
        if recipe.negative_prompt.strip() and self._model() in NO_NEGATIVE_PROMPT and recipe.repaint == "all":
            unused += (f"{self._model()} does not read a negative prompt: it is not sent",)
        if recipe.repaint == "all" or recipe.strength == 0:
            return unused
        if recipe.strength != AUTO:
            unused += (f"{self.title} paints a part entirely anew: the strength has no effect on it",)
        if left := sorted(set(self.settings.stability_fields) - set(INPAINT.fields)):
            unused += (f"{self.title} knows no {', '.join(left)} where it paints a part: not sent",)
        return unused

    def _model(self) -> str:
        try:
            return request_plan(self.settings).model
        except FieldError:
            return ""  # it is not ready, and says so

    def _plan(self, recipe: Recipe) -> RequestPlan:
        return request_plan(self.settings, in_part=recipe.repaint != "all")

    def lenders(self, sources: Sequence[Source]) -> Sequence[Source]:
        return StyleDonors(sources, by_hash=True).lenders if self.borrows_from_other_sources else ()

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        from augmentai.engines.stability.run import Run

        run = Run(self.service, self._plan(job.recipe), self.budget(job), job)
        try:
            yield from run.results(tasks)
        finally:
            run.close()

    def balance(self) -> float | None:
        """Credits of the account, or None if they cannot be asked for now; free of charge, at most some 15 s.

        The service's figure lags behind: good for "is there anything left", not for accounts.
        """
        return self.account().credits

    def account(self) -> Account:
        """See `PaidEngine.account`; at most some 15 s."""
        from augmentai.engines.stability.responses import balance_of

        state = self.readiness()
        if not state.configured:
            return Account()
        if not state.ready and state.for_good:
            return Account(refused=state.reason)
        answer = self.service.client().get("/v1/user/balance", _BALANCE_TIMEOUTS)
        if getattr(answer, "status", 0) in {401, 403}:
            return Account(refused=f"{self.title} does not accept this key")
        return Account(balance_of(answer))
