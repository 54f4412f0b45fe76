"""A COCO set as it is written again: each file with the variations of its images."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelReader, Labels, Shape
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import ImageKey, Layout, OutputFile, PackedLabels, StreamedFiles
from augmentai.dataset.formats.coco.annotation import shape_to_coco, with_area, without_pixels
from augmentai.dataset.formats.coco.file_names import NamedFrom
from augmentai.dataset.formats.coco.ids import id_key
from augmentai.dataset.formats.coco.image_index import name_key_of
from augmentai.dataset.formats.coco.labels import CocoFiles, CocoLabels
from augmentai.dataset.formats.coco.panoptic import is_panoptic, moved_segments
from augmentai.dataset.formats.coco.pasted import pasted_annotations, with_pasted_segments
from augmentai.dataset.formats.coco.values import categories_in
from augmentai.dataset.formats.drawn_shapes import is_same_place
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.keypoint_order import Skeleton
from augmentai.dataset.formats.label_values import is_whole
from augmentai.dataset.formats.masks.mask_file import masks_from_json, names_as_json
from augmentai.dataset.formats.masks.named_masks import with_own_masks
from augmentai.dataset.formats.split_files import SPLIT_COLUMNS, is_split_column
from augmentai.dataset.formats.split_lists import SplitLists
from augmentai.dataset.formats.splits import split_like
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

_COUNTS = ("image_count", "instance_count")  # of each class, in LVIS
_IMAGES_SAMPLED = 200  # of each file
# What other formats have as well, or what every set is counted by.
_OF_IMAGES = {"id", "file_name", "width", "height", *SPLIT_COLUMNS}
_OF_CLASSES = {"id", "name", "keypoints", "skeleton", "flip_idx", *_COUNTS}
_SAYS_NOTHING: tuple[object, ...] = ("", "none", [], {}, None)  # Roboflow writes a supercategory "none"


class CocoLayout(Layout):
    """A COCO set.

    Attributes:
        files: what its files say.
        splits: the split of each file.
        named_from: the folder that the names in each file are relative to.
        outdated: files that cannot stay as they are even if no image of theirs has a variation: with names that lead
            nowhere, ids that no tool matches, or annotations of no image.
        has_segments: a file is panoptic.
        has_annotations: a file is not.
        lists: the lists of splits beside its files.
    """

    lists_images = True

    def __init__(self) -> None:
        super().__init__()
        self.files = CocoFiles()
        self.splits: list[str | None] = []
        self.named_from: list[NamedFrom] = []
        self.outdated: set[int] = set()
        self.has_segments = self.has_annotations = False
        self.lists = SplitLists({})

    def class_names(self) -> list[str]:
        """By their ids; files that number their classes each in its own way have all their names in it."""
        numbered = [(_order(key), one.name) for categories in self.files.categories for key, one in categories.items()]
        return list(dict.fromkeys(name for _, name in sorted(numbered, key=lambda one: one[0])))

    def skeletons(self) -> Mapping[str, Skeleton]:
        classes = (one for categories in self.files.categories for one in categories.values())
        return {one.name: one.skeleton for one in classes if one.keypoints}

    def other_fields(self) -> list[str]:
        found: dict[str, None] = {}
        for file, head in enumerate(self.files.store.heads):
            for _, _, _, image in islice(self.files.store.images(file), _IMAGES_SAMPLED):
                found |= dict.fromkeys(_said(image, _OF_IMAGES))
            categories = head.get("categories")
            for category in categories if isinstance(categories, list) else ():
                found |= dict.fromkeys(_said(category, _OF_CLASSES))
        return sorted(found)

    def is_in(self, name: str) -> bool:
        """Segments alone are not what COCO's instances are, whatever both are recognised as."""
        return super().is_in(name) and (name != "coco" or self.has_annotations or not self.has_segments)

    def own_label_files(self, source: Source) -> list[Entry]:
        return [mask.entry for mask in source.labels.mask_files] if isinstance(source.labels, CocoLabels) else []

    def packed(self, reader: LabelReader) -> PackedLabels | None:
        if not isinstance(reader, CocoLabels):
            return None
        masks = reader.mask_files
        own = {"listed": reader.listed(), "segments": list(reader.segments), "masks": names_as_json(masks)}
        return PackedLabels(tuple(mask.entry for mask in masks), self._shared, own)

    @cached_property
    def _shared(self) -> Mapping[str, Any]:
        """What the files say that is not of single images, as far as labels need it."""
        heads = zip(self.files.entries, self.files.store.heads, strict=True)
        return {"files": [[entry.path, head.get("categories")] for entry, head in heads]}

    def unpacked(self, image: Entry, labels: PackedLabels) -> LabelReader:
        if not self.files.entries:
            files = labels.shared["files"]
            self.files.categories = [categories_in(categories)[0] for _, categories in files]
            self.files.entries = [Entry(path, "") for path, _ in files]  # last: several threads may ask
        masks, files = masks_from_json(labels.own["masks"], labels.files), labels.own["segments"]
        return CocoLabels(
            image, self.files, dict(zip(files, masks, strict=False)), masks[len(files) :], labels.own["listed"]
        )

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None or labels.mask is None or not isinstance(source.labels, CocoLabels):
            return []
        pairs = zip(source.labels.mask_files, (labels.mask, *labels.other_masks), strict=True)
        frame = image_frame(source.labels.image)
        return [mask.file_for(file, bitmap, frame) for mask, bitmap in pairs]

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        if labels is None or not isinstance(source.labels, CocoLabels):
            return None
        own = source.labels.load()
        before: Mapping[int, Shape] = {} if own.reoriented else dict(enumerate(own.shapes))
        annotations: dict[str, list[Any]] = defaultdict(list)
        categories = source.labels.files.categories
        listing = [file for file, _, _ in source.labels.listed()]
        for shape in labels.shapes:
            if "coco_number" not in shape.extra:
                for file, annotation in pasted_annotations(shape, listing, categories).items():
                    annotations[str(file)].append(annotation)
            old = before.get(shape.extra.get("coco_number", -1))
            for file, raw in shape.extra.get("coco_in", ()):
                annotations[str(file)].append(self._moved(shape, old, raw))
        bitmaps = dict(zip(source.labels.segments, (labels.mask, *labels.other_masks), strict=False))
        for other in labels.extra.get("coco", ()):
            annotation, bitmap = other["annotation"], bitmaps.get(other["file"])
            if bitmap is not None and is_panoptic(annotation):
                if bitmap is labels.mask:
                    classes, in_colour = categories[other["file"]], len(bitmap.getbands()) > 2
                    annotation = with_pasted_segments(annotation, labels, in_colour, classes)
                annotation = moved_segments(annotation, bitmap)
            annotations[str(other["file"])].append(annotation)
        return {"size_wh": list(size_wh), "annotations": annotations}

    def _moved(self, shape: Shape, before: Shape | None, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The annotation of an object; if it moved, without what is in pixels and in no form that is known."""
        written = shape_to_coco(shape, before, raw)
        if before is not None and is_same_place(before, shape):
            return written
        kept, removed = without_pixels(written)
        for key in removed:
            self.losses.setdefault(f"`{key}` is removed from geometrically transformed images")
        return kept

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for file, entry in enumerate(self.files.entries):
            if self._is_unchanged(file, rows):
                yield entry.path, _copied(entry)
            elif next(self._images(file, rows), None) is not None:
                yield entry.path, self._written(file, rows)
        yield from self.lists.written(rows)

    def _is_unchanged(self, file: int, rows: ImageRows) -> bool:
        """Whether every image of a file is kept without variations: the file is copied byte for byte then."""
        paths = (path for _, path, _, _ in self.files.store.images(file))
        return file not in self.outdated and all(map(rows.is_unchanged, paths))

    def _written(self, file: int, rows: ImageRows) -> Iterator[bytes]:
        yield b"{"
        for key, value in self._head(file, rows).items():
            yield f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n".encode("utf-8", "backslashreplace")
        yield b'"images": [\n'
        yield from _separated(image for image, _, _ in self._images(file, rows))
        yield b'\n],\n"annotations": [\n'
        yield from _separated(self._annotations(file, rows))
        yield b"\n]}\n"

    def _head(self, file: int, rows: ImageRows) -> dict[str, Any]:
        """The other fields of a file, with the counts that LVIS keeps of each class brought up to date."""
        head = self.files.store.heads[file]
        categories = head.get("categories")
        if not isinstance(categories, list) or not any(isinstance(c, dict) and _COUNTS[0] in c for c in categories):
            return head
        objects: Counter[str | None] = Counter()
        images: Counter[str | None] = Counter()
        last: dict[str | None, object] = {}
        for annotation in self._annotations(file, rows):
            key, image = id_key(annotation.get("category_id")), annotation["image_id"]
            objects[key] += 1
            images[key] += last.get(key) != image
            last[key] = image
        return {**head, "categories": [_counted(one, images, objects) for one in categories]}

    def _images(self, file: int, rows: ImageRows) -> Iterator[tuple[dict[str, Any], str, ImageRow | None]]:
        """(image as it is written, its source's id, the variation it is): first the originals, then variations."""
        store = self.files.store
        for image_id, path, origin, image in store.images(file):
            for source in _sources(rows, (path, origin)):
                original = rows.original(source)
                if original is not None:
                    yield _in_split(self._named(file, image, path, original), rows.made_split), image_id, None
        number = store.largest_ids(file)[0]
        for image_id, path, origin, image in store.images(file):
            for source in _sources(rows, (path, origin)):
                for row in rows.variations_of(source):
                    number += 1
                    own_masks = source.labels.masks if isinstance(source.labels, CocoLabels) else ()
                    masks = (*own_masks, *self.masks.get((path, origin), ()))
                    key = name_key_of(image)
                    own = with_own_masks(image, masks, path, row.file) if masks else image
                    named = own if key is None else {**own, key: image[key]}
                    made = {**self._named(file, named, path, row.file), "id": _like(image["id"], number)}
                    if "width" in image and row.record:
                        made["width"], made["height"] = row.record["size_wh"]
                    yield _in_split(made, rows.made_split), image_id, row

    def _named(self, file: int, image: dict[str, Any], path: str, made: str) -> dict[str, Any]:
        """The entry of an image under the name of a file of the finished set."""
        key = name_key_of(image)
        if key == "coco_url":
            name = PurePosixPath(made).name
            return image if made == path else {**image, key: f"{image[key].rpartition('/')[0]}/{name}"}
        return image if key is None else {**image, key: self.named_from[file].name(image[key], path, made)}

    def _annotations(self, file: int, rows: ImageRows) -> Iterator[dict[str, Any]]:
        number = self.files.store.largest_ids(file)[1]
        for image, image_id, row in self._images(file, rows):
            if row is None:
                for annotation in self.files.store.annotations_of(file, image_id):
                    yield with_area({**annotation, "image_id": image["id"]})
                continue
            if row.record is not None:
                recorded = row.record["annotations"].get(str(file), [])
                annotations = [one for one in recorded if id_key(one.get("image_id")) in {None, image_id}]
            else:
                annotations = self.files.store.annotations_of(file, image_id)
            for annotation in annotations:
                number += 1
                made = with_area({**annotation, "id": _like(annotation.get("id"), number), "image_id": image["id"]})
                if is_panoptic(annotation):
                    made["file_name"] = self._segments_name(file, row, annotation["file_name"])
                    if "id" not in annotation:
                        del made["id"]
                yield made

    def _segments_name(self, file: int, row: ImageRow, name: str) -> str:
        """The name of the PNG of a variation's segments."""
        labels = row.source.labels
        mask = labels.segments.get(file) if isinstance(labels, CocoLabels) else None
        folder = name.replace("\\", "/").rpartition("/")[0]
        made = PurePosixPath(mask.path_for(row.file)).name if mask is not None else PurePosixPath(name).name
        return f"{folder}/{made}" if folder else made


def _sources(rows: ImageRows, key: ImageKey) -> list[Source]:
    """The source of an image; two ZIPs may contain the same path."""
    found = rows.sources_at(key[0])
    return [one for one in found if isinstance(one.labels, CocoLabels) and one.labels.image.key == key]


def _order(key: str) -> tuple[bool, int, str]:
    """Ids in their order: numbers by value, then texts."""
    is_number = is_whole(key.removeprefix("-"))
    return not is_number, int(key) if is_number else 0, key


def _like(given: object, number: int) -> int | str:
    """A new id of the type that the set has."""
    return str(number) if isinstance(given, str) else number


def _counted(category: Any, images: Counter[str | None], objects: Counter[str | None]) -> Any:
    if not isinstance(category, dict):
        return category
    key = id_key(category.get("id"))
    counts = dict(zip(_COUNTS, (images[key], objects[key]), strict=True))
    return {name: counts.get(name, value) for name, value in category.items()}


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


def _in_split(image: dict[str, Any], split: str | None) -> dict[str, Any]:
    """The entry of an image whose split was made; None if it has its own still."""
    stated = {key: value for key, value in image.items() if is_split_column(key) and isinstance(value, str)}
    return {**image, **{key: split_like(value, split) for key, value in stated.items()}} if split else image


def _said(entry: object, known: Collection[str]) -> list[str]:
    """The fields of an image or a class, besides those that are known, that say something."""
    fields = entry.items() if isinstance(entry, dict) else ()
    said = (key for key, value in fields if value not in _SAYS_NOTHING and (key, value) != ("isthing", 1))
    return [str(key) for key in said if key not in known]
