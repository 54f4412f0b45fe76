"""The labels of one image of a COCO set, from every file that lists it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.bitmaps import refuse_bitmaps
from augmentai.dataset.formats.coco.annotation import has_geometry, shape_from_coco
from augmentai.dataset.formats.coco.merge import Described, merged
from augmentai.dataset.formats.coco.panoptic import crowd_segments, is_panoptic, pixel_value, segment_classes
from augmentai.dataset.formats.coco.store import CocoStore
from augmentai.dataset.formats.coco.values import Categories
from augmentai.dataset.formats.guarded_load import check_objects, guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.masks.mask_file import MaskFile
from augmentai.images.orientation import Frame

# The number of a file, its entry of an image, and the annotations of that image in it.
Listed = tuple[int, Mapping[str, Any], Sequence[dict[str, Any]]]


@dataclass
class CocoFiles:
    """The files of a set; each is known by its number, and `entries` and `categories` are parallel.

    Attributes:
        store: the content of all files, on disk.
    """

    store: CocoStore = field(default_factory=CocoStore)
    entries: list[Entry] = field(default_factory=list)
    categories: list[Categories] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CocoLabels:
    """Reads the labels of one image.

    Attributes:
        image: the image.
        files: the files of the set.
        segments: the PNG of each panoptic file that has one for the image, by the file's number.
        masks: further masks of the image, which no file names.
        known: what the files say of the image, for a reader whose `files` have no content.
    """

    image: Entry
    files: CocoFiles
    segments: Mapping[int, MaskFile] = field(default_factory=dict)
    masks: Sequence[MaskFile] = ()
    known: Sequence[Listed] | None = None

    def listed(self) -> Sequence[Listed]:
        """What each file that lists the image says of it.

        Raises:
            LabelError: there are too many annotations.
        """
        if self.known is not None:
            return self.known
        found = self.files.store.images_of(self.image.key)
        return [(file, image, self.files.store.annotations_of(file, image_id)) for file, image_id, image in found]

    @property
    def mask_files(self) -> list[MaskFile]:
        """All masks, in the order of `Labels.mask` and `Labels.other_masks`."""
        return [*self.segments.values(), *self.masks]

    @guarded
    def load(self) -> Labels:
        frame = image_frame(self.image)
        described: list[Described] = []
        others: list[dict[str, Any]] = []
        reoriented, other_wh = False, None
        for file, image, said in self.listed():
            stated_wh = _whole(image.get("width")), _whole(image.get("height"))
            on_stored, other_wh = frame.matches_stored(stated_wh), other_wh or frame.unlike(stated_wh)
            reoriented = reoriented or on_stored
            check_objects(len(described) + len(others) + len(said), self.image.path)
            self._check_memory(said, frame.size_wh, file)
            for number, annotation in enumerate(said, 1):
                if is_panoptic(annotation) or not has_geometry(annotation):
                    others.append({"file": file, "annotation": annotation})
                    continue
                described.append(self._described(file, number, annotation, frame, on_stored))
        bitmaps = [mask.load(frame) for mask in self.mask_files]
        extra: dict[str, Any] = {"coco": others}
        if bitmaps:
            extra["mask_classes"] = {}  # the objects are those that files list, even if there are none
        if self.segments:
            classes, crowds = self._segment_classes(others)
            extra["mask_classes"] = {pixel_value(number, bitmaps[0]): name for number, name in classes.items()}
            extra["mask_crowds"] = {pixel_value(number, bitmaps[0]) for number in crowds}
            extra["stuff"] = [
                one.name for one in self.files.categories[next(iter(self.segments))].values() if one.is_stuff
            ]
        first = bitmaps[0] if bitmaps else None
        return Labels(tuple(merged(described)), first, tuple(bitmaps[1:]), reoriented, extra, other_size_wh=other_wh)

    def _described(
        self, file: int, number: int, annotation: dict[str, Any], frame: Frame, on_stored: bool
    ) -> Described:
        try:
            return Described(
                file, annotation, shape_from_coco(annotation, self.files.categories[file], frame, on_stored)
            )
        except ValueError as error:
            which = annotation.get("id", f"number {number} of this image")
            raise LabelError(f"{self.files.entries[file].path}, annotation {which}: {error}") from error

    def _segment_classes(self, others: list[dict[str, Any]]) -> tuple[dict[int, str], list[int]]:
        """The class of each segment of the first mask, and those that are crowds."""
        first = next(iter(self.segments))
        for other in others:
            if other["file"] == first and is_panoptic(other["annotation"]):
                try:
                    classes = segment_classes(other["annotation"], self.files.categories[first])
                    return classes, crowd_segments(other["annotation"])
                except ValueError as error:
                    path, name = self.files.entries[first].path, other["annotation"]["file_name"]
                    raise LabelError(f"{path}, segments of {name}: {error}") from error
        return {}, []

    def _check_memory(self, annotations: Sequence[dict[str, Any]], size_wh: tuple[int, int], file: int) -> None:
        path = self.files.entries[file].path
        bitmaps = sum(isinstance(annotation.get("segmentation"), dict) for annotation in annotations)
        refuse_bitmaps(bitmaps, size_wh, path)
        for annotation in annotations:
            if is_panoptic(annotation) and file not in self.segments:
                raise LabelError(f"{path}: {annotation['file_name']}, the PNG of its segments, is missing; add it")


def _whole(value: object) -> int:
    """A size in whole pixels; 0 if it is none."""
    is_size = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6
    return int(value) if is_size else 0  # type: ignore[call-overload]
