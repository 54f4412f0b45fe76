"""Files that a row of ImageFolder's metadata names beside its picture, in columns that end in "_file_name"."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.imagefolder.metadata import place_of
from augmentai.dataset.formats.mask_files import MaskFile, looks_like_mask
from augmentai.images.orientation import read_frame

Key = tuple[str, str]  # of a picture: its path and its ZIP
Masks = tuple[tuple[str, MaskFile], ...]  # the column, and the mask that it names
RowOf = Callable[[Key], tuple[int, int, dict[str, Any]] | None]

_ENDINGS = ("_file_name", "_file_names")
_LOOKED_INTO = 20
_ENOUGH = 0.9  # of those looked into have to be masks


@dataclass
class Companions:
    """What is named beside pictures.

    masks: of each picture that has any, by its key. others: files that are carried as they are, each once. hidden:
    pictures that are companions alone, and so no sources. still: the columns of pictures that are no masks.
    """

    masks: dict[Key, Masks] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)
    hidden: set[Key] = field(default_factory=set)
    still: set[str] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)


def companions(tree: Tree, row_of: RowOf, files: Sequence[Entry]) -> Companions:
    """Everything named beside the pictures of a set. row_of: (metadata file, number, row) of a picture, or None.

    A column names masks where nearly all of what it names are PNGs of their pictures' size with large even areas.
    """
    pictures = {entry.key: entry for entry in tree.images}
    named: dict[str, list[tuple[Entry, Entry]]] = defaultdict(list)  # column -> (picture, companion)
    found = Companions()
    missing: Counter[str] = Counter()
    for picture in tree.images:
        told = row_of(picture.key)
        for column, name in _names(told[2]) if told is not None else ():
            place = place_of(files[told[0]], name) if told is not None else ""
            entry = pictures.get((place, picture.origin)) or tree.sidecar(place, picture.origin)
            if entry is None:
                missing[column] += 1
            elif entry.key != picture.key:
                named[column].append((picture, entry))
    users = Counter(entry.key for pairs in named.values() for _, entry in pairs)
    carried: dict[Key, Entry] = {}
    for column, pairs in named.items():
        are_masks = column.endswith(_ENDINGS[0]) and _are_masks(pairs)
        for picture, entry in pairs:
            if entry.key in pictures and row_of(entry.key) is None:
                found.hidden.add(entry.key)
            if are_masks:
                mask = _mask_file(entry, picture, shared=users[entry.key] > 1)
                found.masks[picture.key] = (*found.masks.get(picture.key, ()), (column, mask))
            elif row_of(entry.key) is None:
                carried[entry.key] = entry
            if not are_masks and entry.key in pictures:
                found.still.add(column)
    found.others = [carried[key] for key in sorted(carried)]
    for column, count in sorted(missing.items()):
        found.notices.append(f"{column} names {count} file(s) that are not there, or of a kind that is not copied")
    return found


def _names(row: dict[str, Any]) -> list[tuple[str, str]]:
    """(column, name) of every file that a row names besides its picture."""
    found = []
    for column, value in row.items():
        if column.endswith(_ENDINGS):
            held = value if isinstance(value, list) else [value]
            found += [(column, name) for name in held if isinstance(name, str) and name.strip()]
    return found


def _are_masks(pairs: list[tuple[Entry, Entry]]) -> bool:
    looked = [_is_mask(picture, entry) for picture, entry in pairs[:: max(1, len(pairs) // _LOOKED_INTO)]]
    return sum(looked) >= _ENOUGH * len(looked)


def _is_mask(picture: Entry, entry: Entry) -> bool:
    if not entry.path.lower().endswith(".png"):
        return False
    try:
        with picture.open() as stream:
            size_wh = read_frame(stream).size_wh
    except Exception:
        return False  # told when its turn comes
    return looks_like_mask(entry, size_wh)


def _mask_file(entry: Entry, picture: Entry, shared: bool) -> MaskFile:
    """A mask, and how the masks of variations are called: after the picture where its own name holds the picture's,
    else after both, so that no two variations share a mask."""
    own, stem = PurePosixPath(entry.path).stem, PurePosixPath(picture.path).stem
    if stem in own and not shared:
        before, _, behind = own.partition(stem)
        return MaskFile(entry, before, behind)
    folder = parent(picture.path).replace("/", "_")
    return MaskFile(entry, f"{own}__{folder}_" if folder else f"{own}__")
