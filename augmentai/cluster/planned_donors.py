"""The images that a worker may borrow from: rows of the plan, of which it reads those that it draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, overload

import numpy as np

from augmentai.cluster.packed_labels import LabelPacker, LabelUnpacker, unpacker_of
from augmentai.cluster.plan_folder import OBJECTS, PlanFolder
from augmentai.cluster.plan_rows import PlannedImage, Rows, from_utf8, planned_image, to_utf8
from augmentai.cluster.unread import UnreadFiles
from augmentai.cluster.variation_files import PlannedNames
from augmentai.operations import Donor, DonorPool
from augmentai.operations.donors import objects_in
from augmentai.storage import StorageError
from augmentai.types import Source, SourceKey

_LENT = 4096  # sources, without their pixels
_OBJECTS_PER_BATCH = 10_000
_OBJECT_COLUMNS = ("category", "place", "count")

Lent = Callable[[PlannedImage], Source]


def lending(by_hash: Iterable[Source]) -> Iterator[Source]:
    """The images that operations may borrow from, as `DonorPool` sorts them: each content of a class once.

    Args:
        by_hash: all training images, sorted by hash.
    """
    for _, same in groupby(by_hash, key=lambda source: source.sha256):
        seen: set[str | None] = set()
        for source in same:
            if source.label not in seen:
                seen.add(source.label)
                yield source


def lending_rows(by_hash: Iterable[Source], packer: LabelPacker | None) -> Iterator[PlannedImage]:
    """The rows of these images, with their labels, if a packer packs them."""
    for source in lending(by_hash):
        yield planned_image(source, labels=None if packer is None else packer.pack(source))


def write_objects(path: Path, by_hash: Iterable[Source]) -> None:
    """Write which of these images have objects of which class. All labels are read.

    Args:
        path: the new file.
        by_hash: all training images, sorted by hash.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = pa.string(), pa.int32(), pa.int32()
    schema = pa.schema(list(zip(_OBJECT_COLUMNS, kinds, strict=True)))
    rows: list[tuple[Any, ...]] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def flush() -> None:
            columns = list(zip(*rows, strict=True)) or [(), (), ()]
            arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))
            rows.clear()

        for place, source in enumerate(lending(by_hash)):
            rows += [(to_utf8(name), place, count) for name, count in objects_in(source).items()]
            if len(rows) >= _OBJECTS_PER_BATCH:
                flush()
        flush()


@dataclass(frozen=True)
class LabelledObjects:
    """Which images have objects of which class.

    Attributes:
        places: where they are among the rows, by class.
        counts: how many objects there are of each class, whose names are sorted.
    """

    places: Mapping[str, np.ndarray]
    counts: Mapping[str, int]


def objects_of(folder: PlanFolder) -> LabelledObjects:
    """What a plan says of the objects of the images that lend; nothing if they have no labels."""
    import pyarrow.parquet as pq

    if OBJECTS not in folder.list.files:
        return LabelledObjects({}, {})
    with folder.store.open(OBJECTS) as file:
        table = pq.read_table(file, read_dictionary=["category"]).combine_chunks()
    coded = table.column("category").combine_chunks()
    names = [str(from_utf8(name)) for name in coded.dictionary.to_pylist()]
    codes, places, counts = (
        np.asarray(one) for one in (coded.indices, *(table.column(name) for name in _OBJECT_COLUMNS[1:]))
    )
    of_class = {name: np.flatnonzero(codes == code) for code, name in enumerate(names)}
    totals = {name: int(counts[of_class[name]].sum()) for name in sorted(of_class)}
    return LabelledObjects({name: places[found] for name, found in of_class.items()}, totals)


def lent_by_rows(folder: PlanFolder, unread: UnreadFiles) -> Lent:
    """Makes an image of a row that lends something, with its labels.

    Args:
        folder: the plan.
        unread: takes note of those that cannot be read.
    """
    unpacker = unpacker_of(folder, PlannedNames({}))

    def lent(row: PlannedImage) -> Source:
        source = unread.watched(row.to_source())
        if unpacker is None or row.labels is None:
            return source
        return replace(source, labels=_LentLabels(unpacker, row, unread))

    return lent


@dataclass(frozen=True, slots=True)
class _LentLabels:
    """Reads the labels of an image that lends something, of which nothing is read until then."""

    unpacker: LabelUnpacker
    row: PlannedImage
    unread: UnreadFiles

    def load(self) -> Any:
        try:
            reader = self.unpacker.reader(self.row)
        except StorageError as error:
            self.unread.note(self.row.path, str(error))
            raise
        assert reader is not None
        return reader.load()


class PlannedSources(Sequence[Source]):
    """Sources whose rows are read when they are asked for.

    Args:
        rows: their file.
        lent: makes a source of a row.
        positions: which rows these are; all by default.
    """

    def __init__(self, rows: Rows, lent: Lent, positions: np.ndarray | None = None) -> None:
        self.rows, self._lent = rows, lent
        self._positions = np.arange(len(rows), dtype=np.int32) if positions is None else positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, place: int) -> Source: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Source]: ...
    def __getitem__(self, place: int | slice) -> Source | Sequence[Source]:
        if isinstance(place, slice):
            return self.at(self._positions[place])
        return self._lent(self.rows.at(int(self._positions[place])))

    def __iter__(self) -> Iterator[Source]:
        return (self[place] for place in range(len(self)))

    def at(self, positions: np.ndarray) -> PlannedSources:
        """Those of some rows.

        Args:
            positions: which.
        """
        return PlannedSources(self.rows, self._lent, positions)


class PlannedDonors(DonorPool):
    """The donors of a plan: of each, this process knows the class, and the classes of its objects, until it lends.

    Args:
        sources: the images that may lend, sorted by hash.
        load: see `DonorPool`.
        objects: which of them have objects of which class.
    """

    def __init__(self, sources: PlannedSources, load: Any, objects: LabelledObjects) -> None:
        super().__init__((), load)
        self._all, self._of_objects = sources, objects
        self._lent: dict[SourceKey, Source] = {}  # what was drawn is looked up by its record next

    @property
    def everything(self) -> Sequence[Source]:
        return self._all

    @cached_property
    def _places(self) -> Mapping[str | None, np.ndarray]:
        """Where the images of each class are among the rows."""
        coded = self._all.rows.column("label").dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        names = map(from_utf8, coded.dictionary.to_pylist())
        found = {name: np.flatnonzero(codes == code).astype(np.int32) for code, name in enumerate(names)}
        return found | {None: np.flatnonzero(codes == -1).astype(np.int32)}

    def of_class(self, label: str | None) -> Sequence[Source]:
        places = self._places.get(label)
        return () if places is None else self._all.at(places)

    def with_object(self, category: str) -> Sequence[Source]:
        places = self._of_objects.places.get(category)
        return () if places is None else self._all.at(places)

    def with_object_of_class(self, category: str, label: str | None) -> Sequence[Source]:
        places, of_class = self._of_objects.places.get(category), self._places.get(label)
        if places is None or of_class is None:
            return ()
        return self._all.at(np.intersect1d(places, of_class, assume_unique=True))

    def categories(self) -> Mapping[str, int]:
        return self._of_objects.counts

    def open(self, source: Source) -> Donor:
        self._lent[source.key] = source
        if len(self._lent) > _LENT:
            del self._lent[next(iter(self._lent))]
        return super().open(source)

    def find(self, record: Mapping[str, Any]) -> Donor:
        source = self._lent.get((str(record["path"]), str(record["sha256"])))
        return super().find(record) if source is None else self.open(source)
