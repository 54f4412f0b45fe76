"""Which image of a set a COCO file means, and which split a COCO file is of."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.image_names import ImageNames, match_key, shared_parts
from augmentai.dataset.formats.masks.names import Role, read_folder
from augmentai.dataset.formats.splits import split_named, split_within

NAME_KEYS = ("file_name", "coco_url", "filename", "path")  # the first that is there names the image; LVIS has no first
_DRAWN = {Role.MASK, Role.VISUALIZATION}  # whose files have the names of the images that they were drawn of
_Match = tuple[int, int, bool, bool, int, bool]
_ABSOLUTE = re.compile(r"^(?:[A-Za-z]:)?/+|^[A-Za-z][A-Za-z0-9+.-]*://[^/]*/?")


def name_key_of(image: Mapping[str, Any]) -> str | None:
    """The field of an image's entry that names its file; None if there is none."""
    return next((key for key in NAME_KEYS if isinstance(image.get(key), str) and image[key].strip()), None)


class ImageIndex:
    """Finds images by file_name, which may be relative to the JSON file or to some images folder, or be a bare name.

    Names of another machine ("C:\\data\\a.jpg"), of the web, and in another case or Unicode form are found too.
    """

    def __init__(self, tree: Tree) -> None:
        self._by_path: dict[str, list[Entry]] = {}
        for entry in tree.images:
            self._by_path.setdefault(entry.path, []).append(entry)
        self._names = ImageNames(tree.images)
        self._places: dict[ImageKey, _Place] = {}  # of images whose name others have

    def finder(self, file: Entry) -> Callable[[str], ImageKey | None]:
        """A function that finds the image that a JSON file means by a name; None if there is none."""
        here, split = parent(file.path), split_of_file(file.path)

        def find(name: str) -> ImageKey | None:
            for path in _spellings(name):
                exact = self._by_path.get(joined(here, path), ())
                if exact:
                    return max(exact, key=lambda entry: entry.origin == file.origin).key
                found = self._named(path, file, split)
                if found is not None:
                    return found.key
            return None

        return find

    def _place(self, entry: Entry) -> _Place:
        if entry.key not in self._places:
            self._places[entry.key] = _Place(entry)
        return self._places[entry.key]

    def _named(self, path: str, file: Entry, split: str | None) -> Entry | None:
        parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
        found = self._names.called(parts[-1], file.path, parts[-2:-1]) if parts else []
        if len(found) < 2:
            return found[0] if found else None
        written, folded = parts[::-1], [match_key(part) for part in parts[::-1]]
        here = file.path.split("/")[:-1]
        places = sorted(map(self._place, found), key=lambda place: place.entry.path)
        matches = [(place.match(written, folded, file, here, split), place.entry) for place in places]
        (first, best), (second, _) = heapq.nlargest(2, matches, key=lambda one: one[0])
        if len(parts) > 1 and first[0] == 1 and first[2:5] == second[2:5]:
            return None  # only the bare name matches, and several images have it: none of them is meant
        return best


class _Place:
    """Where an image is, taken apart once: it may be compared to thousands of names."""

    __slots__ = ("_drawn", "_folded", "_own", "_splits", "entry")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._own = entry.path.split("/")[::-1]
        self._folded = match_key(entry.path).split("/")[::-1]
        self._splits = {split_named(part) for part in self._own[1:]} - {None}
        self._drawn = read_folder(parent(entry.path)).role in _DRAWN

    def match(self, parts: list[str], folded: list[str], file: Entry, here: list[str], split: str | None) -> _Match:
        """How well it matches: it shares its last folders, as spelled, is of the split, not drawn, and near.

        Args:
            parts, folded: of the name, the last first; folded: see `match_key`.
            file: the label file.
            here: its folders.
            split: of the label file.
        """
        return (
            shared_parts(self._folded, folded),
            shared_parts(self._own, parts),
            split in self._splits,
            not self._drawn,
            shared_parts(self._own[:0:-1], here),
            self.entry.origin == file.origin,
        )


def _spellings(name: str) -> Iterator[str]:
    """The relative paths that a name may mean, the likeliest first."""
    slashed = name.strip().replace("\\", "/")
    seen = set()
    bare = slashed.split("?")[0].split("#")[0]
    # Cityscapes' own panoptic files call an image after its labels.
    for one in (slashed, bare, unquote(bare), bare.replace("_gtFine_leftImg8bit", "_leftImg8bit")):
        path = _ABSOLUTE.sub("", one).strip("/")
        if path and path not in seen:
            seen.add(path)
            yield path


def split_of_file(path: str) -> str | None:
    """The split of a JSON file: "instances_val2017.json" and "valid/_annotations.coco.json" are "val".

    Example:
        >>> split_of_file("annotations/instances_val2017.json")
        'val'
    """
    name = PurePosixPath(path)
    return split_within(name.stem) or split_named(name.parent.name)
