"""A set whose label files list many images each: its rows, images and splits, and the files written again."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, StreamedFiles
from augmentai.dataset.formats.coco.image_index import split_of_file
from augmentai.dataset.formats.drawn_shapes import is_same_place
from augmentai.dataset.formats.guarded_load import guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.image_names import named
from augmentai.dataset.formats.listed.codec import Codec, Fault, NewImage, Placed
from augmentai.dataset.formats.listed.finder import Find, ImageFinder
from augmentai.dataset.formats.listed.store import RowStore, StoredRow
from augmentai.dataset.formats.masks.named_masks import with_own_masks
from augmentai.dataset.formats.split_claims import SplitClaims
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.dataset.formats.splits import split_of
from augmentai.plurals import counted
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

_MOST_FAULTS = 20  # of one file that are reported one by one
Open = Callable[[Entry], Codec | None]


@dataclass(frozen=True, slots=True)
class ListedLabels:
    """Reads the labels of one image from every file that lists it."""

    image: Entry
    layout: ListedLayout

    @guarded
    def load(self) -> Labels:
        frame = image_frame(self.image)
        shapes: list[Shape] = []
        tags: dict[str, None] = {}
        reoriented, other_wh = False, None
        for file, raws in self.layout.store.rows_of(self.image.key).items():
            try:
                found = self.layout.codecs[file].labels(raws, frame)
            except ValueError as error:
                raise LabelError(f"{self.layout.entries[file].path}, {error}") from error
            shapes += [replace(shape, extra={**shape.extra, "file": file}) for shape in found.shapes]
            tags |= dict.fromkeys(found.extra.get("tags", ()))
            reoriented, other_wh = reoriented or found.reoriented, other_wh or found.other_size_wh
        return Labels(tuple(shapes), reoriented=reoriented, extra={"tags": list(tags)}, other_size_wh=other_wh)


class ListedLayout(Layout):
    """A set whose label files list many images each.

    Attributes:
        entries, codecs: its label files, known by their number.
        store: the rows of all of them, on disk.
        lists: the lists of splits beside them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.codecs: list[Codec] = []
        self.store = RowStore()
        self.lists: SplitLists | None = None

    def class_names(self) -> list[str]:
        return list(dict.fromkeys(name for codec in self.codecs for name in codec.class_names()))

    def add(self, entry: Entry, codec: Codec, find: Find) -> bool:
        """Add a label file. Returns whether it lists any image of the set. Raises LabelError if it is broken."""
        codec.losses = self.losses
        number, faults = len(self.entries), list[Fault]()
        images = 0

        def rows() -> Iterator[StoredRow]:
            nonlocal images
            for row in codec.rows():
                if isinstance(row, Fault):
                    faults.append(row)
                    continue
                key = find(f"{row.folder}/{row.image}") if row.folder else None
                key = key or find(row.image)
                images += key is not None
                yield key, row.split, row.label, row.image, row.raw

        try:
            self.store.add(number, rows())
        except LabelError:
            self.store.forget(number)
            raise
        if not images:
            self.store.forget(number)
            return False
        self.entries.append(entry)
        self.codecs.append(codec)
        self.label_paths.add(entry.path)
        self.failures += [Failure(entry.path, f"{one.place}: {one.reason}") for one in faults[:_MOST_FAULTS]]
        if len(faults) > _MOST_FAULTS:
            more = counted(len(faults) - _MOST_FAULTS, "more row")
            self.failures.append(Failure(entry.path, f"{more} cannot be read"))
        if missing := self.store.missing(number):
            self.notices.append(f"{entry.path} lists {named(missing)} that the set does not have; left out")
        return True

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        reader = source.labels
        if labels is None or not isinstance(reader, ListedLabels):
            return None
        own = reader.load()
        before = {(shape.extra["file"], shape.extra["place"]): shape for shape in own.shapes}
        stored = self.store.rows_of(reader.image.key)
        placed: dict[int, list[Placed]] = defaultdict(list)
        for shape in labels.shapes:
            file = shape.extra.get("file", next(iter(stored)))
            old = before.get((file, shape.extra.get("place")))
            moved = old is None or own.reoriented or not is_same_place(shape, old)
            placed[file].append(Placed(shape, None if old is None else old.extra["place"], moved))
        rows = {str(file): self.codecs[file].moved(raws, placed[file], size_wh) for file, raws in stored.items()}
        return {"size_wh": list(size_wh), "rows": rows}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for file, entry in enumerate(self.entries):
            images = self.store.images(file)
            if not self.store.missing(file) and all(rows.is_unchanged(path) for (path, _), *_ in images):
                yield entry.path, _copied(entry)
                continue
            raws = self._raws(file, rows)
            if rows.made_split is not None:
                raws = self._in_split(file, raws, rows.made_split)
            first = next(raws, None)
            if first is not None:
                yield entry.path, self.codecs[file].content(_after(first, raws))
        if self.lists is not None:
            yield from self.lists.written(rows)

    def _in_split(self, file: int, raws: Iterator[Any], split: str) -> Iterator[Any]:
        for raw in raws:
            yield from self.codecs[file].in_split([raw], split)

    def _raws(self, file: int, rows: ImageRows) -> Iterator[Any]:
        """The rows of originals in their order, then those of variations."""
        entry, codec = self.entries[file], self.codecs[file]
        for path, name, raw in self.store.rows(file):
            for source in rows.sources_at(path):
                made = rows.original(source)
                if made is not None:
                    new = name_for(name, entry.path, path, made)
                    yield from [raw] if new == name else codec.renamed([raw], NewImage(new, None, source.size_bytes))
                    break
        for key, name, _ in self.store.images(file):
            for source in rows.sources_at(key[0]):
                for row in rows.variations_of(source):
                    image = _new_image(name_for(name, entry.path, key[0], row.file), row)
                    stored = self.store.rows_of(key)[file] if row.record is None else row.record["rows"][str(file)]
                    masks = self.masks.get(key, ())
                    yield from codec.renamed(with_own_masks(stored, masks, source.path, row.file), image)


def _new_image(name: str, row: ImageRow) -> NewImage:
    size_wh = None if row.record is None else (row.record["size_wh"][0], row.record["size_wh"][1])
    return NewImage(name, size_wh, row.size_bytes)


def name_for(name: str, file: str, path: str, made: str) -> str:
    r"""What a label file calls a variation, in the way it calls its source.

    Args:
        name: what it calls the source.
        file: the path of the label file.
        path: the path of the source.
        made: the path of the variation.

    Example:
        >>> name_for("a.jpg", "train/_annotations.csv", "train/a.jpg", "train/a__v1.jpg")
        'a__v1.jpg'
        >>> name_for("images\\a.jpg", "boxes.csv", "images/a.jpg", "images/a__v1.jpg")
        'images/a__v1.jpg'
        >>> name_for("/home/me/a.jpg", "labels/boxes.csv", "images/a.jpg", "images/a__v1.jpg")
        '../images/a__v1.jpg'
        >>> name_for("0001", "boxes.csv", "images/0001.jpg", "images/0001__v1.jpg")
        '0001__v1'
    """
    written = name.replace("\\", "/")
    last = PurePosixPath(made)
    own = PurePosixPath(written)
    bare = last.name if own.suffix.lower() == PurePosixPath(path).suffix.lower() else last.stem
    if path == made and "/" not in written:
        return name
    folder = posixpath.dirname(written.removeprefix("./"))
    leads_there = joined(parent(file), folder) == parent(path) or parent(f"/{path}").endswith(f"/{folder}")
    if not folder or (leads_there and not written.startswith("/") and ":" not in folder):
        return name if path == made else f"{folder}/{bare}" if folder else bare
    return posixpath.relpath(str(last.with_name(bare)), parent(file) or ".")


def read_listed(
    tree: Tree, requested: bool, endings: tuple[str, ...], open_file: Open, layout: ListedLayout
) -> ListedLayout | None:
    """The set as a format's whose label files list many images.

    Args:
        tree: the files of the set.
        requested: whether the user asked for this format.
        endings: of its label files.
        open_file: makes the codec of a file; None if it is not of this format. Raises LabelError for a file that is
            meant to be of it, and cannot be read.
        layout: an empty one, of the format.

    Returns:
        The layout; None if no file of the format lists an image of the set.
    """
    finder = ImageFinder(tree)
    broken = False
    for entry in tree.sidecars_ending(*endings):
        try:
            codec = open_file(entry)
            if codec is not None:
                layout.add(entry, codec, finder.finder(entry))
        except LabelError as error:
            layout.failures.append(Failure(entry.path, str(error)))
            layout.label_paths.add(entry.path)
            broken = True
    if not layout.entries and not broken:
        return None
    layout.store.finish()
    _add_images(layout, tree, broken)
    return layout


def _add_images(layout: ListedLayout, tree: Tree, broken: bool) -> None:
    """Everything that is known of each image of the tree. broken: a label file could not be read."""
    classes: dict[ImageKey, str] = {}
    differ: dict[ImageKey, str] = {}
    for file in range(len(layout.entries)):
        for key, _, label in layout.store.images(file):
            if label is not None and classes.setdefault(key, label) != label:
                differ.setdefault(key, f"{classes[key]} and {label}")
    if differ:
        (path, _), first = next(iter(differ.items()))
        images = counted(len(differ), "image has", "images have")
        layout.notices.append(f"{images} another class in another label file ({path}: {first}); the first is used")
    lists = read_split_lists(tree, layout.label_paths)
    claims = _claims(layout, tree, lists)
    layout.lists = lists
    layout.label_paths |= {entry.path for entry in lists.entries}
    layout.notices += [*lists.notices, *claims.notices]
    skipped = 0
    for entry in tree.images:
        if entry.key in claims:
            split = claims.of(entry.key) or lists.of(entry.path)
            layout.images[entry.key] = ImageInfo(classes.get(entry.key), split, ListedLabels(entry, layout))
        elif broken:
            layout.excluded.add(entry.key)  # its labels may be in the file that could not be read
            skipped += 1
        else:
            layout.images[entry.key] = ImageInfo(None, lists.of(entry.path))
    if skipped:
        layout.notices.append(f"skipped {counted(skipped, 'image')} without labels, since a label file is broken")


def _claims(layout: ListedLayout, tree: Tree, lists: SplitLists) -> SplitClaims:
    """What rows, the names of label files and lists beside them say of the split of each image that has rows."""
    claims = SplitClaims("file")
    for file, entry in enumerate(layout.entries):
        of_file = split_of_file(entry.path)
        stated = {key for key, split in layout.store.splits(file) if split is not None}
        for key, split in layout.store.splits(file):
            if split is not None or key not in stated:
                claims.add(key, split or of_file, key[0])
    for image in tree.images:
        if image.key in claims:
            claims.add(image.key, lists.listed(image.path), image.path)
    claims.settle()
    claims.hold_out({image.key: split_of(image.path, lists.folders) for image in tree.images})
    return claims


def _copied(entry: Entry) -> Iterator[bytes]:
    with entry.open() as stream:
        while piece := stream.read(1 << 20):
            yield piece


def _after(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
