"""Examples of each class of a set, as features: its own images, or its labelled objects cut out of them.

They are chosen by the hash of their files, as many of each class, so that they are the same whatever the order of the
files.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from augmentai.annotations import Box, LabelError, Labels, Shape, box_around
from augmentai.images import ImageError, decode
from augmentai.types import Source

LEAST_EXAMPLES = 6  # of a class, without which nothing can be said of it
NEIGHBOURS = 3
_MOST_EXAMPLES = 24  # of a class
_MOST_IN_ALL = 2400  # unless there are so many classes that each would have too few
_MOST_IMAGES = 400  # whose objects are looked at
_LEAST_OBJECT_PX = 8  # shorter side
_DRAFT_SIDE_PX = 448  # no backbone takes larger squares

Features = np.ndarray


@dataclass(frozen=True)
class Example:
    """One image or object of a known class.

    Attributes:
        category: its class.
        origin: SHA-256 of the file that shows it.
        pixels: RGB, the whole image or the object.
    """

    category: str
    origin: str
    pixels: Image.Image = field(repr=False)


@dataclass(frozen=True)
class Resemblance:
    """How much more an image resembles its class than any other: cosines, each less that of the other class, -2 to 2.

    Attributes:
        prototype: with the mean of the class.
        neighbours: with its most similar examples.
    """

    prototype: float
    neighbours: float

    @property
    def mean(self) -> float:
        """Of both, rounded to three digits."""
        return round((self.prototype + self.neighbours) / 2, 3)


class ClassBank:
    """Features of examples, and what an image resembles most among them.

    Args:
        features: of each example.
        categories: the class of each, two or more.
        origins: the file that each comes from.

    Shape:
        features: (N, D)

    Example:
        >>> features = np.eye(2, dtype=np.float32).repeat(6, 0)
        >>> bank = ClassBank(features, ["cat"] * 6 + ["dog"] * 6, [str(n) for n in range(12)])
        >>> bank.resemblance(np.array([1.0, 0.0]), "cat")
        Resemblance(prototype=2.0, neighbours=2.0)
    """

    def __init__(self, features: Features, categories: Sequence[str], origins: Sequence[str]) -> None:
        self._mean = np.asarray(features, np.float64).mean(0)
        self._features = _unit(features - self._mean)
        self._origins = np.array(origins)
        self.names = sorted(set(categories))
        self._classes = np.array([self.names.index(category) for category in categories])
        self._counts = Counter(categories)

    def count(self, category: str) -> int:
        """How many examples of a class there are."""
        return self._counts[category]

    def resemblance(self, features: Features, category: str, origin: str = "") -> Resemblance:
        """How much more an image resembles its class than any other.

        Args:
            features: of the image.
            category: its class, of which there are examples.
            origin: the file that it was made from, whose own examples do not count.

        Shape:
            features: (D,)
        """
        others = self._origins != origin
        pool, classes = self._features[others], self._classes[others]
        one, own = _unit((features - self._mean)[None])[0], self.names.index(category)
        similar = pool @ one
        near = np.full((2, len(self.names)), -1.0)  # of a class of which nothing is left
        for number in np.unique(classes):
            among = classes == number
            near[0, number] = _unit(pool[among].sum(0)[None])[0] @ one
            near[1, number] = np.sort(similar[among])[-NEIGHBOURS:].mean()
        return Resemblance(*(_lead(row, own) for row in near))


def _lead(similar: Features, own: int) -> float:
    # Rounded: the last bits of features depend on the machine, and what is rejected must not.
    return round(float(similar[own] - np.delete(similar, own).max()), 3)


def examples_of_images(sources: Sequence[Source], max_pixels: int) -> Iterator[Example]:
    """Images of each class of class folders.

    Args:
        sources: of the set; those without a class have no part in it.
        max_pixels: larger ones are not decoded.
    """
    by_class: dict[str, list[Source]] = defaultdict(list)
    for source in sorted(sources, key=lambda one: one.sha256):
        if source.label is not None:
            by_class[source.label].append(source)
    most = _most_of(len(by_class))
    for category in sorted(by_class):
        found = 0
        for source in by_class[category]:
            if found < most and (pixels := _decoded(source, max_pixels, _DRAFT_SIDE_PX)) is not None:
                found += 1
                yield Example(category, source.sha256, pixels)


def example_sources(by_hash: Sequence[Source], max_pixels: int) -> list[Source]:
    """Those images of a set of which `examples_of_images` makes the same examples as of all.

    Args:
        by_hash: of the set, sorted by hash; need not fit into memory.
        max_pixels: larger ones are not decoded.
    """
    most = _most_of(len({source.label for source in by_hash} - {None}))
    counts: dict[str, int] = {}
    found = []
    for source in by_hash:
        if source.label is not None and counts.get(source.label, 0) < most:
            readable = _decoded(source, max_pixels, _DRAFT_SIDE_PX) is not None
            if readable or source.label not in counts:  # a class counts even if no image of it can be read
                found.append(source)
            counts[source.label] = counts.get(source.label, 0) + readable
    return found


def _most_of(classes: int) -> int:
    """How many examples of each of so many classes."""
    return max(LEAST_EXAMPLES, min(_MOST_EXAMPLES, _MOST_IN_ALL // max(1, classes)))


def examples_of_objects(sources: Sequence[Source], max_pixels: int) -> Iterator[Example]:
    """Labelled objects of each class, cut out by their boxes.

    Args:
        sources: of the set.
        max_pixels: larger images are not decoded.
    """
    found: Counter[str] = Counter()
    labelled = [source for source in sorted(sources, key=lambda one: one.sha256) if source.labels is not None]
    for source in labelled[:_MOST_IMAGES]:
        try:
            assert source.labels is not None
            labels = source.labels.load()
        except (LabelError, ImageError, OSError):
            continue  # the run reports it
        wanted = [(category, box) for category, box in boxes_of(labels) if found[category] < _MOST_EXAMPLES]
        if not wanted or (image := _decoded(source, max_pixels)) is None:
            continue
        for category, box in wanted:
            if found[category] < _MOST_EXAMPLES:
                found[category] += 1
                yield Example(category, source.sha256, image.crop(box))


def boxes_of(labels: Labels) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Class and box of each object that is large enough to be recognised, the largest first; in whole pixels."""
    boxes = [(shape.category, _box_of(shape)) for shape in labels.shapes]
    large = [
        (name, box)
        for name, box in boxes
        if box is not None and min(box[2] - box[0], box[3] - box[1]) >= _LEAST_OBJECT_PX
    ]
    ordered = sorted(large, key=lambda one: -(one[1][2] - one[1][0]) * (one[1][3] - one[1][1]))
    return [(name, _outer(box)) for name, box in ordered]


def _box_of(shape: Shape) -> Box | None:
    return shape.box or (box_around(*shape.polygons) if shape.polygons else None)


def _outer(box: Box) -> tuple[int, int, int, int]:
    return int(np.floor(box[0])), int(np.floor(box[1])), int(np.ceil(box[2])), int(np.ceil(box[3]))


def _decoded(source: Source, max_pixels: int, draft_side_px: int | None = None) -> Image.Image | None:
    try:
        return decode(source.read(), source.path, max_pixels, draft_side_px).rgb
    except (ImageError, OSError):
        return None  # the run reports it


def _unit(rows: Features) -> Features:
    """Rows of length 1; those without a length stay 0."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
