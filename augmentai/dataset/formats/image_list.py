"""Text files that list images, one per line: which image a line means, and the list written again with variations.

Such lists are written for somebody's machine: their paths may be absolute, of Windows, relative to the list, to the
set, or to a folder called "images", with or without an ending, and something may follow the path.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.dataset.file_tree import Entry, joined, parent

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_LAST_WORD = re.compile(r"[\s,;]+[^\s,;]*$")  # a class, or its number
_FIRST_WORD = re.compile(r"[^\s,;]+")


def resolve(written: str, base: str, folder: str, paths: Collection[str]) -> str | None:
    """The path of the set that a path in data.yaml, or in a list, means.

    Such files are written for somebody's machine: `path` may lead to a folder of theirs, and exporters write
    "../train/images" for "train/images". So leading parts are removed until the rest exists.

    Args:
        written: the path as it is written.
        base: what data.yaml has as `path`.
        folder: the folder of the file that it is written in.
        paths: the paths that exist.
    """
    for start in (joined(base, written), joined(written)):
        parts = start.split("/")
        for removed in range(len(parts)):
            rest = "/".join(parts[removed:])
            for candidate in (joined(folder, rest), rest):
                if candidate in paths and (candidate or not rest):
                    return candidate
    return folder if folder in paths and joined(written) == "" else None


@dataclass(frozen=True)
class ListedImage:
    """One line of a list.

    Attributes:
        text: the line, without its end.
        name: the part of it that names the image; "" if it names none of the set.
        path: the image; "" likewise.
    """

    text: str
    name: str = ""
    path: str = ""


class ImagePaths:
    """Finds the image that a list means.

    Args:
        paths: those of all images; read when the first one is asked for.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._listed = paths

    @cached_property
    def _paths(self) -> set[str]:
        return set(self._listed)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """The paths by the name of the file, with and without its ending."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            name = path.rpartition("/")[2]
            stem = name.rpartition(".")[0] or name
            for one in {name, stem}:
                found[one].append(path)
        return found

    def find(self, written: str, folder: str) -> str | None:
        """The image of a name in a list that is in `folder`; None if there is none, or if several may be meant."""
        found = resolve(written, "", folder, self._paths) if written.strip() else None
        if found is not None:
            return found
        parts = joined(written).split("/")
        candidates = self._by_name.get(parts[-1], [])
        if len(candidates) > 1:  # of several that share a name, the one whose folders are named as well
            shared = {path: _shared_folders(path, parts) for path in candidates}
            most = max(shared.values())
            candidates = [path for path in candidates if shared[path] == most]
        return candidates[0] if len(candidates) == 1 else None

    def line(self, text: str, folder: str) -> ListedImage:
        """What a line of a list means: the path of an image, with spaces or not, and what follows it."""
        whole = text.strip()
        first = _FIRST_WORD.match(whole)
        for name in dict.fromkeys((whole, _LAST_WORD.sub("", whole), first[0] if first else "")):
            path = self.find(name, folder)
            if path is not None:
                return ListedImage(text, name, path)
        return ListedImage(text)


def listed_images(entry: Entry, paths: ImagePaths) -> Iterator[ListedImage]:
    """The lines of a list that are not blank."""
    folder = parent(entry.path)
    for text in entry.text().splitlines():
        if text.strip():
            yield paths.line(text, folder)


def list_with_variations(entry: Entry, rows: ImageRows, leads_to_files: bool) -> Iterator[bytes]:
    """A list written again: the images that exist, each followed by its variations.

    Args:
        entry: the list as it was read.
        rows: the images of the finished set.
        leads_to_files: every line leads to its file, seen from the list, or from the set as before. Otherwise a name is
            kept in its own form, such as "apple_pie/1005649" for "images/apple_pie/1005649.jpg".
    """
    folder = parent(entry.path)
    for one in listed_images(entry, ImagePaths(rows.paths)):
        for source in rows.sources_at(one.path) if one.path else ():
            original = rows.original(source)
            files = [original] if original is not None else []
            for file in (*files, *(row.file for row in rows.variations_of(source))):
                name = renamed(one, file, folder, leads_to_files)
                yield (one.text.replace(one.name, name, 1) + "\n").encode()


def _leads_nowhere(one: ListedImage, folder: str, leads_to_files: bool) -> bool:
    """Whether a name has to be rewritten, for the image that it already names."""
    if _is_absolute(one.name) or "\\" in one.name:
        return True
    return leads_to_files and one.path not in {_seen_from(folder, one.name), joined(one.name)}


def renamed(one: ListedImage, file: str, folder: str, leads_to_files: bool) -> str:
    """The name of a file of the set, in the form in which a list names the image that it was made from.

    Args:
        one: how the list names the image.
        file: the file; if it is the image itself, its name stays as it is, unless it leads nowhere.
        folder: that of the list.
        leads_to_files: see `list_with_variations`.
    """
    if file == one.path and not _leads_nowhere(one, folder, leads_to_files):
        return one.name
    if not _leads_nowhere(one, folder, leads_to_files):
        dot = "./" if one.name.startswith("./") else ""
        if _seen_from(folder, one.name) == one.path:
            return dot + posixpath.relpath(file, folder or ".")
        if joined(one.name) == one.path:
            return dot + file
        above, _, _ = one.name.rpartition("/")
        made = PurePosixPath(file)
        has_ending = PurePosixPath(one.name).name == PurePosixPath(one.path).name
        return "/".join(filter(None, (above, made.name if has_ending else made.stem)))
    relative = posixpath.relpath(file, folder or ".")
    # Ultralytics takes a line for one relative to its list only if it begins with "./".
    return relative if relative.startswith("../") else f"./{relative}"


def _seen_from(folder: str, name: str) -> str:
    """Where a relative name in a file in `folder` leads; "" if that is outside of the set."""
    path = posixpath.normpath(posixpath.join(folder, name))
    return "" if path.startswith("..") else path


def _is_absolute(name: str) -> bool:
    return name.startswith("/") or bool(re.match(r"[A-Za-z]:", name))


def _shared_folders(path: str, parts: list[str]) -> int:
    folders, named = path.split("/")[:-1], parts[:-1]
    shared = 0
    while shared < min(len(folders), len(named)) and folders[-1 - shared] == named[-1 - shared]:
        shared += 1
    return shared
