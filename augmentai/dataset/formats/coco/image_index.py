"""Which image of a set a COCO file means, and which split a COCO file is of."""

from __future__ import annotations

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

    def _named(self, path: str, file: Entry, split: str | None) -> Entry | None:
        parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
        found = self._names.called(parts[-1], file.path, parts[-2:-1]) if parts else []
        if len(found) < 2:
            return found[0] if found else None
        ranked = sorted(((_match(entry, parts, file, split), entry) for entry in found), key=lambda one: one[0])
        (second, _), (first, best) = ranked[-2:]
        if len(parts) > 1 and first[0] == 1 and first[2:5] == second[2:5]:
            return None  # only the bare name matches, and several images have it: none of them is meant
        return best


def _match(entry: Entry, parts: list[str], file: Entry, split: str | None) -> tuple[Any, ...]:
    """How well an image matches: it shares its last folders, as spelled, is of the split, not drawn, and near."""
    own, here = entry.path.split("/"), file.path.split("/")[:-1]
    folded = shared_parts([match_key(part) for part in own[::-1]], [match_key(part) for part in parts[::-1]])
    of_split = split is not None and any(split_named(part) == split for part in own[:-1])
    return (
        folded,
        shared_parts(own[::-1], parts[::-1]),
        of_split,
        read_folder(parent(entry.path)).role not in _DRAWN,
        shared_parts(own[:-1], here),
        entry.origin == file.origin,
        [-ord(letter) for letter in entry.path],
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
