"""A Pascal VOC set: the annotation of each image, the splits in ImageSets, and all of it written again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.masks.mask_file import MaskFile, encode_mask
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.dataset.formats.voc.annotation import labels_from_voc, labels_to_voc, parse_xml
from augmentai.dataset.formats.voc.image_sets import list_lines, splits_of_stems
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_XML_FOLDERS = ("annotations", "annotation", "xml", "xmls", "labels")
_MASK_FOLDERS = {"segmentationclass": 0, "segmentationobject": 1}
_FILES_SAMPLED = 20  # annotations that are read to see whether they are Pascal VOC's


@dataclass(frozen=True, slots=True)
class VocLabels:
    """Reads the labels of one image. masks: classes first, then objects, if the set has them."""

    image: Entry
    xml: Entry | None
    masks: tuple[MaskFile, ...] = ()

    def load(self) -> Labels:
        frame = image_frame(self.image)
        labels = Labels()
        if self.xml is not None:
            labels = labels_from_voc(parse_xml(self.xml.read(), self.xml.path), self.xml.path, frame)
        masks = tuple(mask.load(frame) for mask in self.masks)
        return replace(labels, mask=masks[0] if masks else None, other_masks=masks[1:])


class VocLayout(Layout):
    """A Pascal VOC set. lists: the files in ImageSets."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: list[Entry] = []

    def own_label_files(self, source: Source) -> list[Entry]:
        reader = source.labels
        if not isinstance(reader, VocLabels):
            return []
        return [*([reader.xml] if reader.xml is not None else []), *(mask.entry for mask in reader.masks)]

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        reader = source.labels
        if labels is None or not isinstance(reader, VocLabels):
            return []
        files: list[OutputFile] = []
        if reader.xml is not None:
            before = reader.load()
            moved = before.reoriented or before.shapes != labels.shapes
            path = joined(parent(reader.xml.path), PurePosixPath(file).stem + ".xml")
            if moved and (b"<part>" in before.extra["voc"] or b"<pose>" in before.extra["voc"]):
                self.losses.setdefault("`pose` and `part` are removed from geometrically transformed images")
            files.append((path, labels_to_voc(labels, before, file, size_wh, moved)))
        bitmaps = [labels.mask, *labels.other_masks]
        for mask, bitmap in zip(reader.masks, bitmaps, strict=False):
            if bitmap is not None:
                files.append((mask.path_for(file), encode_mask(bitmap)))
        return files

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        if not self.lists:
            return
        sources: dict[str, list[Source]] = defaultdict(list)  # by the stem of their image
        for source in rows.sources:
            sources[PurePosixPath(source.path).stem].append(source)
        for entry in self.lists:
            lines = list(list_lines(entry, sources, rows))
            if lines:
                yield entry.path, lines


def read_voc(tree: Tree, requested: bool) -> VocLayout | None:
    """The set as Pascal VOC's, or None if it has no such annotation."""
    by_stem: dict[str, list[Entry]] = defaultdict(list)
    for entry in tree.sidecars_ending(".xml"):
        by_stem[PurePosixPath(entry.path).stem].append(entry)
    annotations = {entry.key: _annotation_file(entry, by_stem) for entry in tree.images} if by_stem else {}
    found = [annotation for annotation in annotations.values() if annotation is not None]
    if not found or not (requested or any(_is_voc(annotation) for annotation in found[:_FILES_SAMPLED])):
        return None
    layout = VocLayout()
    layout.label_paths = {annotation.path for annotation in found}
    layout.lists = [entry for entry in tree.sidecars_ending(".txt") if "imagesets" in entry.path.casefold().split("/")]
    layout.label_paths |= {entry.path for entry in layout.lists}
    splits = splits_of_stems(layout.lists, {PurePosixPath(entry.path).stem for entry in tree.images})
    folders = folder_splits(entry.path for entry in tree.images)
    masks = _masks(tree)
    layout.excluded = {mask.key for group in masks.values() for mask in group if mask is not None}
    for entry in tree.images:
        if entry.key in layout.excluded:
            continue
        stem = PurePosixPath(entry.path).stem
        split = splits.get(stem) or split_of(entry.path, folders)[0]
        bitmaps = tuple(MaskFile(mask) for mask in masks.get((stem, entry.origin), ()) if mask is not None)
        annotation = annotations[entry.key]
        labels = VocLabels(entry, annotation, bitmaps) if annotation is not None or bitmaps else None
        layout.images[entry.key] = ImageInfo(None, split, labels)
    return layout


def _annotation_file(image: Entry, by_stem: dict[str, list[Entry]]) -> Entry | None:
    """The annotation of an image: beside it, or in the nearest folder of annotations."""
    found = by_stem.get(PurePosixPath(image.path).stem, [])
    here = parent(image.path)
    for entry in found:
        if parent(entry.path) == here and entry.origin == image.origin:
            return entry
    own = image.path.split("/")[:-1]

    def nearness(entry: Entry) -> tuple[int, int, bool]:
        """How many leading and trailing folders it shares with the image, and whether it is in the same ZIP."""
        parts = entry.path.split("/")[:-1]
        shared = next(
            (i for i, (a, b) in enumerate(zip(own, parts, strict=False)) if a != b), min(len(own), len(parts))
        )
        trailing = sum(1 for a, b in zip(reversed(own), reversed(parts), strict=False) if a == b)
        return shared, trailing, entry.origin == image.origin

    candidates = [e for e in found if any(part.casefold() in _XML_FOLDERS for part in e.path.split("/")[:-1])]
    return max(candidates, key=nearness, default=None)


def _is_voc(annotation: Entry) -> bool:
    try:
        parse_xml(annotation.read(), annotation.path)
    except LabelError as error:
        return "not valid XML" in str(error)  # a broken one is reported when its image's turn comes
    return True


def _masks(tree: Tree) -> dict[ImageKey, list[Entry | None]]:
    """The masks of SegmentationClass and SegmentationObject, by stem and ZIP."""
    found: dict[ImageKey, list[Entry | None]] = {}
    for entry in tree.images:
        index = _MASK_FOLDERS.get(PurePosixPath(parent(entry.path)).name.casefold())
        if index is not None and entry.path.lower().endswith(".png"):
            found.setdefault((PurePosixPath(entry.path).stem, entry.origin), [None, None])[index] = entry
    return found
