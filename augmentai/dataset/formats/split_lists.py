"""Lists that say which images are for training, validation and test: train.txt and its like, or a column of a table.

They are read for the splits, and written again with the variations in them. A set may have folders and lists: what a
list says of an image comes first.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.image_list import ImagePaths, ListedImage, list_with_variations, listed_images, renamed
from augmentai.dataset.formats.split_words import may_name_split, read_name, split_named
from augmentai.dataset.formats.splits import folder_splits, split_of

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_MIN_FOUND = 0.5  # of the lines of a list, that name an image of the set
_MIN_NAMED = 0.9  # of the values in a column, that name a split
_MAX_SHARED = 0.1  # of the held-out images, that may be in a training list; folds share most of them
_MAX_LISTS = 50  # a set with more files of such names has label files, not lists
_COLUMNS = {"split", "subset", "set", "dataset", "partition", "usage", "phase"}


@dataclass(frozen=True)
class _Table:
    """A CSV file with a column of images and one of splits. images: the image of each row, None if it names none."""

    entry: Entry
    dialect: type[csv.Dialect]
    rows: list[list[str]]
    column: int
    images: list[str | None]


@dataclass
class SplitLists:
    """What the lists and folders of a set say of its splits.

    Attributes:
        folders: from `folder_splits`.
        entries: the files that are such lists.
        notices: for the user.
    """

    folders: dict[str, str | None]
    entries: list[Entry] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    _listed: dict[str, str] = field(default_factory=dict)
    _texts: list[Entry] = field(default_factory=list)
    _tables: list[_Table] = field(default_factory=list)
    _has_training: bool = False

    def of(self, path: str) -> str | None:
        """The split of an image. One that only held-out images are listed beside is for training."""
        if path in self._listed:
            return self._listed[path]
        split, folder = split_of(path, self.folders)
        if folder or split or not self._listed:
            return split
        return None if self._has_training else "train"

    def written(self, rows: ImageRows, leads_to_files: bool = False) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The lists of the finished set.

        Args:
            rows: the images of the finished set.
            leads_to_files: see `list_with_variations`.
        """
        for entry in self._texts:
            yield entry.path, list_with_variations(entry, rows, leads_to_files)
        for table in self._tables:
            yield table.entry.path, _written_table(table, rows)


def read_split_lists(tree: Tree, others: Container[str] = ()) -> SplitLists:
    """The splits of a set by its lists and folders.

    A list is a text file called as a split, whose lines name images. A table is a CSV file with a column called
    "split" (or "subset", "set" ...) whose values are splits, and one that names images.

    Args:
        tree: the files of the set.
        others: paths of files that are known to be something else, such as the labels of an image.
    """
    found = SplitLists(folder_splits(entry.path for entry in tree.images))
    names = ImagePaths(entry.path for entry in tree.images)
    named: dict[str, dict[str, str]] = {}  # by the path of the list
    for entry in _candidates(tree, others):
        listed = _images_in_text(entry, names)
        if listed:
            split = read_name(PurePosixPath(entry.path).stem).split or ""
            named[entry.path] = dict.fromkeys(listed, split)
            found._texts.append(entry)
    for entry in tree.sidecars_ending(".csv"):
        table = _read_table(entry, names) if entry.path not in others else None
        if table is not None:
            named[entry.path] = _splits_in_table(table)
            found._tables.append(table)
    if _are_folds(named):
        files = ", ".join(sorted(named)[:4])
        found.notices.append(f"{files} name the same images for training and testing, as folds do; they are not used")
        return SplitLists(found.folders, notices=found.notices)
    found._listed, found._has_training = _merged(named)
    found.entries = [*found._texts, *(table.entry for table in found._tables)]
    return found


def _candidates(tree: Tree, others: Container[str]) -> list[Entry]:
    """Text files that are called as a split, and are not the labels of an image of that name."""
    found = []
    for entry in tree.sidecars_ending(".txt", ".lst"):
        name = entry.path.rpartition("/")[2].rpartition(".")[0]
        if may_name_split(name) and split_named(name) and entry.path not in others:
            found.append(entry)
    if found:
        stems = {entry.stem for entry in tree.images}
        found = [entry for entry in found if entry.stem not in stems]
    return found if len(found) <= _MAX_LISTS else []


def _images_in_text(entry: Entry, names: ImagePaths) -> list[str]:
    """The images that a list names; none if most of its lines name none."""
    try:
        lines = list(listed_images(entry, names))
    except LabelError:
        return []
    found = [line.path for line in lines if line.path]
    return found if len(found) >= _MIN_FOUND * len(lines) else []


def _read_table(entry: Entry, names: ImagePaths) -> _Table | None:
    """A table of splits; None if the file is something else."""
    try:
        text = entry.text()
        dialect = csv.Sniffer().sniff(text[:4096], ",;\t|")
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if row]
    except (LabelError, csv.Error):
        return None
    folder = parent(entry.path)
    header = [_plain(name) for name in rows[0]] if rows else []
    body = [row for row in rows[1:] if len(row) == len(header)]
    if not body or len(body) != len(rows) - 1 or not any(_is_split_column(header, body, i) for i in range(len(header))):
        return None
    for column in range(len(header)):
        images = [names.find(row[column].strip(), folder) if row[column].strip() else None for row in body]
        if sum(image is not None for image in images) >= _MIN_FOUND * len(body):
            return _Table(entry, dialect, rows, column, images)
    return None


def _splits_in_table(table: _Table) -> dict[str, str]:
    header, body = [_plain(name) for name in table.rows[0]], table.rows[1:]
    column = next(i for i in range(len(header)) if _is_split_column(header, body, i))
    found = {}
    for row, image in zip(body, table.images, strict=True):
        split = split_named(row[column])
        if image is not None and split is not None:
            found[image] = split
    return found


def _is_split_column(header: list[str], body: list[list[str]], column: int) -> bool:
    if header[column] not in _COLUMNS:
        return False
    return sum(split_named(row[column]) is not None for row in body) >= _MIN_NAMED * len(body)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalpha())


def _merged(named: dict[str, dict[str, str]]) -> tuple[dict[str, str], bool]:
    """(the split of each image that is listed, whether a list is for training).

    A list of training and validation ("trainval") counts least. An image in two lists is held out, unless every
    training image is: small sets validate on their training images.
    """
    ranked: dict[str, tuple[int, str]] = {}
    for path in sorted(named):
        for image, split in named[path].items():
            rank = 2 if split != "train" else 0 if _is_of_all(path) else 1
            ranked[image] = max(ranked.get(image, (rank, split)), (rank, split))
    found = {image: split for image, (_, split) in ranked.items()}
    training = {image for splits in named.values() for image, split in splits.items() if split == "train"}
    if training and "train" not in found.values():
        found.update(dict.fromkeys(training, "train"))
    return found, bool(training)


def _is_of_all(path: str) -> bool:
    return "trainval" in "".join(filter(str.isalpha, PurePosixPath(path).stem.casefold()))


def _are_folds(named: dict[str, dict[str, str]]) -> bool:
    """Whether several lists of one split contradict those of another."""
    images: dict[str, set[str]] = defaultdict(set)
    lists: dict[str, int] = defaultdict(int)
    for path, splits in named.items():
        if not _is_of_all(path):
            for split in set(splits.values()):
                lists[split] += 1
            for image, split in splits.items():
                images["train" if split == "train" else "held out"].add(image)
    shared = images["train"] & images["held out"]
    return max(lists.values(), default=0) > 1 and len(shared) > _MAX_SHARED * len(images["held out"])


def _written_table(table: _Table, rows: ImageRows) -> Iterator[bytes]:
    """A table again: the rows of the images that exist, each followed by those of its variations."""
    yield _csv_line(table, table.rows[0])
    folder = parent(table.entry.path)
    for row, image in zip(table.rows[1:], table.images, strict=True):
        listed = ListedImage("", row[table.column].strip(), image or "")
        for source in rows.sources_at(image) if image else ():
            original = rows.original(source)
            files = [original] if original is not None else []
            for file in (*files, *(made.file for made in rows.variations_of(source))):
                name = renamed(listed, file, folder, leads_to_files=False)
                yield _csv_line(table, [*row[: table.column], name, *row[table.column + 1 :]])


def _csv_line(table: _Table, row: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, table.dialect, lineterminator="\n").writerow(row)
    return text.getvalue().encode()
