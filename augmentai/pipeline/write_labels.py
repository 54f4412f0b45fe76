"""The stage that writes the label files of a variation, in the format of the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from augmentai.dataset.formats.texts import drawn_words
from augmentai.images.encode import format_for
from augmentai.pipeline.run_state import Draft, RunState, failed_draft
from augmentai.types import Outcome


def write_labels(drafts: Iterator[Draft | Outcome], run: RunState) -> Iterator[Draft | Outcome]:
    """Add label files, and the record for files that list all images; fails if labels cannot be written."""
    for item in drafts:
        answer = item if isinstance(item, Outcome) else _with_labels(item, run)
        del item
        yield answer
        del answer


def _with_labels(draft: Draft, run: RunState) -> Draft | Outcome:
    task = draft.made.task
    try:
        file = file_of(draft, run)
        drawn = drawn_words(draft.details)
        files, record = run.output.labels_for(task.source, file, draft.labels, task.labels, draft.image.size, drawn)
    except Exception as error:
        return failed_draft(draft, error)
    return replace(draft, label_files=files, record=record)


def file_of(draft: Draft, run: RunState) -> str:
    """The relative path of a variation in the result."""
    task = draft.made.task
    return run.output.names.variation(task.source, task.index, format_for(task.photo, task.recipe.output_format))
