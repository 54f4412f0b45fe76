"""A Pascal VOC set: where the annotation of each picture lies, its splits in ImageSets, and all of it written again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.mask_files import MaskFile, encode_mask
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.dataset.formats.voc.annotation import labels_of, read_xml, xml_of
from augmentai.images.orientation import read_frame
from augmentai.images.photo import ImageError
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import Row, Rows

_XML_FOLDERS = ("annotations", "annotation", "xml", "xmls", "labels")
_MASK_FOLDERS = {"segmentationclass": 0, "segmentationobject": 1}
_LIST_SPLITS = {"train": "train", "trainval": "train", "val": "val", "test": "test"}


@dataclass(frozen=True, slots=True)
class VocLabels:
    """Labels of one picture. masks: classes first, then objects, where the set has them."""

    picture: Entry
    xml: Entry | None
    masks: tuple[MaskFile, ...] = ()

    def load(self) -> Labels:
        with self.picture.open() as stream:
            try:
                frame = read_frame(stream)
            except ImageError as error:
                raise LabelError(str(error)) from error
        labels = Labels()
        if self.xml is not None:
            labels = labels_of(read_xml(self.xml.read(), self.xml.path), self.xml.path, frame)
        masks = tuple(mask.load(frame) for mask in self.masks)
        return replace(labels, mask=masks[0] if masks else None, other_masks=masks[1:])


class VocLayout(Layout):
    name = "voc"

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
            moved = before.extra["turned"] or before.shapes != labels.shapes
            path = joined(parent(reader.xml.path), PurePosixPath(file).stem + ".xml")
            if moved and (b"<part>" in before.extra["voc"] or b"<pose>" in before.extra["voc"]):
                self.losses.setdefault(
                    "pose and parts of things do not move with the pixels; where these moved, they go"
                )
            files.append((path, xml_of(labels, before, file, size_wh, moved)))
        pictures = [labels.mask, *labels.other_masks]
        for mask, picture in zip(reader.masks, pictures, strict=False):
            if picture is not None:
                files.append((mask.path_for(file), encode_mask(picture)))
        return files

    def dataset_files(self, rows: Rows) -> StreamedFiles:
        if not self.lists:
            return
        stems: dict[str, list[Source]] = defaultdict(list)
        for source in rows.sources:
            stems[PurePosixPath(source.path).stem].append(source)
        for entry in self.lists:
            lines = list(_list_lines(entry, stems, rows))
            if lines:
                yield entry.path, lines


def _list_lines(entry: Entry, stems: dict[str, list[Source]], rows: Rows) -> Iterator[bytes]:
    """A list of ImageSets: the pictures that are there, then, in the same order, the variations."""
    made: list[str] = []
    for line in entry.text().splitlines():
        name = _named(line, stems)
        for source in stems.get(_stem(name), ()):
            if rows.original(source) is not None:
                yield f"{line.strip()}\n".encode()
            made += [_line(row, line, name) for row in rows.variations_of(source)]
    yield from (line.encode() for line in made)


def _line(row: Row, line: str, name: str) -> str:
    """The line of a variation: its stem where its source's stem stood, whatever follows it kept."""
    made = PurePosixPath(row.file)
    folder, _, last = name.rpartition("/")
    shown = (
        made.name if PurePosixPath(last).suffix.lower() == PurePosixPath(row.source.path).suffix.lower() else made.stem
    )
    return f"{folder + '/' if folder else ''}{shown}{line.strip()[len(name) :]}\n"


def _named(line: str, stems: Container[str]) -> str:
    """The picture of a line: the first word, which a number may follow; a name with spaces is the whole line."""
    words = line.split()
    whole = line.strip()
    if not words or _stem(whole) in stems:
        return whole
    before = whole.rsplit(maxsplit=1)[0]
    return before if _stem(before) in stems else words[0]


def _stem(name: str) -> str:
    last = PurePosixPath(name)
    return last.stem if last.suffix.lower() in {".jpg", ".jpeg", ".png", ".bmp"} else last.name


def read_voc(tree: Tree, requested: bool) -> VocLayout | None:
    """The set as Pascal VOC's, or None where no annotation of its is there."""
    sheets: dict[str, list[Entry]] = defaultdict(list)
    for entry in tree.sidecars_ending(".xml"):
        sheets[PurePosixPath(entry.path).stem].append(entry)
    found = {entry.key: _sheet(entry, sheets) for entry in tree.images} if sheets else {}
    held = [sheet for sheet in found.values() if sheet is not None]
    if not held or not (requested or any(_is_voc(sheet) for sheet in held[:20])):
        return None
    layout = VocLayout()
    layout.label_paths = {sheet.path for sheet in held}
    layout.lists = [entry for entry in tree.sidecars_ending(".txt") if "imagesets" in entry.path.casefold().split("/")]
    layout.label_paths |= {entry.path for entry in layout.lists}
    splits = _splits(layout.lists, {PurePosixPath(entry.path).stem for entry in tree.images})
    folders = folder_splits(entry.path for entry in tree.images)
    masks = _masks(tree)
    layout.excluded = {mask.key for group in masks.values() for mask in group if mask is not None}
    for entry in tree.images:
        if entry.key in layout.excluded:
            continue
        stem = PurePosixPath(entry.path).stem
        split = splits.get(stem) or split_of(entry.path, folders)[0]
        bitmaps = tuple(MaskFile(mask) for mask in masks.get((stem, entry.origin), ()) if mask is not None)
        sheet = found[entry.key]
        labels = VocLabels(entry, sheet, bitmaps) if sheet is not None or bitmaps else None
        layout.images[entry.key] = ImageInfo(None, split, labels)
    return layout


def _sheet(picture: Entry, sheets: dict[str, list[Entry]]) -> Entry | None:
    """The annotation of a picture: beside it, or in the folder of annotations that is nearest."""
    found = sheets.get(PurePosixPath(picture.path).stem, [])
    here = parent(picture.path)
    for entry in found:
        if parent(entry.path) == here and entry.origin == picture.origin:
            return entry
    own = picture.path.split("/")[:-1]

    def near(entry: Entry) -> tuple[int, int, bool]:
        parts = entry.path.split("/")[:-1]
        shared = next(
            (i for i, (a, b) in enumerate(zip(own, parts, strict=False)) if a != b), min(len(own), len(parts))
        )
        ending = sum(1 for a, b in zip(reversed(own), reversed(parts), strict=False) if a == b)
        return shared, ending, entry.origin == picture.origin

    candidates = [e for e in found if any(part.casefold() in _XML_FOLDERS for part in e.path.split("/")[:-1])]
    return max(candidates, key=near, default=None)


def _is_voc(sheet: Entry) -> bool:
    try:
        read_xml(sheet.read(), sheet.path)
    except LabelError as error:
        return "not XML" in str(error)  # a broken one is told when its picture's turn comes
    return True


def _splits(lists: list[Entry], stems: Container[str]) -> dict[str, str]:
    """The split of each stem. "trainval" says training where no other list says more."""
    found: dict[str, str] = {}
    for name in ("trainval", "test", "val", "train"):  # the later ones win
        for entry in lists:
            if PurePosixPath(entry.path).stem.casefold() == name:
                for line in entry.text().splitlines():
                    if line.strip():
                        found[_stem(_named(line, stems))] = _LIST_SPLITS[name]
    return found


def _masks(tree: Tree) -> dict[tuple[str, str], list[Entry | None]]:
    """The bitmaps of SegmentationClass and SegmentationObject, by stem and ZIP."""
    found: dict[tuple[str, str], list[Entry | None]] = {}
    for entry in tree.images:
        place = _MASK_FOLDERS.get(PurePosixPath(parent(entry.path)).name.casefold())
        if place is not None and entry.path.lower().endswith(".png"):
            found.setdefault((PurePosixPath(entry.path).stem, entry.origin), [None, None])[place] = entry
    return found
