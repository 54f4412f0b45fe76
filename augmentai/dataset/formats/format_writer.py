"""What all writers that convert a set share: its classes, where its images go, and what the format could not hold."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import parent
from augmentai.dataset.formats.base import Conversion, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.drawn_shapes import foreign_attributes, without_untrue_fields
from augmentai.dataset.formats.grouped_shapes import whole_objects
from augmentai.dataset.formats.image_names import named
from augmentai.dataset.formats.object_shapes import classes_in, objects_in
from augmentai.dataset.formats.splits import split_named
from augmentai.images.orientation import read_size
from augmentai.recipe import RecipeError
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

SPLITS = ("train", "val", "test")
_IMAGE_FOLDER = re.compile(r"(?i)^(images?|imgs?|jpegimages)$")


class FormatWriter:
    """Writes a set that came in another format. Reads the labels of every source once, to know their classes.

    A format's writer derives from it and overrides what its files need. What the format cannot hold goes into `losses`,
    through `lose`, so that nothing is dropped in silence.

    Args:
        layout: the set as it was recognised.
        sources: all its images, sorted by path and hash, those for validation and test included.

    Attributes:
        needs_objects: a set without boxes, polygons or masks cannot be written.
        needs_outlines: a set without polygons or masks cannot be written.
        holds_lines: it can write lines and points.
        holds_tags: it can write image-level labels.
        class_names: every class of the set; a class number is a position in it.

    Raises:
        RecipeError: the set has nothing that this format could hold.
    """

    needs_objects: ClassVar[bool] = True
    needs_outlines: ClassVar[bool] = False
    holds_lines: ClassVar[bool] = False
    holds_tags: ClassVar[bool] = False

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        self.losses: dict[str, None] = {}
        self.layout = layout
        self._conversion = conversion_of(layout, sources, self.needs_objects or layout.unnamed_objects)
        self.class_names = self._conversion.class_names
        self._last: tuple[Labels | None, tuple[Shape, ...]] = (None, ())
        self._own: tuple[object, tuple[Shape, ...]] = (None, ())  # of the last source that was asked for
        if self.needs_objects and not self.class_names:
            raise RecipeError("the set has no boxes, polygons or masks to write")
        if self.needs_outlines and not any(map(_has_outlines, sources)):
            raise RecipeError("the set has no outlines or masks")
        if fields := layout.other_fields():
            self.lose(f"fields of images and classes were left out: {', '.join(map(printable, fields))}")

    def image_path(self, source: Source) -> str:
        """SPLIT/..., unless a format overrides it."""
        return "/".join(filter(None, (source.split, self.bare_path(source))))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        return []

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        return None

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        yield from ()

    def bare_path(self, source: Source) -> str:
        """The path of an image without the folders that all share, split folders, and folders called "images"."""
        return "/".join(_bare(source).split("/")[self._conversion.shared_folders :])

    def objects(self, source: Source, labels: Labels | None) -> list[Shape]:
        """The objects in an image, each with its class; of a mask, each connected area is one."""
        if labels is None:
            return []
        if labels is not self._last[0]:  # the variations of one source follow each other, and outlines are slow
            shapes = whole_objects(self._without_untrue_fields(source, labels))
            if self._conversion.by_folder and source.label is not None:
                shapes = tuple(replace(shape, category=source.label) for shape in shapes)
            self._last = labels, shapes
        if labels.shapes and labels.mask is not None:
            self.lose("masks next to boxes were left out")
        elif labels.other_masks and not labels.extra.get("instances"):
            self.lose("of several masks of an image only the first was written")
        if labels.extra.get("tags") and not self.holds_tags:
            self.lose("image-level labels were left out: this format has none")
        shapes = self._last[1]
        if not self.holds_lines and any(shape.lines for shape in shapes):
            self.lose("lines and points were left out: this format has none")
            shapes = tuple(shape for shape in shapes if not shape.lines)
        return list(shapes)

    def _without_untrue_fields(self, source: Source, labels: Labels) -> tuple[Shape, ...]:
        """The objects of an image; those of one whose pixels moved, without fields that say where they were."""
        shapes = objects_in(labels)
        if b"<part>" in labels.extra.get("voc", b""):
            self.lose("parts of objects were left out: only Pascal VOC has them")
        if source.labels is None or not any(foreign_attributes(shape) for shape in labels.shapes):
            return shapes
        if self._own[0] != source.key:
            self._own = source.key, source.labels.load().shapes
        return without_untrue_fields(shapes, self._own[1], self.losses)

    def objects_without_keypoints(self, source: Source, labels: Labels | None) -> list[Shape]:
        """The same for a format that has no keypoints, which are reported as lost."""
        shapes = self.objects(source, labels)
        if any(shape.keypoints for shape in shapes):
            self.lose("keypoints were left out: only COCO and poses in YOLO have them")
        return shapes

    def boxes(self, source: Source, labels: Labels | None) -> list[Shape]:
        """The objects with a box, for a format that has boxes and classes alone; the rest is reported as lost."""
        shapes = [shape for shape in self.objects_without_keypoints(source, labels) if shape.box is not None]
        if any(shape.has_outline for shape in shapes):
            self.lose("polygons and bitmaps were written as the boxes around them")
        self.lose_attributes(shapes)
        return shapes

    def lose_attributes(self, shapes: Sequence[Shape], kept: Collection[str] = ()) -> None:
        """Report attributes of objects as lost, but for those that the format keeps."""
        if any(foreign_attributes(shape).keys() - set(kept) for shape in shapes):
            self.lose("attributes of objects were left out: this format has none")

    def lose_unused_classes(self, sources: Sequence[Source]) -> None:
        """Report the classes without objects, for a format that names classes by their objects alone."""
        unused = dict.fromkeys([*self.layout.class_names(), *self.layout.declared_classes()])
        for source in sources:
            if not unused or self._conversion.by_folder:
                return
            for name in _classes_of(source):
                unused.pop(name, None)
        if unused:
            self.lose(f"{named(unused, 'unused class', 'unused classes')} left out: this format has no list of classes")

    def lose(self, words: str) -> None:
        """Report, once, what this format cannot hold."""
        self.losses.setdefault(words)


def class_number(category: str, numbers: Mapping[str, int]) -> int:
    """The number of a class that a record names.

    Args:
        category: the class.
        numbers: those of all classes of the set.

    Raises:
        OutputError: the set does not have the class any more.
    """
    if category not in numbers:
        raise OutputError(
            f'the class "{category}" was in the set when the run began, and is not now; start again in another folder'
        )
    return numbers[category]


class ListingWriter(FormatWriter):
    """Writes a format whose images are listed in one file per split."""

    def records(self, rows: ImageRows, split: str | None) -> Iterator[tuple[ImageRow, Any]]:
        """Every image of a split with its record."""
        own = lru_cache(maxsize=1)(self._own_record)  # the variations of one source follow each other
        for row in rows:
            if row.source.split == split:
                yield row, row.record if row.record is not None else own(row.source)

    def _own_record(self, source: Source) -> Any:
        labels = source.labels.load() if source.labels is not None else None
        return self.record(source, labels, read_size(source))


def conversion_of(layout: Layout, sources: Sequence[Source], with_classes: bool) -> Conversion:
    """What a conversion needs to know of the whole set; found out once per set.

    Args:
        layout: the set.
        sources: all its images.
        with_classes: read all labels for their classes.
    """
    if with_classes not in layout.conversions:
        names = _class_names(layout, sources) if with_classes else []
        folder_names = _folder_classes(layout, sources) if len(names) == 1 and _is_value(names[0]) else []
        folders = {parent(_bare(source)) for source in sources} or {""}
        shared = len(PurePosixPath(posixpath.commonpath(folders)).parts)
        layout.conversions[with_classes] = Conversion(tuple(folder_names or names), bool(folder_names), shared)
    return layout.conversions[with_classes]


def _is_value(name: str) -> bool:
    """Whether a class has no name but the value or the colour that its pixels have in masks."""
    return _is_number(name) or name.startswith("#")


def _is_number(name: str) -> bool:
    """Whether a name is a number that `int` reads: "²" is a digit, and is not."""
    return name.isascii() and name.isdigit() and len(name) < 19


def json_bytes(value: Any, indent: int | None = None) -> bytes:
    """A value as JSON, in UTF-8. indent: spaces per level; None for one line."""
    return json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "backslashreplace")


def _class_names(layout: Layout, sources: Sequence[Source]) -> list[str]:
    """Every class of the set: in its own order if it has one, else sorted, numbers by their value."""
    found = dict.fromkeys(layout.class_names())
    if not found:
        seen: set[str] = set()
        for source in sources:
            seen |= _classes_of(source)
        declared = dict.fromkeys(layout.declared_classes())
        if seen.isdisjoint(declared):
            declared = {}  # a list of something else
        rest = seen - declared.keys()
        found = declared | dict.fromkeys(
            sorted(rest, key=lambda name: (not _is_number(name), int(name) if _is_number(name) else 0, name))
        )
    return list(found)


def _classes_of(source: Source) -> set[str]:
    """The classes of the objects in an image; none if its labels are broken, which is reported at its turn."""
    try:
        return classes_in(source.labels.load()) if source.labels is not None else set()
    except (LabelError, OSError):
        return set()


def _folder_classes(layout: Layout, sources: Sequence[Source]) -> list[str]:
    """The class folders of a set whose masks only separate object from background: the folder names the object.

    Folders without an object are not classes.
    """
    if not layout.unnamed_objects or any(source.label is None for source in sources):
        return []
    found: set[str] = set()
    for source in sources:
        if source.label is not None and source.label not in found and _classes_of(source):
            found.add(source.label)
    return sorted(found)


def _has_outlines(source: Source) -> bool:
    """Whether something in an image has an outline, or a mask shows it."""
    if source.labels is None:
        return False
    try:
        labels = source.labels.load()
    except (LabelError, OSError):
        return False  # reported when this image's turn comes
    return labels.mask is not None or any(shape.has_outline for shape in labels.shapes)


def _bare(source: Source) -> str:
    """The path of an image without split folders and folders called "images"; a class may be called "train"."""
    *folders, name = source.path.split("/")
    own_class = [folders.pop()] if folders and folders[-1] == source.label else []
    rest = [f for f in folders if not _IMAGE_FOLDER.match(f) and not (source.split and split_named(f))]
    return "/".join((*rest, *own_class, name))
