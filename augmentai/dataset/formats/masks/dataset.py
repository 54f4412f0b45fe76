"""Images with semantic masks: a PNG with the same stem, beside the image, in a masks folder, or with "_mask" added."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from augmentai.annotations import Labels
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, OutputFile
from augmentai.dataset.formats.folders import class_of
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.masks.mask_file import MaskFile, encode_mask, looks_like_mask
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.types import Source

_MASK_FOLDER = re.compile(
    r"(?i)^(masks?|annotations?|labels?|labelids|gt|gtfine|ground[-_ ]?truths?|segs?|segmentations?"
    r"|segmentationclass|segmentation[-_ ]?masks?|mask[-_ ]?images?|trimaps?)$"
)
_IMAGE_FOLDER = re.compile(r"(?i)^(images?|imgs?|photos?|pictures?|jpegimages|leftimg8bit|rgb|inputs?|data)$")
_WITH_SUFFIX = re.compile(
    r"(?i)^(.+?)([-_. ]?(?:mask|masks|seg|segmentation|label|labels|labelids|labeltrainids|gt|matte))$"
)
_WITH_PREFIX = re.compile(r"(?i)^((?:mask|seg|label|gt)[-_])(.+)$")
_PAIRS_SAMPLED = 20
_MIN_MASK_FRACTION = 0.9  # of the sampled pairs, that must have a mask


@dataclass(frozen=True, slots=True)
class MaskLabels:
    """Reads the mask of one image."""

    image: Entry
    mask: MaskFile

    def load(self) -> Labels:
        return Labels(mask=self.mask.load(image_frame(self.image)))


class MaskLayout(Layout):
    """Images with a mask each."""

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
    """The set as images with masks, or None if it has no masks that match images."""
    pairs = _pairs(tree)
    if not pairs or not (requested or _are_masks(pairs)):
        return None
    layout = MaskLayout()
    layout.excluded = {mask.entry.key for mask in pairs.values()}
    images = [entry for entry in tree.images if entry.key not in layout.excluded]
    splits = folder_splits(entry.path for entry in images)
    for entry in images:
        mask = pairs.get(entry.key)
        labels = MaskLabels(entry, mask) if mask is not None else None
        layout.images[entry.key] = ImageInfo(_class(entry.path, splits), split_of(entry.path, splits)[0], labels)
    return layout


def _pairs(tree: Tree) -> dict[ImageKey, MaskFile]:
    """The mask of each image that has one, by the image's key. A file is an image or a mask, never both."""
    images: dict[ImageKey, list[Entry]] = defaultdict(list)  # by path without "images" folder and suffix, and ZIP
    for entry in tree.images:
        for path in {_without(entry.stem, _IMAGE_FOLDER), entry.stem}:
            images[path, entry.origin].append(entry)
    found: dict[ImageKey, MaskFile] = {}
    masks: set[ImageKey] = set()
    for entry in tree.images:
        if not _is_png(entry) or entry.key in found:
            continue
        for path, prefix, suffix in _image_paths(entry):
            others = [
                one for one in images.get((path, entry.origin), ()) if one.key != entry.key and one.key not in masks
            ]
            if not prefix and not suffix and path == entry.stem:
                # Of a.jpg and a.png the PNG is the mask; two PNGs cannot be distinguished, nor share a folder.
                others = [one for one in others if parent(one.path) == parent(entry.path) and not _is_png(one)]
            if others and others[0].key not in found:
                found[others[0].key] = MaskFile(entry, prefix, suffix)
                masks.add(entry.key)
                break
    return found


def _image_paths(mask: Entry) -> list[tuple[str, str, str]]:
    """(path without suffix, prefix, suffix) of the images that a PNG may be the mask of, most certain first."""
    folder, stem = parent(mask.path), PurePosixPath(mask.path).stem
    readings = []
    with_suffix = _WITH_SUFFIX.match(stem)
    if with_suffix:
        readings.append((with_suffix[1], "", with_suffix[2]))
    with_prefix = _WITH_PREFIX.match(stem)
    if with_prefix:
        readings.append((with_prefix[2], with_prefix[1], ""))
    here = f"{folder}/" if folder else ""
    elsewhere = _without(f"{here}x", _MASK_FOLDER)[:-1]
    found = []
    for name, prefix, suffix in [*readings, (stem, "", "")]:
        if elsewhere != here:  # the mask is in a masks folder
            found.append((elsewhere + name, prefix, suffix))
        found.append((here + name, prefix, suffix))
    return found


def _without(path: str, folder: re.Pattern[str]) -> str:
    """The path without its last folder of this kind: "train/images/a" and "images/train/a" give "train/a"."""
    parts = path.split("/")
    for i in range(len(parts) - 2, -1, -1):
        if folder.match(parts[i]):
            return "/".join(parts[:i] + parts[i + 1 :])
    return path


def _are_masks(pairs: dict[ImageKey, MaskFile]) -> bool:
    step = max(1, len(pairs) // _PAIRS_SAMPLED)
    verdicts = [looks_like_mask(pairs[key].entry) for key in sorted(pairs)[::step]]
    return sum(verdicts) >= _MIN_MASK_FRACTION * len(verdicts)


def _class(path: str, splits: Mapping[str, str | None]) -> str | None:
    """The class folder of an image; a folder called "images" is not a class."""
    bare = _without(path, _IMAGE_FOLDER)
    return class_of(bare, {_without(f"{folder}/x", _IMAGE_FOLDER)[:-2]: split for folder, split in splits.items()})


def _is_png(entry: Entry) -> bool:
    return entry.path.lower().endswith(".png")
