"""The classes of a job's inputs."""

from __future__ import annotations

from collections.abc import Sequence

from augmentai.dataset.readers.gather import Gathered
from augmentai.pipeline.balance import classes_of
from augmentai.types import Source


def images_per_class(sources: Sequence[Source]) -> dict[str, int]:
    """How many images show each class; those without a class are counted under ""."""
    counts: dict[str, int] = {}
    for source in sources:
        for name in classes_of(source) or {""}:
            counts[name] = counts.get(name, 0) + 1
    return counts


def class_names_of(gathered: Gathered) -> list[str]:
    """The classes of the labels, in the order of the set."""
    return gathered.layout.class_names() if gathered.layout.labelled else []
