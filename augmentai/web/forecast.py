"""How many variations a job will make, told from the classes of the pictures before any of them is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.base import ImageInfo
from augmentai.pipeline.balance import Plan, classes_of, plan
from augmentai.recipe import Recipe
from augmentai.types import Source

_LABELS_READ = 500  # of larger sets as many are looked at, spread over them: the answer is wanted at once


@dataclass(frozen=True)
class _Named:
    """Labels of which nothing is known but the classes."""

    names: tuple[str, ...]

    def load(self) -> Labels:
        return Labels(tuple(Shape(name, None) for name in self.names))


def kinds(known: Sequence[ImageInfo]) -> list[tuple[str | None, tuple[str, ...], int]]:
    """Which classes the pictures show: (class folder, classes labelled in it, how many such pictures)."""
    read = [one for one in known if one.label is None and one.labels is not None]
    some = read[:: -(-len(read) // _LABELS_READ)] if read else []
    shown = Counter(tuple(sorted(classes_of(Source("", None, "", 0, bytes, labels=one.labels)))) for one in some)
    found: list[tuple[str | None, tuple[str, ...], int]] = [
        (None, names, round(count * len(read) / len(some))) for names, count in shown.items()
    ]
    folders = Counter(one.label for one in known if one.label is not None or one.labels is None)
    return [*found, *((label, (), count) for label, count in folders.items())]


def planned(given: Mapping[str, Any], recipe: Recipe) -> Plan:
    """What `balance.plan` will come to. given: `pictures` and `kinds`.

    Exact, but where pictures show several classes at once: which of them is varied hangs on their bytes. Raises
    RecipeError where there are no classes to balance.
    """
    pictures = given.get("pictures", 0)
    if not (recipe.per_class or recipe.balance):
        return Plan(pictures * recipe.variations, recipe.variations)
    each = ([(label, names)] * count for label, names, count in given.get("kinds", ()))
    sources = [
        Source(str(number), label, "x", 0, bytes, labels=_Named(names))
        for number, (label, names) in enumerate(islice(chain.from_iterable(each), pictures))
    ]
    return plan(sources, recipe)
