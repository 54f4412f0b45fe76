"""The results of a run, counted as it proceeds: the API's `report`, the command line's summary, the page's table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from augmentai.annotations import Hidden
from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.diversity import Diversity
from augmentai.dataset.file_names import printable
from augmentai.dataset.lift_file import LiftFile
from augmentai.engines.run_ledger import RunLedger
from augmentai.pipeline.plan import RunPlan
from augmentai.plurals import counted
from augmentai.types import Outcome

_NAMES_IN_A_NOTICE = 5
ROWS_LIMIT = 2000  # of failures and of fallbacks; the manifest holds every one


class Report:
    """Counts outcomes. `as_dict` may be called at any time.

    Args:
        plan: what the run is to do.
        losses: what the format of the result cannot hold; grows while labels are written.
        ledger: the run's ledger of paid requests.

    Attributes:
        variations: made so far, those of an earlier run included.
        resumed: of them, made by an earlier run.
        failed: files of which something could not be made.
        rejected: attempts that filters rejected, by filter.
        given_up: variations that filters rejected in every attempt.
        drifted: variations marked because labelled objects have drifted.
        labels_dropped: objects whose labels were removed because they left the frame.
        hidden: objects whose labels were removed because others were pasted in front of them.
        skipped_engines: engines that were never asked, and why.
        lift: what was measured on the set; None if nothing was.
        diversity: how much the variations differ; None until the run has finished, or if that cannot be measured.
        stopped: whether the run ended early.
        ended: whether it is over.
    """

    def __init__(self, plan: RunPlan, losses: Mapping[str, None], ledger: RunLedger) -> None:
        gathered = plan.gathered
        self._started = time.monotonic()
        self._plan, self._losses, self.ledger = plan, losses, ledger
        self.sources = len(gathered.sources) + len(gathered.failures)
        self.variations = 0
        self.resumed = 0
        self.lift: LiftFile | None = None
        self.diversity: Diversity | None = None
        self.stopped = self.ended = False
        self.skipped_engines: Mapping[str, str] = {}
        self.engines: Counter[str] = Counter()
        self._credits_before = 0.0
        self._credits_answered = 0.0
        self.rejected: Counter[str] = Counter()
        self.given_up = 0
        self.drifted = 0
        self.labels_dropped = 0
        self.hidden = Hidden()
        self._failures = {(failure.file, str(i)): failure.reason for i, failure in enumerate(gathered.failures)}
        self._fallbacks: dict[tuple[str, str, str], None] = {}
        self._notices = dict.fromkeys(plan.notices)
        self._of_files: dict[str, dict[str, None]] = {}  # what should be known of some images -> their paths

    @property
    def failures(self) -> list[dict[str, str]]:
        """One row for each file that failed or is incomplete."""
        return self.first_failures()

    def first_failures(self, most: int | None = None) -> list[dict[str, str]]:
        """The first rows of `failures`, None for all: there may be thousands, and each image of a job asks."""
        rows = islice(self._failures.items(), most)
        return [{"file": file, "reason": reason} for (file, _), reason in rows]

    @property
    def failed(self) -> int:
        return len(self._failures)

    @property
    def credits(self) -> float:
        """What the run cost, over all its restarts: also what was charged for answers that never came to be."""
        booked = self.ledger.charged + (0.0 if self.ledger.is_resumed else self._credits_before)
        # An engine that does not reserve its prices is not in the ledger; then its answers say what they cost.
        return max(booked, self._credits_before + self._credits_answered)

    def headline(self) -> str:
        """The result in one line, see `headline`."""
        return headline(self.variations, self._plan.total, self.sources, self.failed)

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Count in what an earlier run has made."""
        self.resumed = checkpoint.variations
        self.variations += checkpoint.variations
        self.engines += checkpoint.engines
        self._credits_before += checkpoint.credits
        self.given_up += checkpoint.skipped_paid
        if checkpoint.skipped_paid:
            were = counted(checkpoint.skipped_paid, "image was", "images were")
            self.notice(f"{were} already paid for, but rejected or unusable, and not retried; change the seed to retry")

    def recount(self, engines: Counter[str]) -> None:
        """Correct the counts of a run that could not be written to its end.

        Args:
            engines: how many variations each engine made, by the manifest.
        """
        self.engines = engines
        self.variations = engines.total()
        self.resumed = min(self.resumed, self.variations)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self._credits_answered += outcome.credits
        self.rejected.update(rejection.filter for rejection in outcome.rejections)
        self.given_up += bool(outcome.rejections and outcome.index) and not outcome.ok
        if outcome.variation is not None:
            self.drifted += "drifted" in outcome.variation.details
            self.labels_dropped += outcome.variation.details.get("labels_dropped", 0)
            self.hidden += Hidden(**outcome.variation.details.get("labels_hidden", {}))
            self.variations += 1
            self.engines[outcome.variation.engine] += 1
        else:
            self._failures.setdefault(outcome.source.key, outcome.reason)
        for fallback in outcome.fallbacks:
            self._fallbacks.setdefault((outcome.source.path, fallback.engine, fallback.reason))
        for notice in outcome.notices:
            self._of_files.setdefault(notice, {}).setdefault(outcome.source.path)

    def filtered(self) -> str:
        """See `filter_words`."""
        return filter_words(self._counts())

    def _counts(self) -> dict[str, Any]:
        return {
            "rejected": dict(self.rejected),
            "left_out": self.given_up,
            "drifted": self.drifted,
            "labels_dropped": self.labels_dropped,
            "labels_hidden": asdict(self.hidden),
        }

    def notice(self, words: str) -> None:
        """Something that the user should know, reported once."""
        self._notices.setdefault(words)

    def _all_notices(self) -> list[str]:
        every = (*self.money_notices(), *self._notices, *self._file_notices(), *self._losses)
        return list(dict.fromkeys(every))  # what the plan foresaw is lost as well

    def _file_notices(self) -> list[str]:
        """Each notice of single images once, with the first of them by name."""
        return [f"{_first_names(sorted(paths))}: {notice}" for notice, paths in self._of_files.items()]

    def money_notices(self) -> list[str]:
        """What the ledger does not know for certain, once the run is over; until then, some are in flight as usual."""
        uncertain = self.ledger.uncertain() if self.ended else ""
        return [words for words in (self.ledger.fault, uncertain) if words]

    def as_dict(self) -> dict[str, Any]:
        """The report as the API returns it, ready for JSON; docs/api.md describes each field."""
        from augmentai.version import __version__

        estimate = self._plan.estimate
        return {
            "sources": self.sources,
            "variations": self.variations,
            "held": self.resumed,
            "failed": self.failed,
            "engines": dict(self.engines),
            "seconds": round(time.monotonic() - self._started, 2),
            "seed": self._plan.recipe.seed,
            "geometry": str(self._plan.geometry),
            "stopped": self.stopped,
            "headline": self.headline(),
            "filtered": self.filtered(),
            "failures": self.first_failures(ROWS_LIMIT),
            "fallbacks": [
                {"file": file, "engine": engine, "reason": reason}
                for file, engine, reason in list(self._fallbacks)[:ROWS_LIMIT]
            ],
            "engines_not_set_up": dict(self.skipped_engines),
            "notices": self._all_notices()[:ROWS_LIMIT],
            "rejected": dict(self.rejected),
            "left_out": self.given_up,
            "drifted": self.drifted,
            "labels_dropped": self.labels_dropped,
            "credits": round(self.credits, 2),
            "estimated_credits": estimate.credits if estimate else 0.0,
            "lift": self.lift.verdicts() if self.lift is not None else None,
            "diversity": self.diversity.as_dict() if self.diversity is not None else None,
            "version": __version__,
            "labels_hidden": asdict(self.hidden),
        }


def filter_words(report: Mapping[str, Any]) -> str:
    """What the filters did, and which labels were lost, in words; empty if nothing.

    Args:
        report: `rejected`, `left_out`, `drifted`, `labels_dropped` and `labels_hidden` of `Report.as_dict`.
    """
    rejected, parts = report["rejected"], []
    attempts = sum(count for name, count in rejected.items() if name != "leak")
    if attempts:
        by = ", ".join(f"{count:,} {name}" for name, count in sorted(rejected.items()) if name != "leak")
        skipped = report["left_out"] or "none"
        parts.append(f"filters rejected {counted(attempts, 'attempt')} ({by}); {skipped} skipped")
    if leaks := rejected.get("leak"):
        images = counted(leaks, "image is", "images are")
        parts.append(f"{images} nearly the same as a validation or test image and skipped")
    if drifted := report["drifted"]:
        parts.append(f"labelled objects drifted in {counted(drifted, 'image')} (see drifted in the manifest)")
    if dropped := report["labels_dropped"]:
        labels = "its label was" if dropped == 1 else "their labels were"
        parts.append(f"{counted(dropped, 'object')} left the frame; {labels} removed")
    hidden = Hidden(**report["labels_hidden"])
    if hidden.objects:
        labels = "its label was" if hidden.objects == 1 else "their labels were"
        behind = f"{counted(hidden.objects, 'object')} nearly vanished behind pasted ones; {labels} removed"
        parts.append(f"{behind} ({counted(hidden.pixels, 'pixel')} still visible)")
    return "; ".join(parts)


def _first_names(names: list[str]) -> str:
    more = len(names) - _NAMES_IN_A_NOTICE
    return ", ".join(map(printable, names[:_NAMES_IN_A_NOTICE])) + (f" and {more} more" if more > 0 else "")


def headline(made: int, wanted: int, files: int, failed: int) -> str:
    """The result of a run in one line.

    Example:
        >>> headline(58, 58, 36, 0)
        '58 variations from 36 files'
        >>> headline(57, 72, 36, 7)
        '57 of 72 variations made; 7 files incomplete'
    """
    if not failed and made >= wanted:
        return f"{counted(made, 'variation')} from {counted(files, 'file')}"
    line = f"{made:,} of {counted(wanted, 'variation')} made"
    return f"{line}; {counted(failed, 'file')} incomplete" if failed else line
