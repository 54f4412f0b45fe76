"""Donors: the images that a variation borrows from, such as those whose objects are pasted or whose ground is used.

Only training images lend. Which of them a variation borrows from is drawn by its own seed from a list that is sorted by
hash, so that it depends on nothing else: neither on the order of the files nor on what was made before. Each is decoded
when it is first needed and kept while there is room.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from random import Random
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import LabelError, Labels
from augmentai.images.photo import ImageError, Photo, value_range
from augmentai.operations.base import OperationError
from augmentai.operations.compositing.labelled_objects import labelled_objects
from augmentai.types import Source, SourceKey

MOST_BYTES = 256 << 20  # of decoded donors in memory at a time
_MOST_FAULTY = 16  # images in a row that cannot be read before there is nobody to borrow from
_DEEP_MODES = {"I;16": np.uint16, "I": np.int32, "F": np.float32}


class DonorError(OperationError):
    """An image cannot lend anything; the message names it and says why."""


@dataclass(frozen=True)
class Donor:
    """One decoded training image with its labels. It is shared: change neither in place.

    Attributes:
        path: its place in the set.
        sha256: of its file.
        label: its class, if it has one.
        photo: its pixels; `image_like` gives them in the mode of another image.
        labels: in its pixels; None if it has none.
        memory: what operations worked out about it, by names of their own; kept as long as it is decoded.
    """

    path: str
    sha256: str
    label: str | None
    photo: Photo = field(repr=False)
    labels: Labels | None = field(default=None, repr=False)
    memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.photo.size_wh

    def as_record(self) -> dict[str, str]:
        """What `drawn["donors"]` holds of it, so that a replay finds it again.

        Example:
            >>> Donor("a.png", "ab", None, Photo(Image.new("RGB", (8, 8)), "PNG", "RGB")).as_record()
            {'path': 'a.png', 'sha256': 'ab'}
        """
        return {"path": self.path, "sha256": self.sha256}

    def part_like(self, window: tuple[int, int, int, int], image: Image.Image) -> Image.Image:
        """As `image_like`, of a part alone.

        Args:
            window: left, top, right, bottom in whole pixels; what is beyond the image is black.
            image: see `image_like`.

        Example:
            >>> donor = Donor("a.png", "", None, Photo(Image.new("RGB", (8, 6), "red"), "PNG", "RGB"))
            >>> donor.part_like((-1, 0, 3, 2), Image.new("RGB", (30, 20))).getpixel((1, 0))
            (255, 0, 0)
        """
        left, top, right, bottom = window
        width, height = self.size_wh
        view = max(0, left), max(0, top), min(width, right), min(height, bottom)
        deep = self.photo.deep
        part = replace(
            self.photo,
            rgb=self.photo.rgb.crop(view),
            alpha=None if self.photo.alpha is None else self.photo.alpha.crop(view),
            deep=None if deep is None else deep[view[1] : view[3], view[0] : view[2]],
            fine=None,
        )
        made = replace(self, photo=part).image_like(image)
        return made if view == window else made.crop((left - view[0], top - view[1], right - view[0], bottom - view[1]))

    def image_like(self, image: Image.Image) -> Image.Image:
        """Its pixels in the mode of another image, at its own size.

        Args:
            image: the one that they will be put into, of mode L, LA, RGB, RGBA, I;16, I or F. Grey levels of 8 bits
                become values between the lowest and the highest of a deeper image.

        Returns:
            An image of that mode; opaque if the donor has no transparency.

        Example:
            >>> donor = Donor("a.png", "", None, Photo(Image.new("RGB", (8, 6), "red"), "PNG", "RGB"))
            >>> donor.image_like(Image.new("LA", (30, 20))).getpixel((0, 0))
            (76, 255)
        """
        own = self.photo.restore(self.photo.rgb)
        if own.mode == image.mode:
            return own
        if image.mode in _DEEP_MODES:
            low, high = value_range(np.asarray(image))
            grey = np.asarray(self.photo.rgb.convert("L"), np.float64)
            values = low + grey * ((high - low) / 255)
            dtype = _DEEP_MODES[image.mode]
            return Image.fromarray((values if dtype == np.float32 else np.rint(values)).astype(dtype))
        made = self.photo.rgb.convert("L" if image.mode in {"L", "LA"} else "RGB")
        if image.mode in {"LA", "RGBA"}:
            made.putalpha(self.photo.alpha or 255)
        return made

    @cached_property
    def size_bytes(self) -> int:
        """Roughly what it takes in memory."""
        width, height = self.size_wh
        planes = 3 + (self.photo.alpha is not None) + (0 if self.photo.deep is None else self.photo.deep.itemsize)
        if self.labels is not None:
            planes += sum(shape.mask is not None for shape in self.labels.shapes)
            masks = (self.labels.mask, *self.labels.other_masks)
            planes += sum(len(mask.getbands()) for mask in masks if mask is not None)
        return width * height * planes


class DonorPool:
    """All training images of a run that may lend something.

    Args:
        sources: the training images, in any order; never those for validation or tests.
        load: decodes one, or raises what `Photo` and labels raise if it cannot.
        most_bytes: of decoded donors that are kept in memory; the one in use is kept in any case.
    """

    def __init__(
        self, sources: Iterable[Source], load: Callable[[Source], Donor], most_bytes: int = MOST_BYTES
    ) -> None:
        self._load, self._most_bytes = load, most_bytes
        unique: dict[object, Source] = {}  # a file that is in the set twice does not lend twice as often
        for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
            unique.setdefault((source.sha256, source.label), source)
        self._sources = list(unique.values())
        self._decoded: OrderedDict[SourceKey, Donor] = OrderedDict()
        self._bytes = 0
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
            known = self._decoded.pop(source.key, None)
            donor = known or self._read(source)
            self._bytes += 0 if known else donor.size_bytes
            self._decoded[source.key] = donor  # the last one is the newest
            while self._bytes > self._most_bytes and len(self._decoded) > 1:
                self._bytes -= self._decoded.popitem(last=False)[1].size_bytes
            return donor

    def _read(self, source: Source) -> Donor:
        if source.key not in self._faults:
            try:
                return self._load(source)
            except (ImageError, LabelError, DonorError, OSError) as error:
                self._faults[source.key] = str(error)
        raise DonorError(f"{source.path}, which it borrows from, cannot be used: {self._faults[source.key]}")

    def of_class(self, label: str | None) -> Sequence[Source]:
        """The images of one class, sorted by hash."""
        return self._by_label.get(label, ())

    def with_object(self, category: str) -> Sequence[Source]:
        """The images in which an object of this class is labelled, sorted by hash. The first call reads all labels."""
        return self._by_category.get(category, ())

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
        return [_objects_in(source) for source in self._sources]

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


def _objects_in(source: Source) -> Counter[str]:
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
        >>> def load(source: Source) -> Donor:
        ...     return Donor(source.path, source.sha256, source.label, Photo(Image.new("RGB", (8, 8)), "PNG", "RGB"))
        >>> sources = [Source.from_bytes(f"{name}.png", name.encode(), "cat") for name in "abc"]
        >>> donors = DonorPool(sources, load).beside(sources[0])
        >>> [donor.path for donor in donors.choose(Random(7), count=5)]
        ['b.png', 'c.png']
    """

    def __init__(self, pool: DonorPool, source: Source | None) -> None:
        self._pool, self._source = pool, source

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
        having = self._pool.with_object(category)
        return [source for source in having if source.label == self.label] if same_class else having

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
