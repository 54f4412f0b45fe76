"""The images of a Pascal VOC set that are not photographs: masks, and pictures that tools drew labels on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass, field

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.image_names import ImageNames, folder_parts, name_of, named, shared_parts, stem_of
from augmentai.dataset.formats.masks.mask_file import MaskFile, looks_like_mask

_MASK_FOLDERS = {"segmentationclass": 0, "segmentationobject": 1}  # VOC's own, which may hold photograph-like values
_MASK_WORDS = re.compile(r"(?i)segmentation|mask|trimap")
_DRAWN_WORDS = re.compile(r"(?i)visuali[sz]|overlay|(^|[-_])vi[sz]($|[-_])|preview|drawn")
_FILES_SAMPLED = 20
_MIN_MASK_FRACTION = 0.9  # of the sampled files of a folder, that must be masks


@dataclass
class Companions:
    """What else there is of the photographs of a set.

    Attributes:
        masks: those of each photograph: classes, then objects, then others.
        drawn: images that show the labels of others; `masks.companions` copies them with their photographs.
        orphans: masks of no photograph; copied unchanged.
        notices: for the user.
    """

    masks: dict[ImageKey, tuple[MaskFile, ...]] = field(default_factory=dict)
    drawn: set[ImageKey] = field(default_factory=set)
    orphans: list[Entry] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def excluded(self) -> set[ImageKey]:
        """The masks, which are no photographs."""
        masks = {mask.entry.key for masks in self.masks.values() for mask in masks}
        return masks | {entry.key for entry in self.orphans}


def find_companions(tree: Tree, labelled: Container[ImageKey]) -> Companions:
    """The masks of photographs, by file name and by what they hold, folder by folder.

    Args:
        tree: the files of the set.
        labelled: the images that have an annotation; a folder with one of them is a folder of photographs.
    """
    folders: dict[str, list[Entry]] = defaultdict(list)
    for entry in tree.images:
        folders[parent(entry.path)].append(entry)
    photo_folders = {folder for folder, entries in folders.items() if any(one.key in labelled for one in entries)}
    if not photo_folders:  # a set without annotations: JPEGImages and SegmentationClass
        photo_folders = {folder for folder in folders if not _is_for_labels(name_of(folder))}
    photos = ImageNames((one for folder in photo_folders for one in folders[folder]), stem_of)
    found = Companions()
    masks: dict[ImageKey, list[tuple[int, str, MaskFile]]] = defaultdict(list)
    for folder in sorted(set(folders) - photo_folders):
        _sort_folder(folder, folders[folder], photos, masks, found)
    found.masks = {key: tuple(mask for *_, mask in sorted(of, key=lambda one: one[:2])) for key, of in masks.items()}
    return found


def _sort_folder(
    folder: str,
    entries: list[Entry],
    photos: ImageNames,
    masks: dict[ImageKey, list[tuple[int, str, MaskFile]]],
    found: Companions,
) -> None:
    """Find out what the images of a folder without annotations are."""
    pairs = [(entry, _photo_of(entry, photos)) for entry in entries]
    together = [(entry, photo) for entry, photo in pairs if photo is not None]
    if not together:
        return
    name = name_of(folder)
    if name.casefold() in _MASK_FOLDERS or (not _DRAWN_WORDS.search(name) and _are_masks(together)):
        index = _MASK_FOLDERS.get(name.casefold(), 0 if "class" in name.casefold() else 2)
        for entry, photo in together:
            masks[photo.key].append((index, entry.path, MaskFile(entry)))
        orphans = [entry for entry, photo in pairs if photo is None]
        found.orphans += orphans
        if orphans:
            words = named([entry.path for entry in orphans], "mask")
            found.notices.append(f"{words}: no image belongs to these masks; they are copied unchanged")
    elif _is_for_labels(name):
        found.drawn |= {entry.key for entry in entries}


def _photo_of(entry: Entry, photos: ImageNames) -> Entry | None:
    """The photograph that an image of the same stem may belong to."""
    here = folder_parts(entry.path)

    def nearness(photo: Entry) -> tuple[object, ...]:
        own = folder_parts(photo.path)
        return shared_parts(own, here), photo.origin == entry.origin, shared_parts(own[::-1], here[::-1])

    found = photos.called(stem_of(entry.path), entry.path, here[-1:])
    return max(found, key=nearness, default=None)


def _are_masks(pairs: list[tuple[Entry, Entry]]) -> bool:
    verdicts = [_is_mask(entry, photo) for entry, photo in pairs[:: max(1, len(pairs) // _FILES_SAMPLED)]]
    return sum(verdicts) >= _MIN_MASK_FRACTION * len(verdicts)


def _is_mask(entry: Entry, photo: Entry) -> bool:
    try:
        return looks_like_mask(entry, image_frame(photo).size_wh)
    except LabelError:
        return False


def _is_for_labels(folder: str) -> bool:
    return bool(_MASK_WORDS.search(folder) or _DRAWN_WORDS.search(folder))
