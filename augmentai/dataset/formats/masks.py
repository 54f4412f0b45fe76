"""Semantic masks beside pictures: a PNG of the same stem beside a photo, in a masks folder, or with "_mask" behind."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import Format, ImageInfo, Layout, OutputFile
from augmentai.dataset.formats.folders import class_of
from augmentai.dataset.formats.mask_files import MaskFile, encode_mask, looks_like_mask
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.images.orientation import read_frame
from augmentai.images.photo import ImageError
from augmentai.types import Source

_MASK_FOLDER = re.compile(
    r"(?i)^(masks?|annotations?|labels?|labelids|gt|gtfine|ground[-_ ]?truths?|segs?|segmentations?"
    r"|segmentationclass|segmentation[-_ ]?masks?|mask[-_ ]?images?|trimaps?)$"
)
_PHOTO_FOLDER = re.compile(r"(?i)^(images?|imgs?|photos?|pictures?|jpegimages|leftimg8bit|rgb|inputs?|data)$")
_BEHIND = re.compile(
    r"(?i)^(.+?)([-_. ]?(?:mask|masks|seg|segmentation|label|labels|labelids|labeltrainids|gt|matte))$"
)
_BEFORE = re.compile(r"(?i)^((?:mask|seg|label|gt)[-_])(.+)$")
_LOOKED_INTO = 20
_ENOUGH = 0.9  # of the pairs looked into have to be a photo and a mask


@dataclass(frozen=True, slots=True)
class MaskLabels:
    """The mask of one picture."""

    picture: Entry
    mask: MaskFile

    def load(self) -> Labels:
        with self.picture.open() as stream:
            try:
                frame = read_frame(stream)
            except ImageError as error:
                raise LabelError(str(error)) from error
        return Labels(mask=self.mask.load(frame))


class MaskLayout(Layout):
    name = "masks"
    unnamed_objects = True

    def own_label_files(self, source: Source) -> list[Entry]:
        return [source.labels.mask.entry] if isinstance(source.labels, MaskLabels) else []

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None or labels.mask is None or not isinstance(source.labels, MaskLabels):
            return []
        return [(source.labels.mask.path_for(file), encode_mask(labels.mask))]


def read_masks(tree: Tree, requested: bool) -> MaskLayout | None:
    """The set as photos with masks, or None where no masks are there that fit photos."""
    pairs = _pairs(tree)
    if not pairs or not (requested or _are_masks(pairs)):
        return None
    layout = MaskLayout()
    masks = {mask.entry.key for mask in pairs.values()}
    layout.excluded = masks
    photos = [entry for entry in tree.images if entry.key not in masks]
    splits = folder_splits(entry.path for entry in photos)
    for entry in photos:
        mask = pairs.get(entry.key)
        labels = MaskLabels(entry, mask) if mask is not None else None
        layout.images[entry.key] = ImageInfo(_class(entry.path, splits), split_of(entry.path, splits)[0], labels)
    return layout


def _pairs(tree: Tree) -> dict[tuple[str, str], MaskFile]:
    """The mask of each photo that has one, by the photo's key. A file is a photo or a mask, never both."""
    photos: dict[tuple[str, str], list[Entry]] = defaultdict(list)  # by ZIP and by place without "images"
    for entry in tree.images:
        for place in {_without(entry.stem, _PHOTO_FOLDER), entry.stem}:
            photos[place, entry.origin].append(entry)
    found: dict[tuple[str, str], MaskFile] = {}
    taken: set[tuple[str, str]] = set()
    for entry in tree.images:
        if not entry.path.lower().endswith(".png") or entry.key in found:
            continue
        for place, before, behind in _meant(entry):
            others = [p for p in photos.get((place, entry.origin), ()) if p.key != entry.key and p.key not in taken]
            beside = not before and not behind and place == entry.stem
            if beside:  # of a.jpg and a.png the PNG is the mask; two PNGs cannot be told apart, nor share a folder
                others = [p for p in others if parent(p.path) == parent(entry.path) and not _is_png(p)]
            if others and others[0].key not in found:
                found[others[0].key] = MaskFile(entry, before, behind)
                taken.add(entry.key)
                break
    return found


def _meant(mask: Entry) -> list[tuple[str, str, str]]:
    """(place, before, behind): the places of photos that a PNG may be the mask of, surest first."""
    folder, stem = parent(mask.path), PurePosixPath(mask.path).stem
    readings = []
    behind = _BEHIND.match(stem)
    if behind:
        readings.append((behind[1], "", behind[2]))
    before = _BEFORE.match(stem)
    if before:
        readings.append((before[2], before[1], ""))
    elsewhere = _without(f"{folder}/x" if folder else "x", _MASK_FOLDER)
    in_mask_folder = elsewhere != (f"{folder}/x" if folder else "x")
    found = []
    for name, start, end in [*readings, (stem, "", "")]:
        if in_mask_folder:
            found.append((elsewhere[:-1] + name, start, end))
        found.append((f"{folder}/{name}" if folder else name, start, end))
    return found


def _without(path: str, folder: re.Pattern[str]) -> str:
    """The path without its last folder of this kind: "train/images/a" and "images/train/a" give "train/a"."""
    parts = path.split("/")
    for i in range(len(parts) - 2, -1, -1):
        if folder.match(parts[i]):
            return "/".join(parts[:i] + parts[i + 1 :])
    return path


def _are_masks(pairs: dict[tuple[str, str], MaskFile]) -> bool:
    looked = [looks_like_mask(pairs[key].entry) for key in sorted(pairs)[:: max(1, len(pairs) // _LOOKED_INTO)]]
    return sum(looked) >= _ENOUGH * len(looked)


def _class(path: str, splits: Mapping[str, str | None]) -> str | None:
    """The class folder of a photo; a folder called "images" is none."""
    bare = _without(path, _PHOTO_FOLDER)
    return class_of(bare, {_without(f"{folder}/x", _PHOTO_FOLDER)[:-2]: split for folder, split in splits.items()})


def _is_png(entry: Entry) -> bool:
    return entry.path.lower().endswith(".png")


MASKS = Format(
    name="masks",
    title="Masks",
    hint="a PNG of the same stem for each image, beside it or in a masks folder",
    detect=read_masks,
)
