"""How many variations each source gets, where classes are to be made equally large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from augmentai.annotations import LabelError
from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Source

Place = tuple[str, str]  # of a source: its path and its hash

_NAMED = 5  # classes named in a notice; a set may have a thousand


@dataclass(frozen=True)
class Plan:
    """total: variations in all. each: of every source, where `counts` does not tell them one by one. notices: for the
    user."""

    total: int
    each: int = 0
    counts: Mapping[Place, int] | None = None
    notices: tuple[str, ...] = ()

    def of(self, place: Place) -> int:
        """The variations of one source; 0 where it is none of the job's."""
        if self.counts is None:
            return self.each if place[1] else 0  # a file that could not be read has no hash
        return self.counts.get(place, 0)


def plan(sources: Sequence[Source], recipe: Recipe) -> Plan:
    """The variations of each source of the training split, the same whatever the order of the sources.

    Without `per_class` and `balance`: `recipe.variations` of each. With them a class is grown to so many pictures, its
    originals counted, by spreading the missing ones evenly over its sources, in the order of their hashes; no source
    gets more than `recipe.most_per_source`. A class that is large enough gets none. Where pictures have no class but
    things labelled in them, a class is as large as the number of pictures that show it; the rarest is grown first, and
    what else its pictures show grows along, so common classes may grow beyond what was asked.
    Raises RecipeError where there are no classes.
    """
    if not (recipe.per_class or recipe.balance):
        return Plan(len(sources) * recipe.variations, recipe.variations)
    if not sources:
        return Plan(0)
    classes, left_aside = _classes(sources)
    target = recipe.per_class or max(map(len, classes.values()))
    counts: Counter[Place] = Counter()
    short = []
    for name, own in sorted(classes.items(), key=lambda item: (len(item[1]), item[0])):
        missing = target - len(own) - sum(counts[place] for place in own)
        given = _spread(own, counts, missing, recipe.most_per_source)
        if given < missing:
            short.append(f"{name} ({target - missing + given})")
    notices = []
    if short:
        named = ", ".join(short[:_NAMED]) + (f" and {len(short) - _NAMED} more" if len(short) > _NAMED else "")
        each = f"{recipe.most_per_source} variations of each (most_per_source)"
        notices.append(f"too few pictures to reach {target} with at most {each}: {named}")
    if left_aside:
        notices.append(f"{left_aside} pictures without a class were not varied, since classes are to be balanced")
    return Plan(counts.total(), counts=dict(counts), notices=tuple(notices))


def _spread(own: Sequence[Place], counts: Counter[Place], missing: int, most: int) -> int:
    """Give `missing` more to these, one at a time to those that have the fewest. Returns how many found room."""
    given = 0
    while given < missing:
        level = min((counts[place] for place in own), default=most)
        if level >= most:
            break
        for place in [place for place in own if counts[place] == level][: missing - given]:
            counts[place] += 1
            given += 1
    return given


def _classes(sources: Sequence[Source]) -> tuple[dict[str, list[Place]], int]:
    """The sources that show each class, by hash, and how many have none. Raises RecipeError where none has any."""
    by_folder = any(source.label is not None for source in sources)
    classes: dict[str, list[Place]] = {}
    left_aside = 0
    for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
        names = set() if by_folder and source.label is None else classes_of(source)
        left_aside += not names
        for name in names:
            classes.setdefault(name, []).append((source.path, source.sha256))
    if not classes:
        raise RecipeError(
            f"classes cannot be balanced: none of the {len(sources)} pictures has one; expected class folders, or "
            "boxes or outlines with classes (masks alone do not tell)"
        )
    return classes, left_aside


def classes_of(source: Source) -> set[str]:
    """The class of a picture, or of each thing labelled in it; none where its labels cannot be read."""
    if source.label is not None:
        return {source.label}
    try:
        labels = source.labels.load() if source.labels is not None else None
    except (LabelError, OSError):
        return set()  # told when its turn comes
    return {shape.category for shape in labels.shapes} if labels is not None else set()
