"""Finds the images of a set by file name, however many share it: what label files call an image is seldom its path."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property

from augmentai.dataset.file_names import name_key, printable
from augmentai.dataset.file_tree import Entry, parent
from augmentai.images.file_types import IMAGE_SUFFIXES
from augmentai.plurals import counted

_NAMES_IN_A_NOTICE = 5
_MOST_CANDIDATES = 64  # of one name; a set with a thousand folders may have a thousand images called 0001.jpg


def match_key(name: str) -> str:
    """The same for all spellings of a name: either case, accents in either Unicode form."""
    return name_key(name, fold_case=True)


def name_of(path: str) -> str:
    r"""The last part of a path, which may be written with backslashes.

    Example:
        >>> name_of("C:\\images\\a.jpg"), name_of("images/a.jpg")
        ('a.jpg', 'a.jpg')
    """
    return path.replace("\\", "/").rpartition("/")[2]


def stem_of(path: str) -> str:
    """The file name of an image without its ending. "frame.001" has no ending.

    Example:
        >>> stem_of("images/a.b.JPG"), stem_of("frame.001")
        ('a.b', 'frame.001')
    """
    name = name_of(path)
    stem, dot, ending = name.rpartition(".")
    return stem if stem and dot + ending.lower() in IMAGE_SUFFIXES else name


def named(names: Iterable[str], noun: str = "image", plural: str = "") -> str:
    """How many, and the first few by name, for a notice.

    Example:
        >>> named(["b.jpg", "a.jpg"])
        '2 images (a.jpg, b.jpg)'
    """
    ordered = sorted(names)
    return _counted_names(ordered[:_NAMES_IN_A_NOTICE], len(ordered), noun, plural)


class NameCount:
    """Counts names, of which there may be millions, and keeps the first few in their order for a notice.

    Example:
        >>> names = NameCount()
        >>> for name in ("b.jpg", "a.jpg", "b.jpg"):
        ...     names.add(name)
        >>> names.words("row")
        '3 rows (a.jpg, b.jpg, b.jpg)'
    """

    def __init__(self) -> None:
        self._count = 0
        self._first: list[str] = []

    def __len__(self) -> int:
        return self._count

    def add(self, name: str) -> None:
        self._count += 1
        if len(self._first) < _NAMES_IN_A_NOTICE or name < self._first[-1]:
            insort(self._first, name)
            del self._first[_NAMES_IN_A_NOTICE:]

    def words(self, noun: str) -> str:
        """How many, and the first few, as `named` says it."""
        return _counted_names(self._first, self._count, noun)


def _counted_names(first: list[str], count: int, noun: str, plural: str = "") -> str:
    rest = count - len(first)
    shown = ", ".join(printable(name) for name in first)
    return f"{counted(count, noun, plural)} ({shown}{f' and {rest} more' if rest > 0 else ''})"


def folder_parts(path: str) -> list[str]:
    """The folders of a path, as they are compared."""
    return match_key(path.replace("\\", "/")).split("/")[:-1]


def shared_parts(one: list[str], other: list[str]) -> int:
    """How many leading parts two lists share."""
    count = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        count += 1
    return count


class ImageNames:
    """The images of a set by file name.

    Args:
        images: all of them.
        name: the name that an image is found by: `name_of` its path, or `stem_of` it.

    Example:
        >>> names = ImageNames([Entry("a/1.jpg", ""), Entry("b/1.JPG", "")])
        >>> [entry.path for entry in names.called("1.jpg", near="b/labels.json")]
        ['a/1.jpg', 'b/1.JPG']
    """

    def __init__(self, images: Iterable[Entry], name: Callable[[str], str] = name_of) -> None:
        self._images, self._name = images if isinstance(images, list) else list(images), name
        self._by_folder: dict[tuple[str, str], list[Entry]] | None = None

    @cached_property
    def _by_name(self) -> dict[str, list[Entry]]:
        """The images by their names, once the first is asked for: most formats are not those of a set."""
        by_name: dict[str, list[Entry]] = {}
        for entry in self._images:
            by_name.setdefault(match_key(self._name(entry.path)), []).append(entry)
        for entries in by_name.values():
            entries.sort(key=lambda entry: (entry.path, entry.origin))
        return by_name

    def called(self, name: str, near: str, folders: Iterable[str] = ()) -> list[Entry]:
        """The images of a name; of very many, those that are likely to be meant.

        Args:
            name: the name in any spelling.
            near: the path of the label file that names it.
            folders: names of the folder that the image may be in.
        """
        key = match_key(name)
        found = self._by_name.get(key, [])
        if len(found) <= _MOST_CANDIDATES:
            return found
        by_folder = self._folders()
        in_folder = [entry for folder in folders for entry in by_folder.get((match_key(folder), key), ())]
        likely = [*in_folder[:_MOST_CANDIDATES], *(found[i] for i in self._nearest(found, near))]
        return list({entry.key: entry for entry in likely}.values()) or found[:_MOST_CANDIDATES]

    def __contains__(self, name: str) -> bool:
        return match_key(name) in self._by_name

    def _nearest(self, found: list[Entry], near: str) -> range:
        """Positions of the images that share the deepest folder with a label file; none if they share no folder."""
        folder = parent(near)
        while folder:
            start = bisect_left(found, folder + "/", key=lambda entry: entry.path)
            end = bisect_left(found, folder + "0", key=lambda entry: entry.path)  # "0" follows "/"
            if end > start:
                return range(start, min(end, start + _MOST_CANDIDATES))
            folder = parent(folder)
        return range(0)

    def _folders(self) -> dict[tuple[str, str], list[Entry]]:
        """The images by the name of their folder and their own."""
        if self._by_folder is None:
            self._by_folder = defaultdict(list)
            for key, entries in self._by_name.items():
                for entry in entries if len(entries) > _MOST_CANDIDATES else ():
                    folder = match_key(name_of(parent(entry.path)))
                    self._by_folder[folder, key].append(entry)
        return self._by_folder
