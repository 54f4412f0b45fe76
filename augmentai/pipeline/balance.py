"""How many variations each source gets, with or without class balancing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from augmentai.annotations import LabelError
from augmentai.plurals import counted
from augmentai.recipe import Recipe, RecipeError
from augmentai.types import Source, SourceKey

_CLASSES_NAMED = 5  # in a notice; a set may have a thousand


@dataclass(frozen=True)
class Quotas:
    """How many variations each source gets.

    Attributes:
        total: variations in all.
        each: of every source, if `counts` does not list them one by one.
        counts: of each source, by its key.
        notices: for the user.
    """

    total: int
    each: int = 0
    counts: Mapping[SourceKey, int] | None = None
    notices: tuple[str, ...] = ()

    def of(self, key: SourceKey) -> int:
        """The variations of one source; 0 if it is not one of the run's."""
        if self.counts is None:
            return self.each if key[1] else 0  # a file that could not be read has no hash
        return self.counts.get(key, 0)


def plan_quotas(sources: Sequence[Source], recipe: Recipe) -> Quotas:
    """Decide how many variations each training image gets; the same whatever the order of the sources.

    Without `per_class` and `balance` each source gets `recipe.variations`. With them a class grows to so many images,
    originals included, by spreading what is missing evenly over its sources, in the order of their hashes; no source
    gets more than `recipe.most_per_source`, and a class that is large enough gets none. If images have no class
    but labelled objects, a class is as large as the number of images that show it. The rarest grows first, and
    whatever else its images show grows along, so common classes may grow beyond what was asked.

    Args:
        sources: the images to augment.
        recipe: `variations`, `per_class`, `balance` and `most_per_source` are read.

    Raises:
        RecipeError: classes are to be balanced and no image has one.

    Example:
        >>> cats = [Source.from_bytes(f"cats/{i}.png", bytes([i]), "cats") for i in range(3)]
        >>> dogs = [Source.from_bytes("dogs/9.png", b"9", "dogs")]
        >>> quotas = plan_quotas(cats + dogs, Recipe(balance=True))
        >>> quotas.total, quotas.of(dogs[0].key)
        (2, 2)
    """
    if not (recipe.per_class or recipe.balance):
        return Quotas(len(sources) * recipe.variations, recipe.variations)
    if not sources:
        return Quotas(0)
    classes, without_class = _classes(sources)
    target = recipe.per_class or max(map(len, classes.values()))
    counts: Counter[SourceKey] = Counter()
    short = []
    for name, members in sorted(classes.items(), key=lambda item: (len(item[1]), item[0])):
        missing = target - len(members) - sum(counts[key] for key in members)
        added = _spread(members, counts, missing, recipe.most_per_source)
        if added < missing:
            short.append(f"{name} ({target - missing + added})")
    return Quotas(counts.total(), counts=dict(counts), notices=_notices(short, target, without_class, recipe))


@dataclass(frozen=True)
class ClassShares:
    """The quotas of images of which each has one class at most.

    Attributes:
        of: (variations of each image, how many of the first images by hash get one more), by class.
        notices: for the user.
    """

    of: Mapping[str, tuple[int, int]]
    notices: tuple[str, ...]


def class_shares(sizes: Mapping[str, int], without_class: int, recipe: Recipe) -> ClassShares:
    """What `plan_quotas` decides for classes that share no image, from their sizes alone.

    Args:
        sizes: how many images each class has.
        without_class: how many images have none.
        recipe: as in `plan_quotas`; it balances classes.

    Raises:
        RecipeError: no image has a class.

    Example:
        >>> class_shares({"cats": 3, "dogs": 2}, 0, Recipe(balance=True)).of
        {'dogs': (0, 1), 'cats': (0, 0)}
    """
    if not sizes:
        raise _without_classes(without_class)
    target = recipe.per_class or max(sizes.values())
    shares, short = {}, []
    for name, size in sorted(sizes.items(), key=lambda item: (item[1], item[0])):
        missing = target - size
        each, rest = divmod(max(0, missing), size)
        shares[name] = (each, rest) if each < recipe.most_per_source else (recipe.most_per_source, 0)
        added = shares[name][0] * size + shares[name][1]
        if added < missing:
            short.append(f"{name} ({size + added})")
    return ClassShares(shares, _notices(short, target, without_class, recipe))


def _notices(short: Sequence[str], target: int, without_class: int, recipe: Recipe) -> tuple[str, ...]:
    """What classes cannot reach their number, and what has no class."""
    notices = []
    if short:
        more = f" and {len(short) - _CLASSES_NAMED} more" if len(short) > _CLASSES_NAMED else ""
        limit = f"{counted(recipe.most_per_source, 'variation')} per image (most_per_source)"
        notices.append(
            f"too few images to reach {target} with at most {limit}: {', '.join(short[:_CLASSES_NAMED])}{more}"
        )
    if without_class:
        them = counted(without_class, "image without a class was", "images without a class were")
        notices.append(f"{them} not augmented, since classes are to be balanced")
    return tuple(notices)


def _without_classes(images: int) -> RecipeError:
    return RecipeError(
        f"classes cannot be balanced: none of the {images} images has a class; expected class folders, or "
        "boxes or outlines with classes (masks alone have none)"
    )


def _spread(members: Sequence[SourceKey], counts: Counter[SourceKey], missing: int, most: int) -> int:
    """Add `missing` variations to these sources, one at a time to those with the fewest. Returns how many had room."""
    added = 0
    while added < missing:
        level = min((counts[key] for key in members), default=most)
        if level >= most:
            break
        for key in [key for key in members if counts[key] == level][: missing - added]:
            counts[key] += 1
            added += 1
    return added


def _classes(sources: Sequence[Source]) -> tuple[dict[str, list[SourceKey]], int]:
    """The sources that show each class, by hash, and how many show none. Raises RecipeError if none shows any."""
    by_folder = any(source.label is not None for source in sources)
    classes: dict[str, list[SourceKey]] = {}
    without_class = 0
    for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
        names = set() if by_folder and source.label is None else classes_of(source)
        without_class += not names
        for name in names:
            classes.setdefault(name, []).append(source.key)
    if not classes:
        raise _without_classes(len(sources))
    return classes, without_class


def classes_of(source: Source) -> set[str]:
    """The class of an image, or of each object labelled in it; empty if its labels cannot be read."""
    try:
        return read_classes(source)
    except (LabelError, OSError):
        return set()  # reported when the image is decoded


def read_classes(source: Source) -> set[str]:
    """The same. Raises LabelError or OSError if its labels cannot be read."""
    if source.label is not None:
        return {source.label}
    labels = source.labels.load() if source.labels is not None else None
    return {shape.category for shape in labels.shapes} if labels is not None else set()
