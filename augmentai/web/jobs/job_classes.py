"""The classes of a job's inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from augmentai.annotations import LabelError
from augmentai.dataset.readers.gather import Gathered
from augmentai.pipeline.balance import read_classes
from augmentai.types import Source


def images_per_class(sources: Sequence[Source]) -> dict[str, int]:
    """How many images show each class, or none (""). Those whose labels cannot be read are among the failures."""
    counts: dict[str, int] = {}
    for source in sources:
        with suppress(LabelError, OSError):
            for name in read_classes(source) or {""}:
                counts[name] = counts.get(name, 0) + 1
    return counts


def class_names_of(gathered: Gathered, images: Mapping[str, int]) -> list[str]:
    """The classes of the labels: those that the set lists, in its order, then others by name.

    Args:
        gathered: the set.
        images: from `images_per_class`.
    """
    if not gathered.layout.labelled:
        return []
    return list(dict.fromkeys([*gathered.layout.class_names(), *sorted(images.keys() - {""})]))
