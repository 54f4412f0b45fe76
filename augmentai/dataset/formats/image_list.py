"""Text files that list images, one per line: which image a line means, and the list written again with variations.

Such lists are written for somebody's machine: their paths may be absolute, of Windows, relative to the list, to the
set, or to a folder called "images", with or without an ending, and something may follow the path.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.dataset.bounds import DEEPEST_PATH, LONGEST_PATH_CHARS
from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, joined, parent
from augmentai.dataset.formats.image_names import named
from augmentai.dataset.formats.namesakes import Namesakes
from augmentai.images.file_types import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_LAST_WORD = re.compile(r"[\s,;]+[^\s,;]*$")  # a class, or its number
_QUOTED = re.compile(r"""\s*(["'])(.+?)\1""")
_CELL = re.compile(r"[^\s,;|]+")
_FILE = re.compile(r"\w\.[a-zA-Z]\w{1,4}$")
_CELLS = re.compile(r"([\s,;|]+)")  # keeps what is between them
_LABEL_FILE = re.compile(r"(?i)\.(xml|txt|json)$")  # lists may name the labels instead of the images
_MOST_CELLS = 2  # of a line that names an image without its ending: the name, and its class or 1 and -1


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
    if len(written) > LONGEST_PATH_CHARS:
        return None
    within = f"{folder}/" if folder else ""
    for start in (joined(base, written), joined(written)):
        parts = start.split("/")
        for removed in range(max(0, len(parts) - DEEPEST_PATH), len(parts)):
            rest = "/".join(parts[removed:])
            for candidate in (f"{within}{rest}" if rest else folder, rest):
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
        self._namesakes: dict[tuple[str, str], Namesakes] = {}  # by kind and name, of those that were asked for
        self._below: dict[int, list[str]] = {}

    @cached_property
    def _paths(self) -> set[str]:
        return set(self._listed)

    @cached_property
    def _by_key(self) -> dict[str, str]:
        """The paths that are not plain ASCII, by what they have in common in either Unicode form."""
        return {name_key(path): path for path in sorted(self._paths) if not path.isascii()}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """The paths by the name of the file, with and without its ending."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            name = path.rpartition("/")[2]
            stem = name.rpartition(".")[0] or name
            for one in {name_key(name), name_key(stem)}:
                found[one].append(path)
        return found

    @cached_property
    def _by_folded_name(self) -> dict[str, list[str]]:
        """The paths by the name of the file, in any case."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            found[name_key(path.rpartition("/")[2], fold_case=True)].append(path)
        return found

    @cached_property
    def _by_folder(self) -> dict[str, dict[str, list[str]]]:
        """The paths by the name of each folder above them, and by that folder."""
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for path in sorted(self._paths):
            above = parent(path)
            while above:
                found[name_key(above.rpartition("/")[2])][above].append(path)
                above = parent(above)
        return found

    def below(self, written: str, folder: str) -> list[str]:
        """The images in the folders that a name in a list in `folder` means: of a video, a patient or a class.

        The same list is returned for all names of the same folders.

        Example:
            >>> paths = ImagePaths(["frames/bear/1.jpg", "frames/bear/2.jpg", "frames/bus/1.jpg"])
            >>> paths.below("bear", "splits"), paths.below("cat", "splits")
            (['frames/bear/1.jpg', 'frames/bear/2.jpg'], [])
        """
        parts = joined(written.strip()).split("/")
        key = name_key(parts[-1])
        folders = self._by_folder.get(key, {}) if parts[-1] else {}
        if not folders:
            return []
        if ("/", key) not in self._namesakes:
            self._namesakes["/", key] = Namesakes(folders)
        meant = self._namesakes["/", key].meant(parts, folder)
        if id(meant) not in self._below:  # which lives as long as its namesakes
            self._below[id(meant)] = sorted({image for path in meant for image in folders[path]})
        return self._below[id(meant)]

    def find(self, written: str, folder: str, by_label: bool = False) -> str | None:
        """The image of a name in a list that is in `folder`; None if there is none, or if several may be meant.

        by_label: the name may be that of its label file ("labels/1.txt").

        Of several that share a name it is the one whose folders are named as well, then the one nearest to the list.

        Example:
            >>> paths = ImagePaths(["day/images/1.jpg", "night/images/1.jpg"])
            >>> paths.find("1", "day/lists"), paths.find("night/images/1.jpg", ""), paths.find("1.jpg", "")
            ('day/images/1.jpg', 'night/images/1.jpg', None)
        """
        if not written.strip():
            return None
        found = resolve(written, "", folder, self._paths)
        if found is None and self._by_key:
            key = resolve(name_key(written), "", name_key(folder), self._by_key)
            found = self._by_key[key] if key is not None else None
        if found is not None:
            return found
        parts = joined(written).split("/")
        kind, key = "", name_key(parts[-1])
        candidates = self._by_name.get(key, [])
        if not candidates and by_label and _LABEL_FILE.search(parts[-1]):
            key = name_key(PurePosixPath(parts[-1]).stem)
            candidates = self._by_name.get(key, [])
        if not candidates and PurePosixPath(parts[-1]).suffix:
            kind, key = "folded", name_key(parts[-1], fold_case=True)
            candidates = self._by_folded_name.get(key, [])
        if len(candidates) > 1:
            if (kind, key) not in self._namesakes:
                self._namesakes[kind, key] = Namesakes(candidates)
            candidates = self._namesakes[kind, key].meant(parts, folder)
        return candidates[0] if len(candidates) == 1 else None

    def line(self, text: str, folder: str) -> ListedImage:
        """What a line of a list means: the path of an image, with spaces, in quotes or not, and what is around it.

        Example:
            >>> paths = ImagePaths(["images/a 1.jpg"])
            >>> [paths.line(text, "").name for text in ("images/a 1.jpg 3", '"images/a 1.jpg"', "nothing")]
            ['images/a 1.jpg', 'images/a 1.jpg', '']
            >>> ImagePaths(["images/a.jpg"]).line("0\\t0.2\\t0.4\\timages/a.jpg", "").name
            'images/a.jpg'
        """
        whole = text.strip()
        quoted = _QUOTED.match(whole)
        cells = _CELL.findall(whole)
        for name in dict.fromkeys((quoted[2] if quoted else whole, whole, _LAST_WORD.sub("", whole), *cells[:1])):
            path = self.find(name, folder)
            if path is not None:
                # "7 0.2 0.4 images/a.jpg" ends in the name: what precedes it is not of it.
                alone = cells[-1] if len(cells) > 2 and name == whole and cells[-1] != whole else ""
                return ListedImage(text, alone if alone and self.find(alone, folder) == path else name, path)
        path = self.find(cells[0], folder, by_label=True) if cells else None
        if path is not None:
            return ListedImage(text, cells[0], path)
        return ListedImage(text)


def listed_images(entry: Entry, paths: ImagePaths) -> Iterator[ListedImage]:
    """The lines of a list that are not blank."""
    folder = parent(entry.path)
    for text in entry.text().splitlines():
        if text.strip():
            yield paths.line(text, folder)


def missing_images(lines: Sequence[ListedImage]) -> tuple[str, ...]:
    """The names of images in the lines of a list, of which the set has none.

    Lines without the ending of an image may say anything else, unless the list names its images so.
    """
    known = [one.name for one in lines if one.path]
    bare = bool(known) and all(PurePosixPath(name).suffix.lower() not in IMAGE_SUFFIXES for name in known)
    names = (name for one in lines if not one.path and (name := _name_in(one.text, bare)))
    return tuple(dict.fromkeys(names))


def _name_in(text: str, bare: bool) -> str:
    """The first name of an image in a line; bare: without an ending, which a line with one word or a number has."""
    cells = _CELL.findall(text.strip().strip("\"'")) if not text.lstrip().startswith("#") else []
    named = next((cell for cell in cells if PurePosixPath(cell).suffix.lower() in IMAGE_SUFFIXES), "")
    is_name = bare and cells and len(cells) <= _MOST_CELLS and not cells[0].isdigit()
    return named or (cells[0] if is_name else "")


def missing_notice(paths: Sequence[str], missing: Collection[str]) -> list[str]:
    """That lists name images which the set does not have; empty if there are none.

    Example:
        >>> missing_notice(["train.txt", "val.txt"], ["a.jpg"])
        ['train.txt and 1 more list 1 image (a.jpg) that the set does not have; left out']
    """
    if not missing:
        return []
    lists = f"{paths[0]} lists" if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more list"
    return [f"{lists} {named(missing)} that the set does not have; left out"]


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
                before, _, after = one.text.partition(one.name)
                stems = PurePosixPath(one.path).stem, PurePosixPath(file).stem
                others = (renamed_cell(cell, *stems) for cell in _CELLS.split(after))
                yield f"{before}{name}{''.join(others)}\n".encode()


def renamed_cell(cell: str, stem: str, made: str) -> str:
    """A cell that names the image without its ending, or a file called after it, for a variation.

    Example:
        >>> renamed_cell("masks/a.png", "a", "a__v1"), renamed_cell("masks/b.png", "a", "a__v1")
        ('masks/a__v1.png', 'masks/b.png')
    """
    above, slash, name = cell.rpartition("/")
    return above + slash + made + name[len(stem) :] if name == stem or name.startswith(f"{stem}.") else cell


def names_other_files(lines: Iterable[ListedImage], paths: ImagePaths, folder: str) -> bool:
    """Whether lines name files that are not called after their images: a variation would not have them.

    Masks, which are none of the images, may be called otherwise: their formats name those of variations.
    """
    for one in lines:
        stem = PurePosixPath(one.path).stem
        cells = _CELL.findall(one.text.partition(one.name)[2]) if one.path else []
        for cell in cells:
            is_mask = PurePosixPath(cell).suffix.lower() in IMAGE_SUFFIXES and paths.find(cell, folder) is None
            if _FILE.search(cell) and not is_mask and renamed_cell(cell, stem, "") == cell:
                return True
    return False


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
        of_labels = _LABEL_FILE.search(one.name)
        last = made.name if has_ending else made.stem + (of_labels[0] if of_labels else "")
        return "/".join(filter(None, (above, last)))
    relative = posixpath.relpath(file, folder or ".")
    # Ultralytics takes a line for one relative to its list only if it begins with "./".
    return relative if relative.startswith("../") else f"./{relative}"


def _seen_from(folder: str, name: str) -> str:
    """Where a relative name in a file in `folder` leads; "" if that is outside of the set."""
    path = posixpath.normpath(posixpath.join(folder, name))
    return "" if path.startswith("..") else path


def _is_absolute(name: str) -> bool:
    return name.startswith("/") or bool(re.match(r"[A-Za-z]:", name))
