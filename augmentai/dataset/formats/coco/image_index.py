"""Which image of a set a COCO file means by a file_name, and which split a COCO file is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import PurePosixPath

from augmentai.dataset.file_names import safe_path
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.splits import split_named, split_within


class ImageIndex:
    """Finds images by file_name, which may be relative to the JSON file or to some images folder, or be a bare name."""

    def __init__(self, tree: Tree) -> None:
        self._by_name: dict[str, list[Entry]] = defaultdict(list)
        for entry in tree.images:
            self._by_name[PurePosixPath(entry.path).name].append(entry)

    def finder(self, file: Entry) -> Callable[[str], ImageKey | None]:
        """A function that finds the image that a JSON file means by a file_name; None if there is none."""
        here, split = parent(file.path), split_of_file(file.path)

        def find(file_name: str) -> ImageKey | None:
            path = safe_path(file_name.lstrip("/\\")) or PurePosixPath(file_name.replace("\\", "/")).name
            parts = path.split("/")
            found = self._by_name.get(parts[-1], [])
            if not found:
                return None
            best = max(found, key=lambda entry: (*_match(entry, parts, here, split), [-ord(c) for c in entry.path]))
            if "/" in path and len(found) > 1 and _match(best, parts, here, split)[1] == 1:
                return None  # only the bare name matches, and several images have it: none of them is meant
            return best.key

        return find


def _match(entry: Entry, parts: list[str], here: str, split: str | None) -> tuple[bool, int, bool, bool]:
    """How well an image matches: it has exactly this path, shares its last folders, is of the file's split, is near."""
    own = entry.path.split("/")
    shared = 0
    while shared < min(len(own), len(parts)) and own[-1 - shared] == parts[-1 - shared]:
        shared += 1
    is_exact = entry.path == "/".join(filter(None, (here, *parts)))
    of_split = split is not None and any(split_named(part) == split for part in own[:-1])
    return is_exact, shared, of_split, parent(entry.path).startswith(here)


def split_of_file(path: str) -> str | None:
    """The split of a JSON file: "instances_val2017.json" and "valid/_annotations.coco.json" are "val".

    Example:
        >>> split_of_file("annotations/instances_val2017.json")
        'val'
    """
    name = PurePosixPath(path)
    return split_within(name.stem) or split_named(name.parent.name)
