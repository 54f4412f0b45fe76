"""Groups are divided so that every class has its share, by images and by objects."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from augmentai.pipeline.split.stratify import Group, stratify

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def single(count: int, name: str, start: int = 0, objects: int = 1) -> list[Group]:
    """So many images of one class, each alone."""
    return [Group(f"{name}{start + i:04}", 1, {name: 1}, {name: objects}) for i in range(count)]


def shown(groups: list[Group], splits: list[str], name: str) -> dict[str, int]:
    """How many images of a class are in each split."""
    counts = Counter[str]()
    for group, split in zip(groups, splits, strict=True):
        counts[split] += group.images.get(name, 0)
    return {split: counts[split] for split in SHARES}


@pytest.mark.parametrize(
    ("groups", "name", "expected"),
    [
        (single(100, "cat") + single(20, "dog"), "cat", {"train": 80, "val": 10, "test": 10}),
        (single(100, "cat") + single(20, "dog"), "dog", {"train": 16, "val": 2, "test": 2}),
        # a class of a few images is in training first, then once in validation
        (single(100, "cat") + single(5, "dog"), "dog", {"train": 4, "val": 1, "test": 0}),
        (single(100, "cat") + single(1, "dog"), "dog", {"train": 1, "val": 0, "test": 0}),
        # the rare class decides for images that show both
        (
            [Group(f"{i:03}", 1, {"cat": 1} | ({"dog": 1} if i < 10 else {})) for i in range(100)],
            "dog",
            {"train": 8, "val": 1, "test": 1},
        ),
        # images of no class are divided as well
        ([Group(f"{i:03}", 1) for i in range(20)] + single(10, "cat"), "cat", {"train": 8, "val": 1, "test": 1}),
    ],
)
def test_each_class_has_its_share(groups: list[Group], name: str, expected: dict[str, int]) -> None:
    splits = stratify(groups, SHARES)
    assert shown(groups, splits, name) == expected
    sizes = Counter(splits)
    assert abs(sizes["train"] - 0.8 * len(groups)) <= 2


def test_the_order_of_groups_changes_nothing_and_the_seed_does() -> None:
    groups = single(30, "cat") + single(10, "dog")
    found = dict(zip((group.order for group in groups), stratify(groups, SHARES), strict=True))
    mixed = random.Random(1).sample(groups, len(groups))
    assert dict(zip((group.order for group in mixed), stratify(mixed, SHARES), strict=True)) == found
    other = [Group(group.order[::-1], 1, group.images, group.objects) for group in groups]
    assert stratify(other, SHARES) != stratify(groups, SHARES)


def test_objects_count_where_images_alone_would_not_tell() -> None:
    """Half of the images show one car, the others nine: neither half fills the validation images alone."""
    groups = single(50, "car") + single(50, "car", start=50, objects=9)
    groups = [replace(group, order=f"{random.Random(group.order).random()}") for group in groups]
    splits = stratify(groups, {"train": 0.8, "val": 0.2})
    objects = Counter[str]()
    for group, split in zip(groups, splits, strict=True):
        objects[split] += group.objects["car"]
    assert 0.15 < objects["val"] / objects.total() < 0.25


def test_a_large_group_goes_where_it_fits() -> None:
    groups = [Group("clip", 60, {"cat": 60}, {"cat": 60}), *single(40, "cat")]
    splits = stratify(groups, SHARES)
    assert splits[0] == "train"
    assert Counter(splits[1:]) == {"train": 20, "val": 10, "test": 10}
