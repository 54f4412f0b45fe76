"""Instruction editors of hosted providers as an engine: used only when named, paid by the token's owner."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from augmentai.engines.base import JobView, Made, Readiness, Refused, Task
from augmentai.engines.circuit_breaker import CircuitBreaker
from augmentai.engines.concurrency import AdaptiveConcurrency
from augmentai.engines.huggingface.prices import PriceError, price_of
from augmentai.engines.paid import PaidEngine
from augmentai.recipe import AUTO, Recipe
from augmentai.settings import Settings

_FAULTS = 5  # in a row, after which the provider is left alone for a while
_REST_SECONDS = 60.0


class HuggingFaceEngine(PaidEngine):
    """Sends each image with an instruction to one provider, and rejects answers that have moved.

    One object may serve several jobs at once: they share what is in flight and the circuit breaker.
    """

    name = "huggingface"
    title = "Hugging Face providers"
    blurb = "hosted, paid, only when named"
    changes = "Edits the image as your prompt says, by an instruction editor such as FLUX.2 klein."
    setup_hint = "To use Hugging Face providers, set `HF_TOKEN` and `AUGMENTAI_HUGGINGFACE_PROVIDER`."
    reads_prompt = True
    repaints = True
    may_differ = "the provider does not promise the same pixels twice"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.places = AdaptiveConcurrency(settings.huggingface_concurrency)
        self.breaker = CircuitBreaker(_FAULTS, _REST_SECONDS)

    def readiness(self) -> Readiness:
        """Never goes online."""
        if not self.settings.huggingface_provider:
            return Readiness(False, "AUGMENTAI_HUGGINGFACE_PROVIDER is not set", configured=False)
        if not self.settings.hf_token.get_secret_value():
            return Readiness(False, "HF_TOKEN is not set", configured=False)
        if find_spec("huggingface_hub") is None:
            return Readiness(False, "huggingface_hub is not installed; install augmentai[hub]")
        try:
            price_of(self.settings)
        except PriceError as error:
            return Readiness(False, str(error))
        if reason := self.breaker.open_reason:
            return Readiness(False, reason, for_good=False)
        return Readiness(True)

    def model_version(self) -> str:
        return f"{self.settings.huggingface_provider} {self.settings.huggingface_model}".strip()

    def seconds_per_image(self, pixels: float) -> float:
        return 6.0

    def credits_per_image(self, recipe: Recipe) -> float:
        return price_of(self.settings) if recipe.strength != 0 else 0.0

    def follows(self, recipe: Recipe) -> str:
        return recipe.prompt.strip()

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        unused = super().unused_settings(recipe)
        if recipe.strength not in {AUTO, 0}:
            unused += (f"{self.title}: the editor has no strength, so yours has no effect; say in the prompt how much",)
        if recipe.negative_prompt.strip():
            unused += (f"{self.title}: the editor reads no negative prompt: it is not sent",)
        return unused

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        from augmentai.engines.huggingface.run import Run

        run = Run(self, self.places, self.breaker, job)
        try:
            yield from run.results(tasks)
        finally:
            run.close()
