"""Files that ImageFolder's metadata names next to an image: in columns that end in "_file_name", or hold such names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.image_names import named as listed
from augmentai.dataset.formats.imagefolder.metadata import path_named
from augmentai.dataset.formats.imagefolder.row_store import MetadataRow
from augmentai.dataset.formats.masks.mask_file import MaskFile, looks_like_mask, mask_named_by_table
from augmentai.images.file_types import IMAGE_SUFFIXES

NamedMasks = tuple[tuple[str, MaskFile], ...]  # (column, the mask that it names)
RowOf = Callable[[ImageKey], MetadataRow | None]

_COLUMN_ENDINGS = ("_file_name", "_file_names")
_IMAGE_ENDINGS = tuple(IMAGE_SUFFIXES)
_LOSSLESS = (".png", ".tif", ".tiff", ".bmp", ".gif")
_FILES_SAMPLED = 20
_MIN_MASK_FRACTION = 0.9  # of the sampled files, that must be masks


@dataclass
class Companions:
    """The files that are named next to images.

    Attributes:
        masks: those of each image that has some; they move with its pixels.
        copied: files that are copied unchanged, each once.
        excluded: images that are companions of others, and so not sources.
        unmoved: the columns that name images that are not masks; these do not move with the pixels.
        notices: for the user.
    """

    masks: dict[ImageKey, NamedMasks] = field(default_factory=dict)
    copied: list[Entry] = field(default_factory=list)
    excluded: set[ImageKey] = field(default_factory=set)
    unmoved: set[str] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)

    @cached_property
    def mask_columns(self) -> frozenset[str]:
        """The columns that name masks. Asked for once all masks are found."""
        return frozenset(column for masks in self.masks.values() for column, _ in masks)


def find_companions(tree: Tree, row_of: RowOf, files: Sequence[Entry]) -> Companions:
    """Every file that is named next to an image of a set.

    A column names masks if nearly all its files are lossless, of their images' size, and have large flat areas.

    Args:
        tree: the files of the set.
        row_of: the row of an image, or None.
        files: the metadata files, by their number.
    """
    images = {entry.key: entry for entry in tree.images}
    by_name = {(name_key(path), origin): entry for (path, origin), entry in images.items()}
    named: dict[str, list[tuple[Entry, Entry]]] = defaultdict(list)  # column -> (image, companion)
    missing: dict[str, list[str]] = defaultdict(list)  # column -> names of files
    for image in tree.images:
        row = row_of(image.key)
        for column, name in _names(row.values) if row is not None else ():
            path = path_named(files[row.file], name) if row is not None else ""
            entry = images.get((path, image.origin)) or by_name.get((name_key(path), image.origin))
            entry = entry or tree.sidecar(path, image.origin)
            if entry is None:
                missing[column].append(name)
            elif entry.key != image.key:
                named[column].append((image, entry))
    found = Companions()
    users = Counter(entry.key for pairs in named.values() for _, entry in pairs)
    copied: dict[ImageKey, Entry] = {}
    for column, pairs in named.items():
        are_masks = not column.endswith(_COLUMN_ENDINGS[1]) and _are_masks(pairs)
        for image, entry in pairs:
            if entry.key in images and row_of(entry.key) is None:
                found.excluded.add(entry.key)
            if are_masks:
                mask = mask_named_by_table(entry, image, shared=users[entry.key] > 1)
                found.masks[image.key] = (*found.masks.get(image.key, ()), (column, mask))
            elif row_of(entry.key) is None:
                copied[entry.key] = entry
            if not are_masks and entry.key in images:
                found.unmoved.add(column)
    found.copied = [copied[key] for key in sorted(copied)]
    for column in sorted(found.unmoved):
        if not column.endswith(_COLUMN_ENDINGS):
            found.notices.append(f"the images that {column} names are copied unchanged, and are not augmented")
    for column, names in sorted(missing.items()):
        if column in found.mask_columns:
            found.notices.append(
                f"{column} names {listed(names, 'mask')} that the set does not have; rows of variations leave it empty"
            )
        elif column.endswith(_COLUMN_ENDINGS):
            found.notices.append(f"{column} names {listed(names, 'file')} not found, or of a type that is not copied")
    return found


def _names(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(column, name) of every file that a row names apart from its image."""
    for column, value in row.items():
        if column.endswith(_COLUMN_ENDINGS):
            names = value if isinstance(value, list) else [value]
            yield from ((column, name) for name in names if isinstance(name, str) and name.strip())
        elif isinstance(value, str) and value.lower().endswith(_IMAGE_ENDINGS):
            yield column, value


def _are_masks(pairs: list[tuple[Entry, Entry]]) -> bool:
    verdicts = [_is_mask(image, entry) for image, entry in pairs[:: max(1, len(pairs) // _FILES_SAMPLED)]]
    return sum(verdicts) >= _MIN_MASK_FRACTION * len(verdicts)


def _is_mask(image: Entry, entry: Entry) -> bool:
    if not entry.path.lower().endswith(_LOSSLESS):
        return False
    try:
        size_wh = image_frame(image).size_wh
    except Exception:
        return False  # reported when its turn comes
    return looks_like_mask(entry, size_wh)
