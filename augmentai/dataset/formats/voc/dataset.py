"""A Pascal VOC set: the annotation of each image, the splits in ImageSets, and all of it written again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelReader, Labels
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, OutputFile, PackedLabels, StreamedFiles
from augmentai.dataset.formats.companions import find_companions
from augmentai.dataset.formats.declared_classes import classes_in_files
from augmentai.dataset.formats.drawn_shapes import is_same_place
from augmentai.dataset.formats.guarded_load import guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.image_names import named, stem_of
from augmentai.dataset.formats.masks.class_files import LABEL_MAP
from augmentai.dataset.formats.masks.mask_file import MaskFile, instance_masks, masks_from_json, names_as_json
from augmentai.dataset.formats.split_claims import SplitClaims
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.dataset.formats.splits import split_of
from augmentai.dataset.formats.voc.annotation import labels_from_voc, labels_to_voc, parse_xml, unmoved_tags
from augmentai.dataset.formats.voc.annotation_files import AnnotationFile, Assigned, assign, read_annotation_files
from augmentai.dataset.formats.voc.image_sets import ImageLists
from augmentai.dataset.formats.voc.named_masks import naming_own_masks
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_COPIED = ("labelmap.txt", "class_names.txt", "classes.txt", "labels.txt")  # files about the classes, which stay


@dataclass(frozen=True, slots=True)
class VocLabels:
    """Reads the labels of one image. masks: classes first, then objects, if the set has them."""

    image: Entry
    xml: Entry | None
    masks: tuple[MaskFile, ...] = ()

    @guarded
    def load(self) -> Labels:
        frame = image_frame(self.image)
        labels = Labels()
        if self.xml is not None:
            labels = labels_from_voc(parse_xml(self.xml.utf8(), self.xml.path), self.xml.path, frame)
        masks = tuple(mask.load(frame) for mask in self.masks)
        # Where there is an annotation, the objects are those that it lists, even if there are none.
        extra = {**labels.extra, "mask_classes": {}} if masks and self.xml is not None else labels.extra
        extra = {**extra, **instance_masks(self.masks)}
        return replace(labels, mask=masks[0] if masks else None, other_masks=masks[1:], extra=extra)


class VocLayout(Layout):
    """A Pascal VOC set.

    Args:
        lists: the lists of its images.
        others: other files that name splits: lists of paths, tables, JSON.
        copied: files of the whole set that stay as they are, such as labelmap.txt.
    """

    def __init__(self, lists: ImageLists, others: SplitLists, copied: list[Entry]) -> None:
        super().__init__()
        self.lists, self.others, self._copied = lists, others, copied

    def shared_files(self) -> list[Entry]:
        return self._copied

    def declared_classes(self) -> list[str]:
        return classes_in_files(self._copied)

    def own_label_files(self, source: Source) -> list[Entry]:
        reader = source.labels
        if not isinstance(reader, VocLabels):
            return []
        return [*([reader.xml] if reader.xml is not None else []), *(mask.entry for mask in reader.masks)]

    def packed(self, reader: LabelReader) -> PackedLabels | None:
        if not isinstance(reader, VocLabels):
            return None
        xml = () if reader.xml is None else (reader.xml,)
        own = {"masks": names_as_json(reader.masks)} if reader.masks else None
        return PackedLabels((*xml, *(mask.entry for mask in reader.masks)), own=own)

    def unpacked(self, image: Entry, labels: PackedLabels) -> LabelReader:
        names = labels.own["masks"] if labels.own else []
        count = len(labels.files) - len(names)
        return VocLabels(image, next(iter(labels.files[:count]), None), masks_from_json(names, labels.files[count:]))

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
            is_warped = before.reoriented or any(
                not is_same_place(before.shapes[number], shape)
                for shape in labels.shapes
                if isinstance(number := shape.extra.get("voc"), int)
            )
            path = joined(parent(reader.xml.path), PurePosixPath(file).stem + ".xml")
            if is_warped and (b"<part>" in before.extra["voc"] or b"<pose>" in before.extra["voc"]):
                self.losses.setdefault("`pose` and `part` are removed from geometrically transformed images")
            for tag in unmoved_tags(before.extra["voc"]) if is_warped else ():
                self.losses.setdefault(f"`{tag}` is removed from geometrically transformed images")
            masks = (*reader.masks, *self.masks.get(reader.image.key, ()))
            written = labels_to_voc(labels, before, file, size_wh, moved)
            files.append((path, naming_own_masks(written, masks, source, file)))
        bitmaps = [labels.mask, *labels.other_masks]
        for mask, bitmap in zip(reader.masks, bitmaps, strict=False):
            if bitmap is not None:
                files.append(mask.file_for(file, bitmap, image_frame(reader.image)))
        return files

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        yield from self.lists.written(rows)
        yield from self.others.written(rows)


def voc_part() -> VocLayout:
    """A layout without images; see `Format.part`."""
    return VocLayout(ImageLists(Tree()), SplitLists({}), [])


def read_voc(tree: Tree, requested: bool) -> VocLayout | None:
    """The set as Pascal VOC's, or None if it has neither an annotation of it nor its lists of images."""
    files = read_annotation_files(tree)
    assigned = assign(files, tree.images)
    is_voc = _is_voc(files, assigned, requested)
    if not is_voc and not any(map(_is_image_set, tree.sidecars_ending(".txt"))):
        return None
    companions = find_companions(tree, assigned.of_image)
    images = [entry for entry in tree.images if entry.key not in companions.excluded | companions.drawn]
    lists = ImageLists(Tree(images=images, sidecars=tree.sidecars))
    if not is_voc and not lists:
        return None
    copied = [one for one in tree.sidecars_ending(".txt") if PurePosixPath(one.path).name.casefold() in _COPIED]
    copied += tree.sidecars_ending(LABEL_MAP)
    known = {one.entry.path for one in files if one.is_voc}
    known |= {annotation.path for annotation in assigned.of_image.values()}
    known |= {one.entry.path for one in lists.lists} | {entry.path for entry in copied}
    others = read_split_lists(Tree(images, tree.sidecars), known)
    layout = VocLayout(lists, others, copied)
    layout.label_paths = known | {entry.path for entry in others.entries}
    layout.failures += lists.failures
    layout.excluded = companions.excluded
    layout.orphans += companions.orphans
    layout.notices += [*lists.notices, *others.notices, *companions.notices]
    claims = _claims(images, lists, others)
    layout.notices += claims.notices
    for entry in tree.images:
        if entry.key in layout.excluded:
            continue
        annotation, masks = assigned.of_image.get(entry.key), companions.masks.get(entry.key, ())
        labels = VocLabels(entry, annotation, masks) if annotation is not None or masks else None
        split = claims.of(entry.key) if entry.key in claims else others.of(entry.path)
        layout.images[entry.key] = ImageInfo(None, split, labels)
    unused = [entry for entry in assigned.unused if entry.path in layout.label_paths]
    _report_unmatched(layout, unused, companions.drawn)
    return layout


def _claims(images: Iterable[Entry], lists: ImageLists, others: SplitLists) -> SplitClaims:
    """What lists say of the split of each image. A list of bare names may mean another one than that of a folder."""
    claims = SplitClaims("list")
    for entry in images:
        for split in (lists.split_of(entry), others.listed(entry.path)):
            if split is not None:
                claims.add(entry.key, split, entry.path)
    claims.settle()
    claims.hold_out({entry.key: split_of(entry.path, others.folders) for entry in images})
    return claims


def _is_voc(files: list[AnnotationFile], assigned: Assigned, requested: bool) -> bool:
    """Whether an image has an annotation of Pascal VOC's; a broken one counts beside others, or if it was asked for."""
    used = {annotation.key for annotation in assigned.of_image.values()}
    found = [one for one in files if one.entry.key in used]
    return bool(found) and (requested or any(one.is_voc for one in found))


def _is_image_set(entry: Entry) -> bool:
    return "imagesets" in entry.path.casefold().split("/")


def _report_unmatched(layout: VocLayout, unused: list[Entry], drawn: set[ImageKey]) -> None:
    """Name the annotations without an image, and the photographs that have the name of an annotated one."""
    if unused:
        words = named([entry.path for entry in unused], "annotation file")
        layout.notices.append(f"{words} left out: the image is missing, or another annotation describes it")
    labelled = {stem_of(path) for (path, _), info in layout.images.items() if info.labels is not None}
    others = [key for key, info in layout.images.items() if info.labels is None and key not in drawn]
    alike = [path for path, _ in others if stem_of(path) in labelled]
    if alike:
        layout.notices.append(
            f"{named(alike)} without labels: the annotation of this name describes an image in another folder"
        )
