"""A COCO set: its JSON files, the images they list, their splits, and all of it written again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, StreamedFiles
from augmentai.dataset.formats.coco.annotation import shape_from_coco, shape_to_coco
from augmentai.dataset.formats.coco.image_index import ImageIndex, split_of_file
from augmentai.dataset.formats.coco.store import CocoStore
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows


_MAX_BITMAP_PIXELS = 10**9  # of all bitmaps of one image, a byte each


@dataclass(frozen=True, slots=True)
class CocoLabels:
    """Reads the labels of one image from every file that lists it."""

    image: Entry
    layout: CocoLayout

    def load(self) -> Labels:
        frame = image_frame(self.image)
        shapes, others, reoriented = [], [], False
        store = self.layout.store
        for file, image_id, image in store.images_of(self.image.key):
            on_stored = frame.matches_stored((image.get("width") or 0, image.get("height") or 0))
            reoriented = reoriented or on_stored
            annotations = store.annotations_of(file, image_id)
            self._check_memory(annotations, frame.size_wh, file)
            for number, annotation in enumerate(annotations, 1):
                if "category_id" not in annotation:  # a caption, or something else about the image as a whole
                    others.append({"file": file, "annotation": annotation})
                    continue
                try:
                    shape = shape_from_coco(annotation, self.layout.categories[file], frame, on_stored)
                except ValueError as error:
                    which = annotation.get("id", f"number {number} of this image")
                    raise LabelError(f"{self.layout.entries[file].path}, annotation {which}: {error}") from error
                shapes.append(replace(shape, extra={**shape.extra, "coco_file": file}))
        return Labels(tuple(shapes), reoriented=reoriented, extra={"coco": others})

    def _check_memory(self, annotations: list[dict[str, Any]], size_wh: tuple[int, int], file: int) -> None:
        bitmaps = sum(isinstance(annotation.get("segmentation"), dict) for annotation in annotations)
        if bitmaps * size_wh[0] * size_wh[1] > _MAX_BITMAP_PIXELS:
            raise LabelError(
                f"{self.layout.entries[file].path} has {bitmaps} RLE bitmaps for this one image of "
                f"{size_wh[0]}x{size_wh[1]}, more than fit into memory; draw them as polygons"
            )


class CocoLayout(Layout):
    """A COCO set. Its files are known by their number: `entries`, `categories` (names by id) and `splits` are parallel.

    Attributes:
        store: the content of all files, on disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self.store = CocoStore()
        self.entries: list[Entry] = []
        self.categories: list[dict[int, str]] = []
        self.splits: list[str | None] = []

    def class_names(self) -> list[str]:
        by_id = {number: name for categories in reversed(self.categories) for number, name in categories.items()}
        return list(dict.fromkeys(by_id[number] for number in sorted(by_id)))

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        if labels is None or not isinstance(source.labels, CocoLabels):
            return None
        own = source.labels.load()
        shapes = () if own.reoriented else own.shapes
        before = {json.dumps(shape.extra["coco"], sort_keys=True): shape for shape in shapes}
        annotations: dict[str, list[Any]] = defaultdict(list)
        for shape in labels.shapes:
            old = before.get(json.dumps(shape.extra.get("coco"), sort_keys=True))
            annotations[str(shape.extra["coco_file"])].append(shape_to_coco(shape, old))
        for other in labels.extra.get("coco", ()):
            annotations[str(other["file"])].append(other["annotation"])
        return {"size_wh": list(size_wh), "annotations": annotations}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for file, entry in enumerate(self.entries):
            if self._is_unchanged(file, rows):
                yield entry.path, _copied(entry)
            elif next(self._images(file, rows), None) is not None:
                yield entry.path, self._written(file, rows)

    def _is_unchanged(self, file: int, rows: ImageRows) -> bool:
        """Whether every image of a file is kept without variations: the file is copied byte for byte then."""
        paths = (path for _, path, _, _ in self.store.images(file))
        return not self.store.missing(file) and all(map(rows.is_unchanged, paths))

    def _written(self, file: int, rows: ImageRows) -> Iterator[bytes]:
        yield b"{"
        for key, value in self.store.heads[file].items():
            yield f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n".encode()
        yield b'"images": [\n'
        yield from _separated(image for image, _, _ in self._images(file, rows))
        yield b'\n],\n"annotations": [\n'
        yield from _separated(self._annotations(file, rows))
        yield b"\n]}\n"

    def _images(self, file: int, rows: ImageRows) -> Iterator[tuple[dict[str, Any], str, ImageRow | None]]:
        """(image as it is written, its source's id, the variation it is): first the originals, then variations."""
        for image_id, path, _, image in self.store.images(file):
            if any(rows.original(source) is not None for source in rows.sources_at(path)):
                yield image, image_id, None
        number = self.store.largest_ids(file)[0]
        for image_id, path, _, image in self.store.images(file):
            for source in rows.sources_at(path):
                for row in rows.variations_of(source):
                    number += 1
                    folder = image["file_name"].replace("\\", "/").rpartition("/")[0]
                    name = PurePosixPath(row.file).name
                    made = {**image, "id": number, "file_name": f"{folder}/{name}" if folder else name}
                    if "width" in image and row.record:
                        made["width"], made["height"] = row.record["size_wh"]
                    yield made, image_id, row

    def _annotations(self, file: int, rows: ImageRows) -> Iterator[dict[str, Any]]:
        number = self.store.largest_ids(file)[1]
        for image, image_id, row in self._images(file, rows):
            if row is None:
                yield from self.store.annotations_of(file, image_id)
                continue
            if row.record is not None:
                annotations = row.record["annotations"].get(str(file), [])
            else:
                annotations = self.store.annotations_of(file, image_id)
            for annotation in annotations:
                number += 1
                yield {**annotation, "id": number, "image_id": image["id"]}


def read_coco(tree: Tree, requested: bool) -> CocoLayout | None:
    """The set as COCO's, or None if it has no such JSON file."""
    layout = CocoLayout()
    index = ImageIndex(tree)
    broken: list[Failure] = []
    for entry in tree.sidecars_ending(".json"):
        try:
            number = layout.store.add(entry, index.finder(entry))
        except LabelError as error:
            if requested or _seems_coco(entry):
                broken.append(Failure(entry.path, str(error)))
                layout.label_paths.add(entry.path)
            continue
        if number is None:
            continue
        layout.label_paths.add(entry.path)
        layout.entries.append(entry)
        layout.categories.append(_categories(layout.store.heads[number], entry, broken))
        layout.splits.append(split_of_file(entry.path))
        missing = layout.store.missing(number)
        if missing:
            layout.notices.append(f"{entry.path} lists {missing} image(s) that are missing; they are skipped")
    if not layout.entries and not broken:
        return None
    layout.store.finish()
    layout.failures += broken
    _add_images(layout, tree, bool(broken))
    return layout


def _add_images(layout: CocoLayout, tree: Tree, broken: bool) -> None:
    """Everything that is known of each image of the tree. broken: a label file could not be read."""
    splits: dict[ImageKey, str | None] = {}
    listed: set[ImageKey] = set()
    for file in reversed(range(len(layout.entries))):  # of several files the first gives the split, and training wins
        for _, path, origin, _ in layout.store.images(file):
            listed.add((path, origin))
            if splits.get((path, origin)) != "train":
                splits[path, origin] = layout.splits[file]
    folders = folder_splits(entry.path for entry in tree.images)
    skipped = 0
    for entry in tree.images:
        if entry.key in listed:
            split = splits[entry.key] or split_of(entry.path, folders)[0]
            layout.images[entry.key] = ImageInfo(None, split, CocoLabels(entry, layout))
        elif broken:
            layout.excluded.add(entry.key)  # its labels may be in the file that could not be read
            skipped += 1
        else:
            layout.images[entry.key] = ImageInfo(None, split_of(entry.path, folders)[0])
    if skipped:
        layout.notices.append(f"skipped {skipped} image(s) without labels, since a label file is broken")


def _categories(head: dict[str, Any], entry: Entry, broken: list[Failure]) -> dict[int, str]:
    """Class names by id."""
    found: dict[int, str] = {}
    for category in head.get("categories") or ():
        if isinstance(category, dict) and isinstance(category.get("id"), int) and "name" in category:
            found[category["id"]] = str(category["name"])
        else:
            broken.append(Failure(entry.path, f"a category is {str(category)[:60]}; expected an id and a name"))
    return found


def _seems_coco(entry: Entry) -> bool:
    """Whether a file that cannot be read was meant as COCO's, from its name or its first bytes."""
    if "coco" in entry.path.casefold() or "instances" in entry.path.casefold():
        return True
    try:
        with entry.open() as stream:
            head = stream.read(1 << 16)
    except Exception:
        return False
    return b'"images"' in head or b'"annotations"' in head


def _copied(entry: Entry) -> Iterator[bytes]:
    with entry.open() as stream:
        while piece := stream.read(1 << 20):
            yield piece


def _separated(items: Iterable[Any]) -> Iterator[bytes]:
    """Items as JSON, separated by commas."""
    comma = b""
    for item in items:
        yield comma + json.dumps(item, ensure_ascii=False).encode("utf-8", "backslashreplace")
        comma = b",\n"
