"""Donors: the images that a variation borrows from, such as those whose objects are pasted or whose ground is used.

Only training images lend. Which of them a variation borrows from is drawn by its own seed from a list that is sorted by
hash, so that it depends on nothing else: neither on the order of the files nor on what was made before. Each is decoded
when it is first needed and kept while there is room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError
from augmentai.images.photo import ImageError
from augmentai.operations.bounded_cache import BoundedCache
from augmentai.operations.compositing.labelled_objects import labelled_objects
from augmentai.operations.donor import Donor, DonorError, DonorMemory
from augmentai.types import Source, SourceKey

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels

MOST_BYTES = 64 << 20  # of decoded donors in memory at a time
_WORKED_OUT = 0.25  # as much again, of what is worked out about them
_MOST_FAULTY = 16  # images in a row that cannot be read before there is nobody to borrow from


class DonorPool:
    """All training images of a run that may lend something.

    Args:
        sources: the training images, in any order; never those for validation or tests.
        load: decodes one, or raises what `Photo` and labels raise if it cannot.
        most_bytes: of decoded donors that are kept in memory, and a quarter as much again of what operations work out
            about them; those in use are kept in any case.

    Attributes:
        decoded: the donors that are in memory.
        worked_out: what operations know about donors; see `DonorMemory`.
    """

    def __init__(
        self, sources: Iterable[Source], load: Callable[[Source], Donor], most_bytes: int = MOST_BYTES
    ) -> None:
        self._load = load
        unique: dict[object, Source] = {}  # a file that is in the set twice does not lend twice as often
        for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
            unique.setdefault((source.sha256, source.label), source)
        self._sources = list(unique.values())
        self.decoded: BoundedCache[Donor] = BoundedCache(most_bytes)
        self.worked_out: BoundedCache[Any] = BoundedCache(int(most_bytes * _WORKED_OUT))
        self._opening = Lock()  # several threads borrow at the same time
        self._faults: dict[SourceKey, str] = {}

    def beside(self, source: Source) -> Donors:
        """What the variations of one source may borrow from: all others."""
        return Donors(self, source)

    def find(self, record: Mapping[str, Any]) -> Donor:
        """The donor that `Donor.as_record` describes, decoded.

        Raises:
            DonorError: it is not in the set, or cannot be read.
        """
        path, sha256 = str(record["path"]), str(record["sha256"])
        source = self._by_key.get((path, sha256)) or self._by_key.get(("", sha256))
        if source is None:
            missing = f"{path} (SHA-256 {sha256[:12]}...), which it borrows from"
            raise DonorError(f"{missing}, is not among the training images; add that file to them")
        return self.open(source)

    def open(self, source: Source) -> Donor:
        """One image, decoded now or before.

        Raises:
            DonorError: it cannot be read.
        """
        with self._opening:
            return self.decoded.get(source.key, lambda: self._read(source))

    def _read(self, source: Source) -> Donor:
        if source.key not in self._faults:
            try:
                return replace(self._load(source), memory=DonorMemory(self.worked_out, source.key))
            except (ImageError, LabelError, DonorError, OSError) as error:
                self._faults[source.key] = str(error)
        raise DonorError(f"{source.path}, which it borrows from, cannot be used: {self._faults[source.key]}")

    def of_class(self, label: str | None) -> Sequence[Source]:
        """The images of one class, sorted by hash."""
        return self._by_label.get(label, ())

    def with_object(self, category: str) -> Sequence[Source]:
        """The images in which an object of this class is labelled, sorted by hash. The first call reads all labels."""
        return self._by_category.get(category, ())

    def with_object_of_class(self, category: str, label: str | None) -> Sequence[Source]:
        """Those of `with_object` that are images of one class."""
        return [source for source in self.with_object(category) if source.label == label]

    def categories(self) -> Mapping[str, int]:
        """How many objects of each class are labelled, by name. The first call reads all labels."""
        return self._objects

    @property
    def everything(self) -> Sequence[Source]:
        """All images, sorted by hash."""
        return self._sources

    @cached_property
    def _by_key(self) -> dict[SourceKey, Source]:
        """By path and hash, and by hash alone for files that were renamed."""
        return {key: source for source in self._sources for key in (source.key, ("", source.sha256))}

    @cached_property
    def _by_label(self) -> dict[str | None, list[Source]]:
        found: dict[str | None, list[Source]] = {}
        for source in self._sources:
            found.setdefault(source.label, []).append(source)
        return found

    @cached_property
    def _counts(self) -> list[Counter[str]]:
        """The labelled objects of each image."""
        return [objects_in(source) for source in self._sources]

    @cached_property
    def _by_category(self) -> dict[str, list[Source]]:
        found: dict[str, list[Source]] = {}
        for source, counts in zip(self._sources, self._counts, strict=True):
            for category in counts:
                found.setdefault(category, []).append(source)
        return found

    @cached_property
    def _objects(self) -> Mapping[str, int]:
        total = sum(self._counts, Counter[str]())
        return {category: total[category] for category in sorted(total)}


def objects_in(source: Source) -> Counter[str]:
    """How many objects of each class are labelled in an image; none if its labels cannot be read.

    Args:
        source: the image.
    """
    if source.labels is None:
        return Counter()
    try:
        labels = source.labels.load()
        return Counter(one.category for one in labels.shapes or labelled_objects(labels))
    except (LabelError, ImageError, OSError):
        return Counter()  # reported where the image itself is augmented


def borrowed_from(details: Mapping[str, Any]) -> list[str]:
    """The paths of the images that a variation borrowed from, as its manifest names them.

    Args:
        details: of the variation.

    Example:
        >>> borrowed_from({"operations": [{"name": "flip", "drawn": {}}]})
        []
    """
    drawn = (record["drawn"] for record in details.get("operations", ()))
    return [donor["path"] for one in drawn for donor in one.get("donors", ())]


class Donors:
    """The images that the variations of one source may borrow from; see `DonorPool.beside`.

    Example:
        >>> from PIL import Image
        >>> from augmentai.images import Photo
        >>> def load(source: Source) -> Donor:
        ...     return Donor(source.path, source.sha256, source.label, Photo(Image.new("RGB", (8, 8)), "PNG", "RGB"))
        >>> sources = [Source.from_bytes(f"{name}.png", name.encode(), "cat") for name in "abc"]
        >>> donors = DonorPool(sources, load).beside(sources[0])
        >>> [donor.path for donor in donors.choose(Random(7), count=5)]
        ['b.png', 'c.png']
    """

    def __init__(self, pool: DonorPool, source: Source | None, own: tuple[Image, Labels | None] | None = None) -> None:
        self._pool, self._source = pool, source
        self.own = own

    def to(self, image: Image, labels: Labels | None) -> Donors:
        """The same, for an image as it is when an operation draws: `own` is the image with its labels."""
        return Donors(self._pool, self._source, (image, labels))

    @property
    def label(self) -> str | None:
        """The class of the image that borrows, if it has one."""
        return None if self._source is None else self._source.label

    def choose(
        self, rng: Random, count: int = 1, *, same_class: bool = False, category: str | None = None
    ) -> list[Donor]:
        """Draw donors, each at most once and never the borrowing image itself. What cannot be read is passed over.

        Args:
            rng: the variation's own random numbers.
            count: how many are wanted.
            same_class: only images of the borrowing one's own class.
            category: only images in which an object of this class is labelled.

        Returns:
            Decoded donors; fewer than wanted, or none, if there are not so many.
        """
        return list(islice(self.shuffled(rng, same_class=same_class, category=category), count))

    def shuffled(self, rng: Random, *, same_class: bool = False, category: str | None = None) -> Iterator[Donor]:
        """As `choose`, one by one: what is not asked for is neither drawn nor decoded."""
        return self._shuffled(rng, self._candidates(same_class, category))

    def categories(self) -> Mapping[str, int]:
        """How many objects of each class are labelled in the whole training set, by class name, which are sorted."""
        return self._pool.categories()

    def find(self, record: Mapping[str, Any]) -> Donor:
        """See `DonorPool.find`."""
        return self._pool.find(record)

    def _candidates(self, same_class: bool, category: str | None) -> Sequence[Source]:
        if category is None:
            return self._pool.of_class(self.label) if same_class else self._pool.everything
        if same_class:
            return self._pool.with_object_of_class(category, self.label)
        return self._pool.with_object(category)

    def _shuffled(self, rng: Random, candidates: Sequence[Source]) -> Iterator[Donor]:
        """Donors in a random order; only as many random numbers are drawn as are asked for."""
        swapped: dict[int, int] = {}  # a Fisher-Yates shuffle of the places, of which only the touched ones are stored
        faulty = 0
        for first in range(len(candidates)):
            other = rng.randrange(first, len(candidates))
            place = swapped.get(other, other)
            swapped[other] = swapped.get(first, first)
            source = candidates[place]
            if self._source is not None and source.sha256 == self._source.sha256:
                continue
            try:
                yield self._pool.open(source)
                faulty = 0
            except DonorError:
                faulty += 1
                if faulty == _MOST_FAULTY:
                    return


def _nobody(source: Source) -> Donor:
    raise DonorError(f"{source.path} lends nothing")


NOBODY = Donors(DonorPool((), _nobody), None)
