"""Groups of images divided by given shares so that each class is divided by them too, the rarest class first.

The method is iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011), over groups in place of
images: of the class with the fewest images left, each group goes to the split that lacks most of that class.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_NO_CLASS = ""


@dataclass(frozen=True)
class Group:
    """Images that stay together.

    Attributes:
        order: decides between groups of the same size.
        images: how many images show each class.
        objects: how many objects of each class they show.
        size: how many images there are.
    """

    order: str
    size: int
    images: Mapping[str, int] = field(default_factory=dict)
    objects: Mapping[str, int] = field(default_factory=dict)


def stratify(groups: Sequence[Group], shares: Mapping[str, float]) -> list[str]:
    """The split of each group.

    Args:
        groups: in any order.
        shares: of each split, which add up to 1.

    Returns:
        The name of a split for each group, in the same order; the same for the same groups in any order.

    Example:
        >>> groups = [Group(f"{n}", 1, {"cat" if n < 10 else "dog": 1}) for n in range(20)]
        >>> splits = stratify(groups, {"train": 0.8, "val": 0.2})
        >>> splits[:10].count("val"), splits[10:].count("val")
        (2, 2)
    """
    lacking = _Lacking(groups, shares)
    by_class: dict[str, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        for name in group.images or (_NO_CLASS,):
            by_class[name].append(position)
    splits: list[str | None] = [None] * len(groups)
    remaining = {name: sum(_images(groups[i], name) for i in positions) for name, positions in by_class.items()}
    while remaining:
        name = min(remaining, key=lambda name: (name == _NO_CLASS, remaining[name], name))
        del remaining[name]
        waiting = [position for position in by_class[name] if splits[position] is None]
        for position in sorted(waiting, key=lambda i: (-groups[i].size, groups[i].order)):  # while there is room
            split = splits[position] = lacking.most(name)
            lacking.take(split, groups[position])
            for other in groups[position].images:
                if other in remaining:
                    remaining[other] -= groups[position].images[other]
    return [split for split in splits if split is not None]


class _Lacking:
    """What each split still lacks: images and objects of each class, and images in all, as shares of what there is."""

    def __init__(self, groups: Sequence[Group], shares: Mapping[str, float]) -> None:
        self._splits = tuple(shares)
        images, objects = Counter[str](), Counter[str]()
        for group in groups:
            images.update(group.images or {_NO_CLASS: group.size})
            objects.update(group.objects)
        self._images, self._objects = images, objects
        self._size = sum(group.size for group in groups)
        self._of_images = {split: dict.fromkeys(images, share) for split, share in shares.items()}
        self._of_objects = {split: dict.fromkeys(objects, share) for split, share in shares.items()}
        self._of_all = dict(shares)

    def most(self, name: str) -> str:
        """The split that lacks most of a class; of several, the one that lacks most images."""
        return max(self._splits, key=lambda split: (round(self._lack(split, name), 9), round(self._of_all[split], 9)))

    def _lack(self, split: str, name: str) -> float:
        images = self._of_images[split][name]
        return (images + self._of_objects[split][name]) / 2 if self._objects.get(name) else images

    def take(self, split: str, group: Group) -> None:
        """Note that a group is in a split now."""
        for name, count in (group.images or {_NO_CLASS: group.size}).items():
            self._of_images[split][name] -= count / self._images[name]
        for name, count in group.objects.items():
            self._of_objects[split][name] -= count / self._objects[name] if self._objects[name] else 0
        self._of_all[split] -= group.size / self._size


def _images(group: Group, name: str) -> int:
    return group.images.get(name, group.size if name == _NO_CLASS else 0)
