"""The lists of a Pascal VOC set: which split each image is of, and the lists written again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.image_list import missing_notice
from augmentai.dataset.formats.image_names import match_key, name_of
from augmentai.dataset.formats.split_claims import STRENGTH, TRAINVAL, SplitClaims
from augmentai.dataset.formats.splits import split_named
from augmentai.images.file_types import IMAGE_SUFFIXES
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

_LISTS_FOLDER = "imagesets"
_LINES_SAMPLED = 50
_MIN_NAMED_FRACTION = 0.8  # of the sampled lines of a list outside ImageSets, that must name images


@dataclass(frozen=True, slots=True)
class ImageList:
    """A list of images.

    Attributes:
        entry: the file.
        root: the folder of the set that it is of; "" for the dataset itself.
        split: "train", "val", "test" or "trainval"; None if it names another kind of images.
        lines: its lines, without those that are empty.
    """

    entry: Entry
    root: str
    split: str | None
    lines: tuple[str, ...]


class ImageLists:
    """The lists of all sets of a dataset.

    Args:
        tree: its files; the images are photographs alone, so that a folder of masks is not taken for a set.

    Attributes:
        lists: the lists, sorted by path.
        failures: lists that cannot be read.
    """

    def __init__(self, tree: Tree) -> None:
        self.failures: list[Failure] = []
        self._stems = {match_key(entry.name_stem) for entry in tree.images}
        self._names = self._stems | {match_key(name_of(entry.path)) for entry in tree.images}
        self._folders = tree.folders()
        self.lists = [one for entry in tree.sidecars_ending(".txt") if (one := self._read(entry)) is not None]
        self._roots = {one.root for one in self.lists}
        self._origins = {(one.root, one.entry.origin) for one in self.lists}
        self._claims = SplitClaims("list")
        for one in self.lists:
            self._add_splits(one)
        self._claims.settle()

    @property
    def notices(self) -> list[str]:
        """Images that one list trains on and another holds out, and names of images that are missing."""
        lists = [one for one in self.lists if one.split is not None]
        lost = {one.entry.path: dict.fromkeys(filter(None, map(self._missing_in, one.lines))) for one in lists}
        missing = {name: None for names in lost.values() for name in names}
        paths = sorted(path for path, names in lost.items() if names)
        return [*self._claims.notices, *missing_notice(paths, missing)]

    def _missing_in(self, line: str) -> str:
        """The name in a line that names no image of the set; "" if it names one, or is a comment."""
        is_known = line.startswith("#") or _image_name(line, self._names) is not None
        return "" if is_known else line.split()[0]

    def __bool__(self) -> bool:
        """Whether a list names an image of the dataset."""
        return any(_image_name(line, self._names) for one in self.lists for line in islice(one.lines, _LINES_SAMPLED))

    def split_of(self, image: Entry) -> str | None:
        """The split of an image, as the lists of its own set name it."""
        root = self.root_of(image.path)
        if root is None:
            return None
        stem = match_key(image.name_stem)
        origins = (
            [image.origin] if (root, image.origin) in self._origins else [o for r, o in self._origins if r == root]
        )
        found = {self._claims.of((root, origin, stem)) for origin in origins}
        return max(found, key=STRENGTH.index, default=None)

    def root_of(self, path: str) -> str | None:
        """The folder of the set that an image is in: the deepest one that has lists."""
        folder = parent(path)
        while folder not in self._roots:
            if not folder:
                return None
            folder = parent(folder)
        return folder

    def written(self, rows: ImageRows) -> Iterator[tuple[str, list[bytes]]]:
        """Each list written again, (path, lines): the images that exist, then, in the same order, their variations."""
        sources: dict[tuple[str, str], list[Source]] = defaultdict(list)
        for source in rows.sources:
            root = self.root_of(source.path)
            if root is not None:
                sources[root, match_key(PurePosixPath(source.path).stem)].append(source)
        by_path: dict[str, list[ImageList]] = defaultdict(list)
        for one in self.lists:
            by_path[one.entry.path].append(one)  # two ZIPs may contain the same list
        for path, lists in by_path.items():
            lines = dict.fromkeys(line for one in lists for line in self._lines(one, sources, rows, True))
            lines |= dict.fromkeys(line for one in lists for line in self._lines(one, sources, rows, False))
            if lines:
                yield path, [line.encode() for line in lines]

    def _lines(
        self, one: ImageList, sources: dict[tuple[str, str], list[Source]], rows: ImageRows, originals: bool
    ) -> Iterator[str]:
        """The lines of a list: of the originals that exist, or of the variations."""
        for line in one.lines:
            name = _image_name(line, self._names) or line.split()[0]
            stem = _stem(name)
            if originals and name.startswith("#"):
                yield f"{line.strip()}\n"  # a comment, as Oxford-IIIT Pet's list has it
            for source in _listed(sources.get((one.root, match_key(stem)), []), stem):
                if not originals:
                    yield from (_line_of(row, line, name) for row in rows.variations_of(source))
                elif (file := rows.original(source)) is not None:
                    is_renamed = PurePosixPath(file).name != PurePosixPath(source.path).name
                    yield _renamed(file, source, line, name) if is_renamed else f"{line.strip()}\n"

    def _read(self, entry: Entry) -> ImageList | None:
        *folders, _ = match_key(entry.path).split("/")
        in_image_sets = _LISTS_FOLDER in folders
        stem = PurePosixPath(entry.path).stem
        split = _split_of_list(stem, in_image_sets)
        if not in_image_sets and match_key(stem) in self._stems:
            return None  # the labels of an image, in some other format
        try:
            lines = tuple(line for line in entry.text().splitlines() if line.strip())
        except LabelError as error:
            self.failures.append(Failure(entry.path, str(error)))
            return None
        if not in_image_sets and not self._names_images(lines, split is not None):
            return None
        if split is not None and any("/" in line.split()[0] for line in lines[:_LINES_SAMPLED]):
            return None  # of paths, as DAVIS and PaddleDetection have them, which tell equal names apart
        above = folders.index(_LISTS_FOLDER) if in_image_sets else len(folders)
        return ImageList(entry, self._root("/".join(entry.path.split("/")[:above])), split, lines)

    def _names_images(self, lines: tuple[str, ...], is_split: bool) -> bool:
        """Whether a text outside ImageSets is a list of images. Numbers that are no split may be anything."""
        sample = [line for line in lines[:_LINES_SAMPLED] if not line.startswith("#")]
        named = [name for line in sample if (name := _image_name(line, self._names)) is not None]
        is_sure = is_split or not any(name.isdigit() for name in named)
        return is_sure and len(named) >= max(1, _MIN_NAMED_FRACTION * len(sample))

    def _root(self, folder: str) -> str:
        """The nearest folder above a list that contains images."""
        while folder not in self._folders:
            folder = parent(folder)
        return folder

    def _add_splits(self, one: ImageList) -> None:
        if one.split is None:
            return
        for line in one.lines:
            name = _image_name(line, self._names)
            if name is not None:
                self._claims.add((one.root, one.entry.origin, match_key(_stem(name))), one.split, name)


def _split_of_list(stem: str, in_image_sets: bool) -> str | None:
    """The split that the name of a list means, "trainval" among them.

    In ImageSets the last word that names a split counts: "train_val" is a class called "train", "train_aug" is SBD's.
    """
    folded = stem.casefold()
    if folded == TRAINVAL:
        return TRAINVAL
    if not in_image_sets:
        return split_named(stem)
    splits = [TRAINVAL if word == TRAINVAL else split_named(word) for word in re.findall(r"[^\W\d_]+", folded)]
    return next((split for split in reversed(splits) if split is not None), None)


def _listed(sources: list[Source], stem: str) -> list[Source]:
    """Of the sources of one stem those that a line means: spelled as it is, and labelled if any of them is."""
    for wanted in (_is_spelled(stem), _is_labelled):
        sources = [source for source in sources if wanted(source)] or sources
    return sources


def _is_spelled(stem: str) -> Callable[[Source], bool]:
    return lambda source: PurePosixPath(source.path).stem == stem


def _is_labelled(source: Source) -> bool:
    return source.labels is not None


def _line_of(row: ImageRow, line: str, name: str) -> str:
    return _renamed(row.file, row.source, line, name)


def _renamed(file: str, source: Source, line: str, name: str) -> str:
    """A line for another file: its name in place of its source's, followed by whatever follows that."""
    made = PurePosixPath(file)
    folder, _, last = name.rpartition("/")
    has_suffix = PurePosixPath(last).suffix.lower() == PurePosixPath(source.path).suffix.lower()
    written = made.name if has_suffix else made.stem
    return f"{folder + '/' if folder else ''}{written}{line.strip()[len(name) :]}\n"


def _image_name(line: str, known: Container[str]) -> str | None:
    """The image of a line: the whole line, or what precedes a number at its end, or its first word."""
    whole = line.strip()
    for name in dict.fromkeys((whole, *whole.rsplit(maxsplit=1)[:1], *whole.split(maxsplit=1)[:1])):
        if match_key(name_of(name)) in known or match_key(_stem(name)) in known:
            return name
    return None


def _stem(name: str) -> str:
    last = PurePosixPath(name_of(name))
    return last.stem if last.suffix.lower() in IMAGE_SUFFIXES else last.name
