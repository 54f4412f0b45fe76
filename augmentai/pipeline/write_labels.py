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
        if isinstance(item, Outcome):
            yield item
            continue
        task = item.made.task
        try:
            file = file_of(item, run)
            drawn = drawn_words(item.details)
            files, record = run.output.labels_for(task.source, file, item.labels, task.labels, item.image.size, drawn)
        except Exception as error:
            yield failed_draft(item, error)
        else:
            yield replace(item, label_files=files, record=record)


def file_of(draft: Draft, run: RunState) -> str:
    """The relative path of a variation in the result."""
    task = draft.made.task
    return run.output.names.variation(task.source, task.index, format_for(task.photo, task.recipe.output_format))
