"""The stage that compares the variations of one source with each other: no two may be near-duplicates.

A variation is compared with those of a lower index only, whatever order they are finished in, so that every run keeps
the same ones. It therefore waits until each of those is settled: accepted, or given up for good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from augmentai.filters.features import fingerprint_distance
from augmentai.pipeline.judge import expected_change, reject
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.run_state import Draft, RunState, spent_on
from augmentai.types import Outcome, SourceKey


def deduplicate(drafts: Iterator[Draft | Outcome], run: RunState) -> Iterator[Draft | Outcome]:
    """Pass on what differs from its siblings; retry or give up the rest.

    After a stop, waiting drafts that cost nothing are dropped: the run that resumes this one makes them again, and so
    ends with the same images as one that was never stopped. Those that were paid for pass.
    """
    siblings = Siblings(run.plan, run.known_fingerprints)
    for item in drafts:
        if isinstance(item, Outcome):
            yield item
            if item.index and _compares(item.source.key, run.plan):
                siblings.settle(item.source.key, item.index, None)
                yield from _ready(siblings, item.source.key, run)
        elif not _compares(item.key, run.plan):
            yield item
        else:
            siblings.wait(item)
            key = item.key
            del item
            yield from _ready(siblings, key, run)
            continue
        del item
    yield from (draft for draft in siblings.left() if spent_on(draft.made))


def _compares(key: SourceKey, plan: RunPlan) -> bool:
    recipe = plan.recipe
    on = recipe.filters and recipe.strength != 0 and recipe.thresholds.duplicate > 0
    return on and len(plan.indices(key)) > 1


def _ready(siblings: Siblings, key: SourceKey, run: RunState) -> Iterator[Draft | Outcome]:
    """Judge what waits for no other sibling any more, lowest index first."""
    while (draft := siblings.next_ready(key)) is not None:
        index = draft.made.task.index
        draft = _compared(draft, siblings.nearest(key, index, draft.fingerprint), run)
        if not draft.verdict.filter:
            siblings.settle(key, index, draft.fingerprint or None)
            yield draft
            del draft
        elif (given_up := reject(draft, run, siblings.accepted(key))) is not None:
            yield given_up
            siblings.settle(key, index, None)


def _compared(draft: Draft, nearest: tuple[int, int] | None, run: RunState) -> Draft:
    if nearest is None:
        return draft
    sibling, levels = nearest
    least = run.plan.recipe.thresholds.duplicate * expected_change(draft.made)
    verdict = replace(draft.verdict, scores={**draft.verdict.scores, "sibling": levels})
    if levels <= least:
        why = (
            f"near-duplicate of variation {sibling}: they differ by {levels} of 255 levels at most, "
            f"expected more than {least:.1f}"
        )
        verdict = replace(verdict, filter="duplicate", reason=why)
    return replace(draft, verdict=verdict)


@dataclass
class _Family:
    """Variations of one source. fingerprints: of what is settled, by index; None if there is no image."""

    fingerprints: dict[int, bytes | None]
    waiting: dict[int, Draft] = field(default_factory=dict)


class Siblings:
    """Holds back drafts that cannot be compared yet.

    Args:
        plan: says which variations each source gets.
        known: fingerprints of variations that an earlier run has made, by source and index.
    """

    def __init__(self, plan: RunPlan, known: Mapping[SourceKey, Mapping[int, bytes | None]]) -> None:
        self._plan, self._known = plan, known
        self._families: dict[SourceKey, _Family] = {}

    def wait(self, draft: Draft) -> None:
        """Hold back a draft that its own filters have accepted."""
        self._family(draft.key).waiting[draft.made.task.index] = draft

    def next_ready(self, key: SourceKey) -> Draft | None:
        """The draft of the lowest index, if every variation before it is settled."""
        family = self._families.get(key)
        if family is None or not family.waiting:
            return None
        lowest = min(family.waiting)
        if any(lower not in family.fingerprints for lower in self._plan.indices(key) if lower < lowest):
            return None
        return family.waiting.pop(lowest)

    def nearest(self, key: SourceKey, index: int, mine: bytes) -> tuple[int, int] | None:
        """The most similar sibling of lower index.

        Returns:
            (its index, the distance of the fingerprints in levels of 255); None if there is none, or if `mine` is
            empty, as it is for a variation of a plain source.
        """
        others = [
            (fingerprint_distance(mine, other), lower)
            for lower, other in self._families[key].fingerprints.items()
            if other is not None and lower < index and mine
        ]
        return (min(others)[1], min(others)[0]) if others else None

    def accepted(self, key: SourceKey) -> int:
        """How many variations of a source are accepted so far and have a fingerprint."""
        return sum(fingerprint is not None for fingerprint in self._families[key].fingerprints.values())

    def settle(self, key: SourceKey, index: int, fingerprint: bytes | None) -> None:
        """This one is accepted, with its fingerprint, or given up, with None."""
        family = self._family(key)
        family.fingerprints[index] = fingerprint
        if not family.waiting and all(wanted in family.fingerprints for wanted in self._plan.indices(key)):
            del self._families[key]

    def left(self) -> Iterator[Draft]:
        """Those still held back when a run is stopped."""
        for family in self._families.values():
            yield from (family.waiting[index] for index in sorted(family.waiting))
        self._families.clear()

    def _family(self, key: SourceKey) -> _Family:
        if key not in self._families:
            self._families[key] = _Family(dict(self._known.get(key, {})))
        return self._families[key]
