"""A COCO set: its JSON files, the pictures they mean, their splits, and all of it written again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_names import safe_path
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageInfo, Layout, StreamedFiles
from augmentai.dataset.formats.coco.annotation import annotation_of, shape_of
from augmentai.dataset.formats.coco.store import CocoStore
from augmentai.dataset.formats.splits import folder_splits, split_named, split_of, split_within
from augmentai.images.orientation import read_frame
from augmentai.images.photo import ImageError
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import Row, Rows


_MOST_BITMAP_PIXELS = 10**9  # of all bitmaps of one picture, a byte each


@dataclass(frozen=True, slots=True)
class CocoLabels:
    """Labels of one picture, out of every file that tells of it."""

    picture: Entry
    layout: CocoLayout

    def load(self) -> Labels:
        with self.picture.open() as stream:
            try:
                frame = read_frame(stream)
            except ImageError as error:
                raise LabelError(str(error)) from error
        shapes, others, any_turned = [], [], False
        store = self.layout.store
        for file, identity, image in store.images_of(self.picture.key):
            turned = frame.matches_stored((image.get("width") or 0, image.get("height") or 0))
            any_turned = any_turned or turned
            annotations = store.annotations_of(file, identity)
            self._check_room(annotations, frame.size_wh, file)
            for place, annotation in enumerate(annotations, 1):
                if "category_id" not in annotation:  # a caption, or something else that is said of the whole picture
                    others.append({"file": file, "annotation": annotation})
                    continue
                try:
                    shape = shape_of(annotation, self.layout.categories[file], frame, turned)
                except ValueError as error:
                    number = annotation.get("id", f"number {place} of this picture")
                    raise LabelError(f"{self.layout.entries[file].path}, annotation {number}: {error}") from error
                shapes.append(replace(shape, extra={**shape.extra, "coco_file": file}))
        return Labels(tuple(shapes), extra={"coco": others, "turned": any_turned})

    def _check_room(self, annotations: list[dict[str, Any]], size_wh: tuple[int, int], file: int) -> None:
        bitmaps = sum(isinstance(annotation.get("segmentation"), dict) for annotation in annotations)
        if bitmaps * size_wh[0] * size_wh[1] > _MOST_BITMAP_PIXELS:
            raise LabelError(
                f"{self.layout.entries[file].path} has {bitmaps} RLE bitmaps for this one picture of "
                f"{size_wh[0]}x{size_wh[1]}, more than fit into memory; draw them as polygons"
            )


class CocoLayout(Layout):
    name = "coco"

    def __init__(self) -> None:
        super().__init__()
        self.store = CocoStore()
        self.entries: list[Entry] = []
        self.categories: list[dict[int, str]] = []
        self.splits: list[str | None] = []

    def class_names(self) -> list[str]:
        by_id = {number: name for held in reversed(self.categories) for number, name in held.items()}
        return list(dict.fromkeys(by_id[number] for number in sorted(by_id)))

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        if labels is None or not isinstance(source.labels, CocoLabels):
            return None
        own = source.labels.load()
        before = {json.dumps(s.extra["coco"], sort_keys=True): s for s in own.shapes if not own.extra["turned"]}
        annotations: dict[str, list[Any]] = defaultdict(list)
        for shape in labels.shapes:
            old = before.get(json.dumps(shape.extra.get("coco"), sort_keys=True))
            annotations[str(shape.extra["coco_file"])].append(annotation_of(shape, old))
        for other in labels.extra.get("coco", ()):
            annotations[str(other["file"])].append(other["annotation"])
        return {"size_wh": list(size_wh), "annotations": annotations}

    def dataset_files(self, rows: Rows) -> StreamedFiles:
        for file, entry in enumerate(self.entries):
            if self._is_unchanged(file, rows):
                yield entry.path, _pieces(entry)
            elif next(self._images(file, rows), None) is not None:
                yield entry.path, self._written(file, rows)

    def _is_unchanged(self, file: int, rows: Rows) -> bool:
        """Whether every picture of a file is there and no variation: then it stays as it is, to the byte."""
        places = (place for _, place, _, _ in self.store.images(file))
        return not self.store.missing(file) and all(map(rows.is_as_it_was, places))

    def _written(self, file: int, rows: Rows) -> Iterator[bytes]:
        yield b"{"
        for key, value in self.store.heads[file].items():
            yield f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n".encode()
        yield b'"images": [\n'
        yield from _separated(image for image, _, _ in self._images(file, rows))
        yield b'\n],\n"annotations": [\n'
        yield from _separated(self._annotations(file, rows))
        yield b"\n]}\n"

    def _images(self, file: int, rows: Rows) -> Iterator[tuple[dict[str, Any], str, Row | None]]:
        """(image as it is written, id it had, the variation it is): first the originals, then variations."""
        for identity, place, _, image in self.store.images(file):
            if any(rows.original(source) is not None for source in rows.at(place)):
                yield image, identity, None
        number = self.store.largest_ids(file)[0]
        for identity, place, _, image in self.store.images(file):
            for source in rows.at(place):
                for row in rows.variations_of(source):
                    number += 1
                    folder = image["file_name"].replace("\\", "/").rpartition("/")[0]
                    name = PurePosixPath(row.file).name
                    made = {**image, "id": number, "file_name": f"{folder}/{name}" if folder else name}
                    if "width" in image and row.record:
                        made["width"], made["height"] = row.record["size_wh"]
                    yield made, identity, row

    def _annotations(self, file: int, rows: Rows) -> Iterator[dict[str, Any]]:
        number = self.store.largest_ids(file)[1]
        for image, identity, row in self._images(file, rows):
            if row is None:
                yield from self.store.annotations_of(file, identity)
                continue
            if row.record is not None:
                held = row.record["annotations"].get(str(file), [])
            else:
                held = self.store.annotations_of(file, identity)
            for annotation in held:
                number += 1
                yield {**annotation, "id": number, "image_id": image["id"]}


def read_coco(tree: Tree, requested: bool) -> CocoLayout | None:
    """The set as COCO's, or None where no JSON file of its is there."""
    layout = CocoLayout()
    index = _Index(tree)
    broken: list[Failure] = []
    for entry in tree.sidecars_ending(".json"):
        try:
            number = layout.store.add(entry, index.places_for(entry))
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
        layout.splits.append(_split(entry.path))
        missing = layout.store.missing(number)
        if missing:
            layout.notices.append(f"{entry.path} lists {missing} picture(s) that are not there; they are left out")
    if not layout.entries and not broken:
        return None
    layout.store.finish()
    layout.failures += broken
    _know_pictures(layout, tree, bool(broken))
    return layout


def _know_pictures(layout: CocoLayout, tree: Tree, broken: bool) -> None:
    splits: dict[tuple[str, str], str | None] = {}
    listed: set[tuple[str, str]] = set()
    for file in reversed(range(len(layout.entries))):  # of several files the first says the split, and training wins
        for _, place, origin, _ in layout.store.images(file):
            listed.add((place, origin))
            if splits.get((place, origin)) != "train":
                splits[place, origin] = layout.splits[file]
    folders = folder_splits(entry.path for entry in tree.images)
    unknown = 0
    for entry in tree.images:
        if entry.key in listed:
            split = splits[entry.key] or split_of(entry.path, folders)[0]
            layout.images[entry.key] = ImageInfo(None, split, CocoLabels(entry, layout))
        elif broken:
            layout.excluded.add(entry.key)  # its labels may be what could not be read
            unknown += 1
        else:
            layout.images[entry.key] = ImageInfo(None, split_of(entry.path, folders)[0])
    if unknown:
        layout.notices.append(f"{unknown} picture(s) without labels were left alone, since a label file is broken")


class _Index:
    """Finds the picture that a file_name means: it may be seen from the file, from some images folder, or be bare."""

    def __init__(self, tree: Tree) -> None:
        self._named: dict[str, list[Entry]] = defaultdict(list)
        for entry in tree.images:
            self._named[PurePosixPath(entry.path).name].append(entry)

    def places_for(self, file: Entry) -> Any:
        here, split = parent(file.path), _split(file.path)

        def place(file_name: str) -> tuple[str, str] | None:
            wanted = safe_path(file_name.lstrip("/\\")) or PurePosixPath(file_name.replace("\\", "/")).name
            parts = wanted.split("/")
            found = self._named.get(parts[-1], [])
            if not found:
                return None
            best = max(found, key=lambda entry: (*_likeness(entry, parts, here, split), [-ord(c) for c in entry.path]))
            if "/" in wanted and len(found) > 1 and _likeness(best, parts, here, split)[1] == 1:
                return None  # only the bare name fits, and several have it: none of them is meant
            return best.key

        return place


def _likeness(entry: Entry, parts: list[str], here: str, split: str | None) -> tuple[bool, int, bool, bool]:
    """How well a picture fits: lies where the file says, shares its last folders, is of its split, lies beside it."""
    own = entry.path.split("/")
    shared = 0
    while shared < min(len(own), len(parts)) and own[-1 - shared] == parts[-1 - shared]:
        shared += 1
    exactly = entry.path == "/".join(filter(None, (here, *parts)))
    of_split = split is not None and any(split_named(part) == split for part in own[:-1])
    return exactly, shared, of_split, parent(entry.path).startswith(here)


def _split(path: str) -> str | None:
    """The split that a JSON file is of: "instances_val2017.json" and "valid/_annotations.coco.json" are "val"."""
    name = PurePosixPath(path)
    return split_within(name.stem) or split_named(name.parent.name)


def _categories(head: dict[str, Any], entry: Entry, broken: list[Failure]) -> dict[int, str]:
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


def _pieces(entry: Entry) -> Iterator[bytes]:
    with entry.open() as stream:
        while piece := stream.read(1 << 20):
            yield piece


def _separated(items: Iterable[Any]) -> Iterator[bytes]:
    comma = b""
    for item in items:
        yield comma + json.dumps(item, ensure_ascii=False).encode("utf-8", "backslashreplace")
        comma = b",\n"
