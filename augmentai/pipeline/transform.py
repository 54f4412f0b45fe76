"""The stage in which geometry and operations move an image and its labels together, whichever engine painted it."""

from __future__ import annotations

from collections.abc import Iterator

from augmentai.pipeline.drafts import Begun
from augmentai.pipeline.run_state import Draft, RunState, failed, failure_reason, spent_on
from augmentai.types import Outcome


def transform(answers: Iterator[Begun | Outcome], _: RunState) -> Iterator[Draft | Outcome]:
    """Bring a painted image back to its source's mode, then move it as the recipe asks."""
    for answer in answers:
        draft = answer if isinstance(answer, Outcome) else _finished(answer)
        del answer
        yield draft
        del draft


def _finished(begun: Begun) -> Draft | Outcome:
    try:
        return begun.draft.result()
    except Exception as error:
        return failed(begun.task, failure_reason(error), spent_on(begun.made))
