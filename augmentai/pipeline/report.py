"""What a job came to, counted as it goes: the API's `report`, the command line's summary, the page's table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from augmentai.recipe import Recipe
from augmentai.types import Failure, Outcome

if TYPE_CHECKING:
    from augmentai.dataset.checkpoint import Checkpoint
    from augmentai.engines.base import Estimate

_SHOWN_LIMIT = 2000  # rows of failures and of fallbacks; the manifest holds every one


class Report:
    """Counts outcomes. `as_dict` may be asked for at any time."""

    def __init__(self, recipe: Recipe, sources: int, failures: tuple[Failure, ...], notices: tuple[str, ...]) -> None:
        self._begun = time.monotonic()
        self.recipe = recipe
        self.sources = sources + len(failures)
        self.variations = 0
        self.held = 0  # of them, made by an earlier run that this one goes on with
        self.stopped = False
        self.passed_over: dict[str, str] = {}
        self.engines: Counter[str] = Counter()
        self.credits = 0.0
        self.estimate: Estimate | None = None
        self.rejected: Counter[str] = Counter()  # tries, by the filter that rejected them
        self.left_out = 0
        self.drifted = 0
        self.labels_dropped = 0
        self.geometry: str = recipe.geometry  # what it came to for these sources, where it was "auto"
        self._failures = {(failure.file, str(i)): failure.reason for i, failure in enumerate(failures)}
        self._fallbacks: dict[tuple[str, str, str], None] = {}
        self._notices = dict.fromkeys(notices)
        self.losses: Mapping[str, None] = {}  # what the layout of the result cannot hold; grows as it is written

    @property
    def failures(self) -> list[dict[str, str]]:
        """One row a file that could not be done, or not wholly."""
        return [{"file": file, "reason": reason} for (file, _), reason in self._failures.items()]

    @property
    def failed(self) -> int:
        return len(self._failures)

    def headline(self) -> str:
        """How many variations of how many files, in words: "58 variations from 29 of 36 files"."""
        made = f"{self.variations} variation{'' if self.variations == 1 else 's'}"
        if self.stopped:
            return f"{made}, {self.sources} file{'' if self.sources == 1 else 's'} given"
        whole = max(0, self.sources - self.failed)
        of = f"{whole} of {self.sources}" if self.failed else f"{self.sources}"
        return f"{made} from {of} file{'' if self.sources == 1 else 's'}"

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Count in what an earlier run has made."""
        self.held = checkpoint.variations
        self.variations += checkpoint.variations
        self.engines += checkpoint.engines
        self.credits += checkpoint.credits
        self.left_out += checkpoint.skipped_paid
        if checkpoint.skipped_paid:
            self.notice(
                f"{checkpoint.skipped_paid} that filters rejected had cost credits and are not made again; "
                "another seed would"
            )

    def add(self, outcome: Outcome) -> None:
        self.credits += outcome.credits
        self.rejected.update(rejection.filter for rejection in outcome.rejections)
        self.left_out += bool(outcome.rejections and outcome.index) and not outcome.ok
        if outcome.variation is not None:
            self.drifted += "drifted" in outcome.variation.details
            self.labels_dropped += outcome.variation.details.get("labels_dropped", 0)
        if outcome.variation is not None:
            self.variations += 1
            self.engines[outcome.variation.engine] += 1
        else:
            self._failures.setdefault((outcome.source.path, outcome.source.sha256), outcome.reason)
        for fallback in outcome.fallbacks:
            self._fallbacks.setdefault((outcome.source.path, fallback.engine, fallback.reason))
        for notice in outcome.notices:
            self._notices.setdefault(f"{outcome.source.path}: {notice}")

    def filtered(self) -> str:
        """What the filters did, in words; empty where they rejected nothing."""
        parts = []
        tries = self.rejected.total() - self.rejected["leak"]
        if tries:
            by = ", ".join(f"{count} {name}" for name, count in sorted(self.rejected.items()) if name != "leak")
            parts.append(
                f"filters rejected {tries} {'try' if tries == 1 else 'tries'} ({by}), {self.left_out} left out"
            )
        if leaks := self.rejected["leak"]:
            are = "is" if leaks == 1 else "are"
            parts.append(f"{leaks} {are} nearly the same as a validation or test picture and left out")
        if self.drifted:
            parts.append(f"in {self.drifted} something labelled has drifted (see drifted in the manifest)")
        if self.labels_dropped:
            parts.append(f"{self.labels_dropped} labels of things moved out of the picture dropped")
        return "; ".join(parts)

    def notice(self, words: str) -> None:
        """Something that the user should know, told once."""
        self._notices.setdefault(words)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; see the README for each field."""
        from augmentai import __version__

        report: dict[str, Any] = {
            "sources": self.sources,
            "variations": self.variations,
            "held": self.held,
            "failed": self.failed,
            "engines": dict(self.engines),
            "seconds": round(time.monotonic() - self._begun, 2),
            "seed": self.recipe.seed,
            "geometry": self.geometry,
            "stopped": self.stopped,
            "headline": self.headline(),
            "filtered": self.filtered(),
            "failures": self.failures[:_SHOWN_LIMIT],
            "fallbacks": [
                {"file": file, "engine": engine, "reason": reason}
                for file, engine, reason in list(self._fallbacks)[:_SHOWN_LIMIT]
            ],
            "engines_not_set_up": self.passed_over,
            "notices": [*self._notices, *self.losses][:_SHOWN_LIMIT],
            "rejected": dict(self.rejected),
            "left_out": self.left_out,
            "drifted": self.drifted,
            "labels_dropped": self.labels_dropped,
            "credits": round(self.credits, 2),
            "estimated_credits": self.estimate.credits if self.estimate else 0.0,
            "version": __version__,
        }
        return report
