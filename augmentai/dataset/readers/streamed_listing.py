"""Lists one folder of images into a table on disk, as long as there is nothing but images."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, permutations
from pathlib import Path
from threading import Event
from typing import BinaryIO

from augmentai.dataset.archive import Member
from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, folders_above, parent
from augmentai.dataset.formats.masks.maps import is_called_map
from augmentai.dataset.formats.masks.names import may_be_label, read_folder
from augmentai.dataset.formats.masks.unnamed import (
    LOSSLESS,
    MOST_SIBLINGS,
    affixed,
    are_half,
    hold_masks,
    is_label_map,
    may_be_twins,
    sibling_folders,
    step_of,
)
from augmentai.dataset.formats.split_words import split_in_file_name
from augmentai.dataset.readers.image_table import ImageTable
from augmentai.dataset.readers.listing import Listing
from augmentai.dataset.readers.read_report import ReadReport
from augmentai.dataset.readers.table import is_table


class NotStreamedError(Exception):
    """A set has to be read as a whole; the message says why."""


class _IntoTable(list[Entry]):
    """Takes the images of a listing, and keeps none."""

    def __init__(self, table: ImageTable) -> None:
        super().__init__()
        self._table = table
        self.all_name_splits = True

    def append(self, entry: Entry) -> None:
        stem = entry.name_stem
        if may_be_label(read_folder(parent(entry.path)), stem) or is_called_map(entry):
            raise NotStreamedError(f"{entry.path} is called as a mask or a map")
        if self.all_name_splits:
            self.all_name_splits = split_in_file_name(stem) is not None
        name = name_key(stem, fold_case=True)
        self._table.add_entry(entry, name, affixed(name), entry.path.lower().endswith(LOSSLESS))


class StreamedListing(Listing):
    """A listing of one folder whose images go to a table.

    Args:
        report, stop: see `Listing`.
        table: receives the images.

    Raises:
        NotStreamedError: from any method, if there is anything but images in the folder that may belong to the set.
    """

    def __init__(self, report: ReadReport, stop: Event, table: ImageTable) -> None:
        super().__init__(report, stop, reads_tables=True)
        self._into = _IntoTable(table)
        self.tree.images = self._into

    @property
    def all_name_splits(self) -> bool:
        """Whether the name of every image says a split."""
        return self._into.all_name_splits

    def is_repeated(self, path: Path) -> bool:
        return False  # a folder lists each file once

    def add_table(
        self, relative: str, open_file: Callable[[], BinaryIO], file: Path | None = None, member: Member | None = None
    ) -> bool:
        if is_table(relative.rpartition("/")[2]):
            raise NotStreamedError(f"{relative} is a table")
        return False

    def add_member(self, member: Member, name: str, origin: str, within: str) -> None:
        if origin:
            raise NotStreamedError(f"{origin} is an archive")
        super().add_member(member, name, origin, within)

    def add_label_file(
        self, relative: str, file: Path | None = None, member: Member | None = None, origin: str = ""
    ) -> Entry | None:
        raise NotStreamedError(f"{relative} may hold labels")


def check_no_names_of_folders(table: ImageTable) -> None:
    """Look for images that are called as folders: those are left out, and then their folders count for nothing.

    Args:
        table: with the images as they were listed.

    Raises:
        NotStreamedError: there is one.
    """
    folders = {above for folder in table.folders for above in folders_above(f"{folder}/x") if above}
    table.database.execute("CREATE TABLE folders (path TEXT PRIMARY KEY) WITHOUT ROWID")
    table.database.executemany("INSERT INTO folders VALUES (?)", ([folder] for folder in folders))
    called = "SELECT path FROM listed WHERE path IN (SELECT path FROM folders) LIMIT 1"
    if found := table.database.execute(called).fetchone():
        raise NotStreamedError(f"{found[0]} is an image and a folder")


def check_no_masks(table: ImageTable, requested: bool) -> None:
    """Look for images that may be masks of others, under names that say nothing.

    Args:
        table: with the images as they were listed.
        requested: the user says that there are classes alone.

    Raises:
        NotStreamedError: there may be some.
    """
    table.database.execute("CREATE INDEX by_name ON listed (folder, name)")
    twins = "SELECT 1 FROM listed GROUP BY folder, name HAVING count(*) > 1 AND max(is_lossless) LIMIT 1"
    if table.database.execute(twins).fetchone():
        raise NotStreamedError("there are images of the same name, of which one may be the mask of the other")
    if requested:
        return
    files = dict(table.database.execute("SELECT folder, count(*) FROM listed GROUP BY folder"))
    named_after = (
        "SELECT folder, count(*) FROM listed AS one WHERE ending IS NOT NULL AND EXISTS (SELECT 1 FROM listed AS other "
        "WHERE other.folder = one.folder AND other.name = substr(one.name, 1, length(one.name) - length(one.ending))) "
        "GROUP BY folder, ending"
    )
    if any(are_half(count, files[folder]) for folder, count in table.database.execute(named_after)):
        raise NotStreamedError("there are images named after others, of which they may be the masks")
    (lossless,) = table.database.execute("SELECT count(DISTINCT path) FROM listed WHERE is_lossless").fetchone()
    last = "id IN (SELECT max(id) FROM listed WHERE is_lossless GROUP BY path)"  # of files that became one name
    sample = islice(table.entries(last, order="path"), 0, None, step_of(lossless))
    if any(map(is_label_map, sample)):
        raise NotStreamedError("there are images that hold class numbers, as masks do")
    for folder in _like_siblings(table):
        last = "id IN (SELECT max(id) FROM listed WHERE folder = ? GROUP BY name)"
        number = table.folders[folder]
        if hold_masks(islice(table.entries(last, [number], "name"), 0, None, step_of(_count_names(table, number)))):
            raise NotStreamedError(f"the images in {folder} hold what masks hold")


def _like_siblings(table: ImageTable) -> list[str]:
    """Folders whose images may be the masks of those in another one, since they have their names or their number."""
    common_names = (
        "SELECT count(DISTINCT name) FROM listed AS one WHERE folder = ? AND EXISTS "
        "(SELECT 1 FROM listed AS other WHERE other.folder = ? AND other.name = one.name)"
    )
    found = set()
    for group in sibling_folders(sorted(table.folders)):
        if len(group) > MOST_SIBLINGS:
            continue
        counts = {folder: _count_names(table, table.folders[folder]) for folder in group}
        for images, masks in permutations(group, 2):
            numbers = table.folders[masks], table.folders[images]
            (common,) = table.database.execute(common_names, numbers).fetchone()
            if may_be_twins(common, counts[images], counts[masks]):
                found.add(masks)
    return sorted(found)


def _count_names(table: ImageTable, folder: int) -> int:
    found = table.database.execute("SELECT count(DISTINCT name) FROM listed WHERE folder = ?", [folder])
    return int(found.fetchone()[0])
