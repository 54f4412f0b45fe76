"""Examples are chosen by their files' hash, as many of each class, and none of an image's own counts."""

from __future__ import annotations

import numpy as np

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.filters.class_bank import (
    ClassBank,
    boxes_of,
    example_sources,
    examples_of_images,
    examples_of_objects,
)
from augmentai.types import Source
from tests.support.class_sets import OBJECT, class_folders, labelled_scenes

MOST_PIXELS = 10**8


def test_the_order_of_the_files_does_not_matter() -> None:
    sources = [*class_folders(3), Source.from_bytes("broken.png", b"none", "cup"), Source.from_bytes("loose.png", b"")]
    found = [(one.category, one.origin) for one in examples_of_images(sources, MOST_PIXELS)]
    assert [(one.category, one.origin) for one in examples_of_images(sources[::-1], MOST_PIXELS)] == found
    assert [category for category, _ in found] == ["cat"] * 3 + ["cup"] * 3


def test_a_class_gives_a_limited_number_of_examples() -> None:
    source = class_folders(1)[0]
    many = [Source(f"{n}.png", "cat", f"{n:03}", source.size_bytes, source.read) for n in range(40)]
    assert [one.origin for one in examples_of_images(many, MOST_PIXELS)] == [f"{n:03}" for n in range(24)]


def test_a_few_sources_give_the_examples_of_all() -> None:
    source = class_folders(1)[0]
    many = [Source(f"{n}.png", "cat", f"{n:03}", source.size_bytes, source.read) for n in range(40)]
    broken = [Source(f"{n}.png", label, f"-{n}", 0, bytes) for n, label in enumerate(["cat", "cat", "cup", "cup"])]
    every = sorted([*many, *broken, Source("loose.png", None, "0", 0, bytes)], key=lambda one: one.sha256)
    few = example_sources(every, MOST_PIXELS)
    assert len(few) == 26  # a class counts though none of its images can be read
    found = [[(one.category, one.origin) for one in examples_of_images(some, MOST_PIXELS)] for some in (every, few)]
    assert found[0] == found[1]


def test_objects_are_cut_out_and_broken_labels_have_no_part() -> None:
    class Broken:
        def load(self) -> Labels:
            raise LabelError("broken")

    source = class_folders(1)[0]
    broken = Source("broken.png", None, "0", source.size_bytes, source.read, labels=Broken())
    found = list(examples_of_objects([broken, *labelled_scenes(2)], MOST_PIXELS))
    assert sorted(one.category for one in found) == ["cat", "cat", "cup", "cup"]
    assert {one.pixels.size for one in found} == {(OBJECT[2] - OBJECT[0], OBJECT[3] - OBJECT[1])}


def test_the_largest_objects_come_first_and_tiny_ones_not_at_all() -> None:
    shapes = (
        Shape("small", (0, 0, 10, 10)),
        Shape("tiny", (0, 0, 30, 4)),
        Shape("outline", None, polygons=(((5.5, 5), (35, 5), (35, 30.2)),)),
        Shape("point", None, keypoints=((3, 3, 2),)),
    )
    assert boxes_of(Labels(shapes)) == [("outline", (5, 5, 35, 31)), ("small", (0, 0, 10, 10))]


def test_what_comes_from_the_same_file_does_not_count() -> None:
    features = np.float32([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
    bank = ClassBank(features, ["cat", "cat", "cup", "cup"], ["a", "b", "c", "d"])
    one = np.float32([0, 1])
    assert bank.resemblance(one, "cup", "c").neighbours < bank.resemblance(one, "cup").neighbours + 1e-9
    assert bank.resemblance(one, "cup", "c").mean > 1
    assert bank.resemblance(one, "cat").mean < -1
    alone = ClassBank(features[:3], ["cat", "cat", "cup"], ["a", "b", "c"])
    assert alone.resemblance(one, "cup", "c").mean <= 0  # nothing is left of its class
